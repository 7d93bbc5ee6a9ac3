#include <algorithm>
#include <cstring>

#include "amx/amx_correlation.h"
#include "conv/conv_shape.h"

namespace convbook {

#if defined(CONVBOOK_AMX)
namespace {

// Bytes of the planes of a task's pixels.
constexpr size_t kPlaneBytes = size_t{128} << 10;

std::vector<AmxTilePlace> tilesOf(size_t pixels, int channels, ptrdiff_t targetStride) {
  std::vector<AmxTilePlace> tiles((pixels + kTileRows - 1) / kTileRows);
  for (size_t i = 0; i < tiles.size(); i++) {
    const size_t first = i * kTileRows;
    tiles[i].x = static_cast<ptrdiff_t>(first * static_cast<size_t>(channels) * sizeof(Bfloat16));
    tiles[i].even = first + kTileRows <= pixels;
    for (size_t p = 0; p < kTileRows; p++) {
      tiles[i].y[p] = first + p < pixels ? static_cast<ptrdiff_t>(first + p) * targetStride : -1;
    }
  }
  return tiles;
}

}  // namespace

AmxProduct::AmxProduct(const Context& context, int parts, size_t imagePixels, int in, int out, const float* w,
                       const float* bias, ptrdiff_t targetStride)
    : imagePixels_(imagePixels),
      parts_(parts),
      in_(in),
      targetStride_(targetStride),
      share_(std::max<size_t>(64, kPlaneBytes / (static_cast<size_t>(parts * in) * sizeof(Bfloat16)) / 64 * 64)),
      weights_(context, parts, {{0, 0, in}}, w, out, out, bias),
      tiles_(tilesOf(share_, in, targetStride)) {
  for (int k = 0; k < in; k += kTileDepth) steps_.push_back(k * static_cast<int>(sizeof(Bfloat16)));
}

bool AmxProduct::run(const Context& context, size_t images, const ConvSource& source, float* y, const float* residual,
                     int activation, const OwnWay&) const {
  const size_t pixels = images * imagePixels_;
  const size_t channels = static_cast<size_t>(in_), threads = static_cast<size_t>(context.pool.threads());
  // A few pixels: cut finer, so that every thread has something to do.
  const size_t share = threads == 1 ? share_ : std::max<size_t>(64, std::min(share_, pixels / (threads * 4) / 64 * 64));
  // Behind the last pixel: what the last tile and the last step read too much, zeros.
  const size_t behind = (kTileRows - 1) * channels + kTileDepth, plane = (share * channels + behind + 31) / 32 * 32;
  AmxMet met;
  context.pool.run((pixels + share - 1) / share, [&](size_t task, int thread) {
    if (!met.finite()) return;
    Bfloat16* planes =
        reinterpret_cast<Bfloat16*>(context.pool.scratch(thread, 0, static_cast<size_t>(parts_) * plane / 2));
    const size_t first = task * share, count = std::min(share, pixels - first);
    SplitRange range;
    amxSplit({source.x + static_cast<ptrdiff_t>(first) * source.stride, source.stride, count, in_, source.scale,
              source.shift, source.relu},
             parts_, planes, static_cast<ptrdiff_t>(plane), &range);
    for (int part = 0; part < parts_; part++) {
      std::memset(planes + static_cast<size_t>(part) * plane + count * channels, 0, behind * sizeof(Bfloat16));
    }
    met.add(range);
    if (!range.finite) return;
    const AmxTiles tiles16;
    std::vector<AmxTilePlace> last;
    const bool whole = count % kTileRows == 0;
    if (!whole) last = tilesOf(count, in_, targetStride_);
    const ptrdiff_t at = static_cast<ptrdiff_t>(first) * targetStride_;
    weights_.run(steps_.data(), reinterpret_cast<const char*>(planes), static_cast<ptrdiff_t>(plane * sizeof(Bfloat16)),
                 static_cast<ptrdiff_t>(channels * sizeof(Bfloat16)), whole ? tiles_.data() : last.data(),
                 (count + kTileRows - 1) / kTileRows,
                 {y + at, targetStride_, residual != nullptr ? residual + at : nullptr, activation});
  });
  if (!met.finite() || !weights_.suits(met.largest())) return false;
  (parts_ == 1 ? amxPasses().rounded : amxPasses().split)++;
  return true;
}
#endif

}  // namespace convbook
