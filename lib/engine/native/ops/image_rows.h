// The rows of images, shared out among the threads.
#pragma once
#include <algorithm>

#include "runtime/context.h"

namespace convbook {

// Calls body(image, row, thread) for all rows of all images; a task is a few rows.
template <class Body>
void forRows(const Context& context, int batch, int height, size_t rowFloats, const Body& body) {
  const size_t rows = static_cast<size_t>(batch) * height;
  if (rows == 0) return;
  const size_t share = rows * rowFloats < kParallel
                           ? rows
                           : std::max<size_t>(1, std::min<size_t>(rows / (context.pool.threads() * 4),
                                                                  8192 / std::max<size_t>(rowFloats, 1)));
  context.pool.run((rows + share - 1) / share, [&](size_t task, int thread) {
    for (size_t row = task * share; row < std::min(rows, (task + 1) * share); row++) {
      body(static_cast<int>(row / height), static_cast<int>(row % height), thread);
    }
  });
}

// The output row (or column) that looked at input `at` through tap k, or -1.
inline int outputOf(int at, int pad, int k, int dilation, int stride, int count) {
  const int shifted = at + pad - k * dilation;
  if (shifted < 0 || shifted % stride != 0) return -1;
  const int out = shifted / stride;
  return out < count ? out : -1;
}

}  // namespace convbook
