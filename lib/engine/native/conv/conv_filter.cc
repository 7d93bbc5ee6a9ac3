// Gradients of filters in float32: sums over all pixels, which are cut into slots that are added in a fixed order.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "conv/conv.h"
#include "conv/filter_tiles.h"
#include "conv/implementation.h"
#include "conv/panels.h"
#include "conv/soon.h"
#include "conv/window.h"
#include "runtime/lent.h"

namespace convbook {

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
  const ConvSource source = {x, s.inChannels};
  if (context.onednn != nullptr && context.onednn->filterGrad(context, s, source, dy, dw, dbias)) return;
  if (context.beforeLoops() != nullptr && context.beforeLoops()->filterGrad(context, s, source, dy, dw, dbias)) return;
  const Kernels& kernels = context.kernels;
  const bool pointwise = isPointwise(s);
  const Windows windows = windowsOf(s);
  const int extentH = windows.extentH, extentW = windows.extentW;
  const bool inside = pointwise || staysInside(windows, s.outHeight, s.outWidth);
  const int hands = context.pool.hands();
  const Patches patches(s.outHeight, s.outWidth, windows, s.inChannels + s.outChannels / 2,
                        (hands + s.batch - 1) / s.batch);
  const size_t windowFloats = static_cast<size_t>((patches.rows - 1) * s.strideHeight + extentH) *
                              ((patches.columns - 1) * s.strideWidth + extentW) * s.inChannels;
  const size_t each = static_cast<size_t>(patches.downwards) * patches.sideways;
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
  const int rowLength = filterRows[0].length;
  const bool turned = joined && isTurned(kernels, rowLength, groupOut);
  const std::vector<Panel> panels =
      turned ? planPanels(kernels, rowLength, groupOut) : planPanels(kernels, groupOut, rowLength);

  // Every slot sums its own units; slots are added in order. Their number depends on the shape and the hands alone.
  const size_t stride = (count + biasCount + 15) / 16 * 16;
  size_t slots = std::min<size_t>(units, stride * sizeof(float) > (size_t{1} << 20) || hands == 1 ? hands : hands * 4);
  const LentFloats parts(slots > 1 ? slots * stride : 0, LentFloats::Brief);
  context.pool.run(slots, [&](size_t slot, int thread) {
    float* own = slots > 1 ? parts.get() + slot * stride : dw;
    float* sum = turned ? context.pool.scratch(thread, 1, count) : own;
    float* biasSum = dbias == nullptr ? nullptr : slots > 1 ? own + count : dbias;
    std::memset(sum, 0, count * sizeof(float));
    if (biasSum != nullptr) std::memset(biasSum, 0, biasCount * sizeof(float));
    for (size_t unit = units * slot / slots; unit < units * (slot + 1) / slots; unit++) {
      const float* window;
      const float* grad;
      int windowWidth, rows, columns;
      GradTile tile;
      Soon soon;
      if (pointwise) {
        const size_t first = unit * share;
        window = x + first * s.inChannels;
        grad = dy + first * s.outChannels;
        rows = 1;
        columns = static_cast<int>(std::min(share, outPixels - first));
        windowWidth = columns;
        tile.dyrow = 0;
        const size_t behind = first + static_cast<size_t>(columns);
        const size_t next = std::min(share, outPixels - behind);
        if (unit + 1 < units * (slot + 1) / slots) {
          soon.add(x + behind * s.inChannels, s.inChannels, s.inChannels, next);
          soon.add(dy + behind * s.outChannels, s.outChannels, s.outChannels, next);
        }
      } else {
        const int image = static_cast<int>(unit / each), patch = static_cast<int>(unit % each);
        const int row0 = patch / patches.sideways * patches.rows, column0 = patch % patches.sideways * patches.columns;
        rows = std::min(patches.rows, s.outHeight - row0);
        columns = std::min(patches.columns, s.outWidth - column0);
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
      const ptrdiff_t gradRow = tile.dyrow;
      if (turned) {
        tile.dys = tile.xs;
        tile.dyrow = tile.xrow;
        tile.xs = s.outChannels;
        tile.xrow = gradRow;
        tile.dws = static_cast<ptrdiff_t>(count / static_cast<size_t>(groupOut));
      }
      for (const Panel& panel : panels) {
        if (!turned) break;
        tile.tail = panel.tail;
        const int most = evenShare(groupOut, kernels.rowLimit[panel.vectors]);
        for (const FilterRow& filterRow : filterRows) {
          tile.dy =
              window + (static_cast<ptrdiff_t>(filterRow.h) * windowWidth + filterRow.w) * s.inChannels + panel.column;
          for (int m = 0; m < groupOut; m += most) {
            tile.x = grad + m;
            tile.dw = sum + m * tile.dws + filterRow.row + panel.column;
            tile.ahead = soon.take(static_cast<size_t>(rows) * columns);
            kernels.gradTile[panel.vectors][std::min(most, groupOut - m)](tile);
          }
        }
      }
      for (int g = 0; g < s.groups && !turned; g++) {
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
              tile.ahead = soon.take(static_cast<size_t>(rows) * columns);
              kernels.gradTile[panel.vectors][std::min(most, filterRow.length - m)](tile);
            }
          }
        }
      }
      if (biasSum != nullptr) {
        for (int r = 0; r < rows; r++) {
          kernels.reduceRows(Reduce::Sum, grad + r * gradRow, columns, s.outChannels, s.outChannels, biasSum);
        }
      }
    }
    if (turned) turnRound(sum, count / static_cast<size_t>(groupOut), static_cast<size_t>(groupOut), own);
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

}  // namespace convbook
