// Memory for tensors, as JavaScript sees it: regions that are ArrayBuffers.
#include <utility>

#include "bindings/bindings.h"
#include "runtime/lent.h"
#include "runtime/memory.h"

namespace convbook {
namespace {

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

// What operations leave behind for the next one goes back to the system.
napi_value releasePassing(const Arguments&, State&) {
  releaseLent();
  return nullptr;
}

}  // namespace

void defineMemoryBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state,
         {{"alloc", call<alloc>},
          {"drop", call<drop>},
          {"settle", call<settle>},
          {"releasePassing", call<releasePassing>}});
}

}  // namespace convbook
