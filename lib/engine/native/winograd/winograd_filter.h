// Gradients of 3 x 3 filters by Winograd's algorithm: F(3x3, 2x2).
#pragma once
#include "conv/conv.h"

namespace convbook {

// As ConvImplementation::filterGrad, for shapes that winogradCan() takes; false where something was not finite.
bool winogradFilterGrad(const Context&, const ConvShape&, const ConvSource& x, const float* dy, float* dw,
                        float* dbias);

}  // namespace convbook
