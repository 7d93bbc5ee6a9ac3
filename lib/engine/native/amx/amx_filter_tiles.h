// What the gradient of a filter does on AMX tiles (amx_filter.cc plans it): splitting and laying out pixels, products,
// sums.
#pragma once
#include "amx/amx.h"

#if defined(CONVBOOK_AMX)
namespace convbook {

// The most products that run side by side, each with a tile of sums of its own.
constexpr int kSideBySide = 5;
// Pixels are given by where their channels begin. So many entries behind the last are read ahead: addresses, never
// looked at what they point at.
constexpr int kReadAhead = 32;

// What becomes of an input's pixels before they are used: max(x * scale + shift, 0 if relu), a scale and a shift a
// channel, but for those that are `zeros`, the border. Scale may be null: nothing.
struct PixelLine {
  const float *scale, *shift;
  bool relu;
  const float* zeros;
};

// Splits pixels into right-hand factors: for each 16 channels (the last padded with zeros) rows of 16 pairs, of a pixel
// and the one `distance` behind it; hi, and the same of lo `lowOffset` values behind.
struct PixelPairs {
  const float* const* pixels;
  size_t pairs, distance;
  int channels;
  Bfloat16* to;
  size_t lowOffset, tileStride;  // in values; tileStride: from 16 channels to the next
  PixelLine line;
};
void amxPackPairs(const PixelPairs&, SplitRange* range);

// Splits pixels into left-hand factors: for each 16 channels, step after step, a tile of hi and then one of lo, whose
// rows are channels and whose columns are 16 pairs, of a pixel and the one steps * 16 behind it. Adds all pixels to
// sums[channels padded to 16], if given.
struct PixelRows {
  const float* const* pixels;
  size_t steps;  // of 32 pixels
  int channels;
  Bfloat16* to;
  size_t tileStride;
  float* sums;
};
void amxPackRows(const PixelRows&, SplitRange* range);

// sums[i][row][column] (+)= left * right[i] over `steps` tiles; the lower halves of right[i] lie `lowOffset` values
// behind.
struct TileSums {
  const Bfloat16* left;
  const Bfloat16* right[kSideBySide];
  size_t lowOffset, steps;
  float* sums;  // 256 floats each
  bool add;
};
void amxTileSums(const TileSums&, int count);

// The same for one tap, whose right-hand factors are packed on the way: sums[out][16 channels][row][column] (+)= left *
// x for up to kOutsAtOnce tiles of output channels, which lie outStride floats apart.
constexpr int kOutsAtOnce = 6;
struct PointSums {
  const Bfloat16* left;
  size_t leftTile;
  const float* const* pixels;
  size_t steps;
  int channels;
  float* sums;
  size_t outStride;
  bool add;
  PixelLine line;
};
void amxPointSums(const PointSums&, int outs, SplitRange* range);

// to[column * stride + row] = the sum over parts of the tile at from + part * partStride
void amxReduceTile(const float* from, size_t parts, size_t partStride, int rows, int columns, float* to, size_t stride);

}  // namespace convbook
#endif
