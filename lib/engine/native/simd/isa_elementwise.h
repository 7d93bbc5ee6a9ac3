// Loops over elements: unary, binary, comparisons, selection, fills, reductions of one range, softmax rows, optimizers.
#pragma once
#include "simd/isa_math.h"
#include "simd/kernels.h"

namespace {

using convbook::Binary;
using convbook::Compare;
using convbook::Reduce;
using convbook::Unary;

template <class F>
inline void mapTo(const float* x, float* y, size_t n, F f) {
  // x and y are the same array or do not touch.
#pragma GCC ivdep
  for (size_t i = 0; i < n; i++) y[i] = f(x[i]);
}

constexpr float kSeluAlpha = 1.6732632423543772f, kSeluScale = 1.0507009873554805f;

// For WebAssembly Clang 16 makes a maximum of `x < 0 ? 0 : x`, which is 0 for -0, if it knows the zero.
inline float zeroInDisguise() {
  float zero = 0.f;
#if defined(__wasm__)
  asm("" : "+r"(zero));
#endif
  return zero;
}

void unary(Unary op, const float* x, float* y, size_t n, float a, float b) {
  switch (op) {
    case Unary::Relu: {
      const float zero = zeroInDisguise();
      return mapTo(x, y, n, [zero](float v) { return v < zero ? zero : v; });
    }
    case Unary::Relu6: return mapTo(x, y, n, [](float v) { return v < 0.f ? 0.f : v > 6.f ? 6.f : v; });
    case Unary::Step: return mapTo(x, y, n, [a](float v) { return v != v ? v : v > 0.f ? 1.f : a; });
    case Unary::Square: return mapTo(x, y, n, [](float v) { return v * v; });
    case Unary::Sqrt: return mapTo(x, y, n, [](float v) { return std::sqrt(v); });
    case Unary::Rsqrt: return mapTo(x, y, n, [](float v) { return 1.f / std::sqrt(v); });
    case Unary::Exp: return mapTo(x, y, n, [](float v) { return expOf(v); });
    case Unary::Log: return mapTo(x, y, n, [](float v) { return logOf(v); });
    case Unary::Neg: return mapTo(x, y, n, [](float v) { return -v; });
    case Unary::Sigmoid: return mapTo(x, y, n, [](float v) { return sigmoidOf(v); });
    case Unary::Tanh: return mapTo(x, y, n, [](float v) { return tanhOf(v); });
    case Unary::Abs: return mapTo(x, y, n, [](float v) { return std::fabs(v); });
    case Unary::Reciprocal: return mapTo(x, y, n, [](float v) { return 1.f / v; });
    case Unary::Sign: return mapTo(x, y, n, [](float v) { return v > 0.f ? 1.f : v < 0.f ? -1.f : 0.f; });
    case Unary::Floor: return mapTo(x, y, n, [](float v) { return std::floor(v); });
    case Unary::Ceil: return mapTo(x, y, n, [](float v) { return std::ceil(v); });
    case Unary::Round: return mapTo(x, y, n, [](float v) { return std::nearbyint(v); });
    case Unary::Elu:
      return mapTo(x, y, n, [](float v) {
        float e = v > -0.25f ? std::expm1(v > 0.f ? 0.f : v) : expOf(v) - 1.f;
        return v >= 0.f ? v : e;
      });
    case Unary::Selu:
      return mapTo(x, y, n,
                   [](float v) { return v >= 0.f ? kSeluScale * v : kSeluScale * kSeluAlpha * std::expm1(v); });
    case Unary::LeakyRelu: return mapTo(x, y, n, [a](float v) { return v < 0.f ? a * v : v; });
    case Unary::Softplus:
      return mapTo(x, y, n, [](float v) { return v > 20.f ? v : v < -20.f ? std::exp(v) : std::log1p(std::exp(v)); });
    case Unary::Expm1: return mapTo(x, y, n, [](float v) { return std::expm1(v); });
    case Unary::Log1p: return mapTo(x, y, n, [](float v) { return std::log1p(v); });
    case Unary::Sin: return mapTo(x, y, n, [](float v) { return std::sin(v); });
    case Unary::Cos: return mapTo(x, y, n, [](float v) { return std::cos(v); });
    case Unary::Tan:
      return mapTo(x, y, n, [](float v) { return static_cast<float>(std::tan(static_cast<double>(v))); });
    case Unary::Asin: return mapTo(x, y, n, [](float v) { return std::asin(v); });
    case Unary::Acos: return mapTo(x, y, n, [](float v) { return std::acos(v); });
    case Unary::Atan: return mapTo(x, y, n, [](float v) { return std::atan(v); });
    case Unary::Sinh: return mapTo(x, y, n, [](float v) { return std::sinh(v); });
    case Unary::Cosh: return mapTo(x, y, n, [](float v) { return std::cosh(v); });
    case Unary::Asinh: return mapTo(x, y, n, [](float v) { return std::asinh(v); });
    // Some C libraries have a number for what lies below -2.
    case Unary::Acosh:
      return mapTo(x, y, n, [](float v) { return v >= 1.f ? std::acosh(v) : std::numeric_limits<float>::quiet_NaN(); });
    case Unary::Atanh: return mapTo(x, y, n, [](float v) { return std::atanh(v); });
    case Unary::Erf: return mapTo(x, y, n, [](float v) { return std::erf(v); });
    case Unary::Clip: return mapTo(x, y, n, [a, b](float v) { return v > b ? b : v < a ? a : v; });
    case Unary::Copy: return mapTo(x, y, n, [](float v) { return v; });
    case Unary::Gelu: return mapTo(x, y, n, [](float v) { return v * normalOf(v).below; });
    case Unary::Silu: return mapTo(x, y, n, [](float v) { return v * sigmoidOf(v); });
    case Unary::Count: return;
  }
}

template <class F>
inline void zipTo(const float* a, int sa, const float* b, int sb, float* y, size_t n, F f) {
  if (sa != 0 && sb != 0) {
#pragma GCC ivdep
    for (size_t i = 0; i < n; i++) y[i] = f(a[i], b[i]);
  } else if (sa != 0) {
    const float only = *b;
#pragma GCC ivdep
    for (size_t i = 0; i < n; i++) y[i] = f(a[i], only);
  } else if (sb != 0) {
    const float only = *a;
#pragma GCC ivdep
    for (size_t i = 0; i < n; i++) y[i] = f(only, b[i]);
  } else {
    const float value = f(*a, *b);
    for (size_t i = 0; i < n; i++) y[i] = value;
  }
}

// Division's remainder with the divisor's sign. A second remainder, of what was moved over, would make 0 of what
// rounding brings up to the divisor itself.
inline float floorMod(float a, float b) {
  float rest = std::fmod(a, b);
  return rest != 0.f && (rest < 0.f) != (b < 0.f) ? rest + b : rest;
}

void binary(Binary op, const float* a, int sa, const float* b, int sb, float* y, size_t n) {
  switch (op) {
    case Binary::Add: return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return p + q; });
    case Binary::Sub: return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return p - q; });
    case Binary::Multiply: return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return p * q; });
    case Binary::RealDiv: return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return p / q; });
    case Binary::Maximum:
      return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return p != p ? p : q > p || q != q ? q : p; });
    case Binary::Minimum:
      return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return p != p ? p : q < p || q != q ? q : p; });
    case Binary::SquaredDifference:
      return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return (p - q) * (p - q); });
    case Binary::Pow:
      // 1 to the power of NaN is NaN in JavaScript and 1 in C.
      return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return q != q ? q : std::pow(p, q); });
    case Binary::Prelu: return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return p < 0.f ? p * q : p; });
    case Binary::EluGrad:
      return zipTo(a, sa, b, sb, y, n, [](float dy, float v) { return v >= 0.f ? dy : dy * (v + 1.f); });
    case Binary::ReluGrad: return zipTo(a, sa, b, sb, y, n, [](float dy, float v) { return v <= 0.f ? 0.f : dy; });
    case Binary::Relu6Grad:
      return zipTo(a, sa, b, sb, y, n, [](float dy, float v) { return v <= 0.f || v >= 6.f ? 0.f : dy; });
    case Binary::Mod: return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return floorMod(p, q); });
    case Binary::FloorDiv: return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return std::floor(p / q); });
    case Binary::SiluGrad:
      return zipTo(a, sa, b, sb, y, n, [](float dy, float v) {
        float s = sigmoidOf(v);
        return dy * (s * (1.f + v * (1.f - s)));
      });
    case Binary::GeluGrad:
      return zipTo(a, sa, b, sb, y, n, [](float dy, float v) {
        Normal normal = normalOf(v);
        return dy * (normal.below + v * (0.3989422804f * normal.bell));
      });
    case Binary::Atan2: return zipTo(a, sa, b, sb, y, n, [](float p, float q) { return std::atan2(p, q); });
    case Binary::Count: return;
  }
}

