#include "simd/isa_table.h"

namespace convbook {
const Kernels& wasmKernels() {
#if defined(__wasm_relaxed_simd__)
  static const Kernels kernels = makeKernels("wasm-relaxed");
#else
  static const Kernels kernels = makeKernels("wasm");
#endif
  return kernels;
}
}  // namespace convbook
