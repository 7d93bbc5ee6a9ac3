#include "conv.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "amx_conv.h"
#include "amx_filter.h"
#include "panels.h"

namespace convbook {
namespace {

// Bytes of an input window that a task keeps at hand: it should stay in the first-level cache beside the outputs.
constexpr size_t kWindowBytes = 32000;

int floorDiv(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Copies `rows` x `columns` pixels from (top, left) of an image; what lies outside of it is zero.
void copyWindow(const float* image, int height, int width, int channels, int top, int left, int rows, int columns,
                float* window) {
  const size_t row = static_cast<size_t>(columns) * channels;
  const int before = std::min(columns, std::max(0, -left));
  const int end = std::max(before, std::min(columns, width - left));
  for (int r = 0; r < rows; r++, window += row) {
    const int y = top + r;
    if (y < 0 || y >= height) {
      std::memset(window, 0, row * sizeof(float));
      continue;
    }
    if (before > 0) std::memset(window, 0, static_cast<size_t>(before) * channels * sizeof(float));
    if (end > before) {
      std::memcpy(window + static_cast<size_t>(before) * channels,
                  image + (static_cast<size_t>(y) * width + left + before) * channels,
                  static_cast<size_t>(end - before) * channels * sizeof(float));
    }
    if (end < columns) {
      std::memset(window + static_cast<size_t>(end) * channels, 0,
                  static_cast<size_t>(columns - end) * channels * sizeof(float));
    }
  }
}

// How an output plane is cut so that a block's input window is small; blocks are the unit of work.
struct Blocks {
  int rows, columns;        // pixels of output in a block
  int downwards, sideways;  // blocks in an image
  size_t windowFloats;

  Blocks(int height, int width, int strideH, int strideW, int extentH, int extentW, int channels, int enough) {
    auto windowWidth = [&](int c) { return static_cast<size_t>((c - 1) * strideW + extentW) * channels; };
    columns = width;
    while (columns > 16 && windowWidth(columns) * extentH * sizeof(float) > 4 * kWindowBytes) columns = (columns + 1) / 2;
    const int fit = static_cast<int>(kWindowBytes / sizeof(float) / windowWidth(columns));
    rows = std::max(1, std::min((fit - extentH) / strideH + 1, height));
    sideways = (width + columns - 1) / columns;
    downwards = (height + rows - 1) / rows;
    // A few images only: cut finer, so that every thread has something to do.
    while (downwards * sideways < enough && rows > 1) {
      rows = (rows + 1) / 2;
      downwards = (height + rows - 1) / rows;
    }
    rows = (height + downwards - 1) / downwards;
    downwards = (height + rows - 1) / rows;
    windowFloats = windowWidth(columns) * static_cast<size_t>((rows - 1) * strideH + extentH);
  }
};

// One correlation: every output pixel (i, j) gathers runs of inputs around pixel (originH + i*strideH, originW + j*strideW).
struct Correlation {
  int height, width, channels;  // of the source image
  int originH, originW, strideH, strideW;
  int extentH, extentW;  // of the taps, from the origin
  int outHeight, outWidth;
  bool inside;  // no window reaches over the image's border
  struct Tap {
    int h, w, length;  // length in pixels that lie side by side
  };
  std::vector<Tap> taps;
  int groups, groupIn, groupOut;
  ptrdiff_t pixelStride, rowStride, imageStride, start;  // of the destination, in floats
  std::vector<Panels> panels;                           // one a group
};

void correlateBlock(const Context& context, const Correlation& c, const float* source, int sourceWidth, int rows,
                    int columns, const float* bias, const float* residual, int activation, float* y) {
  const Kernels& kernels = context.kernels;
  const ptrdiff_t xs = static_cast<ptrdiff_t>(c.strideW) * c.channels;
  const ptrdiff_t xrow = static_cast<ptrdiff_t>(c.strideH) * sourceWidth * c.channels;
  Run few[64];
  std::vector<Run> many;
  Run* runs = few;
  if (c.taps.size() > 64) {
    many.resize(c.taps.size());
    runs = many.data();
  }
  for (int g = 0; g < c.groups; g++) {
    for (size_t i = 0; i < c.taps.size(); i++) {
      const auto& tap = c.taps[i];
      runs[i].offset = (static_cast<ptrdiff_t>(tap.h) * sourceWidth + tap.w) * c.channels + g * c.groupIn;
      runs[i].length = tap.length * c.groupIn;
    }
    const Panels& panels = c.panels[g];
    for (const Panel& panel : panels.list) {
      const int pixels = panels.pixelsPerTile(columns, panel.vectors);
      const ptrdiff_t column = g * c.groupOut + panel.column;
      Tile tile;
      tile.xs = xs;
      tile.xk = 1;
      tile.runs = runs;
      tile.runCount = static_cast<int>(c.taps.size());
      tile.w = panels.data + panel.offset;
      tile.ys = c.pixelStride;
      tile.bias = bias != nullptr ? panels.bias + panel.column : nullptr;
      tile.activation = activation;
      tile.tail = panel.tail;
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j += pixels) {
          const int count = std::min(pixels, columns - j);
          const ptrdiff_t at = i * c.rowStride + j * c.pixelStride + column;
          tile.x = source + i * xrow + j * xs;
          tile.y = y + at;
          tile.residual = residual != nullptr ? residual + at : nullptr;
          kernels.tile[panel.vectors][count](tile);
        }
      }
    }
  }
}

void correlate(const Context& context, const Correlation& c, const Blocks& blocks, int image, int block, int thread,
               const float* source, const float* bias, const float* residual, int activation, float* y) {
  const int row0 = block / blocks.sideways * blocks.rows, column0 = block % blocks.sideways * blocks.columns;
  const int rows = std::min(blocks.rows, c.outHeight - row0), columns = std::min(blocks.columns, c.outWidth - column0);
  if (rows <= 0 || columns <= 0) return;
  const float* plane = source + static_cast<size_t>(image) * c.height * c.width * c.channels;
  const ptrdiff_t at = image * c.imageStride + c.start + row0 * c.rowStride + column0 * c.pixelStride;
  const int top = c.originH + row0 * c.strideH, left = c.originW + column0 * c.strideW;
  if (residual != nullptr) residual += at;
  if (c.inside) {
    correlateBlock(context, c, plane + (static_cast<ptrdiff_t>(top) * c.width + left) * c.channels, c.width, rows,
                   columns, bias, residual, activation, y + at);
    return;
  }
  const int windowRows = (rows - 1) * c.strideH + c.extentH, windowColumns = (columns - 1) * c.strideW + c.extentW;
  float* window = context.pool.scratch(thread, 0, blocks.windowFloats);
  copyWindow(plane, c.height, c.width, c.channels, top, left, windowRows, windowColumns, window);
  correlateBlock(context, c, window, windowColumns, rows, columns, bias, residual, activation, y + at);
}

bool isPointwise(const ConvShape& s) {
  return s.filterHeight == 1 && s.filterWidth == 1 && s.strideHeight == 1 && s.strideWidth == 1 && s.padTop == 0 &&
         s.padLeft == 0 && s.outHeight == s.height && s.outWidth == s.width;
}

// Pixels of a pointwise convolution in one task: a window's worth, and several tasks a thread.
size_t pointwisePixels(const Context& context, size_t pixels, int channels) {
  size_t some = std::max<size_t>(kWindowBytes / sizeof(float) / static_cast<size_t>(channels), 28);
  size_t share = (pixels + context.pool.threads() * 4 - 1) / (context.pool.threads() * 4);
  return std::max<size_t>(28, std::min<size_t>(some * 4, share));
}

// Rows of `pixels` times a matrix: pointwise convolutions and products.
void rowsTimesPanels(const Context& context, const Panels& panels, const float* x, ptrdiff_t xs, ptrdiff_t xk, int k,
                     size_t pixels, const float* bias, const float* residual, int activation, float* y, ptrdiff_t ys) {
  const Run run = {0, k};
  for (const Panel& panel : panels.list) {
    const size_t count = panels.pixelsPerTile(static_cast<int>(std::min<size_t>(pixels, 1 << 20)), panel.vectors);
    Tile tile;
    tile.xs = xs;
    tile.xk = xk;
    tile.runs = &run;
    tile.runCount = 1;
    tile.w = panels.data + panel.offset;
    tile.ys = ys;
    tile.bias = bias != nullptr ? panels.bias + panel.column : nullptr;
    tile.activation = activation;
    tile.tail = panel.tail;
    for (size_t p = 0; p < pixels; p += count) {
      const ptrdiff_t at = static_cast<ptrdiff_t>(p) * ys + panel.column;
      tile.x = x + static_cast<ptrdiff_t>(p) * xs;
      tile.y = y + at;
      tile.residual = residual != nullptr ? residual + at : nullptr;
      context.kernels.tile[panel.vectors][std::min(count, pixels - p)](tile);
    }
  }
}

}  // namespace

