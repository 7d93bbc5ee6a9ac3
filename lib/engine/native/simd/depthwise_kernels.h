// Depthwise convolutions: what is done for a row of outputs, channels side by side in vectors.
#pragma once
#include <cstddef>

namespace convbook {

// A row of the image that is seen: its first pixel, and the weights (or their gradients) of the filter's first tap in
// it, a channel each.
struct DepthwiseRow {
  const float* x;
  float* w;
};

// Column j sees pixel `first + j * step + k * tapStep` of each row through tap k, where there is such a pixel.
struct DepthwiseView {
  const DepthwiseRow* rows;
  int rowCount;
  int taps;
  ptrdiff_t tapWeights;  // floats from a tap's weights to the next one's
  int first, step, tapStep;
  int width;  // pixels of a row
  int columns;
  size_t channels;
  bool streamed;            // whether what is read and written comes from far away
  const float* ahead;       // the first pixel of a row that the next view reads for the first time, or null
  ptrdiff_t pixel, result;  // floats from pixel to pixel of the rows, and of what belongs to the columns
};

struct DepthwiseKernels {
  // y[column] = act(bias + sum over rows and taps of pixel * weight); bias may be null.
  void (*forward)(const DepthwiseView&, const float* bias, int activation, float* y);
  // weight += sum over columns of pixel * dy[column], for all rows and taps.
  void (*sums)(const DepthwiseView&, const float* dy);
};

}  // namespace convbook
