#include "winograd/winograd_filter.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "conv/panels.h"
#include "runtime/lent.h"
#include "winograd/winograd_tiles.h"

namespace convbook {
namespace {

// Tiles are cut into slots, which are summed in their order: their number depends on the shape and the hands alone.
class FilterSums {
 public:
  FilterSums(const Context& context, const WinogradKernels& kernels, const ConvShape& s, const ConvSource& x,
             const float* dy, bool bias)
      : context_(context),
        kernels_(context.kernels),
        s_(winogradForward(kernels, s)),
        points_(static_cast<size_t>(kernels.points())),
        strips_(s_),
        x_(x),
        dy_(dy),
        panels_(planPanels(kernels_, s.outChannels, s.inChannels)),
        inFloats_(winogradTileFloats(kernels_, s_.channels)),
        outFloats_(winogradTileFloats(kernels_, s_.columns)),
        rowFloats_(PanelStore::paddedColumns(kernels_, s_.columns)),
        sumPlane_(winogradPlaneFloats(static_cast<size_t>(s_.channels), rowFloats_)),
        biasFloats_(bias ? rowFloats_ : 0) {
    const size_t stripCount = static_cast<size_t>(s.batch) * strips_.perImage();
    // Where blocks end, slots do.
    const int lanes = context.fixed ? kFixedLanes : kernels_.lanes;
    const size_t floats = (winogradTileFloats(lanes, s_.channels) + winogradTileFloats(lanes, s_.columns)) / 2;
    perBlock_ = std::max<size_t>(1, winogradBlockTiles(kernels.points(), floats) / static_cast<size_t>(strips_.most()));
    stripCount_ = stripCount;
    blocks_ = (stripCount + perBlock_ - 1) / perBlock_;
    slotFloats_ = (points_ * sumPlane_ + biasFloats_ + 15) / 16 * 16;
    constexpr size_t kMuch = size_t{1} << 18;  // floats
    const size_t hands = static_cast<size_t>(context.pool.hands());
    slots_ = std::min(blocks_, slotFloats_ > kMuch || hands == 1 ? hands : hands * 4);
    if (slots_ == 1) {
      sums_ = context.pool.scratch(0, 2, slotFloats_);
    } else {
      own_ = LentFloats(slots_ * slotFloats_, LentFloats::Brief);
      sums_ = own_.get();
    }
  }

  void sum() const {
    const size_t tiles = perBlock_ * static_cast<size_t>(strips_.most());
    const size_t inPlane = winogradPlaneFloats(tiles, inFloats_), outPlane = winogradPlaneFloats(tiles, outFloats_);
    context_.pool.run(slots_, [&](size_t slot, int thread) {
      float* sums = sums_ + slot * slotFloats_;
      std::memset(sums, 0, slotFloats_ * sizeof(float));
      float* in = context_.pool.scratch(thread, 0, points_ * (inPlane + outPlane));
      for (size_t i = blocks_ * slot / slots_; i < blocks_ * (slot + 1) / slots_; i++) {
        block(i, in, inPlane, in + points_ * inPlane, outPlane, sums);
      }
    });
  }

  // Adds the slots' sums to the first's and turns them back; false where something was not finite.
  bool finish(float* dw, float* dbias) const {
    if (biasFloats_ > 0) {
      const float* first = sums_ + points_ * sumPlane_;
      std::memcpy(dbias, first, static_cast<size_t>(s_.columns) * sizeof(float));
      kernels_.reduceRows(Reduce::Sum, first + slotFloats_, slots_ - 1, slotFloats_, static_cast<size_t>(s_.columns),
                          dbias);
    }
    std::atomic<bool> finite{true};
    context_.pool.range(static_cast<size_t>(s_.channels), s_.columns < 64 ? 1024 : 32, 8, [&](size_t lo, size_t hi) {
      for (size_t q = 0; q < points_ && slots_ > 1; q++) {
        float* to = sums_ + q * sumPlane_ + lo * rowFloats_;
        kernels_.reduceRows(Reduce::Sum, to + slotFloats_, slots_ - 1, slotFloats_, (hi - lo) * rowFloats_, to);
      }
      WinogradFilterGrad t;
      t.plane = static_cast<ptrdiff_t>(sumPlane_);
      t.row = static_cast<ptrdiff_t>(rowFloats_);
      t.channels = static_cast<int>(hi - lo);
      t.tap = static_cast<ptrdiff_t>(s_.channels) * s_.columns;
      t.stride = s_.columns;
      for (int column = 0; column < s_.columns; column += kernels_.lanes) {
        t.tail = static_cast<unsigned>(std::min(kernels_.lanes, s_.columns - column));
        t.from = sums_ + lo * rowFloats_ + column;
        t.w = dw + lo * static_cast<size_t>(s_.columns) + column;
        if (!s_.kernels.filterGrad(t)) finite.store(false, std::memory_order_relaxed);
      }
    });
    return finite.load();
  }