void convForward(const Context& context, const ConvShape& s, const float* x, const float* w, const float* bias,
                 const float* residual, int activation, float* y) {
  const size_t outPixels = static_cast<size_t>(s.batch) * s.outHeight * s.outWidth;
  if (outPixels == 0 || s.outChannels == 0) return;
  if (amxConvForward(context, s, x, w, bias, residual, activation, y)) return;
  const int groupIn = s.inChannels / s.groups, groupOut = s.outChannels / s.groups;
  const int depth = s.filterHeight * s.filterWidth * groupIn;
  PanelStore store(context, s.groups, depth, groupOut, isPointwise(s) ? 1 << 20 : s.outWidth);
  Correlation c;
  for (int g = 0; g < s.groups; g++) {
    store.pack(g, w + g * groupOut, s.outChannels, 1, bias != nullptr ? bias + g * groupOut : nullptr);
  }
  if (isPointwise(s) && s.groups == 1) {
    const size_t share = pointwisePixels(context, outPixels, s.inChannels);
    context.pool.run((outPixels + share - 1) / share, [&](size_t task, int) {
      const size_t first = task * share, count = std::min(share, outPixels - first);
      const size_t at = first * s.outChannels;
      rowsTimesPanels(context, store.panels[0], x + first * s.inChannels, s.inChannels, 1, s.inChannels, count, bias,
                      residual != nullptr ? residual + at : nullptr, activation, y + at, s.outChannels);
    });
    return;
  }
  c.height = s.height;
  c.width = s.width;
  c.channels = s.inChannels;
  c.originH = -s.padTop;
  c.originW = -s.padLeft;
  c.strideH = s.strideHeight;
  c.strideW = s.strideWidth;
  c.extentH = (s.filterHeight - 1) * s.dilationHeight + 1;
  c.extentW = (s.filterWidth - 1) * s.dilationWidth + 1;
  c.outHeight = s.outHeight;
  c.outWidth = s.outWidth;
  c.inside = s.padTop == 0 && s.padLeft == 0 && (s.outHeight - 1) * s.strideHeight + c.extentH <= s.height &&
             (s.outWidth - 1) * s.strideWidth + c.extentW <= s.width;
  const bool joined = s.dilationWidth == 1 && s.groups == 1;
  for (int h = 0; h < s.filterHeight; h++) {
    for (int v = 0; v < (joined ? 1 : s.filterWidth); v++) {
      c.taps.push_back({h * s.dilationHeight, v * s.dilationWidth, joined ? s.filterWidth : 1});
    }
  }
  c.groups = s.groups;
  c.groupIn = groupIn;
  c.groupOut = groupOut;
  c.pixelStride = s.outChannels;
  c.rowStride = static_cast<ptrdiff_t>(s.outWidth) * s.outChannels;
  c.imageStride = c.rowStride * s.outHeight;
  c.start = 0;
  c.panels = store.panels;
  const int enough = (context.pool.threads() * 2 + s.batch - 1) / s.batch;
  const Blocks blocks(s.outHeight, s.outWidth, s.strideHeight, s.strideWidth, c.extentH, c.extentW, s.inChannels, enough);
  const size_t each = static_cast<size_t>(blocks.downwards) * blocks.sideways;
  context.pool.run(each * s.batch, [&](size_t task, int thread) {
    correlate(context, c, blocks, static_cast<int>(task / each), static_cast<int>(task % each), thread, x, bias,
              residual, activation, y);
  });
}

