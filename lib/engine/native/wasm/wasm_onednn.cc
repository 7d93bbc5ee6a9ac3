// oneDNN, as JavaScript sees it where there is none.
#include "bindings/bindings.h"

namespace convbook {
namespace {

napi_value useOneDnn(const Arguments& args, State&) {
  if (!args.given(0)) return nullptr;
  napi_value reason;
  napi_create_string_utf8(args.env(), "WebAssembly has none", NAPI_AUTO_LENGTH, &reason);
  return reason;
}

napi_value oneDnnChoices(const Arguments& args, State&) {
  napi_value none;
  napi_create_array_with_length(args.env(), 0, &none);
  return none;
}

napi_value oneDnnRuns(const Arguments& args, State&) {
  napi_value none;
  napi_create_double(args.env(), 0, &none);
  return none;
}

}  // namespace

void defineOneDnnBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state,
         {{"useOneDnn", call<useOneDnn>}, {"oneDnnChoices", call<oneDnnChoices>}, {"oneDnnRuns", call<oneDnnRuns>}});
}

}  // namespace convbook
