#include "amx/amx_weights.h"

#include <algorithm>

#include "conv/conv_shape.h"

namespace convbook {

#if defined(CONVBOOK_AMX)
AmxWeights::AmxWeights(const Context& context, int parts, const std::vector<AmxRun>& runs, const float* w,
                       ptrdiff_t stride, int columns, const float* bias)
    : parts_(parts), columns_(columns) {
  struct Piece {
    size_t row;
    int depth;
  };
  std::vector<Piece> pieces;
  for (const AmxRun& run : runs) {
    for (int k = 0; k < run.length; k += kTileDepth)
      pieces.push_back({depth_ + k, std::min(kTileDepth, run.length - k)});
    depth_ += static_cast<size_t>(run.length);
  }
  stepCount_ = static_cast<int>(pieces.size());
  size_t bytes = 0;
  for (int column = 0; column < columns;) {
    const int wide = columns - column > 16 ? 2 : 1;
    panels_.push_back({column, wide, bytes});
    bytes += pieces.size() * wide * parts * kTileBytes;
    column += 16 * wide;
  }
  packed_ = LentFloats((bytes + sizeof(float) - 1) / sizeof(float));
  context.pool.range(pieces.size(), bytes > (size_t{256} << 10) ? 2 : pieces.size() + 1, 1, [&](size_t lo, size_t hi) {
    SplitRange range;
    for (const Panel& panel : panels_) {
      for (size_t i = lo; i < hi; i++) {
        char* to = packed() + panel.offset + i * panel.wide * parts * kTileBytes;
        for (int j = 0; j < panel.wide; j++, to += parts * kTileBytes) {
          const int column = panel.column + 16 * j;
          amxPack(w + static_cast<ptrdiff_t>(pieces[i].row) * stride + column, stride, pieces[i].depth,
                  std::min(16, columns - column), parts, to, &range);
        }
      }
    }
    met_.add(range);
  });
  if (bias == nullptr) return;
  bias_.assign(static_cast<size_t>(ceilDiv(columns, 16)) * 16, 0.f);
  std::copy(bias, bias + columns, bias_.begin());
}

bool AmxWeights::suits(float largest) const {
  const double product = static_cast<double>(largest) * met_.largest();
  return product == 0 || (largest > 1e-30f && met_.largest() > 1e-30f && product > 1e-25 &&
                          product * static_cast<double>(depth_) < 1e38);
}

void AmxWeights::run(const int32_t* steps, const char* x, ptrdiff_t plane, ptrdiff_t pixelBytes,
                     const AmxTilePlace* tiles, size_t count, const Target& target) const {
  AmxStrip strip;
  strip.parts = parts_;
  strip.x = x;
  strip.plane = plane;
  strip.pixelBytes = pixelBytes;
  strip.steps = steps;
  strip.stepCount = stepCount_;
  strip.ys = target.pixelStride;
  strip.activation = target.activation;
  for (const Panel& panel : panels_) {
    strip.wide = panel.wide;
    strip.w = packed() + panel.offset;
    strip.bias = bias_.empty() ? nullptr : bias_.data() + panel.column;
    strip.y = target.y + panel.column;
    strip.residual = target.residual != nullptr ? target.residual + panel.column : nullptr;
    strip.columns = std::min(16 * panel.wide, columns_ - panel.column);
    // As even as can be: a strip of one tile has to wait for itself.
    const size_t most = static_cast<size_t>(kStripTiles / panel.wide), strips = (count + most - 1) / most;
    for (size_t i = 0; i < strips; i++) {
      const size_t from = count * i / strips, to = count * (i + 1) / strips;
      strip.tiles = tiles + from;
      strip.tileCount = static_cast<int>(to - from);
      amxStrip(strip);
    }
  }
}
#endif

}  // namespace convbook
