// Intel AMX: 16 x 16 tiles of sums, to which one instruction adds the product of a 16 x 32 and a 32 x 16 tile of
// bfloat16.
//
// Factors are split into parts: a = hi + lo (+ low), each the bfloat16 nearest to what the parts before it leave. A
// product of two parts each is hi * hi + hi * lo + lo * hi, accumulated in float32: 16 bits of every factor count, and
// the error of a sum is about 1e-6 of the largest sum (root mean square; 5e-6 at worst in 1e4 sums). One of three parts
// each is six such products: errors are 2e-7 to 4e-7 of the largest sum at worst, half of those that summing in float32
// makes.
//
// The instructions take subnormal bfloat16 for zero: a value below about 1e-33 loses bits of its lower parts and one
// below 1.2e-38 is zero, so what is found to be that small throughout, or infinite or not a number anywhere (inf - inf
// would make NaN of infinity), is left to float32 kernels.
//
// Files named isa_amx*.cc hold what needs the instructions, compiled with their own flags like the other isa_*.cc:
// nothing in them may instantiate a template of the standard library. Everything else is plain and may be called on any
// machine.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace convbook {

// Whether this processor has AMX with bfloat16 and AVX512-BF16, the system lets this process use it, and the compiler
// knew it. The first call asks the system for permission, which holds for all threads of the process.
bool amxAvailable();

// What the tiles have computed in this process: convolutions, input gradients and products of matrices by the parts of
// their factors, and gradients of filters. Only what was kept counts: a pass that met a value it cannot take is done
// again elsewhere.
struct AmxPasses {
  std::atomic<uint64_t> rounded{0};  // one part: bf16
  std::atomic<uint64_t> split{0};    // two or three parts: float32's precision
  std::atomic<uint64_t> filterGradients{0};
};
AmxPasses& amxPasses();

// One bfloat16, as its bits.
using Bfloat16 = uint16_t;

// Tiles hold 16 rows of 64 bytes: 32 bfloat16, or 16 float32.
constexpr int kTileRows = 16;
constexpr int kTileDepth = 32;  // products that one instruction adds to each sum
constexpr int kTileBytes = 1024;

// Of the values that were split: whether the tiles can take them.
struct SplitRange {
  float largest = 0.f;  // magnitude
  bool finite = true;   // and below 3.3e38, so that rounding does not make infinity of it
  bool usable() const { return finite && (largest == 0.f || largest > 1e-30f); }
};

#if defined(CONVBOOK_AMX)
// Configures the calling thread's eight tiles, all 16 rows of 64 bytes, and gives them back at the end of its life: one
// for each task that uses tiles.
class AmxTiles {
 public:
  AmxTiles();
  ~AmxTiles();
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;
};

// Pixels `stride` floats apart; with a scale, max(x * scale + shift, 0 if relu) of them, a scale and a shift a channel.
struct AmxPixels {
  const float* x;
  ptrdiff_t stride;
  size_t count;
  int channels;
  const float *scale, *shift;
  bool relu;
};

// Splits pixels into 1, 2 or 3 parts whose sum is x, dense and `plane` values apart; adds what it saw to `range`.
void amxSplit(const AmxPixels& pixels, int parts, Bfloat16* to, ptrdiff_t plane, SplitRange* range);
#endif

}  // namespace convbook
