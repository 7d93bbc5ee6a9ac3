// Where elements are and where they go: running sums, the largest of each row, reversals, writing to indexed rows.
#pragma once
#include "ops/arrays.h"

namespace convbook {

// Running sums or products along the middle axis of [outer, middle, inner].
struct Scan {
  bool product, exclusive, reverse;
};
void scan(const Context&, const Scan&, const float* x, float* y, size_t outer, size_t middle, size_t inner);
void scan(const Context&, const Scan&, const int32_t* x, int32_t* y, size_t outer, size_t middle, size_t inner);
// The gradient of running products by x; `how` is that of the products.
void cumprodGrad(const Context&, const Scan& how, const float* x, const float* dy, float* dx, size_t outer,
                 size_t middle, size_t inner);

// The k largest of each row of n in descending order, of equal ones the first; NaN is larger than all numbers.
void topK(const Context&, const float* x, float* y, int32_t* indices, size_t rows, size_t n, size_t k);
void topK(const Context&, const int32_t* x, int32_t* y, int32_t* indices, size_t rows, size_t n, size_t k);

// y = x with the axes reversed whose bit is set in `axes`; elements of 1 or 4 bytes.
void reverse(const Context&, const void* x, void* y, int elementBytes, const size_t* shape, int rank, unsigned axes);

// Rows of x are added to (or replace) the rows of y that `indices` name, in order; indices out of range are left out.
void scatterAdd(const Context&, const float* x, const int32_t* indices, float* y, size_t count, size_t rows,
                size_t width);
void scatterAdd(const Context&, const int32_t* x, const int32_t* indices, int32_t* y, size_t count, size_t rows,
                size_t width);
void scatterReplace(const Context&, const uint8_t* x, const int32_t* indices, uint8_t* y, size_t count, size_t rows,
                    size_t bytes);

}  // namespace convbook
