// The module: an engine's threads, instruction set and memory; everything else is defined by the files *_bindings.cc.
#include <algorithm>

#include "amx/amx.h"
#include "bindings/bindings.h"
#include "runtime/lent.h"
#include "runtime/processors.h"
#include "winograd/winograd.h"

namespace convbook {
namespace {

// Threads for all that follows; what was cut or planned for others goes.
void takePool(State& state, int threads, bool simulated) {
  state.kept.clear();
  state.dropProgram();
  state.pool.reset(new ThreadPool(threads, simulated, state.reproducible ? kFixedHands : 0));
  state.singles.clear();
  for (int thread = 0; thread < threads; thread++) state.singles.emplace_back(new ThreadPool(1));
}

// (threads, instruction set?, reproducible) -> the instruction set in use. Tiles sum in an order of their own: where
// results must be reproducible, their processor computes as one without.
napi_value configure(const Arguments& args, State& state) {
  const int threads = args.integer(0);
  char name[32] = {};
  size_t length = 0;
  if (args.given(1)) napi_get_value_string_utf8(args.env(), args.value(1), name, sizeof name, &length);
  const bool reproducible = args.flag(2), same = reproducible == state.reproducible;
  state.reproducible = reproducible;
  state.kernels = &chooseKernels(length > 0 ? name : nullptr);
  if (reproducible && state.kernels->tiles != nullptr) state.kernels = &chooseKernels("avx512");
  const int wanted = threads > 0 ? std::min(threads, 256) : availableProcessors();
  if (!same || state.pool == nullptr || state.pool->threads() != wanted || state.pool->isSimulated()) {
    takePool(state, wanted, false);
  }
  napi_value isa;
  napi_create_string_utf8(args.env(), state.kernels->name, NAPI_AUTO_LENGTH, &isa);
  return isa;
}

#if !defined(__wasm__)
// (threads) pretends to have so many, until `configure` is called: their tasks run one by one and are timed.
napi_value simulateThreads(const Arguments& args, State& state) {
  const int threads = args.integer(0);
  if (threads < 1 || threads > 256) refuseNumber(0, "1 to 256 threads", threads);
  takePool(state, threads, true);
  return nullptr;
}

// () -> [runs, tasks, seconds of all tasks, seconds until the last thread of each run would have been done]
napi_value simulatedWork(const Arguments& args, State& state) {
  const SimulatedWork& work = state.pool->simulatedWork();
  const double values[] = {static_cast<double>(work.runs), static_cast<double>(work.tasks), work.total, work.span};
  napi_value list, value;
  napi_create_array_with_length(args.env(), 4, &list);
  for (uint32_t i = 0; i < 4; i++) {
    napi_create_double(args.env(), values[i], &value);
    napi_set_element(args.env(), list, i, value);
  }
  return list;
}
#endif

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
  size_t bytes = state.pool->scratchBytes() + state.kept.bytes() + lentKeptBytes();
  for (const auto& single : state.singles) bytes += single->scratchBytes();
  napi_create_double(args.env(), static_cast<double>(bytes), &result);
  return result;
}

napi_value releaseScratch(const Arguments&, State& state) {
  state.kept.clear();
  state.pool->releaseScratch();
  for (const auto& single : state.singles) single->releaseScratch();
  releaseLent();
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
#if !defined(__wasm__)
             {"simulateThreads", call<simulateThreads>},
             {"simulatedWork", call<simulatedWork>},
#endif
             {"hasBf16", call<hasBf16>},
             {"tilePasses", call<tilePasses>},
             {"useWinograd", call<useWinograd>},
             {"winogradPasses", call<winogradCounts>},
             {"scratchBytes", call<scratchBytes>},
             {"releaseScratch", call<releaseScratch>},
         });
  defineMemoryBindings(env, exports, state);
  defineConvBindings(env, exports, state);
  defineArrayBindings(env, exports, state);
  defineIntegerBindings(env, exports, state);
  defineLayerBindings(env, exports, state);
  defineOperationBindings(env, exports, state);
  defineOptimizerBindings(env, exports, state);
  defineProgramBindings(env, exports, state);
  defineTableBindings(env, exports, state);
  defineOneDnnBindings(env, exports, state);
  return exports;
}
