// Convolutions and input gradients on AMX tiles.
#pragma once
#include <memory>

#include "conv/implementation.h"

namespace convbook {

// Null where float32 kernels must do it: a shape that gains nothing, weights that the tiles cannot take (see amx.h).
// What is made ready gives up when it meets a value that the tiles cannot take.
std::unique_ptr<PreparedPass> amxForward(const Context&, const ConvShape&, const float* w, const float* bias,
                                         ptrdiff_t targetStride, bool once);
std::unique_ptr<PreparedPass> amxInputGrad(const Context&, const ConvShape&, const float* w, bool once);

// As matMul, for calls that may round; false where that gains nothing.
bool bf16MatMul(const Context&, const MatMulShape&, const float* a, const float* b, const float* bias, int activation,
                float* c);

// Where rounding gains nothing: sums of fewer products, and fewer products in all.
constexpr int kLeastDepth = 16;
constexpr double kLeastProducts = 3e5;

}  // namespace convbook
