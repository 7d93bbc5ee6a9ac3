#include "amx_correlation.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>

#include "conv_shape.h"
#include "memory.h"

namespace convbook {

#if defined(CONVBOOK_AMX)
namespace {

// Bytes of the planes of a block of source rows: they stay in the second-level cache beside the packed weights.
constexpr size_t kWindowBytes = size_t{384} << 10;

// Threads note here what they met.
struct Met {
  std::atomic<bool> finite{true};
  std::atomic<float> largest{0.f};

  void add(const SplitRange& range) {
    if (!range.finite) finite.store(false, std::memory_order_relaxed);
    float seen = largest.load(std::memory_order_relaxed);
    while (range.largest > seen && !largest.compare_exchange_weak(seen, range.largest, std::memory_order_relaxed)) {
    }
  }
};

// A block of output rows and the window of source rows that it reads. Rows of a window that are `strideH` apart lie behind
// one another, so that one output row further is always `width` pixels further in the window.
struct Window {
  int blockRows, blocks;  // of output
  int rows, width;        // pixels; rows is a multiple of strideH, width of strideW
  size_t planeBytes;

  Window(const AmxCorrelation& c, int outHeight, int outWidth, int enough) {
    width = ceilDiv((outWidth - 1) * c.strideW + c.extentW, c.strideW) * c.strideW;
    const size_t rowBytes = static_cast<size_t>(width) * c.channels * c.parts * sizeof(Bfloat16);
    const int fit = static_cast<int>(std::min<size_t>(kWindowBytes / rowBytes, 1 << 20));
    blockRows = std::max(1, std::min((fit - c.extentH) / c.strideH + 1, outHeight));
    blocks = ceilDiv(outHeight, blockRows);
    while (blocks < enough && blockRows > 1) {
      blockRows = (blockRows + 1) / 2;
      blocks = ceilDiv(outHeight, blockRows);
    }
    blockRows = ceilDiv(outHeight, blocks);
    blocks = ceilDiv(outHeight, blockRows);
    rows = ceilDiv((blockRows - 1) * c.strideH + c.extentH, c.strideH) * c.strideH;
    // Behind the last pixel: what the last tile and the last step read too much, zeros.
    const size_t behind = static_cast<size_t>(kTileRows) * c.strideW * c.channels + kTileDepth;
    planeBytes = ((static_cast<size_t>(rows) * width * c.channels + behind) * sizeof(Bfloat16) + 63) / 64 * 64;
  }
};

void splitWindow(const AmxCorrelation& c, const Window& window, const float* image, int top, int left, char* planes,
                 SplitRange* range) {
  Bfloat16* values = reinterpret_cast<Bfloat16*>(planes);
  const ptrdiff_t plane = static_cast<ptrdiff_t>(window.planeBytes / sizeof(Bfloat16));
  const size_t channels = static_cast<size_t>(c.channels), row = window.width * channels;
  auto zero = [&](size_t from, size_t to) {
    for (int part = 0; part < c.parts; part++) {
      std::memset(values + part * plane + from, 0, (to - from) * sizeof(Bfloat16));
    }
  };
  const int before = std::min(window.width, std::max(0, -left));
  const int end = std::max(before, std::min(window.width, c.width - left));
  const int perPhase = window.rows / c.strideH;
  for (int r = 0; r < window.rows; r++) {
    const size_t at = static_cast<size_t>(r % c.strideH * perPhase + r / c.strideH) * row;
    const int y = top + r;
    if (y < 0 || y >= c.height) {
      zero(at, at + row);
      continue;
    }
    zero(at, at + before * channels);
    const float* from = image + (static_cast<ptrdiff_t>(y) * c.width + left + before) * c.channels;
    if (end > before) amxSplit(from, (end - before) * channels, c.parts, values + at + before * channels, plane, range);
    zero(at + end * channels, at + row);
  }
  zero(window.rows * row, static_cast<size_t>(plane));
}

struct Panel {
  int column, wide;
  size_t offset;  // bytes of the packed weights
};

// A phase made ready: its weights packed, its steps and tiles told.
struct Ready {
  std::vector<int32_t> steps;
  std::vector<Panel> panels;
  std::unique_ptr<char, void (*)(void*)> packed{nullptr, alignedFree};
  std::vector<AmxTilePlace> tiles, lastTiles;  // of a whole block, and of an image's last one
};

void planSteps(const AmxCorrelation& c, const AmxPhase& phase, const Window& window, Ready* ready) {
  const int perPhase = window.rows / c.strideH;
  for (const AmxRun& run : phase.runs) {
    const ptrdiff_t row = run.h % c.strideH * perPhase + run.h / c.strideH;
    const ptrdiff_t at = (row * window.width + run.w) * c.channels;
    for (int k = 0; k < run.length; k += kTileDepth) {
      ready->steps.push_back(static_cast<int32_t>((at + k) * static_cast<ptrdiff_t>(sizeof(Bfloat16))));
    }
  }
}

void packWeights(const Context& context, const AmxCorrelation& c, const AmxPhase& phase, Ready* ready, Met* met) {
  const size_t steps = ready->steps.size();
  size_t bytes = 0;
  for (int column = 0; column < c.columns;) {
    const int wide = c.columns - column > 16 ? 2 : 1;
    ready->panels.push_back({column, wide, bytes});
    bytes += steps * wide * c.parts * kTileBytes;
    column += 16 * wide;
  }
  ready->packed.reset(static_cast<char*>(alignedAlloc(bytes)));
  struct Piece {
    size_t row;
    int depth;
  };
  std::vector<Piece> pieces;
  size_t row = 0;
  for (const AmxRun& run : phase.runs) {
    for (int k = 0; k < run.length; k += kTileDepth) pieces.push_back({row + k, std::min(kTileDepth, run.length - k)});
    row += run.length;
  }
  context.pool.range(steps, bytes > (size_t{256} << 10) ? 2 : steps + 1, 1, [&](size_t lo, size_t hi) {
    SplitRange range;
    for (const Panel& panel : ready->panels) {
      for (size_t i = lo; i < hi; i++) {
        char* to = ready->packed.get() + panel.offset + i * panel.wide * c.parts * kTileBytes;
        for (int j = 0; j < panel.wide; j++, to += c.parts * kTileBytes) {
          const int column = panel.column + 16 * j;
          amxPack(phase.weights + static_cast<ptrdiff_t>(pieces[i].row) * phase.weightStride + column, phase.weightStride,
                  pieces[i].depth, std::min(16, c.columns - column), c.parts, to, &range);
        }
      }
    }
    met->add(range);
  });
}

// Tiles of 16 pixels for `rows` rows of output: row by row, or straight on over the borders between rows, which computes
// what nobody wants between them, whichever takes fewer tiles.
std::vector<AmxTilePlace> planTiles(const AmxCorrelation& c, const AmxPhase& phase, const Window& window, int rows) {
  std::vector<AmxTilePlace> tiles;
  const ptrdiff_t pixelBytes = static_cast<ptrdiff_t>(c.strideW) * c.channels * sizeof(Bfloat16);
  const int pitch = window.width / c.strideW, wide = phase.outWidth;
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

void runPhase(const AmxCorrelation& c, const AmxPhase& phase, const Ready& ready, const std::vector<AmxTilePlace>& tiles,
              const Window& window, const char* planes, const float* bias, ptrdiff_t at) {
  AmxStrip strip;
  strip.parts = c.parts;
  strip.x = planes;
  strip.plane = static_cast<ptrdiff_t>(window.planeBytes);
  strip.pixelBytes = static_cast<ptrdiff_t>(c.strideW) * c.channels * sizeof(Bfloat16);
  strip.steps = ready.steps.data();
  strip.stepCount = static_cast<int>(ready.steps.size());
  strip.ys = phase.pixelStride;
  strip.activation = c.activation;
  const size_t count = tiles.size();
  for (const Panel& panel : ready.panels) {
    strip.wide = panel.wide;
    strip.w = ready.packed.get() + panel.offset;
    strip.bias = bias != nullptr ? bias + panel.column : nullptr;
    strip.y = c.y + at + panel.column;
    strip.residual = c.residual != nullptr ? c.residual + at + panel.column : nullptr;
    strip.columns = std::min(16 * panel.wide, c.columns - panel.column);
    // As even as can be: a strip of one tile has to wait for itself.
    const size_t most = static_cast<size_t>(kStripTiles / panel.wide), strips = (count + most - 1) / most;
    for (size_t i = 0; i < strips; i++) {
      const size_t from = count * i / strips, to = count * (i + 1) / strips;
      strip.tiles = tiles.data() + from;
      strip.tileCount = static_cast<int>(to - from);
      amxStrip(strip);
    }
  }
}

}  // namespace

bool amxCorrelate(const Context& context, const AmxCorrelation& c) {
  int outHeight = 0, outWidth = 0;
  size_t depth = 0;
  for (const AmxPhase& phase : c.phases) {
    outHeight = std::max(outHeight, phase.outHeight);
    outWidth = std::max(outWidth, phase.outWidth);
    size_t values = 0;
    for (const AmxRun& run : phase.runs) values += run.length;
    depth = std::max(depth, values);
  }
  const Window window(c, outHeight, outWidth, ceilDiv(context.pool.threads() * 2, c.images));
  if (window.planeBytes > (size_t{1} << 30)) return false;
  const int lastRows = outHeight - (window.blocks - 1) * window.blockRows;
  Met weights, values;
  std::vector<Ready> ready(c.phases.size());
  for (size_t i = 0; i < c.phases.size(); i++) {
    const AmxPhase& phase = c.phases[i];
    planSteps(c, phase, window, &ready[i]);
    packWeights(context, c, phase, &ready[i], &weights);
    const int missing = outHeight - phase.outHeight;
    if (window.blocks > 1) ready[i].tiles = planTiles(c, phase, window, window.blockRows);
    ready[i].lastTiles = planTiles(c, phase, window, lastRows - missing);
  }
  if (!weights.finite) return false;
  std::vector<float> padded;
  if (c.bias != nullptr) {
    padded.assign(static_cast<size_t>(ceilDiv(c.columns, 16)) * 16, 0.f);
    std::copy(c.bias, c.bias + c.columns, padded.begin());
  }
  const size_t blocks = static_cast<size_t>(window.blocks);
  context.pool.run(blocks * c.images, [&](size_t task, int thread) {
    if (!values.finite.load(std::memory_order_relaxed)) return;
    const size_t image = task / blocks, block = task % blocks;
    char* planes = reinterpret_cast<char*>(context.pool.scratch(thread, 0, c.parts * window.planeBytes / sizeof(float)));
    SplitRange range;
    const int row = static_cast<int>(block) * window.blockRows;
    splitWindow(c, window, c.source + image * c.height * c.width * c.channels, c.originH + row * c.strideH, c.originW,
                planes, &range);
    values.add(range);
    if (!range.finite) return;
    const AmxTiles tiles;
    for (size_t i = 0; i < c.phases.size(); i++) {
      const AmxPhase& phase = c.phases[i];
      runPhase(c, phase, ready[i], block + 1 == blocks ? ready[i].lastTiles : ready[i].tiles, window, planes,
               c.bias != nullptr ? padded.data() : nullptr,
               phase.start + static_cast<ptrdiff_t>(image) * phase.imageStride + row * phase.rowStride);
    }
  });
  if (!values.finite) return false;
  // No product may be so small that its lower parts vanish, nor a sum so large that it depends on their order whether it
  // becomes infinite. Of zeros alone, anything is right.
  const double largest = static_cast<double>(values.largest) * weights.largest;
  return largest == 0 ||
         (values.largest > 1e-30f && weights.largest > 1e-30f && largest > 1e-25 && largest * static_cast<double>(depth) < 1e38);
}
#endif

}  // namespace convbook
