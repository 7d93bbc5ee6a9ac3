// What JavaScript has to number and order as the native code does, as text: it compares its own tables (tables.ts) when
// it loads the module, which might be of other sources.
#include <string>
#include <utility>

#include "bindings/bindings.h"
#include "ops/integers.h"
#include "program/program_table.h"

namespace convbook {
namespace {

// () -> [name of a table, its entries] of each
napi_value tables(const Arguments& args, State&) {
  const std::pair<const char*, std::string> all[] = {
      {"activations", kActivationNames},
      {"unary", kUnaryNames},
      {"binary", kBinaryNames},
      {"compare", kCompareNames},
      {"reduce", kReduceNames},
      {"cast", kCastNames},
      {"intBinary", kIntBinaryNames},
      {"intUnary", kIntUnaryNames},
      {"byteBinary", kByteBinaryNames},
      {"floatClasses", kFloatClassNames},
      {"programModes", kProgramModeNames},
      {"programKinds", ProgramOp::kKindNames},
      {"programHeader", namesOf(kHeaderFields)},
      {"programBuffer", namesOf(kBufferFields)},
      {"programNorm", namesOf(kNormFields)},
      {"programNormNumbers", namesOf(kNormNumbers)},
      {"programOperation", namesOf(kOperationFields) + ", " + namesOf(kPartFields)},
  };
  napi_value list;
  napi_create_array(args.env(), &list);
  uint32_t index = 0;
  for (const auto& [name, entries] : all) {
    napi_value pair, text;
    napi_create_array_with_length(args.env(), 2, &pair);
    napi_create_string_utf8(args.env(), name, NAPI_AUTO_LENGTH, &text);
    napi_set_element(args.env(), pair, 0, text);
    napi_create_string_utf8(args.env(), entries.data(), entries.size(), &text);
    napi_set_element(args.env(), pair, 1, text);
    napi_set_element(args.env(), list, index++, pair);
  }
  return list;
}

}  // namespace

void defineTableBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state, {{"tables", call<tables>}});
}

}  // namespace convbook
