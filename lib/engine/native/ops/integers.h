// Arithmetic, comparisons and reductions of int32 and of booleans (bytes of 0 and 1), with the results that JavaScript
// has: worked out as doubles, stored modulo 2^32, what is not a number as 0.
#pragma once
#include "ops/arrays.h"

namespace convbook {

CONVBOOK_CHOICES(enum class IntBinary, kIntBinaryNames, Add, Sub, Multiply, Maximum, Minimum, SquaredDifference, Mod,
                 FloorDiv, BitwiseAnd);
CONVBOOK_CHOICES(enum class IntUnary, kIntUnaryNames, Neg, Abs, Square);

void intBinary(const Context&, IntBinary, const int32_t* a, const int32_t* b, int32_t* y, const Strided&);
void intUnary(const Context&, IntUnary, const int32_t* x, int32_t* y, size_t n);
void intCompare(const Context&, Compare, const int32_t* a, const int32_t* b, uint8_t* y, const Strided&);
// x [outer, middle, inner] -> y [outer, inner]
void intReduce(const Context&, Reduce, const int32_t* x, int32_t* y, size_t outer, size_t middle, size_t inner);

CONVBOOK_CHOICES(enum class ByteBinary, kByteBinaryNames, LogicalAnd, LogicalOr, Equal, NotEqual);
void byteBinary(const Context&, ByteBinary, const uint8_t* a, const uint8_t* b, uint8_t* y, const Strided&);
void byteNot(const Context&, const uint8_t* x, uint8_t* y, size_t n);
// Whether any (or all) along the middle axis are set.
void byteReduce(const Context&, bool all, const uint8_t* x, uint8_t* y, size_t outer, size_t middle, size_t inner);

CONVBOOK_CHOICES(enum class FloatClass, kFloatClassNames, IsNan, IsInf, IsFinite);
void classify(const Context&, FloatClass, const float* x, uint8_t* y, size_t n);

}  // namespace convbook
