// Winograd's convolutions of one line, F(m, r) of n = m + r - 1 points: how n inputs, r taps and m gradients of outputs
// are turned into n numbers, and n sums of their products into m outputs or r gradients of taps.
#pragma once
#include "simd/simd.h"

namespace {

template <int N>
struct Line {
  V::v v[N];
};

inline V::v times(V::v x, const float& factor) { return V::fma(x, V::broadcast(&factor), V::zero()); }
inline V::v plusTimes(V::v x, const float& factor, V::v sum) { return V::fma(x, V::broadcast(&factor), sum); }

// The points 0, 1, -1 and infinity.
struct WinogradF2x3 {
  static constexpr int kOutputs = 2, kTaps = 3, kInputs = 4;
  static constexpr float kHalf = 0.5f;

  static inline Line<4> inputs(const Line<4>& x) {
    return {{V::sub(x.v[0], x.v[2]), V::add(x.v[1], x.v[2]), V::sub(x.v[2], x.v[1]), V::sub(x.v[1], x.v[3])}};
  }
  static inline Line<2> outputs(const Line<4>& m) {
    return {{V::add(m.v[0], V::add(m.v[1], m.v[2])), V::sub(V::sub(m.v[1], m.v[2]), m.v[3])}};
  }
  static inline Line<4> taps(const Line<3>& w) {
    const V::v outer = times(V::add(w.v[0], w.v[2]), kHalf);
    const V::v middle = times(w.v[1], kHalf);
    return {{w.v[0], V::add(outer, middle), V::sub(outer, middle), w.v[2]}};
  }
  // The last one's sign is left to tapGrads.
  static inline Line<4> grads(const Line<2>& g) {
    return {{g.v[0], V::add(g.v[0], g.v[1]), V::sub(g.v[0], g.v[1]), g.v[1]}};
  }
  static inline Line<3> tapGrads(const Line<4>& m) {
    const V::v outer = times(V::add(m.v[1], m.v[2]), kHalf);
    return {{V::add(m.v[0], outer), times(V::sub(m.v[1], m.v[2]), kHalf), V::sub(outer, m.v[3])}};
  }
};

// The points 0, a, -a, b, -b and infinity. Which a and b they are decides on the errors: with the usual 1 and 2 they
// are more than twice as large. Powers of these have few digits, so that most factors are exact.
struct SixPoints {
  static constexpr double a = 0.6875, b = 1.5;
  static constexpr float a1 = a, a2 = a * a, a3 = a * a * a, a4 = a * a * a * a;
  static constexpr float b1 = b, b2 = b * b, b3 = b * b * b, b4 = b * b * b * b;
  static constexpr float minusA1 = -a, minusA2 = -a * a, minusB1 = -b, minusB2 = -b * b;
  static constexpr float both = a * a * b * b, minusSum = -(a * a + b * b);
  // What the polynomials that vanish at all other points are at 0, a and b, turned upside down.
  static constexpr double at0 = 1 / (a * a * b * b), atA = 1 / (2 * a * a * (a * a - b * b)),
                          atB = 1 / (2 * b * b * (b * b - a * a));
  static constexpr float zero = at0;
  static constexpr float aEven[3] = {static_cast<float>(atA), static_cast<float>(atA * a * a),
                                     static_cast<float>(atA * a * a * a * a)};
  static constexpr float aOdd[2] = {static_cast<float>(atA * a), static_cast<float>(atA * a * a * a)};
  static constexpr float bEven[3] = {static_cast<float>(atB), static_cast<float>(atB * b * b),
                                     static_cast<float>(atB * b * b * b * b)};
  static constexpr float bOdd[2] = {static_cast<float>(atB * b), static_cast<float>(atB * b * b * b)};

  static inline Line<6> inputs(const Line<6>& x) {
    const V::v evenA = plusTimes(x.v[2], minusB2, x.v[4]), oddA = plusTimes(x.v[1], minusB2, x.v[3]);
    const V::v evenB = plusTimes(x.v[2], minusA2, x.v[4]), oddB = plusTimes(x.v[1], minusA2, x.v[3]);
    return {{plusTimes(x.v[2], minusSum, plusTimes(x.v[0], both, x.v[4])), plusTimes(oddA, a1, evenA),
             plusTimes(oddA, minusA1, evenA), plusTimes(oddB, b1, evenB), plusTimes(oddB, minusB1, evenB),
             plusTimes(x.v[3], minusSum, plusTimes(x.v[1], both, x.v[5]))}};
  }
};

struct WinogradF4x3 : SixPoints {
  static constexpr int kOutputs = 4, kTaps = 3, kInputs = 6;