template <class F>
inline void compareTo(const float* a, int sa, const float* b, int sb, uint8_t* y, size_t n, F f) {
  if (sa != 0 && sb != 0) {
    for (size_t i = 0; i < n; i++) y[i] = f(a[i], b[i]) ? 1 : 0;
  } else if (sa != 0) {
    const float only = *b;
    for (size_t i = 0; i < n; i++) y[i] = f(a[i], only) ? 1 : 0;
  } else {
    const float only = *a;
    for (size_t i = 0; i < n; i++) y[i] = f(only, b[i * sb]) ? 1 : 0;
  }
}

void compare(Compare op, const float* a, int sa, const float* b, int sb, uint8_t* y, size_t n) {
  switch (op) {
    case Compare::Equal: return compareTo(a, sa, b, sb, y, n, [](float p, float q) { return p == q; });
    case Compare::NotEqual: return compareTo(a, sa, b, sb, y, n, [](float p, float q) { return p != q; });
    case Compare::Less: return compareTo(a, sa, b, sb, y, n, [](float p, float q) { return p < q; });
    case Compare::LessEqual: return compareTo(a, sa, b, sb, y, n, [](float p, float q) { return p <= q; });
    case Compare::Greater: return compareTo(a, sa, b, sb, y, n, [](float p, float q) { return p > q; });
    case Compare::GreaterEqual: return compareTo(a, sa, b, sb, y, n, [](float p, float q) { return p >= q; });
    case Compare::Count: return;
  }
}

