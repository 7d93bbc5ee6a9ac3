// Which convolutions Winograd's algorithm is faster on.
#pragma once
#include <initializer_list>

#include "conv/conv_shape.h"
#include "simd/kernels.h"

namespace convbook {

enum class WinogradPass { Forward, InputGrad, FilterGrad };

// The first of some kinds that is for such a convolution at all; null: none.
const WinogradKernels* winogradOf(const Kernels&, const ConvShape&, std::initializer_list<WinogradKind>);

// The fastest by the model, among those whose errors are small enough; null: loops. It asks for no number of images or
// threads, but for gradients of filters, so that a result does not depend on how a batch is split.
const WinogradKernels* winogradFastest(const Kernels&, const ConvShape&, WinogradPass);

// The same kind whatever the kernels are: the one that is fastest with AVX2.
const WinogradKernels* winogradByFixedCost(const Kernels&, const ConvShape&, WinogradPass);

}  // namespace convbook
