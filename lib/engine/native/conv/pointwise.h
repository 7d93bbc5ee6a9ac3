// Pointwise convolutions in float32: a few pixels at a time go through all that is done with them while they are in the
// first-level cache, and what comes next is asked for meanwhile.
#pragma once
#include <vector>

#include "conv/conv.h"
#include "conv/panels.h"

namespace convbook {

// How many pixels are taken at a time.
size_t pointwisePixelsAtOnce(const Context&, const ConvShape& s);

// Where results go, `stride` floats a pixel; the residual (may be null) is laid out like y.
struct PointwiseTarget {
  float* y;
  ptrdiff_t stride;
  const float* residual;
  int activation;
};

// y = act(source * panels + bias + residual) for `pixels` of s, on one thread; bias as packed, or null.
void pointwiseForward(const Context&, int thread, const ConvShape& s, const Panels&, const ConvSource& source,
                      const float* bias, const PointwiseTarget&, size_t pixels);

// Both gradients at once.
class PointwiseGrads {
 public:
  // w [s.inChannels, s.outChannels]
  PointwiseGrads(const Context&, const ConvShape& s, const float* w);
  // dx of some pixels, side by side `dxs` apart, from those of dy, which lie behind one another; what they add to the
  // filter's gradient is added to `sums`, of which there are as many as weights.
  void run(const Context&, const float* x, ptrdiff_t xs, const float* dy, float* dx, ptrdiff_t dxs, size_t pixels,
           float* sums, Soon& soon) const;
  // The filter's gradient from its sums.
  void finish(const float* sums, float* dw) const;

 private:
  const int in_, out_;
  // Vectors of sums are of input channels: see isTurned.
  const bool turned_;
  const std::vector<Panel> sumPanels_;
  PanelStore weights_;  // turned round
};

}  // namespace convbook
