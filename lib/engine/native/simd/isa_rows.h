// Loops over rows of pixels, channels side by side: a few rows at a time go by in panels of up to four vectors, so that
// what belongs to a channel (scales, sums) stays in registers, and the next panel finds the rows in the first-level
// cache.
#pragma once
#include "simd/kernels.h"
#include "simd/simd.h"

namespace {

constexpr size_t kRowsAtOnce = 32;

// What comes from memory is asked for so many rows before it is needed: slices of wider rows are more than the
// processor sees coming. A step of DenseNet takes a tenth less time for it.
constexpr ptrdiff_t kRowsAhead = 8;
template <int Q>
inline void readAhead(const float* row, ptrdiff_t stride) {
  if (row == nullptr) return;
  for (int i = 0; i < Q * V::L; i += 16) prefetch(row + kRowsAhead * stride + i);
}

template <bool Whole>
inline V::v loadSome(const float* p, V::mask m) {
  return Whole ? V::load(p) : V::load(p, m);
}
template <bool Whole>
inline void storeSome(float* p, V::v x, V::mask m) {
  if (Whole) {
    V::store(p, x);
  } else {
    V::store(p, x, m);
  }
}

// Calls body.run<vectors, whole>(first row, rows, first channel, mask of the last vector) for all panels.
template <class Body>
inline void forPanels(size_t rows, size_t channels, const Body& body) {
  for (size_t row = 0; row < rows; row += kRowsAtOnce) {
    const size_t count = rows - row < kRowsAtOnce ? rows - row : kRowsAtOnce;
#if defined(__wasm__)
    // The code is shipped: panels of fewer forms, of which networks' channels, mostly multiples of 16, meet the first.
    const V::mask all = V::first(V::L);
    size_t column = 0;
    for (; column + 4 * V::L <= channels; column += 4 * V::L) body.template run<4, true>(row, count, column, all);
    for (; column + V::L <= channels; column += V::L) body.template run<1, true>(row, count, column, all);
    if (column < channels) {
      body.template run<1, false>(row, count, column, V::first(static_cast<unsigned>(channels - column)));
    }
#else
    for (size_t column = 0; column < channels; column += 4 * V::L) {
      const size_t left = channels - column < 4 * V::L ? channels - column : 4 * V::L;
      const size_t vectors = (left + V::L - 1) / V::L;
      const unsigned tail = static_cast<unsigned>(left - (vectors - 1) * V::L);
      const V::mask m = V::first(tail);
      const bool whole = tail == V::L;
      if (vectors == 4)
        whole ? body.template run<4, true>(row, count, column, m) : body.template run<4, false>(row, count, column, m);
      if (vectors == 3)
        whole ? body.template run<3, true>(row, count, column, m) : body.template run<3, false>(row, count, column, m);
      if (vectors == 2)
        whole ? body.template run<2, true>(row, count, column, m) : body.template run<2, false>(row, count, column, m);
      if (vectors == 1)
        whole ? body.template run<1, true>(row, count, column, m) : body.template run<1, false>(row, count, column, m);
    }
#endif
  }
}

// Calls body(vector) with a constant for each vector of a panel; `last` is whether it is the panel's last.
#define CONVBOOK_EACH(q, Q) _Pragma("GCC unroll 4") for (int q = 0; q < Q; q++)

struct AffineBody {
  const convbook::AffineRows& t;
  template <int Q, bool Whole>
  inline void run(size_t row, size_t rows, size_t column, V::mask m) const {
    V::v scale[Q], shift[Q];
    if (t.scale != nullptr) {
      CONVBOOK_EACH(q, Q) {
        scale[q] = q == Q - 1 ? loadSome<Whole>(t.scale + column + q * V::L, m) : V::load(t.scale + column + q * V::L);
        shift[q] = q == Q - 1 ? loadSome<Whole>(t.shift + column + q * V::L, m) : V::load(t.shift + column + q * V::L);
      }
    }
    const float* x = t.x + static_cast<ptrdiff_t>(row) * t.xs + column;
    const float* residual = t.residual != nullptr ? t.residual + static_cast<ptrdiff_t>(row) * t.rs + column : nullptr;
    float* y = t.y + static_cast<ptrdiff_t>(row) * t.ys + column;
    for (size_t r = 0; r < rows; r++) {
      readAhead<Q>(x, t.xs);
      readAhead<Q>(residual, t.rs);
      CONVBOOK_EACH(q, Q) {
        V::v value = q == Q - 1 ? loadSome<Whole>(x + q * V::L, m) : V::load(x + q * V::L);
        if (t.scale != nullptr) value = V::fma(value, scale[q], shift[q]);
        if (residual != nullptr) {
          value = V::add(value, q == Q - 1 ? loadSome<Whole>(residual + q * V::L, m) : V::load(residual + q * V::L));
        }
        if (t.activation == convbook::kRelu) value = V::relu(value);
        if (t.activation == convbook::kRelu6) value = V::relu6(value);
        if (q == Q - 1) {
          storeSome<Whole>(y + q * V::L, value, m);
        } else {
          V::store(y + q * V::L, value);
        }
      }
      x += t.xs;
      y += t.ys;
      if (residual != nullptr) residual += t.rs;
    }
  }
};

void affineRows(const convbook::AffineRows& t, size_t rows, size_t channels) {
  forPanels(rows, channels, AffineBody{t});
}

template <int Mask, bool Sums>
struct GradBody {
  const convbook::GradRows& t;
  template <int Q, bool Whole>
  inline void run(size_t row, size_t rows, size_t column, V::mask m) const {
    V::v sum[Q], sumX[Q];
    CONVBOOK_EACH(q, Q) sum[q] = sumX[q] = V::zero();
    const ptrdiff_t at = static_cast<ptrdiff_t>(row);
    const float* dy = t.dy + at * t.ds + column;
    const float* x = t.x != nullptr ? t.x + at * t.xs + column : nullptr;
    const float* y = Mask == 2 ? t.y + at * t.ys + column : nullptr;
    const float* base = t.base != nullptr ? t.base + at * t.bs + column : nullptr;
    float* out = t.out != nullptr ? t.out + at * t.os + column : nullptr;
    const float *k = t.k, *a2 = t.a2, *a3 = t.a3;
    for (size_t r = 0; r < rows; r++) {
      readAhead<Q>(dy, t.ds);
      readAhead<Q>(x, t.xs);
      readAhead<Q>(y, t.ys);
      readAhead<Q>(base, t.bs);
      CONVBOOK_EACH(q, Q) {
        const size_t j = column + q * V::L;
        auto load = [&](const float* p) { return q == Q - 1 ? loadSome<Whole>(p, m) : V::load(p); };
        V::v dz = load(dy + q * V::L);
        V::v in = V::zero();
        if (Mask == 1 || Sums || a2 != nullptr) in = load(x + q * V::L);
        if (Mask == 1) dz = V::open(dz, V::fma(in, load(t.scale + j), load(t.shift + j)));
        if (Mask == 2) dz = V::open(dz, load(y + q * V::L));
        if (Sums) {
          sum[q] = V::add(sum[q], dz);
          sumX[q] = V::fma(dz, V::sub(in, load(t.mean + j)), sumX[q]);
        }
        if (out != nullptr) {
          V::v value = base != nullptr ? load(base + q * V::L) : V::zero();
          value = k != nullptr ? V::fma(dz, load(k + j), value) : V::add(dz, value);
          if (a2 != nullptr) value = V::add(value, V::fma(in, load(a2 + j), load(a3 + j)));
          if (q == Q - 1) {
            storeSome<Whole>(out + q * V::L, value, m);
          } else {
            V::store(out + q * V::L, value);
          }
        }
      }
      dy += t.ds;
      if (x != nullptr) x += t.xs;
      if (Mask == 2) y += t.ys;
      if (base != nullptr) base += t.bs;
      if (out != nullptr) out += t.os;
    }
    if (Sums) {
      CONVBOOK_EACH(q, Q) {
        float* to = t.sum + column + q * V::L;
        float* toX = t.sumX + column + q * V::L;
        if (q == Q - 1) {
          storeSome<Whole>(to, V::add(loadSome<Whole>(to, m), sum[q]), m);
          storeSome<Whole>(toX, V::add(loadSome<Whole>(toX, m), sumX[q]), m);
        } else {
          V::store(to, V::add(V::load(to), sum[q]));
          V::store(toX, V::add(V::load(toX), sumX[q]));
        }
      }
    }
  }
};

template <int Mask>
inline void gradRowsOf(const convbook::GradRows& t, size_t rows, size_t channels) {
  if (t.mean != nullptr) {
    forPanels(rows, channels, GradBody<Mask, true>{t});
  } else {
    forPanels(rows, channels, GradBody<Mask, false>{t});
  }
}

void gradRows(const convbook::GradRows& t, size_t rows, size_t channels) {
  if (t.mask == 0) return gradRowsOf<0>(t, rows, channels);
  if (t.mask == 1) return gradRowsOf<1>(t, rows, channels);
  gradRowsOf<2>(t, rows, channels);
}

struct MomentBody {
  const float* x;
  ptrdiff_t xs;
  const float* shift;
  float *sums, *squares;
  template <int Q, bool Whole>
  inline void run(size_t row, size_t rows, size_t column, V::mask m) const {
    V::v sum[Q], square[Q], middle[Q];
    CONVBOOK_EACH(q, Q) {
      sum[q] = square[q] = V::zero();
      middle[q] = q == Q - 1 ? loadSome<Whole>(shift + column + q * V::L, m) : V::load(shift + column + q * V::L);
    }
    const float* from = x + static_cast<ptrdiff_t>(row) * xs + column;
    for (size_t r = 0; r < rows; r++, from += xs) {
      CONVBOOK_EACH(q, Q) {
        const V::v d = V::sub(q == Q - 1 ? loadSome<Whole>(from + q * V::L, m) : V::load(from + q * V::L), middle[q]);
        sum[q] = V::add(sum[q], d);
        square[q] = V::fma(d, d, square[q]);
      }
    }
    CONVBOOK_EACH(q, Q) {
      float* to = sums + column + q * V::L;
      float* toSquare = squares + column + q * V::L;
      if (q == Q - 1) {
        storeSome<Whole>(to, V::add(loadSome<Whole>(to, m), sum[q]), m);
        storeSome<Whole>(toSquare, V::add(loadSome<Whole>(toSquare, m), square[q]), m);
      } else {
        V::store(to, V::add(V::load(to), sum[q]));
        V::store(toSquare, V::add(V::load(toSquare), square[q]));
      }
    }
  }
};

void momentRows(const float* x, ptrdiff_t xs, const float* shift, float* sum, float* squares, size_t rows,
                size_t channels) {
  forPanels(rows, channels, MomentBody{x, xs, shift, sum, squares});
}

#undef CONVBOOK_EACH

}  // namespace
