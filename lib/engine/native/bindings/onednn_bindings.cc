// Loading oneDNN and telling its choices, as JavaScript sees them.
#include <vector>

#include "bindings/bindings.h"
#include "onednn/onednn.h"

namespace convbook {
namespace {

// The one that useOneDnn has put there; null: none.
OneDnn* inUse(const State& state) { return static_cast<OneDnn*>(state.onednn.get()); }

std::string text(const Arguments& args, size_t i) {
  size_t length = 0;
  if (!args.given(i)) return "";
  if (napi_get_value_string_utf8(args.env(), args.value(i), nullptr, 0, &length) != napi_ok) {
    throw BadArgument("Argument " + std::to_string(i) + ": expected a string");
  }
  std::vector<char> bytes(length + 1);
  napi_get_value_string_utf8(args.env(), args.value(i), bytes.data(), bytes.size(), &length);
  return std::string(bytes.data(), length);
}

napi_value string(const Arguments& args, const std::string& value) {
  napi_value result;
  napi_create_string_utf8(args.env(), value.data(), value.size(), &result);
  return result;
}

napi_value number(const Arguments& args, double value) {
  napi_value result;
  napi_create_double(args.env(), value, &result);
  return result;
}

napi_value list(const Arguments& args, const std::vector<napi_value>& values) {
  napi_value result;
  napi_create_array_with_length(args.env(), values.size(), &result);
  for (size_t i = 0; i < values.size(); i++) napi_set_element(args.env(), result, static_cast<uint32_t>(i), values[i]);
  return result;
}

// (path of a module, whether to take it wherever it can, path for its choices) -> [name, version], or why it cannot be;
// without a path, takes none
napi_value useOneDnn(const Arguments& args, State& state) {
  state.onednn.reset();
  const std::string path = text(args, 0);
  if (path.empty()) return nullptr;
  std::string reason;
  const Module* module = loadModule(path.c_str(), &reason);
  if (module == nullptr) return string(args, reason);
  state.onednn.reset(
      new OneDnn(*module, args.flag(1) ? OneDnn::Use::WhereItCan : OneDnn::Use::WhereFaster, text(args, 2)));
  return list(args, {string(args, module->name), string(args, module->release)});
}

// () -> a row for each shape that was met: [what, milliseconds of the engine's own, of oneDNN's (-1: it has none),
// whether oneDNN is taken]
napi_value oneDnnChoices(const Arguments& args, State& state) {
  std::vector<napi_value> rows;
  if (state.onednn != nullptr) {
    for (const Choices::Row& row : inUse(state)->choices().rows()) {
      napi_value takes;
      napi_get_boolean(args.env(), row.takesOneDnn, &takes);
      rows.push_back(list(args, {string(args, row.what), number(args, row.native), number(args, row.onednn), takes}));
    }
  }
  return list(args, rows);
}

// () -> how many convolutions oneDNN has run
napi_value oneDnnRuns(const Arguments& args, State& state) {
  return number(args, state.onednn == nullptr ? 0 : static_cast<double>(inUse(state)->runs()));
}

}  // namespace

void defineOneDnnBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state,
         {{"useOneDnn", call<useOneDnn>}, {"oneDnnChoices", call<oneDnnChoices>}, {"oneDnnRuns", call<oneDnnRuns>}});
}

}  // namespace convbook
