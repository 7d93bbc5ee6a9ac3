// Products of matrices whose right-hand side is packed in panels.
#include <algorithm>

#include "conv/conv.h"
#include "conv/implementation.h"
#include "conv/panels.h"

namespace convbook {

void rowsTimesPanels(const Context& context, const Panels& panels, const float* x, ptrdiff_t xs, ptrdiff_t xk, int k,
                     size_t pixels, const float* bias, const float* residual, int activation, float* y, ptrdiff_t ys,
                     Soon* soon) {
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
    // The first panel finds the rows in memory and leaves them in the cache.
    const bool isCold = &panel == panels.list.data() && xs == k && xk == 1;
    for (size_t p = 0; p < pixels; p += count) {
      const ptrdiff_t at = static_cast<ptrdiff_t>(p) * ys + panel.column;
      tile.x = x + static_cast<ptrdiff_t>(p) * xs;
      tile.y = y + at;
      tile.residual = residual != nullptr ? residual + at : nullptr;
      if (soon != nullptr) {
        tile.ahead = soon->take(static_cast<size_t>(k));
      } else {
        tile.ahead.at = isCold && p + count < pixels ? tile.x + static_cast<ptrdiff_t>(count) * xs : nullptr;
      }
      context.kernels.tile[panel.vectors][std::min(count, pixels - p)](tile);
    }
  }
}

void matMul(const Context& context, const MatMulShape& s, const float* a, const float* b, const float* bias,
            int activation, float* c) {
  const size_t size = static_cast<size_t>(s.m) * s.n;
  if (size == 0) return;
  if (context.kernels.tiles != nullptr && context.kernels.tiles->matMul(context, s, a, b, bias, activation, c)) return;
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
    size_t share =
        std::max<size_t>(1, (static_cast<size_t>(s.m) + context.pool.threads() * 4 - 1) / (context.pool.threads() * 4));
    if (size * s.k < 32768) share = s.m;
    context.pool.run((s.m + share - 1) / share, [&](size_t task, int) {
      const size_t first = task * share, rows = std::min<size_t>(share, s.m - first);
      rowsTimesPanels(context, store.panels[0], a + i * s.strideA + static_cast<ptrdiff_t>(first) * rowA, rowA, depthA,
                      s.k, rows, bias, nullptr, activation, c + i * size + first * s.n, s.n);
    });
  }
}

}  // namespace convbook
