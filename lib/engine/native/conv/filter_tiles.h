// Tiles of a filter's gradient: rows of inputs by vectors of output channels, or the other way round.
#pragma once
#include "conv/conv_shape.h"
#include "simd/kernels.h"

namespace convbook {

// Whether a tile's vectors are better of a filter's row of inputs than of output channels: where fewer of their lanes
// are empty. It is the same sums in the same order.
inline bool isTurned(const Kernels& kernels, int rowLength, int outChannels) {
  constexpr double kMargin = 0.95;  // the result has to be turned round
  auto whole = [&](int n) { return static_cast<double>(ceilDiv(n, kernels.lanes)) * kernels.lanes; };
  return whole(rowLength) * outChannels < kMargin * rowLength * whole(outChannels);
}

// to[row][column] = from[column][row]
inline void turnRound(const float* from, size_t rows, size_t columns, float* to) {
  for (size_t row = 0; row < rows; row++) {
    for (size_t column = 0; column < columns; column++) to[row * columns + column] = from[column * rows + row];
  }
}

}  // namespace convbook
