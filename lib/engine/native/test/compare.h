// What the tests of kernels share: random shapes and arrays, and the comparison with what plain loops give.
#pragma once
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

namespace convbook::testing {

inline std::mt19937 generator(1);
inline int failures = 0;

inline int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

// Whether inputs have 8 bits of precision, so that rounding them to bfloat16 changes nothing.
inline bool coarse = false;

// Memory of its own for every array: the sanitizer guards both ends.
struct Array {
  explicit Array(size_t n) : size(n), data(new float[n]) {
    for (size_t i = 0; i < n; i++) {
      const float value = std::uniform_real_distribution<float>(-1, 1)(generator);
      data[i] = coarse ? std::round(value * 128) / 128 : value;
    }
  }
  size_t size;
  std::unique_ptr<float[]> data;
  operator float*() { return data.get(); }
};

// `terms`: the largest sum of magnitudes behind a result, where all of them may cancel.
inline void check(const char* what, const Array& got, const std::vector<double>& wanted, double terms = 0) {
  double scale = 1e-30, worst = 0;
  for (double value : wanted) scale = std::fmax(scale, std::fabs(value));
  for (size_t i = 0; i < got.size; i++) worst = std::fmax(worst, std::fabs(got.data[i] - wanted[i]));
  if (worst <= std::fmax(scale * 1e-5, terms * 2e-7)) return;
  std::printf("%s: error %g of %g\n", what, worst, scale);
  failures++;
}

inline void checkBits(const char* what, const Array& got, const Array& wanted) {
  if (std::memcmp(got.data.get(), wanted.data.get(), got.size * sizeof(float)) == 0) return;
  std::printf("%s: other bits\n", what);
  failures++;
}

// Whole numbers from `low` to `high`.
template <class T>
std::unique_ptr<T[]> whole(size_t n, int low, int high) {
  std::unique_ptr<T[]> values(new T[n]);
  for (size_t i = 0; i < n; i++) values[i] = static_cast<T>(pick(low, high));
  return values;
}

}  // namespace convbook::testing
