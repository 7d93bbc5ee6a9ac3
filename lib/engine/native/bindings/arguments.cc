#include "bindings/arguments.h"

namespace convbook {
namespace {

std::string argument(size_t i) { return "Argument " + std::to_string(i) + ": "; }

}  // namespace

void refuse(size_t i, const char* what) { throw BadArgument(argument(i) + what); }
void refuseKind(size_t i, const char* expected) { throw BadArgument(argument(i) + "expected a " + expected); }
void refuseMissing(size_t i, const char* expected) {
  throw BadArgument(argument(i) + "expected a " + expected + ", got nothing");
}
void refuseLength(size_t i, size_t least, size_t got, const char* unit) {
  throw BadArgument(argument(i) + "expected at least " + std::to_string(least) + " " + unit + ", got " +
                    std::to_string(got));
}
void refuseNumber(size_t i, const char* expected, double got) {
  throw BadArgument(argument(i) + "expected " + expected + ", got " + std::to_string(got));
}
void refuseChoice(size_t i, int count, int got) {
  throw BadArgument(argument(i) + "expected 0 to " + std::to_string(count - 1) + ", got " + std::to_string(got));
}

FloatArrays arraysIn(const Arguments& args, size_t i, const FloatArrays* like) {
  bool isArray = false;
  uint32_t count = 0;
  if (napi_is_array(args.env(), args.value(i), &isArray) != napi_ok || !isArray) {
    throw BadArgument("Argument " + std::to_string(i) + ": expected an array of Float32Arrays");
  }
  napi_get_array_length(args.env(), args.value(i), &count);
  if (like != nullptr && count != like->size()) throw BadArgument("Parameters and gradients differ in number");
  FloatArrays result;
  for (uint32_t k = 0; k < count; k++) {
    napi_handle_scope scope;
    napi_open_handle_scope(args.env(), &scope);
    napi_value element;
    napi_typedarray_type type = napi_int8_array;
    void* data = nullptr;
    size_t length = 0;
    napi_get_element(args.env(), args.value(i), k, &element);
    const bool good =
        napi_get_typedarray_info(args.env(), element, &type, &length, &data, nullptr, nullptr) == napi_ok &&
        type == napi_float32_array;
    napi_close_handle_scope(args.env(), scope);
    if (!good)
      throw BadArgument("Argument " + std::to_string(i) + ": element " + std::to_string(k) + " is no Float32Array");
    if (like != nullptr && length != (*like)[k].second) {
      throw BadArgument("Argument " + std::to_string(i) + ": element " + std::to_string(k) + " has the wrong length");
    }
    result.emplace_back(static_cast<float*>(data), length);
  }
  return result;
}

}  // namespace convbook
