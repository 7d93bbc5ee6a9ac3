// Convolutions and their gradients by the input in float32: correlations over windows that stay in the cache.
#include "conv/conv.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "conv/implementation.h"
#include "conv/panels.h"
#include "conv/pointwise.h"
#include "conv/turn.h"
#include "conv/window.h"

namespace convbook {
namespace {

// One correlation: every output pixel (i, j) gathers runs of inputs around pixel (originH + i*strideH, originW +
// j*strideW).
struct Correlation : Windows {
  int outHeight, outWidth;
  bool inside;  // no window reaches over the image's border
  struct Tap {
    int h, w, length;  // length in pixels that lie side by side
  };
  std::vector<Tap> taps;
  int groups, groupIn, groupOut;
  ptrdiff_t pixelStride, rowStride, imageStride, start;  // of the destination, in floats
  std::vector<Panels> panels;                            // one a group
};

void correlatePatch(const Context& context, const Correlation& c, const float* source, int sourceWidth, int rows,
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

void correlate(const Context& context, const Correlation& c, const Patches& patches, int image, int patch, int thread,
               const float* source, const float* bias, const float* residual, int activation, float* y) {
  const int row0 = patch / patches.sideways * patches.rows, column0 = patch % patches.sideways * patches.columns;
  const int rows = std::min(patches.rows, c.outHeight - row0),
            columns = std::min(patches.columns, c.outWidth - column0);
  if (rows <= 0 || columns <= 0) return;
  const float* plane = source + static_cast<size_t>(image) * c.height * c.width * c.channels;
  const ptrdiff_t at = image * c.imageStride + c.start + row0 * c.rowStride + column0 * c.pixelStride;
  const int top = c.originH + row0 * c.strideH, left = c.originW + column0 * c.strideW;
  if (residual != nullptr) residual += at;
  if (c.inside) {
    correlatePatch(context, c, plane + (static_cast<ptrdiff_t>(top) * c.width + left) * c.channels, c.width, rows,
                   columns, bias, residual, activation, y + at);
    return;
  }
  const int windowRows = (rows - 1) * c.strideH + c.extentH, windowColumns = (columns - 1) * c.strideW + c.extentW;
  float* window = context.pool.scratch(thread, 0, patches.windowFloats);
  copyWindow(plane, c.height, c.width, c.channels, top, left, windowRows, windowColumns, window);
  correlatePatch(context, c, window, windowColumns, rows, columns, bias, residual, activation, y + at);
}

// Pixels of a pointwise convolution in one task: a window's worth, and several tasks a thread.
size_t pointwisePixels(const Context& context, size_t pixels, int channels) {
  size_t some = std::max<size_t>(kWindowBytes / sizeof(float) / static_cast<size_t>(channels), 28);
  size_t share = (pixels + context.pool.threads() * 4 - 1) / (context.pool.threads() * 4);
  return std::max<size_t>(28, std::min<size_t>(some * 4, share));
}

}  // namespace

// A forward convolution in float32: its weights in panels, and how images are cut.
struct PreparedConv::Floats {
  PanelStore store;
  Correlation c;
  std::unique_ptr<Patches> patches;  // where it is not pointwise

