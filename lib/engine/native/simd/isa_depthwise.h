// Depthwise convolutions for one instruction set: see depthwise_kernels.h.
#pragma once
#include "simd/kernels.h"
#include "simd/simd.h"

namespace {

using convbook::DepthwiseView;

// Columns that are made at once, a vector of channels each. WebAssembly runs on 16 registers, and its code is shipped:
// channels that do not fill a vector, the last few of some networks, go through the loops for any filter.
#if defined(__wasm__)
constexpr int kDepthwiseColumns = 4;
constexpr bool kDepthwisePartsByFilter = false;
#else
constexpr int kDepthwiseColumns = 8;
constexpr bool kDepthwisePartsByFilter = true;
#endif

template <bool Whole>
inline V::v depthwiseLoad(const float* p, V::mask last) {
  return Whole ? V::load(p) : V::load(p, last);
}

struct DepthwiseSum {
  V::v v[kDepthwiseColumns];
};

// Columns of a block that see a pixel through a tap: [from, to).
struct DepthwiseRange {
  int from, to;
};
inline DepthwiseRange depthwiseRange(const DepthwiseView& t, int j, int columns, int k) {
  const int at = t.first + j * t.step + k * t.tapStep;  // of the block's first column
  const int from = at >= 0 ? 0 : (-at + t.step - 1) / t.step;
  const int seen = at >= t.width ? 0 : (t.width - 1 - at) / t.step + 1;
  return {from, seen < columns ? seen : columns};
}

// Whether all columns of a block see pixels through all taps.
inline bool depthwiseInside(const DepthwiseView& t, int j) {
  const int at = t.first + j * t.step;
  return j + kDepthwiseColumns <= t.columns && at >= 0 &&
         at + (kDepthwiseColumns - 1) * t.step + (t.taps - 1) * t.tapStep < t.width;
}

// A block whose taps lie side by side: every pixel is read once for all columns that see it. With Border some of them
// may lie outside of the row.
template <int Taps, int Step, bool Border, bool Whole>
inline void depthwiseAside(const DepthwiseView& t, int j, size_t c, V::mask last, DepthwiseSum& sum) {
  constexpr int kPixels = (kDepthwiseColumns - 1) * Step + Taps;
  const int first = t.first + j * Step;
  const ptrdiff_t from = first * t.pixel + static_cast<ptrdiff_t>(c);
  for (int r = 0; r < t.rowCount; r++) {
    const float* x = t.rows[r].x;
    const float* w = t.rows[r].w + c;
    V::v weight[Taps];
#pragma GCC unroll 8
    for (int k = 0; k < Taps; k++) weight[k] = depthwiseLoad<Whole>(w + k * t.tapWeights, last);
#pragma GCC unroll 24
    for (int p = 0; p < kPixels; p++) {
      if (Border && (first + p < 0 || first + p >= t.width)) continue;
      const V::v value = depthwiseLoad<Whole>(x + (from + p * t.pixel), last);
#pragma GCC unroll 8
      for (int k = 0; k < Taps; k++) {
        if (p >= k && (p - k) % Step == 0 && (p - k) / Step < kDepthwiseColumns) {
          sum.v[(p - k) / Step] = V::fma(value, weight[k], sum.v[(p - k) / Step]);
        }
      }
    }
  }
}

// Any block within the image.
template <bool Whole>
inline void depthwiseInner(const DepthwiseView& t, int j, size_t c, V::mask last, DepthwiseSum& sum) {
  const ptrdiff_t step = t.step * t.pixel;
  for (int r = 0; r < t.rowCount; r++) {
    const float* x = t.rows[r].x + (t.first + j * t.step) * t.pixel + c;
    const float* w = t.rows[r].w + c;
    for (int k = 0; k < t.taps; k++, x += t.tapStep * t.pixel, w += t.tapWeights) {
      const V::v weight = depthwiseLoad<Whole>(w, last);
#pragma GCC unroll 8
      for (int n = 0; n < kDepthwiseColumns; n++) {
        sum.v[n] = V::fma(depthwiseLoad<Whole>(x + n * step, last), weight, sum.v[n]);
      }
    }
  }
}

// A block at a border, or of fewer columns.
template <bool Whole>
inline void depthwiseBorder(const DepthwiseView& t, int j, int columns, size_t c, V::mask last, DepthwiseSum& sum) {
  const ptrdiff_t step = t.step * t.pixel;
  for (int k = 0; k < t.taps; k++) {
    const DepthwiseRange range = depthwiseRange(t, j, columns, k);
    const ptrdiff_t at = (t.first + j * t.step + k * t.tapStep) * t.pixel + static_cast<ptrdiff_t>(c);
    const ptrdiff_t own = k * t.tapWeights + static_cast<ptrdiff_t>(c);
    for (int r = 0; r < t.rowCount; r++) {
      const V::v weight = depthwiseLoad<Whole>(t.rows[r].w + own, last);
      const float* x = t.rows[r].x;
#pragma GCC unroll 8
      for (int n = 0; n < kDepthwiseColumns; n++) {
        if (n >= range.from && n < range.to) {
          sum.v[n] = V::fma(depthwiseLoad<Whole>(x + (at + n * step), last), weight, sum.v[n]);
        }
      }
    }
  }
}

// Any distances between columns and taps.
template <int Taps, int Step>
struct DepthwiseFilter {
  template <bool Border, bool Whole>
  static inline void add(const DepthwiseView& t, int j, int, size_t c, V::mask last, DepthwiseSum& sum) {
    depthwiseAside<Taps, Step, Border, Whole>(t, j, c, last, sum);
  }
};
template <>
struct DepthwiseFilter<0, 0> {
  template <bool Border, bool Whole>
  static inline void add(const DepthwiseView& t, int j, int columns, size_t c, V::mask last, DepthwiseSum& sum) {
    if (Border) {
      depthwiseBorder<Whole>(t, j, columns, c, last, sum);
    } else {
      depthwiseInner<Whole>(t, j, c, last, sum);
    }
  }
};

template <class Filter, bool Border, bool Whole>
inline void depthwiseVector(const DepthwiseView& t, const float* bias, int activation, int j, int columns, size_t c,
                            V::mask last, float* y) {
  DepthwiseSum sum;
  const V::v begin = bias == nullptr ? V::zero() : depthwiseLoad<Whole>(bias + c, last);
#pragma GCC unroll 8
  for (int n = 0; n < kDepthwiseColumns; n++) sum.v[n] = begin;
  Filter::template add<Border, Whole>(t, j, columns, c, last, sum);
  float* to = y + j * t.result + c;
  const float* ahead = t.ahead + j * t.step * t.pixel + c;
#pragma GCC unroll 8
  for (int n = 0; n < kDepthwiseColumns; n++, to += t.result) {
    if (Border && n >= columns) break;
    V::v value = sum.v[n];
    if (activation == convbook::kRelu) value = V::relu(value);
    if (activation == convbook::kRelu6) value = V::relu6(value);
    if (Whole) {
      V::store(to, value);
    } else {
      V::store(to, value, last);
    }
    // What the next row reads and writes comes from far away where images are large or many.
    if (t.streamed) prefetchToWrite(to + t.columns * t.result);
    if (t.ahead != nullptr) prefetch(ahead + n * t.step * t.pixel);
  }
}

template <class Filter, bool Border>
void depthwiseBlock(const DepthwiseView& t, const float* bias, int activation, int j, int columns, float* y) {
  size_t c = 0;
  for (; c + V::L <= t.channels; c += V::L) {
    depthwiseVector<Filter, Border, true>(t, bias, activation, j, columns, c, V::first(V::L), y);
  }
  if (c == t.channels) return;
  const V::mask last = V::first(static_cast<unsigned>(t.channels - c));
  if constexpr (kDepthwisePartsByFilter) {
    depthwiseVector<Filter, Border, false>(t, bias, activation, j, columns, c, last, y);
  } else {
    depthwiseVector<DepthwiseFilter<0, 0>, Border, false>(t, bias, activation, j, columns, c, last, y);
  }
}

template <class Filter>
void depthwiseRowOf(const DepthwiseView& t, const float* bias, int activation, float* y) {
  for (int j = 0; j < t.columns; j += kDepthwiseColumns) {
    const int columns = t.columns - j < kDepthwiseColumns ? t.columns - j : kDepthwiseColumns;
    if (depthwiseInside(t, j)) {
      depthwiseBlock<Filter, false>(t, bias, activation, j, columns, y);
    } else {
      depthwiseBlock<Filter, true>(t, bias, activation, j, columns, y);
    }
  }
}

void depthwiseForward(const DepthwiseView& t, const float* bias, int activation, float* y) {
  const int kind = t.tapStep == 1 && t.taps < 10 && t.step < 10 ? 10 * t.taps + t.step : 0;
  switch (kind) {
    case 31: return depthwiseRowOf<DepthwiseFilter<3, 1>>(t, bias, activation, y);
    case 51: return depthwiseRowOf<DepthwiseFilter<5, 1>>(t, bias, activation, y);
    case 71: return depthwiseRowOf<DepthwiseFilter<7, 1>>(t, bias, activation, y);
    case 32: return depthwiseRowOf<DepthwiseFilter<3, 2>>(t, bias, activation, y);
    case 52: return depthwiseRowOf<DepthwiseFilter<5, 2>>(t, bias, activation, y);
    default: return depthwiseRowOf<DepthwiseFilter<0, 0>>(t, bias, activation, y);
  }
}

// Rows x Taps sums in registers, over columns [from, to) that see pixels through all of the taps.
template <int Rows, int Taps, bool Whole>
inline void depthwiseSumsTile(const DepthwiseView& t, const float* dy, int row, int tap, int from, int to, size_t c,
                              V::mask last) {
  V::v sum[Rows][Taps];
  const float* x[Rows];
  const ptrdiff_t step = t.step * t.pixel, tapStep = t.tapStep * t.pixel;
#pragma GCC unroll 4
  for (int r = 0; r < Rows; r++) {
    x[r] = t.rows[row + r].x + ((t.first + from * t.step + tap * t.tapStep) * t.pixel + static_cast<ptrdiff_t>(c));
#pragma GCC unroll 8
    for (int k = 0; k < Taps; k++) {
      sum[r][k] = depthwiseLoad<Whole>(t.rows[row + r].w + (tap + k) * t.tapWeights + c, last);
    }
  }
  dy += from * t.result + static_cast<ptrdiff_t>(c);
  const float* ahead = t.ahead + (from * t.step * t.pixel + static_cast<ptrdiff_t>(c));
  for (int j = from; j < to; j++, dy += t.result, ahead += step) {
    if (t.streamed && row == 0 && tap == 0) {
      prefetch(dy + t.columns * t.result);
      if (t.ahead != nullptr) prefetch(ahead);
    }
    const V::v gradient = depthwiseLoad<Whole>(dy, last);
#pragma GCC unroll 4
    for (int r = 0; r < Rows; r++) {
#pragma GCC unroll 8
      for (int k = 0; k < Taps; k++) {
        sum[r][k] = V::fma(depthwiseLoad<Whole>(x[r] + k * tapStep, last), gradient, sum[r][k]);
      }
      x[r] += step;
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < Rows; r++) {
#pragma GCC unroll 8
    for (int k = 0; k < Taps; k++) {
      float* w = t.rows[row + r].w + (tap + k) * t.tapWeights + c;
      if (Whole) {
        V::store(w, sum[r][k]);
      } else {
        V::store(w, sum[r][k], last);
      }
    }
  }
}

// The same for a few taps, with the columns at the borders that see pixels through some of them.
template <int Rows, int Taps, bool Whole>
inline void depthwiseSumsVector(const DepthwiseView& t, const float* dy, int row, int tap, int from, int to, size_t c,
                                V::mask last) {
  int low = from, high = to;
  for (int k = 0; k < Taps; k++) {
    const DepthwiseRange range = depthwiseRange(t, 0, t.columns, tap + k);
    if (range.from > low) low = range.from;
    if (range.to < high) high = range.to;
  }
  if (low < high) {
    depthwiseSumsTile<Rows, Taps, Whole>(t, dy, row, tap, low, high, c, last);
  } else {
    low = high = from;
  }
  if (Taps == 1 || (low == from && high == to)) return;
  for (int k = 0; k < Taps; k++) {
    const DepthwiseRange range = depthwiseRange(t, 0, t.columns, tap + k);
    const int begin = range.from > from ? range.from : from, end = range.to < to ? range.to : to;
    const int before = end < low ? end : low, behind = begin > high ? begin : high;
    if (begin < before) depthwiseSumsTile<Rows, 1, Whole>(t, dy, row, tap + k, begin, before, c, last);
    if (behind < end) depthwiseSumsTile<Rows, 1, Whole>(t, dy, row, tap + k, behind, end, c, last);
  }
}

template <int Rows, int Taps>
void depthwiseSumsOf(const DepthwiseView& t, const float* dy, int row, int tap, int from, int to) {
  size_t c = 0;
  for (; c + V::L <= t.channels; c += V::L) {
    depthwiseSumsVector<Rows, Taps, true>(t, dy, row, tap, from, to, c, V::first(V::L));
  }
  if (c == t.channels) return;
  const V::mask last = V::first(static_cast<unsigned>(t.channels - c));
  if constexpr (kDepthwisePartsByFilter) {
    depthwiseSumsVector<Rows, Taps, false>(t, dy, row, tap, from, to, c, last);
  } else {
    for (int r = 0; r < Rows; r++) {
      for (int k = 0; k < Taps; k++) depthwiseSumsVector<1, 1, false>(t, dy, row + r, tap + k, from, to, c, last);
    }
  }
}

template <int Rows>
void depthwiseSumsOfRows(const DepthwiseView& t, const float* dy, int row, int from, int to) {
  int k = 0;
  for (; k + 5 <= t.taps; k += 5) depthwiseSumsOf<Rows, 5>(t, dy, row, k, from, to);
  for (; k + 3 <= t.taps; k += 3) depthwiseSumsOf<Rows, 3>(t, dy, row, k, from, to);
  for (; k < t.taps; k++) depthwiseSumsOf<Rows, 1>(t, dy, row, k, from, to);
}

void depthwiseSums(const DepthwiseView& t, const float* dy) {
  // So many columns that their pixels stay in the first-level cache from one vector of channels to the next.
  constexpr int kColumns = 32;
  for (int from = 0; from < t.columns; from += kColumns) {
    const int to = from + kColumns < t.columns ? from + kColumns : t.columns;
    int row = 0;
    if (t.taps == 3) {
      for (; row + 3 <= t.rowCount; row += 3) depthwiseSumsOfRows<3>(t, dy, row, from, to);
    }
    for (; row + 2 <= t.rowCount; row += 2) depthwiseSumsOfRows<2>(t, dy, row, from, to);
    for (; row < t.rowCount; row++) depthwiseSumsOfRows<1>(t, dy, row, from, to);
  }
}

}  // namespace
