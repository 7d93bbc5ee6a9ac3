#include "winograd/winograd_tiles.h"

namespace convbook {

WinogradShape winogradForward(const WinogradKernels& kernels, const ConvShape& s) {
  return {kernels, s.height, s.width, s.inChannels, -s.padTop, -s.padLeft, s.outHeight, s.outWidth, s.outChannels};
}

WinogradShape winogradInputGrad(const WinogradKernels& kernels, const ConvShape& s) {
  const int reach = kernels.taps - 1;
  return {kernels,           s.outHeight, s.outWidth, s.outChannels, s.padTop - reach,
          s.padLeft - reach, s.height,    s.width,    s.inChannels};
}

size_t winogradBlockTiles(int points, size_t tileFloats) {
  // Bytes of a block's turned inputs: a half of the second-level cache of small processors; more gains nothing.
  constexpr size_t kBlockBytes = size_t{256} << 10;
  return std::max<size_t>(
      14, std::min<size_t>(kBlockBytes / (static_cast<size_t>(points) * sizeof(float) * tileFloats), 112));
}

void winogradGather(const WinogradShape& s, const ConvSource& source, const WinogradStrip& strip, float* to,
                    size_t tileFloats, size_t planeFloats) {
  const float* image = source.x + static_cast<ptrdiff_t>(strip.image) * s.height * s.width * source.stride;
  WinogradInput t;
  for (int r = 0; r < s.kernels.inputs(); r++) {
    const int y = s.originH + s.kernels.outputs * strip.row + r;
    t.rows[r] = y >= 0 && y < s.height ? image + static_cast<ptrdiff_t>(y) * s.width * source.stride : nullptr;
  }
  t.stride = source.stride;
  t.left = s.originW + s.kernels.outputs * strip.column;
  t.width = s.width;
  t.tiles = strip.count;
  t.channels = s.channels;
  t.below = s.kernels.outputs * static_cast<ptrdiff_t>(s.width) * source.stride;
  t.scale = source.scale;
  t.shift = source.shift;
  t.relu = source.relu;
  t.to = to;
  t.plane = static_cast<ptrdiff_t>(planeFloats);
  t.tile = static_cast<ptrdiff_t>(tileFloats);
  s.kernels.input(t);
}

}  // namespace convbook