void select(const uint8_t* c, int sc, const float* a, int sa, const float* b, int sb, float* y, size_t n) {
  if (sc != 0 && sa != 0 && sb != 0) {
    for (size_t i = 0; i < n; i++) y[i] = c[i] != 0 ? a[i] : b[i];
  } else {
    for (size_t i = 0; i < n; i++) y[i] = c[i * sc] != 0 ? a[i * sa] : b[i * sb];
  }
}

void fill(float* y, float value, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = value;
}

double sum(const float* x, size_t n) {
  constexpr int kWidth = 64;
  double total = 0;
  size_t i = 0;
  while (n - i >= kWidth) {
    size_t end = n - i > 4096 ? i + 4096 : n - (n - i) % kWidth;
    float part[kWidth] = {};
    for (; i < end; i += kWidth)
      for (int j = 0; j < kWidth; j++) part[j] += x[i + j];
    for (int j = 0; j < kWidth; j++) total += part[j];
  }
  for (; i < n; i++) total += x[i];
  return total;
}

template <class F>
inline float fold(const float* x, size_t n, float start, F f) {
  constexpr int kWidth = 32;
  float part[kWidth];
  for (int j = 0; j < kWidth; j++) part[j] = start;
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth)
    for (int j = 0; j < kWidth; j++) part[j] = f(part[j], x[i + j]);
  for (int j = 0; j < kWidth; j++) start = f(start, part[j]);
  for (; i < n; i++) start = f(start, x[i]);
  return start;
}

inline float maxOf(float p, float q) { return p != p ? p : q > p || q != q ? q : p; }
inline float minOf(float p, float q) { return p != p ? p : q < p || q != q ? q : p; }

float extreme(Reduce op, const float* x, size_t n) {
  if (op == Reduce::Max) return fold(x, n, -kInfinity, maxOf);
  if (op == Reduce::Min) return fold(x, n, kInfinity, minOf);
  return fold(x, n, 1.f, [](float p, float q) { return p * q; });
}

template <class F>
inline void foldRows(const float* x, size_t rows, size_t stride, size_t n, float* CONVBOOK_RESTRICT acc, F f) {
  for (size_t r = 0; r < rows; r++) {
    const float* CONVBOOK_RESTRICT row = x + r * stride;
    for (size_t j = 0; j < n; j++) acc[j] = f(acc[j], row[j]);
  }
}