 private:
  void block(size_t index, float* in, size_t inPlane, float* out, size_t outPlane, float* sums) const {
    size_t count = 0;
    for (size_t i = index * perBlock_; i < std::min((index + 1) * perBlock_, stripCount_); i++) {
      const WinogradStrip strip = strips_.strip(i);
      winogradGather(s_, x_, strip, in + count * inFloats_, inFloats_, inPlane);
      gatherGrad(strip, out + count * outFloats_, outPlane, sums + points_ * sumPlane_);
      count += static_cast<size_t>(strip.count);
    }
    GradTile t;
    t.xs = static_cast<ptrdiff_t>(inFloats_);
    t.dys = static_cast<ptrdiff_t>(outFloats_);
    t.xrow = t.dyrow = 0;
    t.rows = 1;
    t.pixels = static_cast<int>(count);
    t.dws = static_cast<ptrdiff_t>(rowFloats_);
    t.tail = static_cast<unsigned>(kernels_.lanes);
    for (size_t q = 0; q < points_; q++) {
      for (const Panel& panel : panels_) {
        const int most = evenShare(s_.channels, kernels_.rowLimit[panel.vectors]);
        t.dy = out + q * outPlane + panel.column;
        for (int m = 0; m < s_.channels; m += most) {
          t.x = in + q * inPlane + m;
          t.dw = sums + q * sumPlane_ + static_cast<size_t>(m) * rowFloats_ + panel.column;
          kernels_.gradTile[panel.vectors][std::min(most, s_.channels - m)](t);
        }
      }
    }
  }

  // Turns the gradients of a strip's outputs, and adds them to the bias's.
  void gatherGrad(const WinogradStrip& strip, float* to, size_t plane, float* bias) const {
    const ptrdiff_t row = static_cast<ptrdiff_t>(s_.outWidth) * s_.columns;
    const float* image = dy_ + static_cast<ptrdiff_t>(strip.image) * s_.outHeight * row;
    const int side = s_.kernels.outputs;
    const int columns = std::min(side * strip.count, s_.outWidth - side * strip.column);
    WinogradInput t = {};
    for (int r = 0; r < side; r++) {
      const int y = side * strip.row + r;
      t.rows[r] = y < s_.outHeight ? image + y * row : nullptr;
      if (biasFloats_ == 0 || t.rows[r] == nullptr) continue;
      const size_t width = static_cast<size_t>(s_.columns);
      kernels_.reduceRows(Reduce::Sum, t.rows[r] + side * strip.column * static_cast<ptrdiff_t>(width),
                          static_cast<size_t>(columns), width, width, bias);
    }
    t.stride = s_.columns;
    t.left = side * strip.column;
    t.width = s_.outWidth;
    t.tiles = strip.count;
    t.channels = s_.columns;
    t.to = to;
    t.plane = static_cast<ptrdiff_t>(plane);
    t.tile = static_cast<ptrdiff_t>(outFloats_);
    s_.kernels.outputGrad(t);
  }

  const Context& context_;
  const Kernels& kernels_;
  const WinogradShape s_;
  const size_t points_;
  const WinogradStrips strips_;
  const ConvSource& x_;
  const float* dy_;
  const std::vector<Panel> panels_;
  const size_t inFloats_, outFloats_, rowFloats_, sumPlane_, biasFloats_;
  size_t stripCount_ = 0, perBlock_ = 0, blocks_ = 0, slots_ = 0, slotFloats_ = 0;
  float* sums_ = nullptr;
  LentFloats own_;
};

}  // namespace

bool winogradFilterGrad(const Context& context, const WinogradKernels& kernels, const ConvShape& s, const ConvSource& x,
                        const float* dy, float* dw, float* dbias) {
  const FilterSums sums(context, kernels, s, x, dy, dbias != nullptr);
  sums.sum();
  return sums.finish(dw, dbias);
}

}  // namespace convbook
