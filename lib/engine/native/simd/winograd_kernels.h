// Winograd's convolutions F(m x m, r x r): what is done between memory and the products. n x n inputs, n = m + r - 1,
// and an r x r filter are each turned into n x n numbers a channel; their products, summed over the channels, are
// turned into m x m outputs. The same turned round gives a filter's gradient. The numbers of a tile lie `plane` floats
// apart, number n * row + column; tiles lie `tile` floats apart, channels side by side and whole vectors of them, with
// zeros behind the last.
#pragma once
#include <cstddef>

namespace convbook {

// F(2x2, 3x3), F(4x4, 3x3) and F(2x2, 5x5).
enum class WinogradKind { F2x3, F4x3, F2x5 };
constexpr int kWinogradKinds = 3;
constexpr int kWinogradMostInputs = 6;

// A row of tiles, side by side, from an image's pixels; with a scale, from max(x * scale + shift, 0 if relu) of them.
struct WinogradInput {
  // The image's first pixel in each of the tiles' rows; null: outside of the image, zeros.
  const float* rows[kWinogradMostInputs];
  ptrdiff_t stride;  // from pixel to pixel
  int left, width;   // the first tile's first column, which may lie outside; of the image
  int tiles, channels;
  ptrdiff_t below;             // from a row of pixels to what the next row of tiles has in its place
  const float *scale, *shift;  // null: taken as they are
  bool relu;
  float* to;
  ptrdiff_t plane, tile;
};

// m x m outputs each of a row of tiles: act(sums turned back + bias + residual).
struct WinogradOutput {
  const float* from;
  ptrdiff_t plane, tile;
  int tiles;
  int rows, lastColumns;  // outputs wanted of each tile's rows, and of the last tile's columns
  int vectors;
  unsigned tail;  // channels in the last vector
  float* y;       // pixels `stride` apart, rows `row`
  ptrdiff_t stride, row;
  const float* bias;      // padded, or null
  const float* residual;  // laid out like y, or null
  int activation;
};

// An r x r filter for a vector of output channels: taps `tap` floats apart, input channels `stride`.
struct WinogradFilter {
  const float* w;
  ptrdiff_t tap, stride;
  int channels;
  unsigned tail;  // output channels
  float* to;
  ptrdiff_t plane, row;  // of the n x n numbers, and of input channels
};

// And back, in gradients: w from the n x n sums, both as above.
struct WinogradFilterGrad {
  const float* from;
  ptrdiff_t plane, row;
  int channels;
  unsigned tail;
  float* w;
  ptrdiff_t tap, stride;
};

struct WinogradKernels {
  int outputs, taps;  // m and r
  void (*input)(const WinogradInput&);
  // Whether everything is finite, and below 2^55, before the activation.
  bool (*output)(const WinogradOutput&);
  void (*filter)(const WinogradFilter&);
  // Tiles of m x m values of a gradient, of which only the first m rows are looked at, nothing is scaled, and columns
  // behind the image are zeros.
  void (*outputGrad)(const WinogradInput&);
  bool (*filterGrad)(const WinogradFilterGrad&);

  int inputs() const { return outputs + taps - 1; }
  int points() const { return inputs() * inputs(); }
};

}  // namespace convbook
