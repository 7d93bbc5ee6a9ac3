// Winograd's F(2x2, 3x3) for one instruction set: see winograd_kernels.h.
#pragma once
#include "simd/kernels.h"
#include "simd/simd.h"

namespace {

using convbook::WinogradFilter;
using convbook::WinogradFilterGrad;
using convbook::WinogradInput;
using convbook::WinogradOutput;

enum class Scaling { None, Affine, AffineRelu };

struct Four {
  V::v v[4];
};

// What four inputs of a line make.
inline Four spread(V::v a, V::v b, V::v c, V::v d) {
  return {{V::sub(a, c), V::add(b, c), V::sub(c, b), V::sub(b, d)}};
}
inline Four spread(const Four& x) { return spread(x.v[0], x.v[1], x.v[2], x.v[3]); }

// One column of a row of tiles, turned.
template <Scaling scaling, bool Whole>
inline Four winogradColumn(const WinogradInput& t, int x, int c, V::mask last, V::v scale, V::v shift) {
  Four d;
  const bool inside = x >= 0 && x < t.width;
  const ptrdiff_t at = x * t.stride + c;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    if (!inside || t.rows[i] == nullptr) {
      d.v[i] = V::zero();
      continue;
    }
    V::v value = Whole ? V::load(t.rows[i] + at) : V::load(t.rows[i] + at, last);
    if (scaling != Scaling::None) value = V::fma(value, scale, shift);
    if (scaling == Scaling::AffineRelu) value = V::relu(value);
    d.v[i] = value;
  }
  return spread(d);
}

template <Scaling scaling, bool Whole>
inline void winogradInputVector(const WinogradInput& t, int c, V::mask last) {
  V::v scale = V::zero(), shift = V::zero();
  if (scaling != Scaling::None) {
    scale = Whole ? V::load(t.scale + c) : V::load(t.scale + c, last);
    shift = Whole ? V::load(t.shift + c) : V::load(t.shift + c, last);
  }
  float* to = t.to + c;
  int x = t.left;
  // Neighbours share two of four columns.
  Four a = winogradColumn<scaling, Whole>(t, x, c, last, scale, shift);
  Four b = winogradColumn<scaling, Whole>(t, x + 1, c, last, scale, shift);
  for (int i = 0; i < t.tiles; i++, to += t.tile, x += 2) {
    const Four n = winogradColumn<scaling, Whole>(t, x + 2, c, last, scale, shift);
    const Four m = winogradColumn<scaling, Whole>(t, x + 3, c, last, scale, shift);
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++) {
      const Four line = spread(a.v[r], b.v[r], n.v[r], m.v[r]);
#pragma GCC unroll 4
      for (int s = 0; s < 4; s++) V::store(to + (4 * r + s) * t.plane, line.v[s]);
    }
    a = n;
    b = m;
  }
}

template <Scaling scaling>
void winogradInputOf(const WinogradInput& t) {
  int c = 0;
  for (; c + V::L <= t.channels; c += V::L) winogradInputVector<scaling, true>(t, c, V::first(V::L));
  if (c < t.channels) winogradInputVector<scaling, false>(t, c, V::first(static_cast<unsigned>(t.channels - c)));
}

void winogradInput(const WinogradInput& t) {
  if (t.scale == nullptr) return winogradInputOf<Scaling::None>(t);
  if (t.relu) return winogradInputOf<Scaling::AffineRelu>(t);
  winogradInputOf<Scaling::Affine>(t);
}

// `met` gathers zero times everything times 2^73: it is not a number where something was not finite, or beyond 2^55.
inline V::v winogradMeet(V::v value, V::v met) {
  constexpr float kFar = 9.4447329657392904e21f;
  return V::fma(V::fma(value, V::broadcast(&kFar), V::zero()), V::zero(), met);
}
inline bool winogradFinite(V::v met) { return !V::any(V::nanIn(met, met)); }

// Two outputs of a line from four sums.
struct Two {
  V::v v[2];
};
inline Two gather(V::v a, V::v b, V::v c, V::v d) { return {{V::add(a, V::add(b, c)), V::sub(V::sub(b, c), d)}}; }

