// Products of matrices whose factors may be rounded to bfloat16.
#include <memory>

#include "amx/amx_conv.h"
#include "amx/amx_correlation.h"
#include "amx/amx_strip.h"
#include "runtime/lent.h"

namespace convbook {

#if defined(CONVBOOK_AMX)
namespace {

// A matrix of `columns` rows and `rows` columns, turned; null where there was nothing to do.
LentFloats turned(const Context& context, bool transposed, const float* from, int rows, int columns) {
  if (!transposed) return {};
  LentFloats to(static_cast<size_t>(rows) * columns);
  context.pool.range(static_cast<size_t>(columns), 64, 16, [&](size_t lo, size_t hi) {
    amxTranspose(from + lo * rows, rows, static_cast<int>(hi - lo), rows, to.get() + lo, columns);
  });
  return to;
}

}  // namespace

bool bf16MatMul(const Context& context, const MatMulShape& s, const float* a, const float* b, const float* bias,
                int activation, float* c) {
  if (!context.bf16 || s.k < kLeastDepth || static_cast<double>(s.m) * s.n * s.k < kLeastProducts) return false;
  for (int i = 0; i < s.batch; i++) {
    const float *left = a + i * s.strideA, *right = b + i * s.strideB;
    const LentFloats leftTurned = turned(context, s.transposeA, left, s.m, s.k),
                     rightTurned = turned(context, s.transposeB, right, s.k, s.n);
    const AmxProduct product(context, 1, static_cast<size_t>(s.m), s.k, s.n, rightTurned ? rightTurned.get() : right,
                             bias, s.n);
    if (!product.usable() || !product.run(context, 1, {leftTurned ? leftTurned.get() : left, s.k},
                                          c + static_cast<size_t>(i) * s.m * s.n, nullptr, activation, {})) {
      return false;
    }
  }
  return true;
}
#else
bool bf16MatMul(const Context&, const MatMulShape&, const float*, const float*, const float*, int, float*) {
  return false;
}
#endif

}  // namespace convbook
