// The loop over the elements of several operands with strides, shared out among the threads.
#pragma once
#include <algorithm>

#include "ops/arrays.h"

namespace convbook {

// Borders of parts are multiples of this many elements.
constexpr size_t kGrain = 1024;

inline size_t sizeOf(const Strided& s) {
  size_t n = 1;
  for (int d = 0; d < s.rank; d++) n *= s.shape[d];
  return n;
}

// Calls body(offset of each operand, first output element, count) for runs along the last axis.
template <int Operands, class Body>
void forInner(const Context& context, const Strided& s, const Body& body) {
  const size_t n = sizeOf(s);
  if (n == 0) return;
  if (s.rank <= 1) {
    const size_t inner = s.rank == 1 ? s.shape[0] : 1;
    context.pool.range(inner, kParallel, kGrain, [&](size_t lo, size_t hi) {
      ptrdiff_t offsets[Operands];
      for (int k = 0; k < Operands; k++) offsets[k] = s.rank == 1 ? static_cast<ptrdiff_t>(lo) * s.strides[k][0] : 0;
      body(offsets, lo, hi - lo);
    });
    return;
  }
  const int last = s.rank - 1;
  const size_t inner = s.shape[last], outer = n / inner;
  context.pool.range(outer, std::max<size_t>(2, kParallel / inner), 1, [&](size_t lo, size_t hi) {
    size_t index[kMaxRank];
    ptrdiff_t offsets[Operands] = {};
    size_t rest = lo;
    for (int d = last - 1; d >= 0; d--) {
      index[d] = rest % s.shape[d];
      rest /= s.shape[d];
      for (int k = 0; k < Operands; k++) offsets[k] += static_cast<ptrdiff_t>(index[d]) * s.strides[k][d];
    }
    for (size_t o = lo; o < hi; o++) {
      body(offsets, o * inner, inner);
      for (int d = last - 1; d >= 0; d--) {
        for (int k = 0; k < Operands; k++) offsets[k] += s.strides[k][d];
        if (++index[d] < s.shape[d]) break;
        for (int k = 0; k < Operands; k++) offsets[k] -= static_cast<ptrdiff_t>(s.shape[d]) * s.strides[k][d];
        index[d] = 0;
      }
    }
  });
}

}  // namespace convbook
