#include "conv/turn.h"

#include <algorithm>

namespace convbook {

LentFloats turnMatrices(const Context& context, const std::vector<const float*>& taps, int in, int out, int stride) {
  const size_t matrix = static_cast<size_t>(in) * out;
  LentFloats turned(taps.size() * matrix);
  constexpr int kSquare = 16;
  const size_t bands = static_cast<size_t>((out + kSquare - 1) / kSquare), tasks = taps.size() * bands;
  context.pool.range(tasks, matrix < 4096 ? tasks + 1 : 2, 1, [&](size_t lo, size_t hi) {
    for (size_t task = lo; task < hi; task++) {
      const size_t tap = task / bands;
      const int first = static_cast<int>(task % bands) * kSquare, last = std::min(first + kSquare, out);
      const float* from = taps[tap];
      float* to = turned.get() + tap * matrix;
      for (int i0 = 0; i0 < in; i0 += kSquare) {
        const int end = std::min(i0 + kSquare, in);
        for (int o = first; o < last; o++) {
          for (int i = i0; i < end; i++)
            to[static_cast<size_t>(o) * in + i] = from[static_cast<size_t>(i) * stride + o];
        }
      }
    }
  });
  return turned;
}

}  // namespace convbook
