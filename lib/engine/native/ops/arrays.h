// Operations on arrays of any rank: element by element with broadcasting, reductions, and moving elements about.
#pragma once
#include "runtime/context.h"

namespace convbook {

constexpr int kMaxRank = 8;

// A shape with the strides of up to three operands, in elements; a stride of 0 repeats an operand.
struct Strided {
  int rank;
  size_t shape[kMaxRank];
  ptrdiff_t strides[3][kMaxRank];
};

void unary(const Context&, Unary, const float* x, float* y, size_t n, float a, float b);
void fill(const Context&, float* y, float value, size_t n);
void binary(const Context&, Binary, const float* a, const float* b, float* y, const Strided&);
void compare(const Context&, Compare, const float* a, const float* b, uint8_t* y, const Strided&);
void select(const Context&, const uint8_t* c, const float* a, const float* b, float* y, const Strided&);

// x [outer, middle, inner] -> y [outer, inner]; sums and means alike (a mean scales the sum).
void reduce(const Context&, Reduce, const float* x, float* y, size_t outer, size_t middle, size_t inner, float scale);
// The index of the first largest (or smallest) element along the middle axis.
void argExtreme(const Context&, bool largest, const float* x, int32_t* y, size_t outer, size_t middle, size_t inner);

// y = x read through strides[0]; or x written to y through strides[0] (scatter). Elements of 1 or 4 bytes.
void copyStrided(const Context&, const void* x, void* y, int elementBytes, const Strided&, bool scatter);
// `rows` pieces of `bytes`, from and to places that lie `fromStride` and `toStride` bytes apart.
void copyRows(const Context&, const uint8_t* from, size_t fromStride, uint8_t* to, size_t toStride, size_t rows,
              size_t bytes);
// x [outer, count, bytes], indices [picked] -> y [outer, picked, bytes]; an index out of range gives zeros.
void gather(const Context&, const uint8_t* x, const int32_t* indices, uint8_t* y, size_t outer, size_t count,
            size_t picked, size_t bytes);
// y[i][c] = c == indices[i] ? on : off
void oneHot(const Context&, const int32_t* indices, float* y, size_t n, size_t depth, float on, float off);

CONVBOOK_CHOICES(enum class Cast, kCastNames, FloatToInt, IntToFloat, ByteToFloat, ByteToInt, FloatToBool, IntToBool);
void cast(const Context&, Cast, const void* x, void* y, size_t n);

// Uniform in [a, b) or normal with mean a and deviation b, the same for a seed whatever the number of threads.
void randomFill(const Context&, bool normal, float* y, size_t n, uint64_t seed, float a, float b);

}  // namespace convbook
