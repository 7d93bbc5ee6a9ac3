#include "simd/isa_table.h"

namespace convbook {
const Kernels& genericKernels() {
  static const Kernels kernels = makeKernels("generic");
  return kernels;
}
}  // namespace convbook