void reduceRows(Reduce op, const float* x, size_t rows, size_t stride, size_t n, float* acc) {
  switch (op) {
    case Reduce::Sum: return foldRows(x, rows, stride, n, acc, [](float p, float q) { return p + q; });
    case Reduce::Max: return foldRows(x, rows, stride, n, acc, maxOf);
    case Reduce::Min: return foldRows(x, rows, stride, n, acc, minOf);
    case Reduce::Prod: return foldRows(x, rows, stride, n, acc, [](float p, float q) { return p * q; });
    case Reduce::Count: return;
  }
}

// Softmax (or its logarithm) of one row; returns the logarithm of the sum of exponentials.
double softmaxRow(const float* x, size_t n, float* y, int logarithm) {
  float top = extreme(Reduce::Max, x, n);
  double total = 0;
  for (size_t base = 0; base < n; base += 1024) {
    size_t end = n - base < 1024 ? n : base + 1024;
    float part = 0.f;
    for (size_t i = base; i < end; i++) y[i] = expOf(x[i] - top);
    for (size_t i = base; i < end; i++) part += y[i];
    total += part;
  }
  // In double: a loss is a small difference of it and a logit.
  const double lse = std::log(total) + top;
  if (logarithm != 0) {
    const float logTotal = static_cast<float>(std::log(total));
    for (size_t i = 0; i < n; i++) y[i] = x[i] - top - logTotal;
  } else {
    const float scale = static_cast<float>(1.0 / total);
    for (size_t i = 0; i < n; i++) y[i] *= scale;
  }
  return lse;
}

void sgd(float* CONVBOOK_RESTRICT p, const float* CONVBOOK_RESTRICT g, float* CONVBOOK_RESTRICT velocity, size_t n,
         float lr, float momentum, float dampening, float decay, int nesterov, int first, float sign) {
  if (velocity == nullptr) {
    for (size_t i = 0; i < n; i++) p[i] -= lr * (sign * g[i] + decay * p[i]);
    return;
  }
  const float keep = first != 0 ? 0.f : momentum, take = first != 0 ? 1.f : 1.f - dampening;
  if (nesterov != 0) {
    for (size_t i = 0; i < n; i++) {
      float d = sign * g[i] + decay * p[i];
      float v = keep * velocity[i] + take * d;
      velocity[i] = v;
      p[i] -= lr * (d + momentum * v);
    }
  } else {
    for (size_t i = 0; i < n; i++) {
      float d = sign * g[i] + decay * p[i];
      float v = keep * velocity[i] + take * d;
      velocity[i] = v;
      p[i] -= lr * v;
    }
  }
}

void adam(float* CONVBOOK_RESTRICT p, const float* CONVBOOK_RESTRICT g, float* CONVBOOK_RESTRICT m,
          float* CONVBOOK_RESTRICT v, float* CONVBOOK_RESTRICT vMax, size_t n, float take1, float beta2, float take2,
          float epsilon, float decay, float decoupled, float stepSize, float correction2, float sign) {
  for (size_t i = 0; i < n; i++) {
    float value = p[i] * decoupled;
    float d = sign * g[i] + decay * value;
    float first = m[i] + (d - m[i]) * take1;
    float second = beta2 * v[i] + take2 * (d * d);
    m[i] = first;
    v[i] = second;
    if (vMax != nullptr) {
      second = second > vMax[i] ? second : vMax[i];
      vMax[i] = second;
    }
    p[i] = value - stepSize * first / (std::sqrt(second) / correction2 + epsilon);
  }
}

// Graves' RMSprop. mean is given when the squares are centered, buffer when there is momentum.
void rmsprop(float* CONVBOOK_RESTRICT p, const float* CONVBOOK_RESTRICT g, float* CONVBOOK_RESTRICT square,
             float* CONVBOOK_RESTRICT mean, float* CONVBOOK_RESTRICT buffer, size_t n, float lr, float alpha,
             float take, float epsilon, float decay, float momentum) {
  for (size_t i = 0; i < n; i++) {
    float d = g[i] + decay * p[i];
    float s = alpha * square[i] + take * (d * d);
    square[i] = s;
    if (mean != nullptr) {
      float m = alpha * mean[i] + take * d;
      mean[i] = m;
      s -= m * m;
    }
    float change = d / (std::sqrt(s) + epsilon);
    if (buffer != nullptr) {
      change = momentum * buffer[i] + change;
      buffer[i] = change;
    }
    p[i] -= lr * change;
  }
}

}  // namespace
