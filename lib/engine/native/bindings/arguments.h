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
      throw BadArgument("Argument " + std::to_string(i) + ": expected a " + nameOf<T>() + ", got nothing");
    }
    napi_typedarray_type type;
    size_t length = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(env_, values_[i], &type, &length, &data, nullptr, nullptr) != napi_ok ||
        !accepts<T>(type)) {
      throw BadArgument("Argument " + std::to_string(i) + ": expected a " + nameOf<T>());
    }
    if (length < least) {
      throw BadArgument("Argument " + std::to_string(i) + ": expected at least " + std::to_string(least) +
                        " elements, got " + std::to_string(length));
    }
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
      throw BadArgument("Argument " + std::to_string(i) + ": expected a typed array");
    }
    const bool words = type == napi_float32_array || type == napi_int32_array || type == napi_uint32_array;
    const bool single = type == napi_uint8_array || type == napi_int8_array || type == napi_uint8_clamped_array;
    if (!words && !single)
      throw BadArgument("Argument " + std::to_string(i) + ": elements of this type are not handled");
    const size_t size = words ? length * 4 : length;
    if (size < least) {
      throw BadArgument("Argument " + std::to_string(i) + ": expected at least " + std::to_string(least) +
                        " bytes, got " + std::to_string(size));
    }
    return static_cast<uint8_t*>(data);
  }

  double number(size_t i) const {
    double value = 0;
    if (i >= count_ || napi_get_value_double(env_, values_[i], &value) != napi_ok) {
      throw BadArgument("Argument " + std::to_string(i) + ": expected a number");
    }
    return value;
  }
  float single(size_t i) const { return static_cast<float>(number(i)); }
  size_t size(size_t i) const {
    const double value = number(i);
    if (!(value >= 0) || value > 9007199254740991.0) {
      throw BadArgument("Argument " + std::to_string(i) + ": expected a size, got " + std::to_string(value));
    }
    return static_cast<size_t>(value);
  }
  int integer(size_t i) const {
    const double value = number(i);
    if (!(value >= -2147483648.0 && value <= 2147483647.0)) {
      throw BadArgument("Argument " + std::to_string(i) + ": expected an integer, got " + std::to_string(value));
    }
    return static_cast<int>(value);
  }
  // One of the first `count` values of an enumeration.
  template <class E>
  E choice(size_t i, int count) const {
    const int value = integer(i);
    if (value < 0 || value >= count) {
      throw BadArgument("Argument " + std::to_string(i) + ": expected 0 to " + std::to_string(count - 1) + ", got " +
                        std::to_string(value));
    }
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

  static constexpr size_t kMost = 20;
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
inline FloatArrays arraysIn(const Arguments& args, size_t i, const FloatArrays* like) {
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
