// The gradient of a convolution's filter on Intel AMX tiles, at float32 accuracy (see amx.h).
#pragma once
#include "conv/conv.h"

namespace convbook {

// dw, and the sums of dy over all pixels when dbias is given, as convFilterGrad, from an input as it is to be worked
// out. False where the tiles do not take the shape or the values (see SplitRange): then what dw and dbias hold is of no
// use.
bool amxFilterGrad(const Context&, const ConvShape&, const ConvSource& x, const float* dy, float* dw, float* dbias);

}  // namespace convbook
