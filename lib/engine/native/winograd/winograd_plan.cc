#include "winograd/winograd_plan.h"

namespace convbook {

// How the work on some images is cut into tasks: blocks of strips, and groups of panels where there are few blocks.
struct WinogradPlan::Cut {
  size_t strips, perBlock, groups;
  size_t blocks() const { return (strips + perBlock - 1) / perBlock; }
};

WinogradPlan::WinogradPlan(const Context& context, const WinogradShape& s, const float* w, const float* bias,
                           ptrdiff_t targetStride, std::atomic<uint64_t>& runs)
    : s_(s),
      strips_(s),
      targetStride_(targetStride),
      store_(context, s.kernels.points(), s.channels, s.columns, 1 << 20),
      runs_(runs) {
  const Kernels& kernels = context.kernels;
  if (bias != nullptr) {
    bias_.assign(PanelStore::paddedColumns(kernels, s.columns), 0.f);
    std::copy(bias, bias + s.columns, bias_.begin());
  }
  const Panels& panels = store_.panels[0];
  context.pool.range(static_cast<size_t>(s.channels), static_cast<size_t>(s.columns) < 64 ? 1024 : 32, 8,
                     [&](size_t lo, size_t hi) {
                       WinogradFilter t;
                       t.tap = static_cast<ptrdiff_t>(s.channels) * s.columns;
                       t.stride = s.columns;
                       t.channels = static_cast<int>(hi - lo);
                       t.plane = store_.panels[1].data - panels.data;
                       for (const Panel& panel : panels.list) {
                         t.row = static_cast<ptrdiff_t>(panel.vectors) * kernels.lanes;
                         for (int q = 0; q < panel.vectors; q++) {
                           t.tail = q + 1 == panel.vectors ? panel.tail : static_cast<unsigned>(kernels.lanes);
                           t.w = w + lo * s.columns + panel.column + q * kernels.lanes;
                           t.to = panels.data + panel.offset + lo * t.row + q * kernels.lanes;
                           s.kernels.filter(t);
                         }
                       }
                     });
}

WinogradPlan::Cut WinogradPlan::cutFor(int threads, size_t images) const {
  const size_t strips = images * strips_.perImage(), most = static_cast<size_t>(strips_.most());
  const size_t panels = store_.panels[0].list.size(), hands = static_cast<size_t>(threads);
  const size_t tiles =
      winogradBlockTiles(s_.kernels.points(), winogradTileFloats(*store_.panels[0].kernels, s_.channels));
  Cut best = {strips, std::max<size_t>(1, std::min(strips, tiles / most)), 1};
  if (hands == 1 || best.blocks() >= 4 * hands) return best;
  // The turning of inputs is done again for each group of panels: about as much as the products of 48 columns.
  constexpr double kTurning = 48;
  double least = 0;
  for (size_t groups = 1; groups <= std::min(panels, hands); groups++) {
    const size_t rounds = (best.blocks() * groups + hands - 1) / hands;
    Cut cut = best;
    cut.groups = groups;
    // As many blocks as keep all threads busy in all rounds.
    cut.perBlock = std::max<size_t>(1, (strips * groups + rounds * hands - 1) / (rounds * hands));
    cut.perBlock = std::min(cut.perBlock, best.perBlock);
    const double each = static_cast<double>((panels + groups - 1) / groups) / static_cast<double>(panels);
    const size_t turns = (cut.blocks() * groups + hands - 1) / hands;
    const double time = static_cast<double>(turns * cut.perBlock) * (s_.columns * each + kTurning);
    if (least == 0 || time < least) {
      least = time;
      best.groups = groups;
      best.perBlock = cut.perBlock;
    }
  }
  return best;
}

bool WinogradPlan::run(const Context& context, size_t images, const ConvSource& source, float* y, const float* residual,
                       int activation, const OwnWay&) const {
  const Cut cut = cutFor(context.pool.threads(), images);
  const size_t panels = store_.panels[0].list.size();
  const size_t tiles = cut.perBlock * static_cast<size_t>(strips_.most());
  const size_t tileFloats = winogradTileFloats(context.kernels, s_.channels);
  const size_t sumFloats = static_cast<size_t>(kMaxVectors) * context.kernels.lanes;
  const size_t floats = static_cast<size_t>(s_.kernels.points()) *
                        (winogradPlaneFloats(tiles, tileFloats) + winogradPlaneFloats(tiles, sumFloats));
  std::atomic<bool> finite{true};
  context.pool.run(cut.blocks() * cut.groups, [&](size_t task, int thread) {
    if (!finite.load(std::memory_order_relaxed)) return;
    const size_t group = task % cut.groups, from = task / cut.groups * cut.perBlock;
    const Block some = {from, std::min(from + cut.perBlock, cut.strips), panels * group / cut.groups,
                        panels * (group + 1) / cut.groups};
    if (!block(context, some, source, {y, residual, activation}, context.pool.scratch(thread, 0, floats), tiles)) {
      finite.store(false, std::memory_order_relaxed);
    }
  });
  if (!finite.load()) return false;
  runs_++;
  return true;
}

bool WinogradPlan::block(const Context& context, const Block& b, const ConvSource& source, const Target& target,
                         float* scratch, size_t tiles) const {
  const Kernels& kernels = context.kernels;
  const size_t tileFloats = winogradTileFloats(kernels, s_.channels);
  const size_t plane = winogradPlaneFloats(tiles, tileFloats);
  float* sums = scratch + static_cast<size_t>(s_.kernels.points()) * plane;
  size_t count = 0;
  for (size_t i = b.from; i < b.to; i++) {
    const WinogradStrip strip = strips_.strip(i);
    winogradGather(s_, source, strip, scratch + count * tileFloats, tileFloats, plane);
    count += static_cast<size_t>(strip.count);
  }
  const Run run = {0, s_.channels};
  const int side = s_.kernels.outputs;
  const Panels& panels = store_.panels[0];
  bool finite = true;
  for (size_t p = b.first; p < b.last; p++) {
    const Panel& panel = panels.list[p];
    const int sumTile = panel.vectors * kernels.lanes;
    const size_t sumPlane = winogradPlaneFloats(tiles, static_cast<size_t>(sumTile));
    const size_t rows = static_cast<size_t>(panels.pixelsPerTile(static_cast<int>(count), panel.vectors));
    Tile t;
    t.xs = static_cast<ptrdiff_t>(tileFloats);
    t.xk = 1;
    t.runs = &run;
    t.runCount = 1;
    t.ys = sumTile;
    t.bias = t.residual = nullptr;
    t.activation = kLinear;
    t.tail = static_cast<unsigned>(kernels.lanes);
    for (int q = 0; q < s_.kernels.points(); q++) {
      t.w = store_.panels[static_cast<size_t>(q)].data + panel.offset;
      for (size_t i = 0; i < count; i += rows) {
        t.x = scratch + q * plane + i * tileFloats;
        t.y = sums + q * sumPlane + i * sumTile;
        kernels.tile[panel.vectors][std::min(rows, count - i)](t);
      }
    }
    WinogradOutput o;
    o.from = sums;
    o.plane = static_cast<ptrdiff_t>(sumPlane);
    o.tile = sumTile;
    o.vectors = panel.vectors;
    o.tail = panel.tail;
    o.stride = targetStride_;
    o.row = targetStride_ * s_.outWidth;
    o.bias = bias_.empty() ? nullptr : bias_.data() + panel.column;
    o.activation = target.activation;
    for (size_t i = b.from; i < b.to; i++) {
      const WinogradStrip strip = strips_.strip(i);
      const ptrdiff_t row = static_cast<ptrdiff_t>(strip.image) * s_.outHeight + side * strip.row;
      const ptrdiff_t at = row * o.row + side * strip.column * o.stride + panel.column;
      o.tiles = strip.count;
      o.rows = std::min(side, s_.outHeight - side * strip.row);
      o.lastColumns = std::min(side, s_.outWidth - side * (strip.column + strip.count - 1));
      o.y = target.y + at;
      o.residual = target.residual != nullptr ? target.residual + at : nullptr;
      finite = s_.kernels.output(o) && finite;
      o.from += strip.count * o.tile;
    }
  }
  return finite;
}

}  // namespace convbook