void convInputGrad(const Context& context, const ConvShape& s, const float* dy, const float* w, float* dx) {
  if (s.batch == 0 || s.height * s.width * s.inChannels == 0) return;
  if (amxConvInputGrad(context, s, dy, w, dx)) return;
  const int groupIn = s.inChannels / s.groups, groupOut = s.outChannels / s.groups;
  // Input pixels of one phase (h mod stride, w mod stride) all meet the same taps, and neighbours meet neighbours: each
  // phase is a correlation of dy with stride 1.
  struct Phase {
    Correlation c;
    std::unique_ptr<PanelStore> store;
    std::unique_ptr<Blocks> blocks;
    bool empty;
    int h, w;
  };
  struct FilterTap {
    int k, offset;
  };
  auto tapsOf = [](int phase, int pad, int count, int dilation, int stride) {
    std::vector<FilterTap> taps;
    for (int k = count - 1; k >= 0; k--) {
      const int at = phase + pad - k * dilation;
      if (((at % stride) + stride) % stride == 0) taps.push_back({k, floorDiv(at, stride)});
    }
    return taps;  // offsets rise
  };
  std::vector<Phase> phases(static_cast<size_t>(s.strideHeight) * s.strideWidth);
  const int enough = (context.pool.threads() * 2 + s.batch - 1) / s.batch;
  std::vector<float> turned;
  for (int a = 0; a < s.strideHeight; a++) {
    for (int b = 0; b < s.strideWidth; b++) {
      Phase& phase = phases[static_cast<size_t>(a) * s.strideWidth + b];
      phase.h = a;
      phase.w = b;
      const auto rows = tapsOf(a, s.padTop, s.filterHeight, s.dilationHeight, s.strideHeight);
      const auto columns = tapsOf(b, s.padLeft, s.filterWidth, s.dilationWidth, s.strideWidth);
      Correlation& c = phase.c;
      c.outHeight = s.height > a ? (s.height - a + s.strideHeight - 1) / s.strideHeight : 0;
      c.outWidth = s.width > b ? (s.width - b + s.strideWidth - 1) / s.strideWidth : 0;
      c.pixelStride = static_cast<ptrdiff_t>(s.strideWidth) * s.inChannels;
      c.rowStride = static_cast<ptrdiff_t>(s.strideHeight) * s.width * s.inChannels;
      c.imageStride = static_cast<ptrdiff_t>(s.height) * s.width * s.inChannels;
      c.start = (static_cast<ptrdiff_t>(a) * s.width + b) * s.inChannels;
      phase.empty = rows.empty() || columns.empty() || s.outChannels == 0 || s.outHeight * s.outWidth == 0;
      if (phase.empty || c.outHeight == 0 || c.outWidth == 0) continue;
      c.height = s.outHeight;
      c.width = s.outWidth;
      c.channels = s.outChannels;
      c.originH = rows.front().offset;
      c.originW = columns.front().offset;
      c.strideH = c.strideW = 1;
      c.extentH = rows.back().offset - c.originH + 1;
      c.extentW = columns.back().offset - c.originW + 1;
      c.inside = c.originH >= 0 && c.originW >= 0 && c.originH + c.outHeight - 1 + c.extentH <= s.outHeight &&
                 c.originW + c.outWidth - 1 + c.extentW <= s.outWidth;
      c.groups = s.groups;
      c.groupIn = groupOut;
      c.groupOut = groupIn;
      for (const auto& row : rows) {
        for (size_t i = 0; i < columns.size();) {
          size_t end = i + 1;
          while (s.groups == 1 && end < columns.size() && columns[end].offset == columns[end - 1].offset + 1) end++;
          c.taps.push_back({row.offset - c.originH, columns[i].offset - c.originW, static_cast<int>(end - i)});
          i = end;
        }
      }
      const int depth = static_cast<int>(rows.size() * columns.size()) * groupOut;
      phase.store.reset(new PanelStore(context, s.groups, depth, groupIn, isPointwise(s) ? 1 << 20 : c.outWidth));
      turned.resize(static_cast<size_t>(depth) * groupIn);
      for (int g = 0; g < s.groups; g++) {
        // turned[tap][co][ci] = w[tap][ci][co]
        float* to = turned.data();
        for (const auto& row : rows) {
          for (const auto& column : columns) {
            const float* from =
                w + (static_cast<size_t>(row.k) * s.filterWidth + column.k) * groupIn * s.outChannels + g * groupOut;
            for (int ci = 0; ci < groupIn; ci++) {
              for (int co = 0; co < groupOut; co++) {
                to[static_cast<size_t>(co) * groupIn + ci] = from[static_cast<size_t>(ci) * s.outChannels + co];
              }
            }
            to += static_cast<size_t>(groupIn) * groupOut;
          }
        }
        phase.store->pack(g, turned.data(), groupIn, 1, nullptr);
      }
      c.panels = phase.store->panels;
      phase.blocks.reset(new Blocks(c.outHeight, c.outWidth, 1, 1, c.extentH, c.extentW, c.channels, enough));
    }
  }
  if (isPointwise(s) && s.groups == 1 && !phases[0].empty) {
    const size_t pixels = static_cast<size_t>(s.batch) * s.height * s.width;
    const size_t share = pointwisePixels(context, pixels, s.outChannels);
    context.pool.run((pixels + share - 1) / share, [&](size_t task, int) {
      const size_t first = task * share, count = std::min(share, pixels - first);
      rowsTimesPanels(context, phases[0].store->panels[0], dy + first * s.outChannels, s.outChannels, 1, s.outChannels,
                      count, nullptr, nullptr, kLinear, dx + first * s.inChannels, s.inChannels);
    });
    return;
  }
  int most = 1;
  for (const auto& phase : phases) {
    if (phase.blocks) most = std::max(most, phase.blocks->downwards * phase.blocks->sideways);
  }
  // A task is one image, all phases, unless there are too few images.
  const int parts = s.batch >= context.pool.threads() * 2 ? 1 : most;
  context.pool.run(static_cast<size_t>(s.batch) * parts, [&](size_t task, int thread) {
    const int image = static_cast<int>(task / parts), part = static_cast<int>(task % parts);
    for (const auto& phase : phases) {
      const Correlation& c = phase.c;
      if (c.outHeight == 0 || c.outWidth == 0) continue;
      if (phase.empty) {
        if (part != 0) continue;
        float* to = dx + image * c.imageStride + c.start;
        for (int i = 0; i < c.outHeight; i++) {
          for (int j = 0; j < c.outWidth; j++) {
            std::memset(to + i * c.rowStride + j * c.pixelStride, 0, static_cast<size_t>(s.inChannels) * sizeof(float));
          }
        }
        continue;
      }
      const int each = phase.blocks->downwards * phase.blocks->sideways;
      for (int block = each * part / parts; block < each * (part + 1) / parts; block++) {
        correlate(context, c, *phase.blocks, image, block, thread, dy, nullptr, nullptr, kLinear, dx);
      }
    }
  });
}

