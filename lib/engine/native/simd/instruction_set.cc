#include <cstring>

#include "amx/amx.h"
#include "amx/amx_implementation.h"
#include "simd/kernels.h"

namespace convbook {
namespace {

#if defined(__x86_64__) && defined(__GNUC__)
bool runsAvx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
}
const Kernels& amxKernels() {
  static const Kernels kernels = [] {
    Kernels k = avx512Kernels();
    k.name = "amx";
    k.tiles = &amxImplementation();
    return k;
  }();
  return kernels;
}
bool runsAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

}  // namespace

const Kernels& chooseKernels(const char* wanted) {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  const bool any = wanted == nullptr || *wanted == 0 || std::strcmp(wanted, "amx") == 0;
  if (any && runsAvx512() && amxAvailable()) return amxKernels();
  if (runsAvx512() && (any || std::strcmp(wanted, "avx512") == 0)) return avx512Kernels();
  if (runsAvx2() && (any || std::strcmp(wanted, "generic") != 0)) return avx2Kernels();
#else
  (void)wanted;
#endif
#if defined(__wasm__)
  return wasmKernels();
#else
  return genericKernels();
#endif
}

}  // namespace convbook
