// How images are cut into tiles of outputs, and tiles into blocks that stay in the second-level cache.
#pragma once
#include <algorithm>
#include <cstddef>

#include "conv/conv.h"
#include "simd/kernels.h"

namespace convbook {

// A correlation of stride 1: output (i, j) is made of the pixels from (originH + i, originW + j) on.
struct WinogradShape {
  WinogradKernels kernels;
  int height, width, channels;  // of the source
  int originH, originW;
  int outHeight, outWidth, columns;
};

WinogradShape winogradForward(const WinogradKernels&, const ConvShape&);
// Of the gradient by the input: the same with turned filters.
WinogradShape winogradInputGrad(const WinogradKernels&, const ConvShape&);

// Tiles that lie side by side in an image.
struct WinogradStrip {
  size_t image;
  int row, column, count;  // in tiles
};

// All images' tiles in strips, one behind another.
class WinogradStrips {
 public:
  explicit WinogradStrips(const WinogradShape& s)
      : down_(ceilDiv(s.outHeight, s.kernels.outputs)),
        sideways_(ceilDiv(s.outWidth, s.kernels.outputs)),
        pieces_(std::max(1, (sideways_ + kMost - 1) / kMost)),
        share_((sideways_ + pieces_ - 1) / pieces_) {}

  size_t perImage() const { return static_cast<size_t>(down_) * pieces_; }
  int most() const { return share_; }
  int tilesOfImage() const { return down_ * sideways_; }
  WinogradStrip strip(size_t i) const {
    const size_t inImage = i % perImage();
    const int row = static_cast<int>(inImage) / pieces_, piece = static_cast<int>(inImage) % pieces_;
    const int column = piece * share_;
    return {i / perImage(), row, column, std::max(0, std::min(share_, sideways_ - column))};
  }

 private:
  static constexpr int kMost = 32;
  int down_, sideways_, pieces_, share_;
};

// Floats from one tile's numbers to the next, and from one of its numbers to the next: whole vectors, and no
// multiple of a page, which would put them in the same few lines of the first-level cache.
inline size_t winogradTileFloats(int lanes, int channels) {
  const size_t floats = static_cast<size_t>(ceilDiv(channels, lanes)) * static_cast<size_t>(lanes);
  return floats % 512 == 0 ? floats + 16 : floats;
}
inline size_t winogradTileFloats(const Kernels& kernels, int channels) {
  return winogradTileFloats(kernels.lanes, channels);
}
inline size_t winogradPlaneFloats(size_t tiles, size_t tileFloats) { return (tiles * tileFloats + 15) / 16 * 16 + 16; }

// Tiles that a block takes at a time.
size_t winogradBlockTiles(int points, size_t tileFloats);

// Turns the inputs of a strip; `to` is where its first tile goes.
void winogradGather(const WinogradShape& s, const ConvSource& source, const WinogradStrip& strip, float* to,
                    size_t tileFloats, size_t planeFloats);

}  // namespace convbook
