#include "conv/pointwise.h"

#include <algorithm>
#include <cstring>

#include "conv/filter_tiles.h"

namespace convbook {

size_t pointwisePixelsAtOnce(const Context& context, const ConvShape& s) {
  // Floats of pixels: a half of the first-level cache, which holds weights, too. Of many weights, which are read again
  // for the next pixels, as many.
  constexpr size_t kFloats = 4096;
  const size_t channels = static_cast<size_t>(s.inChannels), weights = channels * static_cast<size_t>(s.outChannels);
  // Whole tiles; or a number that is about that for all.
  constexpr size_t kFixed = 28;
  const size_t tile = context.fixed ? kFixed : static_cast<size_t>(context.kernels.rowLimit[2]);
  return std::max<size_t>(1, std::max(kFloats, weights) / channels / tile) * tile;
}

void pointwiseForward(const Context& context, int thread, const ConvShape& s, const Panels& panels,
                      const ConvSource& source, const float* bias, const PointwiseTarget& target, size_t pixels) {
  const size_t some = std::min(pixels, pointwisePixelsAtOnce(context, s));
  float* normalized =
      source.scale == nullptr ? nullptr : context.pool.scratch(thread, 3, some * static_cast<size_t>(s.inChannels));
  AffineRows rows = {};
  rows.xs = source.stride;
  rows.scale = source.scale;
  rows.shift = source.shift;
  rows.y = normalized;
  rows.ys = s.inChannels;
  rows.activation = source.relu ? kRelu : kLinear;
  for (size_t pixel = 0; pixel < pixels; pixel += some) {
    const size_t count = std::min(some, pixels - pixel), behind = pixel + count;
    const float* x = source.x + static_cast<ptrdiff_t>(pixel) * source.stride;
    const ptrdiff_t at = static_cast<ptrdiff_t>(pixel) * target.stride;
    Soon soon;
    if (behind < pixels) {
      const size_t next = std::min(some, pixels - behind);
      const ptrdiff_t ahead = static_cast<ptrdiff_t>(behind);
      soon.add(target.y + ahead * target.stride, target.stride, s.outChannels, next);
      soon.add(source.x + ahead * source.stride, source.stride, s.inChannels, next);
      if (target.residual != nullptr) {
        soon.add(target.residual + ahead * target.stride, target.stride, s.outChannels, next);
      }
    }
    if (normalized != nullptr) {
      rows.x = x;
      context.kernels.affineRows(rows, count, static_cast<size_t>(s.inChannels));
      x = normalized;
    }
    rowsTimesPanels(context, panels, x, normalized != nullptr ? s.inChannels : source.stride, 1, s.inChannels, count,
                    bias, target.residual != nullptr ? target.residual + at : nullptr, target.activation, target.y + at,
                    target.stride, &soon);
  }
}

PointwiseGrads::PointwiseGrads(const Context& context, const ConvShape& s, const float* w)
    : in_(s.inChannels),
      out_(s.outChannels),
      turned_(isTurned(context.kernels, in_, out_)),
      sumPanels_(turned_ ? planPanels(context.kernels, in_, out_) : planPanels(context.kernels, out_, in_)),
      weights_(context, 1, out_, in_, 1 << 20) {
  weights_.pack(0, w, 1, out_, nullptr);
}

void PointwiseGrads::run(const Context& context, const float* x, ptrdiff_t xs, const float* dy, float* dx,
                         ptrdiff_t dxs, size_t pixels, float* sums, Soon& soon) const {
  const Kernels& kernels = context.kernels;
  GradTile t;
  t.rows = 1;
  t.pixels = static_cast<int>(pixels);
  t.xrow = t.dyrow = 0;
  t.xs = turned_ ? out_ : xs;
  t.dys = turned_ ? xs : out_;
  t.dws = turned_ ? in_ : out_;
  const float *left = turned_ ? dy : x, *right = turned_ ? x : dy;
  const int rows = turned_ ? out_ : in_;
  for (const Panel& panel : sumPanels_) {
    t.tail = panel.tail;
    t.dy = right + panel.column;
    const int most = evenShare(rows, kernels.rowLimit[panel.vectors]);
    for (int m = 0; m < rows; m += most) {
      t.x = left + m;
      t.dw = sums + m * t.dws + panel.column;
      t.ahead = soon.take(pixels);
      kernels.gradTile[panel.vectors][std::min(most, rows - m)](t);
    }
  }
  rowsTimesPanels(context, weights_.panels[0], dy, out_, 1, out_, pixels, nullptr, nullptr, kLinear, dx, dxs, &soon);
}

void PointwiseGrads::finish(const float* sums, float* dw) const {
  const size_t in = static_cast<size_t>(in_), out = static_cast<size_t>(out_);
  if (turned_) {
    turnRound(sums, in, out, dw);
  } else {
    std::memcpy(dw, sums, in * out * sizeof(float));
  }
}

}  // namespace convbook
