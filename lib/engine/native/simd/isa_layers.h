// Loops of normalization, pooling and depthwise convolution, over channels that lie side by side.
#pragma once
#include "simd/kernels.h"
#include "simd/simd.h"

namespace {

using convbook::kMaskNone, convbook::kMaskX, convbook::kMaskX6, convbook::kMaskY, convbook::kMaskY6;

void moments(const float* x, size_t rows, size_t width, float* CONVBOOK_RESTRICT mean, float* CONVBOOK_RESTRICT m2) {
  for (size_t j = 0; j < width; j++) mean[j] = m2[j] = 0.f;
  for (size_t r = 0; r < rows; r++) {
    const float* CONVBOOK_RESTRICT row = x + r * width;
    for (size_t j = 0; j < width; j++) mean[j] += row[j];
  }
  const float scale = 1.f / static_cast<float>(rows);
  for (size_t j = 0; j < width; j++) mean[j] *= scale;
  for (size_t r = 0; r < rows; r++) {
    const float* CONVBOOK_RESTRICT row = x + r * width;
    for (size_t j = 0; j < width; j++) {
      float d = row[j] - mean[j];
      m2[j] += d * d;
    }
  }
}

inline float clampTo(float v, int activation) {
  if (activation == convbook::kLinear) return v;
  v = v < 0.f ? 0.f : v;
  return activation == convbook::kRelu6 && v > 6.f ? 6.f : v;
}

template <int Act, bool Residual>
inline void affineOf(const float* x, const float* CONVBOOK_RESTRICT scale, const float* CONVBOOK_RESTRICT shift,
                     const float* residual, float* y, size_t n, size_t width) {
  for (size_t base = 0; base < n; base += width) {
    const size_t count = n - base < width ? n - base : width;
    const float* in = x + base;
    const float* add = residual + base;
    float* out = y + base;
#pragma GCC ivdep
    for (size_t j = 0; j < count; j++) {
      float v = in[j] * scale[j] + shift[j];
      if (Residual) v += add[j];
      out[j] = clampTo(v, Act);
    }
  }
}

void affine(const float* x, const float* scale, const float* shift, const float* residual, float* y, size_t n,
            size_t width, int activation) {
  using namespace convbook;
  if (residual != nullptr) {
    if (activation == kRelu) return affineOf<kRelu, true>(x, scale, shift, residual, y, n, width);
    if (activation == kRelu6) return affineOf<kRelu6, true>(x, scale, shift, residual, y, n, width);
    return affineOf<kLinear, true>(x, scale, shift, residual, y, n, width);
  }
  if (activation == kRelu) return affineOf<kRelu, false>(x, scale, shift, x, y, n, width);
  if (activation == kRelu6) return affineOf<kRelu6, false>(x, scale, shift, x, y, n, width);
  return affineOf<kLinear, false>(x, scale, shift, x, y, n, width);
}

// A gradient behind an activation that gave `y`.
template <int Mask>
inline float masked(float dy, float y) {
  if (Mask == kMaskNone) return dy;
  const float open = y <= 0.f ? 0.f : dy;
  return Mask == kMaskX6 || Mask == kMaskY6 ? (y >= 6.f ? 0.f : open) : open;
}

template <int Mask, bool Keep>
inline void normSumsOf(const float* dy, const float* x, const float* y, const float* CONVBOOK_RESTRICT mean,
                       const float* CONVBOOK_RESTRICT scale, const float* CONVBOOK_RESTRICT shift, float* dresidual,
                       size_t n, size_t width, float* CONVBOOK_RESTRICT sum, float* CONVBOOK_RESTRICT sumX) {
  for (size_t j = 0; j < width; j++) sum[j] = sumX[j] = 0.f;
  for (size_t base = 0; base < n; base += width) {
    const size_t count = n - base < width ? n - base : width;
    const float* g = dy + base;
    const float* in = x + base;
    const float* out = y + base;
    float* keep = dresidual + base;
#pragma GCC ivdep
    for (size_t j = 0; j < count; j++) {
      const float v = masked<Mask>(g[j], Mask == kMaskX || Mask == kMaskX6 ? in[j] * scale[j] + shift[j] : out[j]);
      if (Keep) keep[j] = v;
      sum[j] += v;
      sumX[j] += v * (in[j] - mean[j]);
    }
  }
}

void normSums(int mask, const float* dy, const float* x, const float* y, const float* mean, const float* scale,
              const float* shift, float* dresidual, size_t n, size_t width, float* sum, float* sumX) {
  const bool keeps = dresidual != nullptr;
  const auto sums = mask == kMaskNone ? normSumsOf<kMaskNone, false>
                    : mask == kMaskX  ? normSumsOf<kMaskX, false>
                    : mask == kMaskX6 ? normSumsOf<kMaskX6, false>
                    : mask == kMaskY  ? (keeps ? normSumsOf<kMaskY, true> : normSumsOf<kMaskY, false>)
                                      : (keeps ? normSumsOf<kMaskY6, true> : normSumsOf<kMaskY6, false>);
  sums(dy, x, y != nullptr ? y : x, mean, scale, shift, dresidual, n, width, sum, sumX);
}

template <int Mask>
inline void normGradOf(const float* dy, const float* x, const float* y, const float* CONVBOOK_RESTRICT scale,
                       const float* CONVBOOK_RESTRICT shift, const float* CONVBOOK_RESTRICT a1,
                       const float* CONVBOOK_RESTRICT a2, const float* CONVBOOK_RESTRICT a3, float* dx, size_t n,
                       size_t width) {
  for (size_t base = 0; base < n; base += width) {
    const size_t count = n - base < width ? n - base : width;
    const float* g = dy + base;
    const float* in = x + base;
    const float* out = y + base;
    float* result = dx + base;
#pragma GCC ivdep
    for (size_t j = 0; j < count; j++) {
      const float v = masked<Mask>(g[j], Mask == kMaskX || Mask == kMaskX6 ? in[j] * scale[j] + shift[j] : out[j]);
      result[j] = a1[j] * v + a2[j] * in[j] + a3[j];
    }
  }
}

void normGrad(int mask, const float* dy, const float* x, const float* y, const float* scale, const float* shift,
              const float* a1, const float* a2, const float* a3, float* dx, size_t n, size_t width) {
  const auto grad = mask == kMaskNone ? normGradOf<kMaskNone>
                    : mask == kMaskX  ? normGradOf<kMaskX>
                    : mask == kMaskX6 ? normGradOf<kMaskX6>
                    : mask == kMaskY  ? normGradOf<kMaskY>
                                      : normGradOf<kMaskY6>;
  grad(dy, x, y != nullptr ? y : x, scale, shift, a1, a2, a3, dx, n, width);
}

// What comes from memory, and where results go, is asked for so far ahead.
constexpr size_t kFloatsAhead = 256;

// With Nan a window with NaN gives NaN, and of several the last is taken, as in PyTorch; else NaN is passed over, as in
// tfjs, and a window of nothing but NaN gives minus infinity. Of equal values the first is taken. Taps: how many there
// are, as a constant where it is a usual number; all of them lie inside.
template <bool Index, bool Nan, int Taps>
inline void maxPixelOf(const float* const* taps, int count, size_t channels, float* y, uint8_t* index,
                       const uint8_t* numbers, const uint8_t* const* from) {
  if (Taps > 0) count = Taps;
  const float lowest = -kInfinity;
  const V::v none = V::broadcast(&lowest);
  // The first value is the best so far, unless it must not count.
  const int start = Nan ? 1 : 0;
  auto place = [&](int t, size_t c) {
    const V::bytes tap = V::bytesOf(numbers[t]);
    return from != nullptr ? V::add(tap, V::loadBytes(from[t] + c)) : tap;
  };
  size_t c = 0;
  for (; c + V::L <= channels; c += V::L) {
    V::v best = Nan ? V::load(taps[0] + c) : none, before = best;
    V::lanes nan = V::noLanes();
    prefetch(taps[count - 1] + c + kFloatsAhead);
    prefetch(y + c + kFloatsAhead);
    if (Index && c % 64 == 0) prefetch(index + c + kFloatsAhead);
    V::bytes at = Index ? place(0, c) : V::bytesOf(0);
    for (int t = start; t < count; t++) {
      const V::v x = V::load(taps[t] + c);
      // One comparison watches two values.
      if (Nan && (t % 2 == 1 || t == count - 1)) nan = V::either(nan, V::nanIn(before, x));
      before = x;
      if (Index) {
        V::template keepLarger<false>(x, place(t, c), &best, &at);
      } else {
        best = V::max(x, best);
      }
    }
    if (Nan && V::any(nan)) {
      best = V::load(taps[0] + c);
      if (Index) at = place(0, c);
      for (int t = 1; t < count; t++) {
        if (Index) {
          V::template keepLarger<true>(V::load(taps[t] + c), place(t, c), &best, &at);
        } else {
          V::template keepLarger<true>(V::load(taps[t] + c), &best);
        }
      }
    }
    if (Index) V::storeBytes(index + c, at);
    V::store(y + c, best);
  }
  if (c == channels) return;
  if (!Index) {
    const V::mask m = V::first(static_cast<unsigned>(channels - c));
    V::v best = Nan ? V::load(taps[0] + c, m) : none;
    for (int t = start; t < count; t++) V::template keepLarger<Nan>(V::load(taps[t] + c, m), &best);
    V::store(y + c, best, m);
    return;
  }
  // Bytes have no masks: the last few one by one.
  for (; c < channels; c++) {
    auto number = [&](int t) { return static_cast<uint8_t>(numbers[t] + (from != nullptr ? from[t][c] : 0)); };
    y[c] = Nan ? taps[0][c] : -kInfinity;
    index[c] = number(0);
    for (int t = start; t < count; t++) {
      if (!isLarger<Nan>(taps[t][c], y[c])) continue;
      y[c] = taps[t][c];
      index[c] = number(t);
    }
  }
}

template <bool Index, bool Nan>
inline void maxPixelOf(const float* const* taps, int count, size_t channels, float* y, uint8_t* index,
                       const uint8_t* numbers, const uint8_t* const* from) {
  if (count == 3) return maxPixelOf<Index, Nan, 3>(taps, count, channels, y, index, numbers, from);
  if (count == 2) return maxPixelOf<Index, Nan, 2>(taps, count, channels, y, index, numbers, from);
  maxPixelOf<Index, Nan, 0>(taps, count, channels, y, index, numbers, from);
}

void maxPixel(const float* const* taps, int count, size_t channels, int nan, float* y, uint8_t* index,
              const uint8_t* numbers, const uint8_t* const* from) {
  if (index != nullptr) {
    if (nan != 0) return maxPixelOf<true, true>(taps, count, channels, y, index, numbers, from);
    maxPixelOf<true, false>(taps, count, channels, y, index, numbers, from);
  } else {
    if (nan != 0) return maxPixelOf<false, true>(taps, count, channels, y, nullptr, nullptr, nullptr);
    maxPixelOf<false, false>(taps, count, channels, y, nullptr, nullptr, nullptr);
  }
}

// Short rows from one array into another: whole vectors and one masked.
void copyRows(const float* from, size_t fromStride, float* to, size_t toStride, size_t rows, size_t n) {
  const size_t whole = n / V::L * V::L;
  const unsigned rest = static_cast<unsigned>(n - whole);
  const V::mask last = V::first(rest);
  for (size_t r = 0; r < rows; r++, from += fromStride, to += toStride) {
    for (size_t i = 0; i < whole; i += V::L) V::store(to + i, V::load(from + i));
    if (rest > 0) V::store(to + whole, V::load(from + whole, last), last);
  }
}

void sumPixel(const float* const* taps, const float* weights, int count, size_t channels, float scale,
              float* CONVBOOK_RESTRICT y) {
  for (size_t c = 0; c < channels; c++) y[c] = 0.f;
  for (int t = 0; t < count; t++) {
    const float* CONVBOOK_RESTRICT x = taps[t];
    if (x == nullptr) continue;
    if (weights != nullptr) {
      const float w = weights[t];
      for (size_t c = 0; c < channels; c++) y[c] += x[c] * w;
    } else {
      for (size_t c = 0; c < channels; c++) y[c] += x[c];
    }
  }
  if (scale != 1.f)
    for (size_t c = 0; c < channels; c++) y[c] *= scale;
}

void maxPixelGrad(const float* const* dy, const uint8_t* const* index, const uint8_t* taps, int count, size_t channels,
                  float* dx) {
  // The last tap is the one that nobody has read yet; there may be none at all.
  const float* lastDy = count > 0 ? dy[count - 1] : dx;
  const uint8_t* lastIndex = count > 0 ? index[count - 1] : taps;
  size_t c = 0;
  for (; c + V::L <= channels; c += V::L) {
    V::v sum = V::zero();
    prefetch(lastDy + c + kFloatsAhead);
    if (c % 64 == 0) prefetch(lastIndex + c + kFloatsAhead);
    for (int t = 0; t < count; t++) sum = V::add(sum, V::whereByte(V::load(dy[t] + c), index[t] + c, taps[t]));
    V::store(dx + c, sum);
  }
  for (; c < channels; c++) {
    float sum = 0.f;
    for (int t = 0; t < count; t++) sum += index[t][c] == taps[t] ? dy[t][c] : 0.f;
    dx[c] = sum;
  }
}

void multiplyAdd(const float* CONVBOOK_RESTRICT x, const float* CONVBOOK_RESTRICT w, float* CONVBOOK_RESTRICT y,
                 size_t n, int scalar) {
  if (scalar != 0) {
    const float only = *w;
    for (size_t i = 0; i < n; i++) y[i] += x[i] * only;
  } else {
    for (size_t i = 0; i < n; i++) y[i] += x[i] * w[i];
  }
}

}  // namespace
