#include "amx/amx_correlation.h"

#include <algorithm>
#include <cstring>

#include "conv/conv_shape.h"

namespace convbook {

#if defined(CONVBOOK_AMX)
namespace {

// Bytes of the planes of a band of source rows: they stay in the second-level cache beside the packed weights.
constexpr size_t kWindowBytes = size_t{384} << 10;

// Tiles of 16 pixels for `rows` rows of output: row by row, or straight on over the borders between rows, which
// computes what nobody wants between them, whichever takes fewer tiles.
std::vector<AmxTilePlace> planTiles(const AmxCorrelation& c, const AmxPhase& phase, int windowWidth, int rows) {
  std::vector<AmxTilePlace> tiles;
  const ptrdiff_t pixelBytes = static_cast<ptrdiff_t>(c.strideW) * c.channels * sizeof(Bfloat16);
  const int pitch = windowWidth / c.strideW, wide = phase.outWidth;
  if (rows <= 0 || wide <= 0) return tiles;
  const bool flat = ceilDiv((rows - 1) * pitch + wide, kTileRows) < rows * ceilDiv(wide, kTileRows);
  const int length = flat ? (rows - 1) * pitch + wide : wide;
  tiles.resize(static_cast<size_t>(flat ? 1 : rows) * ceilDiv(length, kTileRows));
  AmxTilePlace* tile = tiles.data();
  for (int i = 0; i < (flat ? 1 : rows); i++) {
    int row = i, column = 0;
    for (int j = 0; j < length; j += kTileRows, tile++) {
      tile->x = (static_cast<ptrdiff_t>(i) * pitch + j) * pixelBytes;
      tile->even = column + kTileRows <= wide;
      ptrdiff_t y = row * phase.rowStride + column * phase.pixelStride;
      for (int p = 0; p < kTileRows; p++, y += phase.pixelStride) {
        tile->y[p] = j + p < length && column < wide ? y : -1;
        if (++column < pitch) continue;
        column = 0;
        row++;
        y = row * phase.rowStride - phase.pixelStride;
      }
    }
  }
  return tiles;
}

}  // namespace

// A band of output rows and the window of source rows that it reads. Rows of a window that are `strideH` apart lie
// behind one another, so that one output row further is always `width` pixels further in the window.
struct AmxPlan::Window {
  int bandRows, bands;  // of output
  int rows, width;      // pixels; rows is a multiple of strideH, width of strideW
  size_t planeBytes;

  Window(const AmxCorrelation& c, int outHeight, int outWidth, int enough) {
    width = ceilDiv((outWidth - 1) * c.strideW + c.extentW, c.strideW) * c.strideW;
    const size_t rowBytes = static_cast<size_t>(width) * c.channels * c.parts * sizeof(Bfloat16);
    const int fit = static_cast<int>(std::min<size_t>(kWindowBytes / rowBytes, 1 << 20));
    bandRows = std::max(1, std::min((fit - c.extentH) / c.strideH + 1, outHeight));
    bands = ceilDiv(outHeight, bandRows);
    while (bands < enough && bandRows > 1) {
      bandRows = (bandRows + 1) / 2;
      bands = ceilDiv(outHeight, bandRows);
    }
    bandRows = ceilDiv(outHeight, bands);
    bands = ceilDiv(outHeight, bandRows);
    rows = ceilDiv((bandRows - 1) * c.strideH + c.extentH, c.strideH) * c.strideH;
    // Behind the last pixel: what the last tile and the last step read too much, zeros.
    const size_t behind = static_cast<size_t>(kTileRows) * c.strideW * c.channels + kTileDepth;
    planeBytes = ((static_cast<size_t>(rows) * width * c.channels + behind) * sizeof(Bfloat16) + 63) / 64 * 64;
  }

