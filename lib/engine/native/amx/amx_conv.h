// Convolutions and input gradients on AMX tiles.
#pragma once
#include <memory>

#include "conv/conv.h"

namespace convbook {

// One made ready to be run on any number of images.
class AmxConv {
 public:
  // Null where float32 kernels must do it: no AMX, a shape that gains nothing, weights that the tiles cannot take (see amx.h).
  // Bias may be null; pixels of the result lie `targetStride` floats apart. `once`: not for many runs, so that more must be gained.
  static std::unique_ptr<AmxConv> forward(const Context&, const ConvShape&, const float* w, const float* bias,
                                          ptrdiff_t targetStride, bool once);
  static std::unique_ptr<AmxConv> inputGrad(const Context&, const ConvShape&, const float* w, bool once);

  virtual ~AmxConv() = default;
  // False, and what is written is undefined, when a value was met that the tiles cannot take.
  virtual bool run(const Context&, size_t images, const ConvSource&, float* y, const float* residual, int activation) const = 0;
};

// As matMul, for calls that may round; false where that gains nothing.
bool bf16MatMul(const Context&, const MatMulShape&, const float* a, const float* b, const float* bias, int activation, float* c);

// Where rounding gains nothing: sums of fewer products, and fewer products in all.
constexpr int kLeastDepth = 16;
constexpr double kLeastProducts = 3e5;

}  // namespace convbook