  static inline Line<4> outputs(const Line<6>& m) {
    const V::v evenA = V::add(m.v[1], m.v[2]), oddA = V::sub(m.v[1], m.v[2]);
    const V::v evenB = V::add(m.v[3], m.v[4]), oddB = V::sub(m.v[3], m.v[4]);
    return {{V::add(m.v[0], V::add(evenA, evenB)), plusTimes(oddA, a1, times(oddB, b1)),
             plusTimes(evenA, a2, times(evenB, b2)), plusTimes(oddA, a3, plusTimes(oddB, b3, m.v[5]))}};
  }
  static inline Line<6> taps(const Line<3>& w) {
    const V::v evenA = plusTimes(w.v[2], aEven[1], times(w.v[0], aEven[0])), oddA = times(w.v[1], aOdd[0]);
    const V::v evenB = plusTimes(w.v[2], bEven[1], times(w.v[0], bEven[0])), oddB = times(w.v[1], bOdd[0]);
    return {{times(w.v[0], zero), V::add(evenA, oddA), V::sub(evenA, oddA), V::add(evenB, oddB), V::sub(evenB, oddB),
             w.v[2]}};
  }
  static inline Line<6> grads(const Line<4>& g) {
    const V::v evenA = plusTimes(g.v[2], a2, g.v[0]), oddA = plusTimes(g.v[3], a2, g.v[1]);
    const V::v evenB = plusTimes(g.v[2], b2, g.v[0]), oddB = plusTimes(g.v[3], b2, g.v[1]);
    return {{g.v[0], plusTimes(oddA, a1, evenA), plusTimes(oddA, minusA1, evenA), plusTimes(oddB, b1, evenB),
             plusTimes(oddB, minusB1, evenB), g.v[3]}};
  }
  static inline Line<3> tapGrads(const Line<6>& m) {
    const V::v evenA = V::add(m.v[1], m.v[2]), oddA = V::sub(m.v[1], m.v[2]);
    const V::v evenB = V::add(m.v[3], m.v[4]), oddB = V::sub(m.v[3], m.v[4]);
    return {{plusTimes(evenA, aEven[0], plusTimes(evenB, bEven[0], times(m.v[0], zero))),
             plusTimes(oddA, aOdd[0], times(oddB, bOdd[0])),
             plusTimes(evenA, aEven[1], plusTimes(evenB, bEven[1], m.v[5]))}};
  }
};

struct WinogradF2x5 : SixPoints {
  static constexpr int kOutputs = 2, kTaps = 5, kInputs = 6;

  static inline Line<2> outputs(const Line<6>& m) {
    const V::v evenA = V::add(m.v[1], m.v[2]), oddA = V::sub(m.v[1], m.v[2]);
    const V::v evenB = V::add(m.v[3], m.v[4]), oddB = V::sub(m.v[3], m.v[4]);
    return {{V::add(m.v[0], V::add(evenA, evenB)), plusTimes(oddA, a1, plusTimes(oddB, b1, m.v[5]))}};
  }
  static inline Line<6> taps(const Line<5>& w) {
    const V::v evenA = plusTimes(w.v[4], aEven[2], plusTimes(w.v[2], aEven[1], times(w.v[0], aEven[0])));
    const V::v evenB = plusTimes(w.v[4], bEven[2], plusTimes(w.v[2], bEven[1], times(w.v[0], bEven[0])));
    const V::v oddA = plusTimes(w.v[3], aOdd[1], times(w.v[1], aOdd[0]));
    const V::v oddB = plusTimes(w.v[3], bOdd[1], times(w.v[1], bOdd[0]));
    return {{times(w.v[0], zero), V::add(evenA, oddA), V::sub(evenA, oddA), V::add(evenB, oddB), V::sub(evenB, oddB),
             w.v[4]}};
  }
  static inline Line<6> grads(const Line<2>& g) {
    return {{g.v[0], plusTimes(g.v[1], a1, g.v[0]), plusTimes(g.v[1], minusA1, g.v[0]), plusTimes(g.v[1], b1, g.v[0]),
             plusTimes(g.v[1], minusB1, g.v[0]), g.v[1]}};
  }
  static inline Line<5> tapGrads(const Line<6>& m) {
    const V::v evenA = V::add(m.v[1], m.v[2]), oddA = V::sub(m.v[1], m.v[2]);
    const V::v evenB = V::add(m.v[3], m.v[4]), oddB = V::sub(m.v[3], m.v[4]);
    return {{plusTimes(evenA, aEven[0], plusTimes(evenB, bEven[0], times(m.v[0], zero))),
             plusTimes(oddA, aOdd[0], times(oddB, bOdd[0])), plusTimes(evenA, aEven[1], times(evenB, bEven[1])),
             plusTimes(oddA, aOdd[1], times(oddB, bOdd[1])),
             plusTimes(evenA, aEven[2], plusTimes(evenB, bEven[2], m.v[5]))}};
  }
};

}  // namespace
