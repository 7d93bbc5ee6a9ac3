// Gradients of filters by Winograd's algorithm: F(r x r, m x m).
#pragma once
#include "conv/conv.h"

namespace convbook {

// As ConvImplementation::filterGrad, for shapes that winogradCan() takes; false where something was not finite.
bool winogradFilterGrad(const Context&, const WinogradKernels&, const ConvShape&, const ConvSource& x, const float* dy,
                        float* dw, float* dbias);

}  // namespace convbook
