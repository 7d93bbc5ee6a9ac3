// The inner loop of convolutions and products on AMX tiles: sums for several tiles of 16 pixels and one or two tiles of
// 16 columns. The left-hand side is read where it lies, as planes of bfloat16; a tile's row is any run of 64 bytes.
#pragma once
#include "amx/amx.h"

namespace convbook {

#if defined(CONVBOOK_AMX)
constexpr int kStripTiles = 4;  // tiles of pixels that a strip may have; two when it is two tiles of columns wide

// Where the 16 pixels of one tile are read, and where their sums go.
struct AmxTilePlace {
  ptrdiff_t x;             // bytes from AmxStrip::x to the first pixel
  ptrdiff_t y[kTileRows];  // floats from AmxStrip::y to each pixel's sums; negative: nothing is kept
  bool even;               // all are kept, and lie AmxStrip::ys apart
};

struct AmxStrip {
  int parts;             // of every factor: 1, 2 or 3, which makes 1, 3 or 6 products
  const char* x;         // the plane of first parts
  ptrdiff_t plane;       // bytes from one plane to the next
  ptrdiff_t pixelBytes;  // from pixel to pixel of a tile
  const int32_t* steps;  // bytes from a pixel to the 32 values that each step takes
  int stepCount;
  const AmxTilePlace* tiles;
  int tileCount;      // at most kStripTiles
  int wide;           // tiles of columns: 1 or 2
  const char* w;      // packed by amxPack: for each step, each tile of columns, a tile for each part
  const float* bias;  // for all columns of the strip, padded with zeros; or null
  float* y;
  ptrdiff_t ys;           // floats from pixel to pixel where a tile is even
  const float* residual;  // laid out like y, or null
  int activation;
  int columns;  // that are kept, at most 16 * wide
};
void amxStrip(const AmxStrip&);

// to[column][row] = from[row][column]; strides are floats from row to row.
void amxTranspose(const float* from, ptrdiff_t stride, int rows, int columns, float* to, ptrdiff_t toStride);

// Packs rows [0, k) and columns [0, n) of w (rows lie `stride` floats apart), k <= 32 and n <= 16, as a tile for each
// part, zeros behind the last row and column.
void amxPack(const float* w, ptrdiff_t stride, int k, int n, int parts, char* to, SplitRange* range);
#endif

}  // namespace convbook