  Floats(const Context& context, const ConvShape& s, const float* w, const float* bias, ptrdiff_t targetStride)
      : store(context, s.groups, s.filterHeight * s.filterWidth * (s.inChannels / s.groups), s.outChannels / s.groups,
              isPointwise(s) ? 1 << 20 : s.outWidth) {
    const int groupIn = s.inChannels / s.groups, groupOut = s.outChannels / s.groups;
    for (int g = 0; g < s.groups; g++) {
      store.pack(g, w + g * groupOut, s.outChannels, 1, bias != nullptr ? bias + g * groupOut : nullptr);
    }
    if (isPointwise(s) && s.groups == 1) return;
    static_cast<Windows&>(c) = windowsOf(s);
    c.outHeight = s.outHeight;
    c.outWidth = s.outWidth;
    c.inside = staysInside(c, s.outHeight, s.outWidth);
    const bool joined = s.dilationWidth == 1 && s.groups == 1;
    for (int h = 0; h < s.filterHeight; h++) {
      for (int v = 0; v < (joined ? 1 : s.filterWidth); v++) {
        c.taps.push_back({h * s.dilationHeight, v * s.dilationWidth, joined ? s.filterWidth : 1});
      }
    }
    c.groups = s.groups;
    c.groupIn = groupIn;
    c.groupOut = groupOut;
    c.pixelStride = targetStride;
    c.rowStride = s.outWidth * targetStride;
    c.imageStride = c.rowStride * s.outHeight;
    c.start = 0;
    c.panels = store.panels;
    const int enough = (context.pool.threads() * 2 + s.batch - 1) / s.batch;
    patches.reset(new Patches(c.outHeight, c.outWidth, c, c.channels, enough));
  }
};

PreparedConv::PreparedConv(const Context& context, const ConvShape& s, const float* w, const float* bias,
                           ptrdiff_t targetStride, bool once)
    : shape_(s), w_(w), bias_(bias), targetStride_(targetStride) {
  if (s.outChannels == 0 || s.outHeight * s.outWidth == 0 || s.batch == 0) return;
  if (context.beforeLoops() != nullptr)
    before_ = context.beforeLoops()->forward(context, s, w, bias, targetStride, once);
  if (context.onednn != nullptr) library_ = context.onednn->forward(context, s, w, bias, targetStride, once);
  if (before_ == nullptr) floats_.reset(new Floats(context, s, w, bias, targetStride));
}

PreparedConv::~PreparedConv() = default;

void PreparedConv::run(const Context& context, int images, const ConvSource& source, float* y, const float* residual,
                       int activation) const {
  if (before_ == nullptr && floats_ == nullptr) return;
  const size_t count = static_cast<size_t>(images);
  if (context.onednn != nullptr && library_ != nullptr) {
    const bool gathers = source.stride != shape_.inChannels || source.scale != nullptr;
    const auto x = [&] { return dense(context, images, source); };
    const auto own = [&] { run(context.nativeOnly(), images, source, y, residual, activation); };
    if (library_->run(context, count, source, y, residual, activation, {x, own, gathers})) return;
  }
  if (before_ == nullptr) {
    runFloats(context, *floats_, images, source, y, residual, activation);
  } else if (!before_->run(context, count, source, y, residual, activation, {})) {
    runFloats(context, Floats(context, shape_, w_, bias_, targetStride_), images, source, y, residual, activation);
  }
}

// The source side by side and normalized.
const float* PreparedConv::dense(const Context& context, int images, const ConvSource& source) const {
  if (source.stride == shape_.inChannels && source.scale == nullptr) return source.x;
  const size_t pixels = static_cast<size_t>(images) * shape_.height * shape_.width,
               channels = static_cast<size_t>(shape_.inChannels);
  float* to = context.pool.scratch(0, 3, pixels * channels);
  context.pool.range(pixels, kParallel / 16, 16, [&](size_t lo, size_t hi) {
    AffineRows rows = {};
    rows.x = source.x + static_cast<ptrdiff_t>(lo) * source.stride;
    rows.xs = source.stride;
    rows.scale = source.scale;
    rows.shift = source.shift;
    rows.y = to + lo * channels;
    rows.ys = shape_.inChannels;
    rows.activation = source.scale != nullptr && source.relu ? kRelu : kLinear;
    context.kernels.affineRows(rows, hi - lo, channels);
  });
  return to;
}

void PreparedConv::runFloats(const Context& context, const Floats& f, int images, const ConvSource& source, float* y,
                             const float* residual, int activation) const {
  const ConvShape& s = shape_;
  if (f.patches == nullptr) {
    const size_t outPixels = static_cast<size_t>(images) * s.outHeight * s.outWidth;
    const size_t share = pointwisePixels(context, outPixels, s.inChannels);
    context.pool.run((outPixels + share - 1) / share, [&](size_t task, int thread) {
      const size_t first = task * share, count = std::min(share, outPixels - first);
      const ptrdiff_t at = static_cast<ptrdiff_t>(first) * targetStride_;
      ConvSource from = source;
      from.x += static_cast<ptrdiff_t>(first) * source.stride;
      pointwiseForward(context, thread, s, f.store.panels[0], from, bias_,
                       {y + at, targetStride_, residual != nullptr ? residual + at : nullptr, activation}, count);
    });
    return;
  }
  const float* x = dense(context, images, source);
  const size_t each = static_cast<size_t>(f.patches->downwards) * f.patches->sideways;
  context.pool.run(each * images, [&](size_t task, int thread) {
    correlate(context, f.c, *f.patches, static_cast<int>(task / each), static_cast<int>(task % each), thread, x, bias_,
              residual, activation, y);
  });
}

void convForward(const Context& context, const ConvShape& s, const float* x, const float* w, const float* bias,
                 const float* residual, int activation, float* y) {
  const Context native = context.nativeOnly();
  const ConvSource source = {x, s.inChannels};
  const auto own = [&] {
    PreparedConv(native, s, w, bias, s.outChannels, true).run(native, s.batch, source, y, residual, activation);
  };
  const auto pass =
      context.onednn != nullptr ? context.onednn->forward(context, s, w, bias, s.outChannels, true) : nullptr;
  if (pass != nullptr && pass->run(context, static_cast<size_t>(s.batch), source, y, residual, activation,
                                   {[&] { return x; }, own, false})) {
    return;
  }
  own();
}

static void inputGradFloats(const Context& context, const ConvShape& s, const float* dy, const float* w, float* dx);

PreparedInputGrad::PreparedInputGrad(const Context& context, const ConvShape& s, const float* w) : shape_(s), w_(w) {
  if (context.onednn == nullptr && context.beforeLoops() != nullptr)
    before_ = context.beforeLoops()->inputGrad(context, s, w, false);
}

PreparedInputGrad::~PreparedInputGrad() = default;

void PreparedInputGrad::run(const Context& context, int images, const float* dy, float* dx) const {
  ConvShape s = shape_;
  s.batch = images;
  if (context.onednn != nullptr) return convInputGrad(context, s, dy, w_, dx);
  if (before_ != nullptr &&
      before_->run(context, static_cast<size_t>(images), {dy, s.outChannels}, dx, nullptr, kLinear, {}))
    return;
  inputGradFloats(context, s, dy, w_, dx);
}

void convInputGrad(const Context& context, const ConvShape& s, const float* dy, const float* w, float* dx) {
  if (s.batch == 0 || s.height * s.width * s.inChannels == 0) return;
  const size_t images = static_cast<size_t>(s.batch);
  const ConvSource source = {dy, s.outChannels};
  if (context.onednn != nullptr) {
    const auto pass = context.onednn->inputGrad(context, s, w, true);
    const auto own = [&] { convInputGrad(context.nativeOnly(), s, dy, w, dx); };
    if (pass != nullptr && pass->run(context, images, source, dx, nullptr, kLinear, {[&] { return dy; }, own, false}))
      return;
  }
  const auto pass = context.beforeLoops() != nullptr ? context.beforeLoops()->inputGrad(context, s, w, true) : nullptr;
  if (pass != nullptr && pass->run(context, images, source, dx, nullptr, kLinear, {})) return;
  inputGradFloats(context, s, dy, w, dx);
}

static void inputGradFloats(const Context& context, const ConvShape& s, const float* dy, const float* w, float* dx) {
  const int groupIn = s.inChannels / s.groups, groupOut = s.outChannels / s.groups;
  // Each phase is a correlation of dy with stride 1.
  struct Phase {
    Correlation c;
    std::unique_ptr<PanelStore> store;
    std::unique_ptr<Patches> patches;
    bool empty;
    int h, w;
  };
  std::vector<Phase> phases(static_cast<size_t>(s.strideHeight) * s.strideWidth);
  const int enough = (context.pool.threads() * 2 + s.batch - 1) / s.batch;
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
      const int top = rows.front().offset, left = columns.front().offset;
      static_cast<Windows&>(c) = {s.outHeight,
                                  s.outWidth,
                                  s.outChannels,
                                  top,
                                  left,
                                  1,
                                  1,
                                  rows.back().offset - top + 1,
                                  columns.back().offset - left + 1};
      c.inside = staysInside(c, c.outHeight, c.outWidth);
      c.groups = s.groups;
      c.groupIn = groupOut;
      c.groupOut = groupIn;
      for (const auto& row : rows) {
        for (size_t i = 0; i < columns.size();) {
          size_t end = i + 1;
          while (s.groups == 1 && end < columns.size() && columns[end].offset == columns[end - 1].offset + 1) end++;
          c.taps.push_back({row.offset - top, columns[i].offset - left, static_cast<int>(end - i)});
          i = end;
        }
      }
      const int depth = static_cast<int>(rows.size() * columns.size()) * groupOut;
      phase.store.reset(new PanelStore(context, s.groups, depth, groupIn, isPointwise(s) ? 1 << 20 : c.outWidth));
      for (int g = 0; g < s.groups; g++) {
        std::vector<const float*> taps;
        for (const auto& row : rows) {
          for (const auto& column : columns) {
            taps.push_back(w + (static_cast<size_t>(row.k) * s.filterWidth + column.k) * groupIn * s.outChannels +
                           g * groupOut);
          }
        }
        const LentFloats turned = turnMatrices(context, taps, groupIn, groupOut, s.outChannels);
        phase.store->pack(g, turned.get(), groupIn, 1, nullptr);
      }
      c.panels = phase.store->panels;
      phase.patches.reset(new Patches(c.outHeight, c.outWidth, c, c.channels, enough));
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
    if (phase.patches) most = std::max(most, phase.patches->downwards * phase.patches->sideways);
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
      const int each = phase.patches->downwards * phase.patches->sideways;
      for (int patch = each * part / parts; patch < each * (part + 1) / parts; patch++) {
        correlate(context, c, *phase.patches, image, patch, thread, dy, nullptr, nullptr, kLinear, dx);
      }
    }
  });
}

}  // namespace convbook
