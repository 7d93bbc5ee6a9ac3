// Convolutions of images [N, H, W, C] with filters [KH, KW, C/groups, K], and their gradients; products of matrices.
#pragma once
#include "context.h"
#include "conv_shape.h"

namespace convbook {

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
