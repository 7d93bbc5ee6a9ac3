// Reading the arguments of a call from JavaScript. Whatever is wrong with them becomes a JavaScript error, because
// everything behind this line trusts its pointers and lengths.
#pragma once
#include <node_api.h>

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace convbook {

struct BadArgument : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What is wrong with argument number i. Out of line: every binding asks for many arguments.
[[noreturn]] void refuse(size_t i, const char* what);
[[noreturn]] void refuseKind(size_t i, const char* expected);
[[noreturn]] void refuseMissing(size_t i, const char* expected);
[[noreturn]] void refuseLength(size_t i, size_t least, size_t got, const char* unit);
[[noreturn]] void refuseNumber(size_t i, const char* expected, double got);
[[noreturn]] void refuseChoice(size_t i, int count, int got);

class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    napi_get_cb_info(env, info, &count_, values_, nullptr, &data_);
  }

  void* data() const { return data_; }
  napi_env env() const { return env_; }
  napi_value value(size_t i) const { return values_[i]; }

  bool given(size_t i) const {
    if (i >= count_) return false;
    napi_valuetype type;
    napi_typeof(env_, values_[i], &type);
    return type != napi_undefined && type != napi_null;
  }

  // A typed array of at least `least` elements of T; null when `optional` and not given.
  template <class T>
  T* array(size_t i, size_t least, bool optional = false) const {
    if (!given(i)) {
      if (optional) return nullptr;
      refuseMissing(i, nameOf<T>());
    }
    napi_typedarray_type type;
    size_t length = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(env_, values_[i], &type, &length, &data, nullptr, nullptr) != napi_ok ||
        !accepts<T>(type)) {
      refuseKind(i, nameOf<T>());
    }
    if (length < least) refuseLength(i, least, length, "elements");
    return static_cast<T*>(data);
  }
  const float* floats(size_t i, size_t least) const { return array<float>(i, least); }
  const float* optionalFloats(size_t i, size_t least) const { return array<float>(i, least, true); }
  float* output(size_t i, size_t least) const { return array<float>(i, least); }
  float* optionalOutput(size_t i, size_t least) const { return array<float>(i, least, true); }

  // Any typed array, as bytes.
  uint8_t* bytes(size_t i, size_t least) const {
    napi_typedarray_type type;
    size_t length = 0;
    void* data = nullptr;
    if (i >= count_ || napi_get_typedarray_info(env_, values_[i], &type, &length, &data, nullptr, nullptr) != napi_ok) {
      refuse(i, "expected a typed array");
    }
    const bool words = type == napi_float32_array || type == napi_int32_array || type == napi_uint32_array;
    const bool single = type == napi_uint8_array || type == napi_int8_array || type == napi_uint8_clamped_array;
    if (!words && !single) refuse(i, "elements of this type are not handled");
    const size_t size = words ? length * 4 : length;
    if (size < least) refuseLength(i, least, size, "bytes");
    return static_cast<uint8_t*>(data);
  }

  double number(size_t i) const {
    double value = 0;
    if (i >= count_ || napi_get_value_double(env_, values_[i], &value) != napi_ok) {
      refuse(i, "expected a number");
    }
    return value;
  }
  float single(size_t i) const { return static_cast<float>(number(i)); }
  // Up to what JavaScript counts to.
  uint64_t whole(size_t i) const {
    const double value = number(i);
    if (!(value >= 0) || value > 9007199254740991.0) refuseNumber(i, "a size", value);
    return static_cast<uint64_t>(value);
  }
  size_t size(size_t i) const {
    const uint64_t value = whole(i);
    if (value > SIZE_MAX) refuseNumber(i, "a size that there can be memory for", static_cast<double>(value));
    return static_cast<size_t>(value);
  }
  int integer(size_t i) const {
    const double value = number(i);
    if (!(value >= -2147483648.0 && value <= 2147483647.0)) refuseNumber(i, "an integer", value);
    return static_cast<int>(value);
  }
  // One of the first `count` values of an enumeration.
  template <class E>
  E choice(size_t i, int count) const {
    const int value = integer(i);
    if (value < 0 || value >= count) refuseChoice(i, count, value);
    return static_cast<E>(value);
  }
  bool flag(size_t i) const {
    bool value = false;
    napi_value coerced;
    if (i < count_ && napi_coerce_to_bool(env_, values_[i], &coerced) == napi_ok)
      napi_get_value_bool(env_, coerced, &value);
    return value;
  }

 private:
  template <class T>
  static const char* nameOf();
  template <class T>
  static bool accepts(napi_typedarray_type type);

  static constexpr size_t kMost = 32;
  napi_env env_;
  size_t count_ = kMost;
  napi_value values_[kMost];
  void* data_ = nullptr;
};

template <>
inline const char* Arguments::nameOf<float>() {
  return "Float32Array";
}
template <>
inline const char* Arguments::nameOf<int32_t>() {
  return "Int32Array";
}
template <>
inline const char* Arguments::nameOf<uint8_t>() {
  return "Uint8Array";
}
template <>
inline bool Arguments::accepts<float>(napi_typedarray_type type) {
  return type == napi_float32_array;
}
template <>
inline bool Arguments::accepts<int32_t>(napi_typedarray_type type) {
  return type == napi_int32_array;
}
template <>
inline bool Arguments::accepts<uint8_t>(napi_typedarray_type type) {
  return type == napi_uint8_array || type == napi_int8_array || type == napi_uint8_clamped_array;
}

using FloatArrays = std::vector<std::pair<float*, size_t>>;

// The typed arrays in a JavaScript array; all as long as those of `like`, when given.
FloatArrays arraysIn(const Arguments& args, size_t i, const FloatArrays* like);

// What `body` answers; whatever it throws is thrown in JavaScript.
template <class F>
napi_value answer(napi_env env, const F& body) {
  try {
    return body();
  } catch (const BadArgument& error) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", error.what());
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "ERR_OUT_OF_MEMORY", "The native engine is out of memory");
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

}  // namespace convbook
