// An inverted residual block in inference: a pointwise convolution that widens, one of each channel by itself, a
// pointwise one that narrows. Some rows of an image at a time go through all three while they are in the cache, so that
// what is wide is never written to memory.
#pragma once
#include "conv/conv_shape.h"
#include "runtime/context.h"

namespace convbook {

// One of the three: weights and bias with its normalization taken in, and what it ends with.
struct InvertedPart {
  const float *w, *bias;
  int activation;
};

struct InvertedBlock {
  ConvShape filter;  // of the second, of the wide channels
  int inChannels, outChannels;
  InvertedPart widen, each, narrow;
};

// y = block(x) + residual (may be null), [N, OH, OW, outChannels].
void invertedForward(const Context&, const SingleThreads&, const InvertedBlock&, const float* x, const float* residual,
                     float* y);

}  // namespace convbook
