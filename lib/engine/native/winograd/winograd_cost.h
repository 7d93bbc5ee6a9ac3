// Which convolutions Winograd's algorithm is faster on.
#pragma once
#include "conv/conv_shape.h"
#include "simd/kernels.h"

namespace convbook {

enum class WinogradPass { Forward, InputGrad, FilterGrad };

// Whether the algorithm is for such a convolution at all.
bool winogradCan(const ConvShape&);

// Whether it is faster, by the model. It asks for no number of images or threads, so that a result does not depend on
// how a batch is split.
bool winogradIsFaster(const Kernels&, const ConvShape&, WinogradPass);

}  // namespace convbook
