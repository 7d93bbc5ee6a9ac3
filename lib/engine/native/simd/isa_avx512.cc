#include "simd/isa_table.h"

namespace convbook {
const Kernels& avx512Kernels() {
  static const Kernels kernels = makeKernels("avx512");
  return kernels;
}
}  // namespace convbook
