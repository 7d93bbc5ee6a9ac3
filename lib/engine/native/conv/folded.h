// A normalization by running statistics behind a convolution: a scale and a shift a channel, which its weights and its
// bias can take in.
#pragma once
#include <cstddef>

#include "runtime/context.h"

namespace convbook {

struct RunningNorm {
  const float *mean, *variance;
  const float *gamma, *beta;  // may be null: 1 and 0
  double epsilon;
};

// scale = gamma / sqrt(variance + epsilon), shift = beta + (bias - mean) * scale; the bias may be null.
void foldNorm(const RunningNorm&, size_t channels, const float* bias, float* scale, float* shift);
// [rows, channels], each channel by its scale.
void scaleColumns(const Context&, const float* w, size_t rows, size_t channels, const float* scale, float* to);
// Whether they are these, to the bit.
bool isScaled(const float* scaled, const float* w, size_t rows, size_t channels, const float* scale);

}  // namespace convbook
