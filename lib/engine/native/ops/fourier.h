// Discrete Fourier transforms of rows of any length: real and imaginary parts in arrays of their own.
#pragma once
#include "runtime/context.h"

namespace convbook {

// to = sum over i of x[i] * exp(-2 pi i k i / n) for each of `rows` rows of n; inverse: with the other sign, divided by
// n. Lengths of small factors are transformed in float32, others in float64 (Bluestein's algorithm).
void fourier(const Context&, const float* re, const float* im, float* toRe, float* toIm, size_t rows, size_t n,
             bool inverse);

// y = sqrt(a^2 + b^2), infinite where either is, and neither too large nor too small on the way.
void hypot(const Context&, const float* a, const float* b, float* y, size_t n);

}  // namespace convbook
