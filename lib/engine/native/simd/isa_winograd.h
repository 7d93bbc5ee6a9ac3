// Winograd's convolutions for one instruction set: see winograd_kernels.h; W is what turns a line.
#pragma once
#include "simd/isa_winograd_lines.h"
#include "simd/kernels.h"
#include "simd/simd.h"

namespace {

using convbook::WinogradFilter;
using convbook::WinogradFilterGrad;
using convbook::WinogradInput;
using convbook::WinogradOutput;

enum class Scaling { None, Affine, AffineRelu, Any };

// Number r of each column.
template <int N, int M>
inline Line<N> across(const Line<M> (&columns)[N], int r) {
  Line<N> line;
#pragma GCC unroll 6
  for (int s = 0; s < N; s++) line.v[s] = columns[s].v[r];
  return line;
}

// One column of a row of tiles, turned.
template <class W, Scaling scaling, bool Whole>
inline Line<W::kInputs> winogradColumn(const WinogradInput& t, int x, int c, V::mask last, V::v scale, V::v shift) {
  Line<W::kInputs> d;
  const bool inside = x >= 0 && x < t.width;
  const ptrdiff_t at = x * t.stride + c;
#pragma GCC unroll 6
  for (int i = 0; i < W::kInputs; i++) {
    if (!inside || t.rows[i] == nullptr) {
      d.v[i] = V::zero();
      continue;
    }
    // The next row of tiles shares the first rows of pixels with this one.
    if (i >= W::kInputs - W::kOutputs) prefetch(t.rows[i] + at + t.below);
    V::v value = Whole ? V::load(t.rows[i] + at) : V::load(t.rows[i] + at, last);
    if (scaling != Scaling::None && (scaling != Scaling::Any || t.scale != nullptr)) {
      value = V::fma(value, scale, shift);
    }
    if (scaling == Scaling::AffineRelu || (scaling == Scaling::Any && t.relu)) value = V::relu(value);
    d.v[i] = value;
  }
  return W::inputs(d);
}

template <class W, Scaling scaling, bool Whole>
inline void winogradInputVector(const WinogradInput& t, int c, V::mask last) {
  constexpr int N = W::kInputs, M = W::kOutputs;
  V::v scale = V::zero(), shift = V::zero();
  if (scaling != Scaling::None && (scaling != Scaling::Any || t.scale != nullptr)) {
    scale = Whole ? V::load(t.scale + c) : V::load(t.scale + c, last);
    shift = Whole ? V::load(t.shift + c) : V::load(t.shift + c, last);
  }
  float* to = t.to + c;
  int x = t.left;
  // Neighbours share columns.
  Line<N> columns[N];
#pragma GCC unroll 6
  for (int s = 0; s < N - M; s++) columns[s] = winogradColumn<W, scaling, Whole>(t, x + s, c, last, scale, shift);
  for (int i = 0; i < t.tiles; i++, to += t.tile, x += M) {
#pragma GCC unroll 6
    for (int s = N - M; s < N; s++) columns[s] = winogradColumn<W, scaling, Whole>(t, x + s, c, last, scale, shift);
#pragma GCC unroll 6
    for (int r = 0; r < N; r++) {
      const Line<N> line = W::inputs(across(columns, r));
#pragma GCC unroll 6
      for (int s = 0; s < N; s++) V::store(to + (N * r + s) * t.plane, line.v[s]);
    }
#pragma GCC unroll 6
    for (int s = 0; s < N - M; s++) columns[s] = columns[s + M];
  }
}

template <class W, Scaling scaling>
void winogradInputOf(const WinogradInput& t) {
  int c = 0;
  for (; c + V::L <= t.channels; c += V::L) winogradInputVector<W, scaling, true>(t, c, V::first(V::L));
  if (c < t.channels) winogradInputVector<W, scaling, false>(t, c, V::first(static_cast<unsigned>(t.channels - c)));
}

template <class W>
void winogradInput(const WinogradInput& t) {
#if defined(__wasm__)
  // One copy of the code, which is shipped; it asks as it goes.
  winogradInputOf<W, Scaling::Any>(t);
#else
  if (t.scale == nullptr) return winogradInputOf<W, Scaling::None>(t);
  if (t.relu) return winogradInputOf<W, Scaling::AffineRelu>(t);
  winogradInputOf<W, Scaling::Affine>(t);
#endif
}

// `met` gathers zero times everything times 2^73: it is not a number where something was not finite, or beyond 2^55.
inline V::v winogradMeet(V::v value, V::v met) {
  constexpr float kFar = 9.4447329657392904e21f;
  return V::fma(V::fma(value, V::broadcast(&kFar), V::zero()), V::zero(), met);
}
inline bool winogradFinite(V::v met) { return !V::any(V::nanIn(met, met)); }

template <class W, bool Whole>
V::v winogradOutputVector(const WinogradOutput& t, int column, V::mask last, V::v met) {
  constexpr int N = W::kInputs, M = W::kOutputs;
  const float* from = t.from + column;
  const V::v bias = t.bias != nullptr ? V::load(t.bias + column) : V::zero();
  for (int i = 0; i < t.tiles; i++, from += t.tile) {
    Line<M> sums[N];
#pragma GCC unroll 6
    for (int s = 0; s < N; s++) {
      Line<N> of;
#pragma GCC unroll 6
      for (int r = 0; r < N; r++) of.v[r] = V::load(from + (N * r + s) * t.plane);
      sums[s] = W::outputs(of);
    }
    const int columns = i + 1 < t.tiles ? M : t.lastColumns;
    const ptrdiff_t at = M * i * t.stride + column;
#pragma GCC unroll 4
    for (int r = 0; r < M; r++) {
      const Line<M> line = W::outputs(across(sums, r));
      if (r >= t.rows) break;
#pragma GCC unroll 4
      for (int s = 0; s < M; s++) {
        if (s >= columns) break;
        const ptrdiff_t place = at + r * t.row + s * t.stride;
        V::v value = V::add(line.v[s], bias);
        met = winogradMeet(value, met);
        if (t.residual != nullptr) {
          value = V::add(value, Whole ? V::load(t.residual + place) : V::load(t.residual + place, last));
        }
        if (t.activation == convbook::kRelu) value = V::relu(value);
        if (t.activation == convbook::kRelu6) value = V::relu6(value);
        if (Whole) {
          V::store(t.y + place, value);
        } else {
          V::store(t.y + place, value, last);
        }
      }
    }
  }
  return met;
}

template <class W>
bool winogradOutput(const WinogradOutput& t) {
  V::v met = V::zero();
  for (int q = 0; q < t.vectors; q++) {
    const bool whole = q + 1 < t.vectors || t.tail == V::L;
    met = whole ? winogradOutputVector<W, true>(t, q * V::L, V::first(V::L), met)
                : winogradOutputVector<W, false>(t, q * V::L, V::first(t.tail), met);
  }
  return winogradFinite(met);
}

template <class W>
void winogradFilter(const WinogradFilter& t) {
  constexpr int N = W::kInputs, R = W::kTaps;
  const V::mask last = V::first(t.tail);
  const bool whole = t.tail == V::L;
  for (int c = 0; c < t.channels; c++) {
    const float* w = t.w + c * t.stride;
    float* to = t.to + c * t.row;
    Line<N> columns[R];
#pragma GCC unroll 5
    for (int s = 0; s < R; s++) {
      Line<R> taps;
#pragma GCC unroll 5
      for (int r = 0; r < R; r++) {
        const float* from = w + (R * r + s) * t.tap;
        taps.v[r] = whole ? V::load(from) : V::load(from, last);
      }
      columns[s] = W::taps(taps);
    }
#pragma GCC unroll 6
    for (int r = 0; r < N; r++) {
      const Line<N> line = W::taps(across(columns, r));
#pragma GCC unroll 6
      for (int s = 0; s < N; s++) V::store(to + (N * r + s) * t.plane, line.v[s]);
    }
  }
}

template <class W, bool Whole>
inline void winogradOutputGradVector(const WinogradInput& t, int c, V::mask last) {
  constexpr int N = W::kInputs, M = W::kOutputs;
  float* to = t.to + c;
  int x = t.left;
  for (int i = 0; i < t.tiles; i++, to += t.tile, x += M) {
    Line<N> columns[M];
#pragma GCC unroll 4
    for (int s = 0; s < M; s++) {
      Line<M> of;
#pragma GCC unroll 4
      for (int r = 0; r < M; r++) {
        const float* from = t.rows[r] + (x + s) * t.stride + c;
        of.v[r] = x + s >= t.width || t.rows[r] == nullptr ? V::zero() : Whole ? V::load(from) : V::load(from, last);
      }
      columns[s] = W::grads(of);
    }
#pragma GCC unroll 6
    for (int r = 0; r < N; r++) {
      const Line<N> line = W::grads(across(columns, r));
#pragma GCC unroll 6
      for (int s = 0; s < N; s++) V::store(to + (N * r + s) * t.plane, line.v[s]);
    }
  }
}

template <class W>
void winogradOutputGrad(const WinogradInput& t) {
  int c = 0;
  for (; c + V::L <= t.channels; c += V::L) winogradOutputGradVector<W, true>(t, c, V::first(V::L));
  if (c < t.channels) winogradOutputGradVector<W, false>(t, c, V::first(static_cast<unsigned>(t.channels - c)));
}

template <class W>
bool winogradFilterGrad(const WinogradFilterGrad& t) {
  constexpr int N = W::kInputs, R = W::kTaps;
  const V::mask last = V::first(t.tail);
  const bool whole = t.tail == V::L;
  V::v met = V::zero();
  for (int c = 0; c < t.channels; c++) {
    const float* from = t.from + c * t.row;
    float* w = t.w + c * t.stride;
    Line<R> columns[N];
#pragma GCC unroll 6
    for (int s = 0; s < N; s++) {
      Line<N> of;
#pragma GCC unroll 6
      for (int r = 0; r < N; r++) of.v[r] = V::load(from + (N * r + s) * t.plane);
      columns[s] = W::tapGrads(of);
    }
#pragma GCC unroll 5
    for (int r = 0; r < R; r++) {
      const Line<R> line = W::tapGrads(across(columns, r));
#pragma GCC unroll 5
      for (int s = 0; s < R; s++) {
        met = winogradMeet(line.v[s], met);
        float* to = w + (R * r + s) * t.tap;
        if (whole) {
          V::store(to, line.v[s]);
        } else {
          V::store(to, line.v[s], last);
        }
      }
    }
  }
  return winogradFinite(met);
}

template <class W>
convbook::WinogradKernels winogradKernels() {
  return {W::kOutputs,          W::kTaps, winogradInput<W>, winogradOutput<W>, winogradFilter<W>, winogradOutputGrad<W>,
          winogradFilterGrad<W>};
}

void fillWinograd(convbook::Kernels& k) {
  using convbook::WinogradKind;
  k.winograd[static_cast<int>(WinogradKind::F2x3)] = winogradKernels<WinogradF2x3>();
  k.winograd[static_cast<int>(WinogradKind::F4x3)] = winogradKernels<WinogradF4x3>();
  k.winograd[static_cast<int>(WinogradKind::F2x5)] = winogradKernels<WinogradF2x5>();
}

}  // namespace
