#include "ops/arrays.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "ops/loops.h"
#include "runtime/memory.h"

namespace convbook {
namespace {

// [rows, columns] with one operand repeated over the rows: short rows are joined until vectors are well filled.
bool repeatsRow(const Strided& s, int operand) {
  return s.rank == 2 && s.strides[operand][0] == 0 && s.strides[operand][1] == 1 && s.strides[1 - operand][1] == 1 &&
         s.strides[1 - operand][0] == static_cast<ptrdiff_t>(s.shape[1]);
}

}  // namespace

void unary(const Context& context, Unary op, const float* x, float* y, size_t n, float a, float b) {
  context.pool.range(n, kParallel, kGrain,
                     [&](size_t lo, size_t hi) { context.kernels.unary(op, x + lo, y + lo, hi - lo, a, b); });
}

void fill(const Context& context, float* y, float value, size_t n) {
  context.pool.range(n, kParallel, kGrain, [&](size_t lo, size_t hi) { context.kernels.fill(y + lo, value, hi - lo); });
}

void binary(const Context& context, Binary op, const float* a, const float* b, float* y, const Strided& s) {
  for (int operand = 0; operand < 2; operand++) {
    if (!repeatsRow(s, operand) || s.shape[1] >= 256) continue;
    const size_t columns = s.shape[1], n = s.shape[0] * columns;
    const size_t width = (256 + columns - 1) / columns * columns;
    std::vector<float> row(width);
    const float* from = operand == 0 ? a : b;
    for (size_t j = 0; j < width; j++) row[j] = from[j % columns];
    context.pool.range(n, kParallel, width, [&](size_t lo, size_t hi) {
      for (size_t at = lo; at < hi; at += width) {
        const size_t count = std::min(width, hi - at);
        if (operand == 0) {
          context.kernels.binary(op, row.data(), 1, b + at, 1, y + at, count);
        } else {
          context.kernels.binary(op, a + at, 1, row.data(), 1, y + at, count);
        }
      }
    });
    return;
  }
  const int sa = s.rank > 0 ? static_cast<int>(s.strides[0][s.rank - 1]) : 0;
  const int sb = s.rank > 0 ? static_cast<int>(s.strides[1][s.rank - 1]) : 0;
  forInner<2>(context, s, [&](const ptrdiff_t* offsets, size_t at, size_t count) {
    context.kernels.binary(op, a + offsets[0], sa, b + offsets[1], sb, y + at, count);
  });
}

void compare(const Context& context, Compare op, const float* a, const float* b, uint8_t* y, const Strided& s) {
  const int sa = s.rank > 0 ? static_cast<int>(s.strides[0][s.rank - 1]) : 0;
  const int sb = s.rank > 0 ? static_cast<int>(s.strides[1][s.rank - 1]) : 0;
  forInner<2>(context, s, [&](const ptrdiff_t* offsets, size_t at, size_t count) {
    context.kernels.compare(op, a + offsets[0], sa, b + offsets[1], sb, y + at, count);
  });
}

void select(const Context& context, const uint8_t* c, const float* a, const float* b, float* y, const Strided& s) {
  int last[3];
  for (int k = 0; k < 3; k++) last[k] = s.rank > 0 ? static_cast<int>(s.strides[k][s.rank - 1]) : 0;
  forInner<3>(context, s, [&](const ptrdiff_t* offsets, size_t at, size_t count) {
    context.kernels.select(c + offsets[0], last[0], a + offsets[1], last[1], b + offsets[2], last[2], y + at, count);
  });
}

void reduce(const Context& context, Reduce op, const float* x, float* y, size_t outer, size_t middle, size_t inner,
            float scale) {
  const Kernels& kernels = context.kernels;
  const float start = op == Reduce::Sum ? 0.f : op == Reduce::Prod ? 1.f : op == Reduce::Max ? -INFINITY : INFINITY;
  auto one = [&](const float* from, size_t n) {
    return op == Reduce::Sum ? static_cast<float>(kernels.sum(from, n) * scale) : kernels.extreme(op, from, n);
  };
  if (outer == 0 || inner == 0) return;
  if (middle == 0) {
    kernels.fill(y, op == Reduce::Sum ? 0.f * scale : start, outer * inner);
    return;
  }
  if (inner == 1 && outer > 1) {
    context.pool.range(outer, std::max<size_t>(2, kParallel / middle), std::max<size_t>(1, 64 / middle),
                       [&](size_t lo, size_t hi) {
                         for (size_t o = lo; o < hi; o++) y[o] = one(x + o * middle, middle);
                       });
    return;
  }
  if (inner == 1) {
    const size_t tasks = middle < kParallel ? 1 : static_cast<size_t>(context.pool.hands()) * 4;
    std::vector<double> sums(tasks);
    std::vector<float> extremes(tasks);
    context.pool.run(tasks, [&](size_t task, int) {
      const size_t lo = middle * task / tasks, hi = middle * (task + 1) / tasks;
      if (op == Reduce::Sum) {
        sums[task] = kernels.sum(x + lo, hi - lo);
      } else {
        extremes[task] = kernels.extreme(op, x + lo, hi - lo);
      }
    });
    if (op == Reduce::Sum) {
      double total = 0;
      for (double sum : sums) total += sum;
      y[0] = static_cast<float>(total * scale);
    } else {
      y[0] = kernels.extreme(op, extremes.data(), tasks);
    }
    return;
  }
  // Rows of `inner`: groups of rows are folded in float, and their sums are added in double.
  const size_t wide = inner >= 256 || op != Reduce::Sum || outer > 1 ? inner : (256 + inner - 1) / inner * inner;
  if (op == Reduce::Sum && outer == 1) {
    const size_t n = middle * inner, rows = n / wide, some = std::max<size_t>(1, 8192 / wide);
    const size_t groups = (rows + some - 1) / some;
    const size_t tasks = n < kParallel ? 1 : std::min<size_t>(std::max<size_t>(groups, 1), context.pool.hands() * 4);
    std::vector<double> totals(tasks * wide, 0.0);
    context.pool.run(tasks, [&](size_t task, int thread) {
      float* acc = context.pool.scratch(thread, 2, wide);
      for (size_t group = groups * task / tasks; group < groups * (task + 1) / tasks; group++) {
        std::memset(acc, 0, wide * sizeof(float));
        kernels.reduceRows(op, x + group * some * wide, std::min(some, rows - group * some), wide, wide, acc);
        for (size_t j = 0; j < wide; j++) totals[task * wide + j] += acc[j];
      }
    });
    for (size_t i = rows * wide; i < n; i++) totals[i - rows * wide] += x[i];
    for (size_t c = 0; c < inner; c++) {
      double total = 0;
      for (size_t task = 0; task < tasks; task++) {
        for (size_t j = c; j < wide; j += inner) total += totals[task * wide + j];
      }
      y[c] = static_cast<float>(total * scale);
    }
    return;
  }
  const size_t columns = std::max<size_t>(1, std::min<size_t>(inner, 2048));
  const size_t pieces = (inner + columns - 1) / columns;
  const size_t tasks = outer * pieces;
  auto body = [&](size_t task, int thread) {
    const size_t o = task / pieces, lo = task % pieces * columns, count = std::min(columns, inner - lo);
    float* to = y + o * inner + lo;
    const float* from = x + o * middle * inner + lo;
    if (op != Reduce::Sum) {
      kernels.fill(to, start, count);
      kernels.reduceRows(op, from, middle, inner, count, to);
      return;
    }
    // Long sums go through double every few hundred rows.
    float* acc = context.pool.scratch(thread, 2, count * 3);
    double* total = reinterpret_cast<double*>(acc + (count + 1) / 2 * 2);
    if (middle <= 256) {
      std::memset(to, 0, count * sizeof(float));
      kernels.reduceRows(op, from, middle, inner, count, to);
      if (scale != 1.f) {
        for (size_t j = 0; j < count; j++) to[j] *= scale;
      }
      return;
    }
    for (size_t j = 0; j < count; j++) total[j] = 0;
    for (size_t r = 0; r < middle; r += 256) {
      std::memset(acc, 0, count * sizeof(float));
      kernels.reduceRows(op, from + r * inner, std::min<size_t>(256, middle - r), inner, count, acc);
      for (size_t j = 0; j < count; j++) total[j] += acc[j];
    }
    for (size_t j = 0; j < count; j++) to[j] = static_cast<float>(total[j] * scale);
  };
  if (outer * middle * inner < kParallel) {
    for (size_t task = 0; task < tasks; task++) body(task, 0);
  } else {
    context.pool.run(tasks, body);
  }
}

void argExtreme(const Context& context, bool largest, const float* x, int32_t* y, size_t outer, size_t middle,
                size_t inner) {
  context.pool.range(outer * inner, std::max<size_t>(2, kParallel / std::max<size_t>(middle, 1)), 1,
                     [&](size_t lo, size_t hi) {
                       for (size_t i = lo; i < hi; i++) {
                         const float* from = x + i / inner * middle * inner + i % inner;
                         float best = from[0];
                         int32_t at = 0;
                         for (size_t m = 1; m < middle; m++) {
                           const float value = from[m * inner];
                           if (largest ? value > best : value < best) {
                             best = value;
                             at = static_cast<int32_t>(m);
                           }
                         }
                         y[i] = at;
                       }
                     });
}

namespace {

template <class T>
void copyElements(const Context& context, const T* x, T* y, const Strided& s) {
  // Two axes swapped at the end: small square pieces, so that reads and writes both stay in cached lines.
  const int last = s.rank - 1;
  if (s.rank >= 2 && s.strides[0][last] != 1 && s.strides[0][last - 1] == 1) {
    const size_t rows = s.shape[last - 1], columns = s.shape[last], plane = rows * columns;
    const ptrdiff_t step = s.strides[0][last];
    const size_t planes = sizeOf(s) / std::max<size_t>(plane, 1);
    constexpr size_t kSide = 16;
    const size_t bands = (rows + kSide - 1) / kSide;
    context.pool.range(planes * bands, std::max<size_t>(2, kParallel / (kSide * columns + 1)), 1,
                       [&](size_t lo, size_t hi) {
                         for (size_t task = lo; task < hi; task++) {
                           size_t rest = task / bands;
                           const T* from = x;
                           for (int d = last - 2; d >= 0; d--) {
                             from += static_cast<ptrdiff_t>(rest % s.shape[d]) * s.strides[0][d];
                             rest /= s.shape[d];
                           }
                           T* to = y + task / bands * plane;
                           const size_t r0 = task % bands * kSide, r1 = std::min(rows, r0 + kSide);
                           for (size_t c0 = 0; c0 < columns; c0 += kSide) {
                             const size_t c1 = std::min(columns, c0 + kSide);
                             for (size_t r = r0; r < r1; r++) {
                               for (size_t c = c0; c < c1; c++)
                                 to[r * columns + c] = from[static_cast<ptrdiff_t>(c) * step + r];
                             }
                           }
                         }
                       });
    return;
  }
  const ptrdiff_t step = s.rank > 0 ? s.strides[0][last] : 1;
  forInner<1>(context, s, [&](const ptrdiff_t* offsets, size_t at, size_t count) {
    const T* from = x + offsets[0];
    T* to = y + at;
    if (step == 1) {
      std::memcpy(to, from, count * sizeof(T));
    } else {
      for (size_t i = 0; i < count; i++) to[i] = from[static_cast<ptrdiff_t>(i) * step];
    }
  });
}

template <class T>
void scatterElements(const Context& context, const T* x, T* y, const Strided& s) {
  const ptrdiff_t step = s.rank > 0 ? s.strides[0][s.rank - 1] : 1;
  forInner<1>(context, s, [&](const ptrdiff_t* offsets, size_t at, size_t count) {
    const T* from = x + at;
    T* to = y + offsets[0];
    if (step == 1) {
      std::memcpy(to, from, count * sizeof(T));
    } else {
      for (size_t i = 0; i < count; i++) to[static_cast<ptrdiff_t>(i) * step] = from[i];
    }
  });
}

}  // namespace

void copyStrided(const Context& context, const void* x, void* y, int elementBytes, const Strided& s, bool scatter) {
  if (sizeOf(s) == 0) return;
  if (elementBytes == 4) {
    const auto from = static_cast<const uint32_t*>(x);
    const auto to = static_cast<uint32_t*>(y);
    scatter ? scatterElements(context, from, to, s) : copyElements(context, from, to, s);
  } else {
    const auto from = static_cast<const uint8_t*>(x);
    const auto to = static_cast<uint8_t*>(y);
    scatter ? scatterElements(context, from, to, s) : copyElements(context, from, to, s);
  }
}

void copyRows(const Context& context, const uint8_t* from, size_t fromStride, uint8_t* to, size_t toStride, size_t rows,
              size_t bytes) {
  if (bytes == 0) return;
  // Short rows: a loop beats a call for each.
  const bool words = bytes % 4 == 0 && bytes <= 1024 && fromStride % 4 == 0 && toStride % 4 == 0 &&
                     reinterpret_cast<uintptr_t>(from) % 4 == 0 && reinterpret_cast<uintptr_t>(to) % 4 == 0;
  if (rows == 1) {
    context.pool.range(bytes, kParallel * 4, 4096,
                       [&](size_t lo, size_t hi) { std::memcpy(to + lo, from + lo, hi - lo); });
    return;
  }
  context.pool.range(rows, std::max<size_t>(2, kParallel * 4 / bytes), 1, [&](size_t lo, size_t hi) {
    if (words) {
      context.kernels.copyRows(reinterpret_cast<const float*>(from + lo * fromStride), fromStride / 4,
                               reinterpret_cast<float*>(to + lo * toStride), toStride / 4, hi - lo, bytes / 4);
      return;
    }
    for (size_t r = lo; r < hi; r++) std::memcpy(to + r * toStride, from + r * fromStride, bytes);
  });
}

void gather(const Context& context, const uint8_t* x, const int32_t* indices, uint8_t* y, size_t outer, size_t count,
            size_t picked, size_t bytes) {
  context.pool.range(outer * picked, std::max<size_t>(2, kParallel * 4 / std::max<size_t>(bytes, 1)), 1,
                     [&](size_t lo, size_t hi) {
                       for (size_t i = lo; i < hi; i++) {
                         const int32_t index = indices[i % picked];
                         uint8_t* to = y + i * bytes;
                         if (index < 0 || static_cast<size_t>(index) >= count) {
                           std::memset(to, 0, bytes);
                         } else {
                           std::memcpy(to, x + (i / picked * count + static_cast<size_t>(index)) * bytes, bytes);
                         }
                       }
                     });
}

void oneHot(const Context& context, const int32_t* indices, float* y, size_t n, size_t depth, float on, float off) {
  fill(context, y, off, n * depth);
  for (size_t i = 0; i < n; i++) {
    if (indices[i] >= 0 && static_cast<size_t>(indices[i]) < depth) y[i * depth + indices[i]] = on;
  }
}

namespace {

// As JavaScript stores a number in an Int32Array: towards zero, modulo 2^32; NaN and infinity give 0.
int32_t toInt32(float value) {
  if (value >= -2147483648.f && value < 2147483648.f) return static_cast<int32_t>(value);
  if (!std::isfinite(value)) return 0;
  double rest = std::fmod(std::trunc(static_cast<double>(value)), 4294967296.0);
  if (rest < 0) rest += 4294967296.0;
  return static_cast<int32_t>(static_cast<uint32_t>(rest));
}

template <class From, class To, class F>
void castTo(const Context& context, const void* x, void* y, size_t n, F f) {
  const From* from = static_cast<const From*>(x);
  To* to = static_cast<To*>(y);
  context.pool.range(n, kParallel, kGrain, [&](size_t lo, size_t hi) {
    for (size_t i = lo; i < hi; i++) to[i] = f(from[i]);
  });
}

}  // namespace

void cast(const Context& context, Cast kind, const void* x, void* y, size_t n) {
  switch (kind) {
    case Cast::Count: return;
    case Cast::FloatToInt: return castTo<float, int32_t>(context, x, y, n, toInt32);
    case Cast::IntToFloat:
      return castTo<int32_t, float>(context, x, y, n, [](int32_t v) { return static_cast<float>(v); });
    case Cast::ByteToFloat:
      return castTo<uint8_t, float>(context, x, y, n, [](uint8_t v) { return static_cast<float>(v); });
    case Cast::ByteToInt:
      return castTo<uint8_t, int32_t>(context, x, y, n, [](uint8_t v) { return static_cast<int32_t>(v); });
    case Cast::FloatToBool: return castTo<float, uint8_t>(context, x, y, n, [](float v) { return v != 0.f ? 1 : 0; });
    case Cast::IntToBool: return castTo<int32_t, uint8_t>(context, x, y, n, [](int32_t v) { return v != 0 ? 1 : 0; });
  }
}

namespace {

// SplitMix64 (Steele, Lea and Flood, 2014): element i is a function of seed + i alone.
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

}  // namespace

void randomFill(const Context& context, bool normal, float* y, size_t n, uint64_t seed, float a, float b) {
  const uint64_t start = mix(seed + 0x9e3779b97f4a7c15ull);
  context.pool.range(n, kParallel, 1024, [&](size_t lo, size_t hi) {
    for (size_t i = lo; i < hi; i++) {
      const uint64_t bits = mix(start + (i + 1) * 0x9e3779b97f4a7c15ull);
      const float u = static_cast<float>(bits >> 40) * 0x1p-24f;
      if (!normal) {
        y[i] = std::min(a + (b - a) * u, std::nextafter(b, a));
        continue;
      }
      const double v = (static_cast<double>(bits & 0xffffffffu) + 0.5) * 0x1p-32;
      const double w = (static_cast<double>(bits >> 32) + 0.5) * 0x1p-32;
      y[i] = static_cast<float>(a + b * std::sqrt(-2.0 * std::log(v)) * std::cos(6.283185307179586 * w));
    }
  });
}

}  // namespace convbook
