// What one instruction set offers to operations outside of networks' layers: passes of Fourier transforms, rows of
// images that are resized.
#pragma once
#include <cstddef>

namespace convbook {

// A pass of a transform of `radix` * `parts` numbers, many of them side by side: number i of transform q lies at
// i * stride + q. What passes have done so far counts as transforms of their own, so that the last pass leaves
// everything in order.
template <class T>
struct FourierPass {
  const T *re, *im;
  T *toRe, *toIm;
  size_t parts, stride;
  int radix;
  const T *turnRe, *turnIm;  // [radix - 1][parts]: exp(-2 pi i * (row + 1) * part / (radix * parts))
  const T *rootRe, *rootIm;  // exp(-2 pi i * k / radix), k < radix
};

// Where an output row or column of a resized image comes from: two neighbours, and the weight of the second.
struct ResizeSource {
  int low, high;
  float weight;
};

struct OperationKernels {
  void (*fourierPass)(const FourierPass<float>&);
  void (*fourierPassDouble)(const FourierPass<double>&);
  // A row of `count` pixels from one of `width`.
  void (*resizeRow)(const float* x, size_t width, const ResizeSource* columns, size_t count, size_t channels, float* y);
  // y = a + (b - a) * weight
  void (*mixRows)(const float* a, const float* b, float weight, float* y, size_t n);
};

}  // namespace convbook