void convFilterGrad(const Context& context, const ConvShape& s, const float* x, const float* dy, float* dw,
                    float* dbias) {
  const int groupIn = s.inChannels / s.groups, groupOut = s.outChannels / s.groups;
  const size_t count = static_cast<size_t>(s.filterHeight) * s.filterWidth * groupIn * s.outChannels;
  const size_t biasCount = dbias != nullptr ? static_cast<size_t>(s.outChannels) : 0;
  const size_t outPixels = static_cast<size_t>(s.batch) * s.outHeight * s.outWidth;
  if (outPixels == 0 || s.inChannels == 0 || s.outChannels == 0) {
    std::memset(dw, 0, count * sizeof(float));
    if (dbias != nullptr) std::memset(dbias, 0, biasCount * sizeof(float));
    return;
  }
  if (amxFilterGrad(context, s, x, dy, dw, dbias)) return;
  const Kernels& kernels = context.kernels;
  const bool pointwise = isPointwise(s);
  const int extentH = (s.filterHeight - 1) * s.dilationHeight + 1, extentW = (s.filterWidth - 1) * s.dilationWidth + 1;
  const bool inside = pointwise || (s.padTop == 0 && s.padLeft == 0 && (s.outHeight - 1) * s.strideHeight + extentH <= s.height &&
                                    (s.outWidth - 1) * s.strideWidth + extentW <= s.width);
  const int threads = context.pool.threads();
  const Blocks blocks(s.outHeight, s.outWidth, s.strideHeight, s.strideWidth, extentH, extentW,
                      s.inChannels + s.outChannels / 2, (threads + s.batch - 1) / s.batch);
  const size_t windowFloats = static_cast<size_t>((blocks.rows - 1) * s.strideHeight + extentH) *
                              ((blocks.columns - 1) * s.strideWidth + extentW) * s.inChannels;
  const size_t each = static_cast<size_t>(blocks.downwards) * blocks.sideways;
  // Pointwise: pixels in a row, whatever the image.
  const size_t share = std::max<size_t>(32, 6144 / static_cast<size_t>(s.inChannels + s.outChannels));
  const size_t units = pointwise ? (outPixels + share - 1) / share : each * s.batch;

  struct FilterRow {
    int h, w, length, row;
  };
  std::vector<FilterRow> filterRows;
  const bool joined = s.dilationWidth == 1 && s.groups == 1;
  for (int h = 0; h < s.filterHeight; h++) {
    for (int v = 0; v < (joined ? 1 : s.filterWidth); v++) {
      filterRows.push_back({h * s.dilationHeight, v * s.dilationWidth, joined ? s.filterWidth * groupIn : groupIn,
                            (h * s.filterWidth + v) * groupIn});
    }
  }
  const std::vector<Panel> panels = planPanels(kernels, groupOut, filterRows[0].length);

  // Every slot sums its own units; slots are added in order. Their number depends on the shape and the threads alone.
  const size_t stride = (count + biasCount + 15) / 16 * 16;
  size_t slots = std::min<size_t>(units, stride * sizeof(float) > (size_t{1} << 20) || threads == 1 ? threads : threads * 4);
  std::unique_ptr<float, void (*)(void*)> parts(nullptr, alignedFree);
  if (slots > 1) parts.reset(static_cast<float*>(alignedAlloc(slots * stride * sizeof(float))));
  context.pool.run(slots, [&](size_t slot, int thread) {
    float* sum = slots > 1 ? parts.get() + slot * stride : dw;
    float* biasSum = dbias == nullptr ? nullptr : slots > 1 ? sum + count : dbias;
    std::memset(sum, 0, count * sizeof(float));
    if (biasSum != nullptr) std::memset(biasSum, 0, biasCount * sizeof(float));
    for (size_t unit = units * slot / slots; unit < units * (slot + 1) / slots; unit++) {
      const float* window;
      const float* grad;
      int windowWidth, rows, columns;
      GradTile tile;
      if (pointwise) {
        const size_t first = unit * share;
        window = x + first * s.inChannels;
        grad = dy + first * s.outChannels;
        rows = 1;
        columns = static_cast<int>(std::min(share, outPixels - first));
        windowWidth = columns;
        tile.dyrow = 0;
      } else {
        const int image = static_cast<int>(unit / each), block = static_cast<int>(unit % each);
        const int row0 = block / blocks.sideways * blocks.rows, column0 = block % blocks.sideways * blocks.columns;
        rows = std::min(blocks.rows, s.outHeight - row0);
        columns = std::min(blocks.columns, s.outWidth - column0);
        if (rows <= 0 || columns <= 0) continue;
        const float* plane = x + static_cast<size_t>(image) * s.height * s.width * s.inChannels;
        grad = dy + ((static_cast<size_t>(image) * s.outHeight + row0) * s.outWidth + column0) * s.outChannels;
        tile.dyrow = static_cast<ptrdiff_t>(s.outWidth) * s.outChannels;
        const int top = row0 * s.strideHeight - s.padTop, left = column0 * s.strideWidth - s.padLeft;
        if (inside) {
          windowWidth = s.width;
          window = plane + (static_cast<ptrdiff_t>(top) * s.width + left) * s.inChannels;
        } else {
          windowWidth = (columns - 1) * s.strideWidth + extentW;
          float* copy = context.pool.scratch(thread, 0, windowFloats);
          copyWindow(plane, s.height, s.width, s.inChannels, top, left, (rows - 1) * s.strideHeight + extentH,
                     windowWidth, copy);
          window = copy;
        }
      }
      tile.rows = rows;
      tile.pixels = columns;
      tile.xs = static_cast<ptrdiff_t>(s.strideWidth) * s.inChannels;
      tile.xrow = static_cast<ptrdiff_t>(s.strideHeight) * windowWidth * s.inChannels;
      tile.dys = s.outChannels;
      tile.dws = s.outChannels;
      for (int g = 0; g < s.groups; g++) {
        for (const Panel& panel : panels) {
          const int column = g * groupOut + panel.column;
          tile.tail = panel.tail;
          tile.dy = grad + column;
          for (const FilterRow& filterRow : filterRows) {
            const int most = evenShare(filterRow.length, kernels.rowLimit[panel.vectors]);
            const float* from =
                window + (static_cast<ptrdiff_t>(filterRow.h) * windowWidth + filterRow.w) * s.inChannels + g * groupIn;
            for (int m = 0; m < filterRow.length; m += most) {
              tile.x = from + m;
              tile.dw = sum + static_cast<size_t>(filterRow.row + m) * s.outChannels + column;
              kernels.gradTile[panel.vectors][std::min(most, filterRow.length - m)](tile);
            }
          }
        }
      }
      if (biasSum != nullptr) {
        for (int r = 0; r < rows; r++) {
          kernels.reduceRows(Reduce::Sum, grad + r * tile.dyrow, columns, s.outChannels, s.outChannels, biasSum);
        }
      }
    }
  });
  if (slots > 1) {
    context.pool.range(count + biasCount, kParallel, 1024, [&](size_t lo, size_t hi) {
      for (size_t i = lo; i < hi;) {
        const size_t end = i < count ? std::min(hi, count) : hi;
        float* to = i < count ? dw + i : dbias + (i - count);
        std::memcpy(to, parts.get() + i, (end - i) * sizeof(float));
        kernels.reduceRows(Reduce::Sum, parts.get() + stride + i, slots - 1, stride, end - i, to);
        i = end;
      }
    });
  }
}

