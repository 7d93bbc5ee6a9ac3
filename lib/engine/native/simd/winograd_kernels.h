// Winograd's F(2x2, 3x3): what is done between memory and the products. 4 x 4 inputs and a 3 x 3 filter are each turned
// into 16 numbers a channel; their products, summed over the channels, are turned into 2 x 2 outputs. The same turned
// round gives a filter's gradient. The 16 numbers of a tile lie `plane` floats apart, number 4 * row + column; tiles
// lie `tile` floats apart, channels side by side and whole vectors of them, with zeros behind the last.
#pragma once
#include <cstddef>

namespace convbook {

constexpr int kWinogradPoints = 16;

// A row of tiles, side by side, from an image's pixels; with a scale, from max(x * scale + shift, 0 if relu) of them.
struct WinogradInput {
  const float* rows[4];  // the image's first pixel in each of the tiles' rows; null: outside of the image, zeros
  ptrdiff_t stride;      // from pixel to pixel
  int left, width;       // the first tile's first column, which may lie outside; of the image
  int tiles, channels;
  const float *scale, *shift;  // null: taken as they are
  bool relu;
  float* to;
  ptrdiff_t plane, tile;
};

// 2 x 2 outputs each of a row of tiles: act(sums turned back + bias + residual).
struct WinogradOutput {
  const float* from;
  ptrdiff_t plane, tile;
  int tiles;
  int rows, lastColumns;  // outputs wanted of each tile's two rows, and of the last tile's two columns
  int vectors;
  unsigned tail;  // channels in the last vector
  float* y;       // pixels `stride` apart, rows `row`
  ptrdiff_t stride, row;
  const float* bias;      // padded, or null
  const float* residual;  // laid out like y, or null
  int activation;
};

// A 3 x 3 filter for a vector of output channels: taps `tap` floats apart, input channels `stride`.
struct WinogradFilter {
  const float* w;
  ptrdiff_t tap, stride;
  int channels;
  unsigned tail;  // output channels
  float* to;
  ptrdiff_t plane, row;  // of the 16 numbers, and of input channels
};

// And back, in gradients: w from the 16 sums, both as above.
struct WinogradFilterGrad {
  const float* from;
  ptrdiff_t plane, row;
  int channels;
  unsigned tail;
  float* w;
  ptrdiff_t tap, stride;
};

struct WinogradKernels {
  void (*input)(const WinogradInput&);
  // Whether everything is finite, and below 2^55, before the activation.
  bool (*output)(const WinogradOutput&);
  void (*filter)(const WinogradFilter&);
  // Tiles of 2 x 2 values of a gradient, of which only rows[0] and rows[1] are looked at, nothing is scaled, and
  // columns behind the image are zeros.
  void (*outputGrad)(const WinogradInput&);
  bool (*filterGrad)(const WinogradFilterGrad&);
};

}  // namespace convbook
