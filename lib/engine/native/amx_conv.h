// Convolutions and input gradients on AMX tiles.
#pragma once
#include "conv.h"

namespace convbook {

// As convForward and convInputGrad, except that they return false, and what they were to write is undefined, where float32
// kernels must do it: no AMX, a shape that gains nothing, values that the tiles cannot take (see amx.h).
bool amxConvForward(const Context&, const ConvShape&, const float* x, const float* w, const float* bias,
                    const float* residual, int activation, float* y);
bool amxConvInputGrad(const Context&, const ConvShape&, const float* dy, const float* w, float* dx);

}  // namespace convbook
