#include "amx/amx.h"

#if defined(CONVBOOK_AMX)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace convbook {

#if defined(CONVBOOK_AMX)
namespace {

// From Linux's asm/prctl.h and the processor's list of state components.
constexpr int kRequestPermission = 0x1023;
constexpr int kTileData = 18;

bool processorHasAmx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kOsSavesState = 1u << 27;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & kOsSavesState) == 0) return false;
  unsigned low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr unsigned kTileState = 3u << 17;
  if ((low & kTileState) != kTileState) return false;
  constexpr unsigned kAmxBf16 = 1u << 22, kAmxTile = 1u << 24, kAvx512Bf16 = 1u << 5;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kAmxBf16) == 0 || (d & kAmxTile) == 0) return false;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & kAvx512Bf16) != 0;
}

}  // namespace

bool amxAvailable() {
  static const bool available = processorHasAmx() && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return available;
}
#else
bool amxAvailable() { return false; }
#endif

AmxPasses& amxPasses() {
  static AmxPasses passes;
  return passes;
}

}  // namespace convbook
