// Normalization, pooling and softmax, over channels that lie side by side.
#pragma once
#include "runtime/context.h"

namespace convbook {

// Batch normalization over `rows` pixels of `channels`, with the batch's own statistics (the variance is the biased
// one): y = act((x - mean) * inverse * gamma + beta + residual). gamma, beta and residual may be null.
struct BatchNorm {
  size_t rows, channels;
  float epsilon;
  int activation;
};
void batchNormForward(const Context&, const BatchNorm&, const float* x, const float* gamma, const float* beta,
                      const float* residual, float* y, float* mean, float* variance, float* inverse);
// y is needed with an activation behind a residual; else the mask is worked out from x. dresidual may be null.
void batchNormGrad(const Context&, const BatchNorm&, const float* dy, const float* x, const float* y,
                   const float* gamma, const float* beta, const float* mean, const float* inverse, float* dx,
                   float* dgamma, float* dbeta, float* dresidual);
// y = act(x * scale + shift + residual), a scale and a shift a channel.
void affineChannels(const Context&, size_t rows, size_t channels, const float* x, const float* scale,
                    const float* shift, const float* residual, int activation, float* y);

// Group normalization: x [images, pixels, channels], statistics over an image's pixels and a group's channels. Layer
// normalization is the case of one pixel and one group.
struct GroupNorm {
  size_t images, pixels, channels, groups;
  float epsilon;
};
void groupNormForward(const Context&, const GroupNorm&, const float* x, const float* gamma, const float* beta, float* y,
                      float* mean, float* inverse);
void groupNormGrad(const Context&, const GroupNorm&, const float* dy, const float* x, const float* gamma,
                   const float* mean, const float* inverse, float* dx, float* dgamma, float* dbeta);

struct PoolShape {
  int batch, height, width, channels, outHeight, outWidth;
  int filterHeight, filterWidth, strideHeight, strideWidth, padTop, padLeft;
  int dilationHeight, dilationWidth;
  // Whether a mean counts the zeros of the border, as PyTorch does; tfjs does not.
  bool countPad;
  // Whether a window with NaN has NaN for its maximum, as in PyTorch; tfjs passes over it.
  bool keepNan;
};
// index (may be null) tells for every output which tap it came from, row by row; windows of up to 255 taps.
void maxPool(const Context&, const PoolShape&, const float* x, float* y, uint8_t* index);
void maxPoolGrad(const Context&, const PoolShape&, const float* dy, const uint8_t* index, float* dx);
void avgPool(const Context&, const PoolShape&, const float* x, float* y);
void avgPoolGrad(const Context&, const PoolShape&, const float* dy, float* dx);

// Rows of `classes`; y is the softmax or its logarithm.
void softmax(const Context&, size_t rows, size_t classes, const float* x, bool logarithm, float* y);
// Cross-entropy per row and its gradient by the logits, from class indices (out of range: loss 0, gradient 0) or from
// probabilities; one of the two is null.
void crossEntropy(const Context&, size_t rows, size_t classes, const float* logits, const int32_t* labels,
                  const float* targets, float smoothing, float* loss, float* gradient);

enum class Resize : int { Nearest, Bilinear };
struct ResizeShape {
  int batch, height, width, channels, outHeight, outWidth;
  bool alignCorners, halfPixelCenters;
};
void resize(const Context&, Resize, const ResizeShape&, const float* x, float* y);
void resizeGrad(const Context&, Resize, const ResizeShape&, const float* dy, float* dx);

}  // namespace convbook
