#include "simd/isa_table.h"

namespace convbook {
const Kernels& avx2Kernels() {
  static const Kernels kernels = makeKernels("avx2");
  return kernels;
}
}  // namespace convbook