void matMul(const Context& context, const MatMulShape& s, const float* a, const float* b, const float* bias,
            int activation, float* c) {
  const size_t size = static_cast<size_t>(s.m) * s.n;
  if (size == 0) return;
  const ptrdiff_t rowA = s.transposeA ? 1 : s.k, depthA = s.transposeA ? s.m : 1;
  const int rowB = s.transposeB ? 1 : s.n, columnB = s.transposeB ? s.k : 1;
  const bool shared = s.strideB == 0 || s.batch == 1;
  // Many small products: a task each. Few: rows are dealt out.
  if (!shared && s.batch >= context.pool.threads() && size * s.k < (size_t{1} << 22)) {
    const size_t floats = PanelStore::floatsFor(context.kernels, s.k, s.n);
    context.pool.run(s.batch, [&](size_t i, int thread) {
      PanelStore store(context, 1, s.k, s.n, s.m, context.pool.scratch(thread, 1, floats));
      store.pack(0, b + i * s.strideB, rowB, columnB, bias);
      rowsTimesPanels(context, store.panels[0], a + i * s.strideA, rowA, depthA, s.k, s.m, bias, nullptr, activation,
                      c + i * size, s.n);
    });
    return;
  }
  PanelStore store(context, 1, s.k, s.n, s.m);
  for (int i = 0; i < s.batch; i++) {
    if (i == 0 || !shared) store.pack(0, b + i * s.strideB, rowB, columnB, bias);
    size_t share = std::max<size_t>(1, (static_cast<size_t>(s.m) + context.pool.threads() * 4 - 1) / (context.pool.threads() * 4));
    if (size * s.k < 32768) share = s.m;
    context.pool.run((s.m + share - 1) / share, [&](size_t task, int) {
      const size_t first = task * share, rows = std::min<size_t>(share, s.m - first);
      rowsTimesPanels(context, store.panels[0], a + i * s.strideA + static_cast<ptrdiff_t>(first) * rowA, rowA, depthA,
                      s.k, rows, bias, nullptr, activation, c + i * size + first * s.n, s.n);
    });
  }
}

}  // namespace convbook
