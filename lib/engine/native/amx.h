// Intel AMX: 16 x 16 tiles of sums, to which one instruction adds the product of a 16 x 32 and a 32 x 16 tile of bfloat16.
//
// Float32 accuracy comes from splitting: a = hi + lo with hi = bfloat16(a) and lo = bfloat16(a - hi), and
// a * b = hi * hi + hi * lo + lo * hi, accumulated in float32. What is left out is below 2^-16 of a product, of random
// sign, so that it vanishes in the rounding of any longer sum. The instructions take subnormal bfloat16 for zero: a value
// below about 1e-33 loses bits of its lower half and one below 1.2e-38 is zero, so what is found to be that small
// throughout, or infinite or not a number anywhere (inf - inf would make NaN of infinity), is left to float32 kernels.
//
// Files named isa_amx*.cc hold what needs the instructions, compiled with their own flags like the other isa_*.cc: nothing
// in them may instantiate a template of the standard library. Everything else is plain and may be called on any machine.
#pragma once
#include <cstddef>
#include <cstdint>

namespace convbook {

// Whether this processor has AMX with bfloat16 and AVX512-BF16, the system lets this process use it, and the compiler knew
// it. The first call asks the system for permission, which holds for all threads of the process.
bool amxAvailable();

// One bfloat16, as its bits.
using Bfloat16 = uint16_t;

// Tiles hold 16 rows of 64 bytes: 32 bfloat16, or 16 float32.
constexpr int kTileRows = 16;
constexpr int kTileDepth = 32;   // products that one instruction adds to each sum
constexpr int kTileBytes = 1024;

// Of the values that were split: whether the tiles can take them.
struct SplitRange {
  float largest = 0.f;  // magnitude
  bool finite = true;   // and below 3.3e38, so that rounding does not make infinity of it
  bool usable() const { return finite && (largest == 0.f || largest > 1e-30f); }
};

#if defined(CONVBOOK_AMX)
// Configures the calling thread's eight tiles, all 16 rows of 64 bytes, and gives them back at the end of its life: one for
// each task that uses tiles.
class AmxTiles {
 public:
  AmxTiles();
  ~AmxTiles();
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;
};

// hi[i] + lo[i] ~ x[i] for n values; adds what it saw to `range`.
void amxSplit(const float* x, size_t n, Bfloat16* hi, Bfloat16* lo, SplitRange* range);
#endif

}  // namespace convbook
