// The gradient of a convolution's filter on Intel AMX tiles, at float32 accuracy (see amx.h).
#pragma once
#include "amx.h"
#include "conv.h"

namespace convbook {

// dw, and the sums of dy over all pixels when dbias is given, as convFilterGrad. False where the tiles do not take the
// shape or the values (see SplitRange): then what dw and dbias hold is of no use.
bool amxFilterGrad(const Context&, const ConvShape&, const float* x, const float* dy, float* dw, float* dbias);

#if defined(CONVBOOK_AMX)
// The most products that run side by side, each with a tile of sums of its own.
constexpr int kSideBySide = 5;

// Splits pixels, given by where their channels begin, into right-hand factors: for each 16 channels (the last padded with
// zeros) rows of 16 pairs. Parts follow one another `partStride` apart: pairs (0, 1), (2, 3), ... hi, then lo, if
// `even`; then pairs (1, 2), (3, 4), ... hi, then lo, if `odd`. `pixels` has 2 * pairs + 1 entries.
struct PixelPairs {
  const float* const* pixels;
  size_t pairs;
  int channels;
  bool even, odd;
  Bfloat16* to;
  size_t partStride, tileStride;  // in values: from part to part, from 16 channels to the next
};
void amxPackPairs(const PixelPairs&, SplitRange* range);

// Splits pixels into left-hand factors: for each 16 channels, 32 pixels after 32, a tile of hi and then one of lo, whose
// rows are channels. Adds all pixels to sums[channels padded to 16], if given.
struct PixelRows {
  const float* const* pixels;
  size_t steps;  // of 32 pixels
  int channels;
  Bfloat16* to;
  size_t tileStride;
  float* sums;
};
void amxPackRows(const PixelRows&, SplitRange* range);

// sums[i][row][column] (+)= left * right[i] over `steps` tiles; the lower halves of right[i] lie `lowOffset` values behind.
struct TileSums {
  const Bfloat16* left;
  const Bfloat16* right[kSideBySide];
  size_t lowOffset, steps;
  float* sums;  // 256 floats each
  bool add;
};
void amxTileSums(const TileSums&, int count);

// to[column * stride + row] = the sum over parts of the tile at from + part * partStride
void amxReduceTile(const float* from, size_t parts, size_t partStride, int rows, int columns, float* to, size_t stride);
#endif

}  // namespace convbook
