// Convolutions and input gradients on AMX tiles.
#pragma once
#include "conv.h"

namespace convbook {

// As convForward and convInputGrad, except that they return false, and what they were to write is undefined, where float32
// kernels must do it: no AMX, a shape that gains nothing, values that the tiles cannot take (see amx.h).
bool amxConvForward(const Context&, const ConvShape&, const float* x, const float* w, const float* bias,
                    const float* residual, int activation, float* y);
bool amxConvInputGrad(const Context&, const ConvShape&, const float* dy, const float* w, float* dx);
// As matMul, for calls that may round; false as above.
bool bf16MatMul(const Context&, const MatMulShape&, const float* a, const float* b, const float* bias, int activation, float* c);

// y[pixels][out] = act(x[pixels][in] w[in][out] + bias + residual), in products of 1, 2 or 3 parts.
bool amxRowsTimesMatrix(const Context&, int parts, size_t pixels, int in, int out, const float* x, const float* w,
                        const float* bias, const float* residual, int activation, float* y);

// Where rounding gains nothing: sums of fewer products, and fewer products in all.
constexpr int kLeastDepth = 16;
constexpr double kLeastProducts = 3e5;

}  // namespace convbook