template <bool Whole>
V::v winogradOutputVector(const WinogradOutput& t, int column, V::mask last, V::v met) {
  const float* from = t.from + column;
  const V::v bias = t.bias != nullptr ? V::load(t.bias + column) : V::zero();
  for (int i = 0; i < t.tiles; i++, from += t.tile) {
    Four upper, lower;
#pragma GCC unroll 4
    for (int s = 0; s < 4; s++) {
      const Two two = gather(V::load(from + s * t.plane), V::load(from + (4 + s) * t.plane),
                             V::load(from + (8 + s) * t.plane), V::load(from + (12 + s) * t.plane));
      upper.v[s] = two.v[0];
      lower.v[s] = two.v[1];
    }
    const int columns = i + 1 < t.tiles ? 2 : t.lastColumns;
    const ptrdiff_t at = 2 * i * t.stride + column;
#pragma GCC unroll 2
    for (int r = 0; r < 2; r++) {
      const Four& line = r == 0 ? upper : lower;
      const Two two = gather(line.v[0], line.v[1], line.v[2], line.v[3]);
      if (r >= t.rows) break;
#pragma GCC unroll 2
      for (int s = 0; s < 2; s++) {
        if (s >= columns) break;
        const ptrdiff_t place = at + r * t.row + s * t.stride;
        V::v value = V::add(two.v[s], bias);
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

bool winogradOutput(const WinogradOutput& t) {
  V::v met = V::zero();
  for (int q = 0; q < t.vectors; q++) {
    const bool whole = q + 1 < t.vectors || t.tail == V::L;
    met = whole ? winogradOutputVector<true>(t, q * V::L, V::first(V::L), met)
                : winogradOutputVector<false>(t, q * V::L, V::first(t.tail), met);
  }
  return winogradFinite(met);
}

// What three taps of a line make.
inline Four spreadTaps(V::v a, V::v b, V::v c, V::v half) {
  const V::v outer = V::fma(V::add(a, c), half, V::zero());
  const V::v middle = V::fma(b, half, V::zero());
  return {{a, V::add(outer, middle), V::sub(outer, middle), c}};
}

void winogradFilter(const WinogradFilter& t) {
  constexpr float kHalf = 0.5f;
  const V::v half = V::broadcast(&kHalf);
  const V::mask last = V::first(t.tail);
  const bool whole = t.tail == V::L;
  for (int c = 0; c < t.channels; c++) {
    const float* w = t.w + c * t.stride;
    float* to = t.to + c * t.row;
    Four columns[3];
#pragma GCC unroll 3
    for (int s = 0; s < 3; s++) {
      V::v tap[3];
#pragma GCC unroll 3
      for (int r = 0; r < 3; r++) {
        const float* from = w + (3 * r + s) * t.tap;
        tap[r] = whole ? V::load(from) : V::load(from, last);
      }
      columns[s] = spreadTaps(tap[0], tap[1], tap[2], half);
    }
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++) {
      const Four line = spreadTaps(columns[0].v[r], columns[1].v[r], columns[2].v[r], half);
#pragma GCC unroll 4
      for (int s = 0; s < 4; s++) V::store(to + (4 * r + s) * t.plane, line.v[s]);
    }
  }
}

// What two gradients of a line make; the last one's sign is left to winogradFilterGrad.
inline Four spreadGrad(V::v a, V::v b) { return {{a, V::add(a, b), V::sub(a, b), b}}; }

template <bool Whole>
inline void winogradOutputGradVector(const WinogradInput& t, int c, V::mask last) {
  float* to = t.to + c;
  int x = t.left;
  for (int i = 0; i < t.tiles; i++, to += t.tile, x += 2) {
    Four columns[2];
#pragma GCC unroll 2
    for (int s = 0; s < 2; s++) {
      V::v two[2];
#pragma GCC unroll 2
      for (int r = 0; r < 2; r++) {
        const float* from = t.rows[r] + (x + s) * t.stride + c;
        two[r] = x + s >= t.width || t.rows[r] == nullptr ? V::zero() : Whole ? V::load(from) : V::load(from, last);
      }
      columns[s] = spreadGrad(two[0], two[1]);
    }
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++) {
      const Four line = spreadGrad(columns[0].v[r], columns[1].v[r]);
#pragma GCC unroll 4
      for (int s = 0; s < 4; s++) V::store(to + (4 * r + s) * t.plane, line.v[s]);
    }
  }
}

void winogradOutputGrad(const WinogradInput& t) {
  int c = 0;
  for (; c + V::L <= t.channels; c += V::L) winogradOutputGradVector<true>(t, c, V::first(V::L));
  if (c < t.channels) winogradOutputGradVector<false>(t, c, V::first(static_cast<unsigned>(t.channels - c)));
}

// Three taps of a line from its four sums.
struct Three {
  V::v v[3];
};
inline Three gatherTaps(V::v a, V::v b, V::v c, V::v d, V::v half) {
  const V::v outer = V::fma(V::add(b, c), half, V::zero());
  return {{V::add(a, outer), V::fma(V::sub(b, c), half, V::zero()), V::sub(outer, d)}};
}

bool winogradFilterGrad(const WinogradFilterGrad& t) {
  constexpr float kHalf = 0.5f;
  const V::v half = V::broadcast(&kHalf);
  const V::mask last = V::first(t.tail);
  const bool whole = t.tail == V::L;
  V::v met = V::zero();
  for (int c = 0; c < t.channels; c++) {
    const float* from = t.from + c * t.row;
    float* w = t.w + c * t.stride;
    Three columns[4];
#pragma GCC unroll 4
    for (int s = 0; s < 4; s++) {
      columns[s] = gatherTaps(V::load(from + s * t.plane), V::load(from + (4 + s) * t.plane),
                              V::load(from + (8 + s) * t.plane), V::load(from + (12 + s) * t.plane), half);
    }
#pragma GCC unroll 3
    for (int r = 0; r < 3; r++) {
      const Three line = gatherTaps(columns[0].v[r], columns[1].v[r], columns[2].v[r], columns[3].v[r], half);
#pragma GCC unroll 3
      for (int s = 0; s < 3; s++) {
        met = winogradMeet(line.v[s], met);
        float* to = w + (3 * r + s) * t.tap;
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

}  // namespace
