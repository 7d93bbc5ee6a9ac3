// The right-hand side of a product, packed: columns are cut into panels of one to four vectors, and a panel's rows lie
// behind one another, padded with zeros, so that the inner loops read straight on without masks.
#pragma once
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "conv/soon.h"
#include "runtime/context.h"
#include "runtime/lent.h"

namespace convbook {

struct Panel {
  int column, vectors;
  unsigned tail;  // columns in the last vector
  size_t offset;  // of the packed rows
};

// The largest piece when n is cut evenly into the fewest pieces of at most `limit`.
inline int evenShare(int n, int limit) {
  int pieces = (n + limit - 1) / limit;
  return (n + pieces - 1) / pieces;
}

// Cuts `columns` into panels: two vectors make the best tile, more of them when there are few rows to go with.
inline std::vector<Panel> planPanels(const Kernels& kernels, int columns, int rows) {
  std::vector<Panel> panels;
  const int lanes = kernels.lanes;
  int left = (columns + lanes - 1) / lanes;
  const int most = rows <= kernels.rowLimit[4] ? 4 : rows <= kernels.rowLimit[3] ? 3 : 2;
  for (int column = 0; left > 0;) {
    int vectors = left == 3 ? 3 : left == 4 && most == 3 ? 2 : std::min(left, most);
    left -= vectors;
    const unsigned tail = left == 0 ? static_cast<unsigned>(columns - column - (vectors - 1) * lanes) : lanes;
    panels.push_back({column, vectors, tail, 0});
    column += vectors * lanes;
  }
  return panels;
}

struct Panels {
  const Kernels* kernels = nullptr;
  std::vector<Panel> list;
  float* data = nullptr;
  float* bias = nullptr;

  int pixelsPerTile(int pixels, int vectors) const { return evenShare(pixels, kernels->rowLimit[vectors]); }
};

class PanelStore {
 public:
  // Room for `groups` matrices of `depth` rows and `columns`, to be met by `rows` rows at a time; `memory`, if given,
  // holds one such matrix.
  PanelStore(const Context& context, int groups, int depth, int columns, int rows, float* memory = nullptr)
      : kernels_(context.kernels), pool_(context.pool), depth_(depth), columns_(columns) {
    const size_t floats = floatsFor(context.kernels, depth, columns);
    if (memory == nullptr) {
      own_ = LentFloats(floats * static_cast<size_t>(groups));
      memory = own_.get();
    }
    const size_t padded = paddedColumns(context.kernels, columns);
    panels.resize(groups);
    for (int g = 0; g < groups; g++) {
      Panels& p = panels[g];
      p.kernels = &context.kernels;
      p.list = planPanels(context.kernels, columns, rows);
      p.bias = memory + g * floats;
      p.data = p.bias + padded;
      size_t offset = 0;
      for (Panel& panel : p.list) {
        panel.offset = offset;
        offset += static_cast<size_t>(depth) * panel.vectors * context.kernels.lanes;
      }
    }
  }

  static size_t paddedColumns(const Kernels& kernels, int columns) {
    return static_cast<size_t>((columns + kernels.lanes - 1) / kernels.lanes) * kernels.lanes;
  }
  static size_t floatsFor(const Kernels& kernels, int depth, int columns) {
    return (paddedColumns(kernels, columns) * (static_cast<size_t>(depth) + 1) + 15) / 16 * 16;
  }

  // Packs element (row, column) from w[row * rowStride + column * columnStride].
  void pack(int group, const float* w, ptrdiff_t rowStride, ptrdiff_t columnStride, const float* bias) {
    const Panels& p = panels[group];
    const int lanes = kernels_.lanes;
    if (bias != nullptr) {
      std::memcpy(p.bias, bias, static_cast<size_t>(columns_) * sizeof(float));
      std::memset(p.bias + columns_, 0, (paddedColumns(kernels_, columns_) - columns_) * sizeof(float));
    }
    const size_t size = static_cast<size_t>(depth_) * columns_;
    auto packRows = [&](size_t lo, size_t hi) {
      for (const Panel& panel : p.list) {
        const int width = panel.vectors * lanes, used = (panel.vectors - 1) * lanes + static_cast<int>(panel.tail);
        float* to = p.data + panel.offset + lo * width;
        for (size_t row = lo; row < hi; row++, to += width) {
          const float* from = w + static_cast<ptrdiff_t>(row) * rowStride + panel.column * columnStride;
          if (columnStride == 1) {
            std::memcpy(to, from, static_cast<size_t>(used) * sizeof(float));
          } else {
            for (int j = 0; j < used; j++) to[j] = from[j * columnStride];
          }
          if (used < width) std::memset(to + used, 0, static_cast<size_t>(width - used) * sizeof(float));
        }
      }
    };
    if (own_ && size > 65536) {
      pool_.range(static_cast<size_t>(depth_), 2, 8, packRows);
    } else {
      packRows(0, static_cast<size_t>(depth_));
    }
  }

  std::vector<Panels> panels;

 private:
  const Kernels& kernels_;
  ThreadPool& pool_;
  const int depth_, columns_;
  LentFloats own_;
};

// y = act(x * panels + bias + residual) for rows of `k` values that lie `xk` apart; rows lie `xs` and `ys` apart. bias
// (as packed) and residual may be null. `soon`: what is asked for meanwhile; null: the rows that come next, where rows
// lie behind one another.
void rowsTimesPanels(const Context&, const Panels&, const float* x, ptrdiff_t xs, ptrdiff_t xk, int k, size_t rows,
                     const float* bias, const float* residual, int activation, float* y, ptrdiff_t ys,
                     Soon* soon = nullptr);

}  // namespace convbook
