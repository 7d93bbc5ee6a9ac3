// Convolutions of images [N, H, W, C] with filters [KH, KW, C/groups, K], and their gradients; products of matrices.
#pragma once
#include <memory>

#include "conv/conv_shape.h"
#include "runtime/context.h"

namespace convbook {

class PreparedPass;

// Pixels to be convolved, `stride` floats apart; with a scale, max(x * scale + shift, 0 if relu) of them, a scale and a
// shift a channel.
struct ConvSource {
  const float* x;
  ptrdiff_t stride;
  const float *scale = nullptr, *shift = nullptr;
  bool relu = false;
};

// A convolution whose weights are packed once for any number of runs, on any thread.
class PreparedConv {
 public:
  // shape.batch: images of a run, about; the weights and the bias (may be null) stay where they are; pixels of the
  // result lie `targetStride` floats apart. `once`: it will be run once, so that small ones are not worth packing for
  // tiles.
  PreparedConv(const Context&, const ConvShape& shape, const float* w, const float* bias, ptrdiff_t targetStride,
               bool once = false);
  ~PreparedConv();
  // y = act(conv(source, w) + bias + residual); residual (may be null) is laid out like y.
  void run(const Context&, int images, const ConvSource& source, float* y, const float* residual, int activation) const;

 private:
  struct Floats;
  const float* dense(const Context&, int images, const ConvSource&) const;
  void runFloats(const Context&, const Floats&, int images, const ConvSource&, float* y, const float* residual,
                 int activation) const;

  ConvShape shape_;
  const float *w_, *bias_;
  ptrdiff_t targetStride_;
  std::unique_ptr<PreparedPass> before_, library_;
  std::unique_ptr<Floats> floats_;  // where there is no before_
};

// The same for a convolution's gradient by its input.
class PreparedInputGrad {
 public:
  PreparedInputGrad(const Context&, const ConvShape& shape, const float* w);
  ~PreparedInputGrad();
  void run(const Context&, int images, const float* dy, float* dx) const;

 private:
  ConvShape shape_;
  const float* w_;
  std::unique_ptr<PreparedPass> before_;
};

// y = act(conv(x, w) + bias + residual); bias and residual may be null.
void convForward(const Context&, const ConvShape&, const float* x, const float* w, const float* bias,
                 const float* residual, int activation, float* y);
// dx of a convolution from dy.
void convInputGrad(const Context&, const ConvShape&, const float* dy, const float* w, float* dx);
// dw, and the sums of dy over all pixels when dbias is given.
void convFilterGrad(const Context&, const ConvShape&, const float* x, const float* dy, float* dw, float* dbias);

// Depthwise: w [KH, KW, C, multiplier], y [N, OH, OW, C * multiplier]; `groups` is not looked at.
void depthwiseForward(const Context&, const ConvShape&, int multiplier, const float* x, const float* w,
                      const float* bias, int activation, float* y);
void depthwiseInputGrad(const Context&, const ConvShape&, int multiplier, const float* dy, const float* w, float* dx);
void depthwiseFilterGrad(const Context&, const ConvShape&, int multiplier, const float* x, const float* dy, float* dw);

struct MatMulShape {
  int batch, m, n, k;
  bool transposeA, transposeB;
  size_t strideA, strideB;  // floats from one matrix of the batch to the next; 0 when all share one
};
// c[batch][m][n] = act(op(a) op(b) + bias[n])
void matMul(const Context&, const MatMulShape&, const float* a, const float* b, const float* bias, int activation,
            float* c);

}  // namespace convbook
