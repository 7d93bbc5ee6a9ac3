// Weights as the gradient by the input needs them: inputs and outputs changed over.
#pragma once
#include <vector>

#include "runtime/context.h"
#include "runtime/lent.h"

namespace convbook {

// turned[tap][out][in] = taps[tap][in * stride + out]: matrices of `in` rows and `out` columns, one behind the other.
LentFloats turnMatrices(const Context&, const std::vector<const float*>& taps, int in, int out, int stride);

}  // namespace convbook