  // The parts of a window whose first row is `top` of the image.
  void split(const AmxCorrelation& c, const ConvSource& source, const float* image, int top, char* planes,
             SplitRange* range) const;
};

void AmxPlan::Window::split(const AmxCorrelation& c, const ConvSource& source, const float* image, int top,
                            char* planes, SplitRange* range) const {
  Bfloat16* values = reinterpret_cast<Bfloat16*>(planes);
  const ptrdiff_t plane = static_cast<ptrdiff_t>(planeBytes / sizeof(Bfloat16));
  const size_t channels = static_cast<size_t>(c.channels), row = width * channels;
  const int left = c.originW;
  auto zero = [&](size_t from, size_t to) {
    for (int part = 0; part < c.parts; part++) {
      std::memset(values + part * plane + from, 0, (to - from) * sizeof(Bfloat16));
    }
  };
  const int before = std::min(width, std::max(0, -left));
  const int end = std::max(before, std::min(width, c.width - left));
  const int perPhase = rows / c.strideH;
  for (int r = 0; r < rows; r++) {
    const size_t at = static_cast<size_t>(r % c.strideH * perPhase + r / c.strideH) * row;
    const int y = top + r;
    if (y < 0 || y >= c.height) {
      zero(at, at + row);
      continue;
    }
    zero(at, at + before * channels);
    const float* from = image + (static_cast<ptrdiff_t>(y) * c.width + left + before) * source.stride;
    if (end > before) {
      amxSplit(
          {from, source.stride, static_cast<size_t>(end - before), c.channels, source.scale, source.shift, source.relu},
          c.parts, values + at + before * channels, plane, range);
    }
    zero(at + end * channels, at + row);
  }
  zero(rows * row, static_cast<size_t>(plane));
}

// A phase made ready: its weights packed, its steps and tiles told.
struct AmxPlan::Ready {
  std::unique_ptr<AmxWeights> weights;
  std::vector<int32_t> steps;                  // where the runs' values lie, 32 at a time
  std::vector<AmxTilePlace> tiles, lastTiles;  // of a whole band, and of an image's last one
};

AmxPlan::~AmxPlan() = default;

AmxPlan::AmxPlan(const Context& context, AmxCorrelation correlation) : c_(std::move(correlation)) {
  int outWidth = 0;
  for (const AmxPhase& phase : c_.phases) {
    outHeight_ = std::max(outHeight_, phase.outHeight);
    outWidth = std::max(outWidth, phase.outWidth);
  }
  window_.reset(new Window(c_, outHeight_, outWidth, ceilDiv(context.pool.threads() * 2, c_.images)));
  if (window_->planeBytes > (size_t{1} << 30)) return;
  const int lastRows = outHeight_ - (window_->bands - 1) * window_->bandRows, perPhase = window_->rows / c_.strideH;
  for (const AmxPhase& phase : c_.phases) {
    Ready ready;
    for (const AmxRun& run : phase.runs) {
      const ptrdiff_t row = run.h % c_.strideH * perPhase + run.h / c_.strideH;
      const ptrdiff_t at = (row * window_->width + run.w) * c_.channels;
      for (int k = 0; k < run.length; k += kTileDepth) {
        ready.steps.push_back(static_cast<int32_t>((at + k) * static_cast<ptrdiff_t>(sizeof(Bfloat16))));
      }
    }
    ready.weights.reset(
        new AmxWeights(context, c_.parts, phase.runs, phase.weights, phase.weightStride, c_.columns, c_.bias));
    if (window_->bands > 1) ready.tiles = planTiles(c_, phase, window_->width, window_->bandRows);
    ready.lastTiles = planTiles(c_, phase, window_->width, lastRows - (outHeight_ - phase.outHeight));
    ready_.push_back(std::move(ready));
  }
}

bool AmxPlan::usable() const {
  for (const Ready& ready : ready_) {
    if (!ready.weights->finite()) return false;
  }
  return !ready_.empty();
}

bool AmxPlan::run(const Context& context, size_t images, const ConvSource& source, float* y, const float* residual,
                  int activation, const OwnWay&) const {
  const Window& window = *window_;
  const size_t bands = static_cast<size_t>(window.bands);
  const size_t imageFloats = static_cast<size_t>(c_.height) * c_.width * static_cast<size_t>(source.stride);
  AmxMet met;
  context.pool.run(bands * images, [&](size_t task, int thread) {
    if (!met.finite()) return;
    const size_t image = task / bands, band = task % bands;
    char* planes =
        reinterpret_cast<char*>(context.pool.scratch(thread, 0, c_.parts * window.planeBytes / sizeof(float)));
    SplitRange range;
    const int row = static_cast<int>(band) * window.bandRows;
    window.split(c_, source, source.x + image * imageFloats, c_.originH + row * c_.strideH, planes, &range);
    met.add(range);
    if (!range.finite) return;
    const AmxTiles tiles16;
    for (size_t i = 0; i < c_.phases.size(); i++) {
      const AmxPhase& phase = c_.phases[i];
      const Ready& ready = ready_[i];
      const auto& tiles = band + 1 == bands ? ready.lastTiles : ready.tiles;
      const ptrdiff_t at = phase.start + static_cast<ptrdiff_t>(image) * phase.imageStride + row * phase.rowStride;
      ready.weights->run(ready.steps.data(), planes, static_cast<ptrdiff_t>(window.planeBytes),
                         static_cast<ptrdiff_t>(c_.strideW) * c_.channels * static_cast<ptrdiff_t>(sizeof(Bfloat16)),
                         tiles.data(), tiles.size(),
                         {y + at, phase.pixelStride, residual != nullptr ? residual + at : nullptr, activation});
    }
  });
  if (!met.finite()) return false;
  for (const Ready& ready : ready_) {
    if (!ready.weights->suits(met.largest())) return false;
  }
  (c_.parts == 1 ? amxPasses().rounded : amxPasses().split)++;
  return true;
}
#endif

}  // namespace convbook
