// Register tiles: the inner loops of convolutions and matrix products.
#pragma once
#include <utility>

#include "simd/kernels.h"
#include "simd/simd.h"

namespace {

using convbook::GradTile;
using convbook::Tile;

// Asks for what will be read soon, line by line.
class Ahead {
 public:
  // Where there is nothing to ask for, it asks for a line that is there.
  Ahead(const convbook::AheadRows& rows, const float* there)
      : at_(rows.at != nullptr ? rows.at : there),
        step_(rows.at != nullptr ? kLine : 0),
        skip_(rows.at != nullptr ? rows.skip : 0),
        lines_(rows.lines),
        left_(rows.lines) {}
  inline void next() {
    prefetch(at_);
    at_ += step_;
    if (--left_ == 0) {
      left_ = lines_;
      at_ += skip_;
    }
  }

 private:
  static constexpr ptrdiff_t kLine = 16;
  const float* at_;
  const ptrdiff_t step_, skip_;
  const int lines_;
  int left_;
};

template <int P, int Q>
void tile(const Tile& t) {
  const V::mask last = V::first(t.tail);
  const bool whole = t.tail == V::L;
  V::v sum[P][Q];
#pragma GCC unroll 4
  for (int q = 0; q < Q; q++) {
    V::v start = t.bias != nullptr ? V::load(t.bias + q * V::L) : V::zero();
#pragma GCC unroll 28
    for (int p = 0; p < P; p++) sum[p][q] = start;
  }
  const float* CONVBOOK_RESTRICT w = t.w;
  const ptrdiff_t xs = t.xs, xk = t.xk;
  Ahead ahead(t.ahead, w);
  for (int r = 0; r < t.runCount; r++) {
    const float* CONVBOOK_RESTRICT x = t.x + t.runs[r].offset;
    for (int k = t.runs[r].length; k > 0; k--) {
      ahead.next();
      V::v column[Q];
#pragma GCC unroll 4
      for (int q = 0; q < Q; q++) column[q] = V::load(w + q * V::L);
#pragma GCC unroll 28
      for (int p = 0; p < P; p++) {
        V::v value = V::broadcast(x + p * xs);
#pragma GCC unroll 4
        for (int q = 0; q < Q; q++) sum[p][q] = V::fma(value, column[q], sum[p][q]);
      }
      x += xk;
      w += Q * V::L;
    }
  }
#pragma GCC unroll 28
  for (int p = 0; p < P; p++) {
    float* y = t.y + p * t.ys;
#pragma GCC unroll 4
    for (int q = 0; q < Q; q++) {
      V::v value = sum[p][q];
      if (t.residual != nullptr) {
        const float* residual = t.residual + p * t.ys + q * V::L;
        value = V::add(value, q == Q - 1 && !whole ? V::load(residual, last) : V::load(residual));
      }
      if (t.activation == convbook::kRelu) value = V::relu(value);
      if (t.activation == convbook::kRelu6) value = V::relu6(value);
      if (q == Q - 1 && !whole) {
        V::store(y + q * V::L, value, last);
      } else {
        V::store(y + q * V::L, value);
      }
    }
  }
}

template <int M, int Q, bool Whole>
inline void gradTileOf(const GradTile& t) {
  const V::mask last = V::first(t.tail);
  V::v sum[M][Q];
#pragma GCC unroll 28
  for (int m = 0; m < M; m++)
#pragma GCC unroll 4
    for (int q = 0; q < Q; q++) {
      const float* dw = t.dw + m * t.dws + q * V::L;
      sum[m][q] = q == Q - 1 && !Whole ? V::load(dw, last) : V::load(dw);
    }
  const ptrdiff_t xs = t.xs, dys = t.dys;
  Ahead ahead(t.ahead, t.dy);
  for (int r = 0; r < t.rows; r++) {
    const float* CONVBOOK_RESTRICT x = t.x + r * t.xrow;
    const float* CONVBOOK_RESTRICT dy = t.dy + r * t.dyrow;
    for (int i = t.pixels; i > 0; i--) {
      ahead.next();
      V::v column[Q];
#pragma GCC unroll 4
      for (int q = 0; q < Q; q++) {
        column[q] = q == Q - 1 && !Whole ? V::load(dy + q * V::L, last) : V::load(dy + q * V::L);
      }
#pragma GCC unroll 28
      for (int m = 0; m < M; m++) {
        V::v value = V::broadcast(x + m);
#pragma GCC unroll 4
        for (int q = 0; q < Q; q++) sum[m][q] = V::fma(value, column[q], sum[m][q]);
      }
      x += xs;
      dy += dys;
    }
  }
#pragma GCC unroll 28
  for (int m = 0; m < M; m++)
#pragma GCC unroll 4
    for (int q = 0; q < Q; q++) {
      float* dw = t.dw + m * t.dws + q * V::L;
      if (q == Q - 1 && !Whole) {
        V::store(dw, sum[m][q], last);
      } else {
        V::store(dw, sum[m][q]);
      }
    }
}

template <int M, int Q>
void gradTile(const GradTile& t) {
  if (t.tail == V::L) {
    gradTileOf<M, Q, true>(t);
  } else {
    gradTileOf<M, Q, false>(t);
  }
}

template <int Q, int... I>
void fillTiles(convbook::Kernels& k, std::integer_sequence<int, I...>) {
  ((k.tile[Q][I + 1] = tile<I + 1, Q>, k.gradTile[Q][I + 1] = gradTile<I + 1, Q>), ...);
}

void fillAllTiles(convbook::Kernels& k) {
  k.lanes = V::L;
  k.rowLimit[0] = 0;
  k.rowLimit[1] = V::rows1;
  k.rowLimit[2] = V::rows2;
  k.rowLimit[3] = V::rows3;
  k.rowLimit[4] = V::rows4;
  fillTiles<1>(k, std::make_integer_sequence<int, V::rows1>());
  fillTiles<2>(k, std::make_integer_sequence<int, V::rows2>());
  fillTiles<3>(k, std::make_integer_sequence<int, V::rows3>());
  fillTiles<4>(k, std::make_integer_sequence<int, V::rows4>());
}

}  // namespace
