// The module: an engine's threads, instruction set and memory; everything else is defined by the files *_bindings.cc.
#include <algorithm>
#include <thread>
#include <utility>
#if defined(__linux__)
#include <sched.h>
#endif

#include "amx/amx.h"
#include "bindings/bindings.h"
#include "runtime/memory.h"
#include "winograd/winograd.h"

namespace convbook {
namespace {

int availableProcessors() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

napi_value configure(const Arguments& args, State& state) {
  const int threads = args.integer(0);
  char name[32] = {};
  size_t length = 0;
  if (args.given(1)) napi_get_value_string_utf8(args.env(), args.value(1), name, sizeof name, &length);
  state.kernels = &chooseKernels(length > 0 ? name : nullptr);
  const int wanted = threads > 0 ? std::min(threads, 256) : availableProcessors();
  if (state.pool == nullptr || state.pool->threads() != wanted) {
    state.dropProgram();  // It was planned for other threads.
    state.pool.reset(new ThreadPool(wanted));
    state.singles.clear();
    for (int thread = 0; thread < wanted; thread++) state.singles.emplace_back(new ThreadPool(1));
  }
  napi_value isa;
  napi_create_string_utf8(args.env(), state.kernels->name, NAPI_AUTO_LENGTH, &isa);
  return isa;
}

napi_value threads(const Arguments& args, State& state) {
  napi_value result;
  napi_create_int32(args.env(), state.pool->threads(), &result);
  return result;
}

napi_value hasBf16(const Arguments& args, State& state) {
  napi_value result;
  napi_get_boolean(args.env(), state.kernels->tiles != nullptr, &result);
  return result;
}

napi_value countsOf(const Arguments& args, const std::vector<uint64_t>& counts) {
  napi_value list, count;
  napi_create_array_with_length(args.env(), counts.size(), &list);
  for (uint32_t i = 0; i < counts.size(); i++) {
    napi_create_double(args.env(), static_cast<double>(counts[i]), &count);
    napi_set_element(args.env(), list, i, count);
  }
  return list;
}

// () -> what AMX tiles have computed: [passes with rounded factors, with split ones, gradients of filters]
napi_value tilePasses(const Arguments& args, State&) {
  const AmxPasses& passes = amxPasses();
  return countsOf(args, {passes.rounded.load(), passes.split.load(), passes.filterGradients.load()});
}

// (how: 0 never, 1 where the model says that it is faster, 2 and 3 wherever it can, in small and in large tiles) sets
// when Winograd's algorithm is used.
napi_value useWinograd(const Arguments& args, State& state) {
  ConvImplementation* ways[] = {nullptr, &winogradWhereFaster(), &winogradInSmallTiles(), &winogradInLargeTiles()};
  state.winograd = ways[args.choice<int>(0, 4)];
  return nullptr;
}

// () -> passes by Winograd's algorithm: [forward, gradients of inputs, of filters]
napi_value winogradCounts(const Arguments& args, State&) {
  const WinogradPasses& passes = winogradPasses();
  return countsOf(args, {passes.forward.load(), passes.inputGradients.load(), passes.filterGradients.load()});
}

napi_value scratchBytes(const Arguments& args, State& state) {
  napi_value result;
  size_t bytes = state.pool->scratchBytes();
  for (const auto& single : state.singles) bytes += single->scratchBytes();
  napi_create_double(args.env(), static_cast<double>(bytes), &result);
  return result;
}

napi_value releaseScratch(const Arguments&, State& state) {
  state.pool->releaseScratch();
  for (const auto& single : state.singles) single->releaseScratch();
  return nullptr;
}

void freePages(napi_env, void* data, void* hint) { pagesFree(data, reinterpret_cast<size_t>(hint)); }

napi_value alloc(const Arguments& args, State&) {
  const size_t bytes = args.size(0);
  void* data = pagesAlloc(bytes);
  if (data == nullptr) throw std::bad_alloc();
  napi_value buffer;
  const napi_status status =
      napi_create_external_arraybuffer(args.env(), data, bytes, freePages, reinterpret_cast<void*>(bytes), &buffer);
  if (status == napi_ok) return buffer;
  // Some embedders of Node do not allow memory from outside.
  pagesFree(data, bytes);
  if (napi_create_arraybuffer(args.env(), bytes, &data, &buffer) != napi_ok) throw std::bad_alloc();
  return buffer;
}

std::pair<void*, size_t> arrayBuffer(const Arguments& args) {
  void* data = nullptr;
  size_t bytes = 0;
  if (napi_get_arraybuffer_info(args.env(), args.value(0), &data, &bytes) != napi_ok) {
    throw BadArgument("Argument 0: expected an ArrayBuffer");
  }
  return {data, bytes};
}

// Moves a part of a region that nobody uses to huge pages if it has small ones; its contents are lost. Says whether
// there is more to move.
napi_value settle(const Arguments& args, State&) {
  const auto [data, bytes] = arrayBuffer(args);
  napi_value more;
  napi_get_boolean(args.env(), data != nullptr && pagesSettle(data, bytes), &more);
  return more;
}

// Gives a region's pages back at once and makes the ArrayBuffer unusable.
napi_value drop(const Arguments& args, State&) {
  const auto [data, bytes] = arrayBuffer(args);
  if (data != nullptr) pagesDrop(data, bytes);
  napi_detach_arraybuffer(args.env(), args.value(0));
  return nullptr;
}

}  // namespace
}  // namespace convbook

NAPI_MODULE_INIT() {
  using namespace convbook;
  State* state = new State();
  state->kernels = &chooseKernels(nullptr);
  state->pool.reset(new ThreadPool(1));
  state->singles.emplace_back(new ThreadPool(1));
  napi_set_instance_data(env, state, [](napi_env, void* data, void*) { delete static_cast<State*>(data); }, nullptr);
  define(env, exports, state,
         {
             {"configure", call<configure>},
             {"threads", call<threads>},
             {"hasBf16", call<hasBf16>},
             {"tilePasses", call<tilePasses>},
             {"useWinograd", call<useWinograd>},
             {"winogradPasses", call<winogradCounts>},
             {"scratchBytes", call<scratchBytes>},
             {"releaseScratch", call<releaseScratch>},
             {"alloc", call<alloc>},
             {"drop", call<drop>},
             {"settle", call<settle>},
         });
  defineConvBindings(env, exports, state);
  defineArrayBindings(env, exports, state);
  defineIntegerBindings(env, exports, state);
  defineLayerBindings(env, exports, state);
  defineOptimizerBindings(env, exports, state);
  defineProgramBindings(env, exports, state);
  defineTableBindings(env, exports, state);
  defineOneDnnBindings(env, exports, state);
  return exports;
}
