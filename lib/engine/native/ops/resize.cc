// Images resized, by neighbours or by the nearest pixel, and the gradients.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "ops/layers.h"

namespace convbook {
namespace {

std::vector<ResizeSource> sourcesOf(Resize method, int in, int out, bool alignCorners, bool halfPixelCenters) {
  std::vector<ResizeSource> sources(out);
  const double scale =
      alignCorners && out > 1 ? static_cast<double>(in - 1) / (out - 1) : static_cast<double>(in) / out;
  for (int i = 0; i < out; i++) {
    const double at = halfPixelCenters ? scale * (i + 0.5) - (method == Resize::Bilinear ? 0.5 : 0.0) : scale * i;
    if (method == Resize::Nearest) {
      double nearest = alignCorners ? std::floor(at + 0.5) : std::floor(at);
      int index = std::min(in - 1, static_cast<int>(nearest));
      if (halfPixelCenters) index = std::max(0, index);
      sources[i] = {index, index, 0.f};
    } else {
      const int low = std::max(0, static_cast<int>(std::floor(at)));
      const int high = std::min(in - 1, static_cast<int>(std::ceil(at)));
      sources[i] = {std::min(low, in - 1), high, static_cast<float>(at - std::floor(at))};
    }
  }
  return sources;
}

// Rows first: neighbouring output rows are made of the same two input rows, which then are stretched once.
void resizeBilinear(const Context& context, const ResizeShape& s, const std::vector<ResizeSource>& rows,
                    const std::vector<ResizeSource>& columns, const float* x, float* y) {
  const size_t channels = static_cast<size_t>(s.channels), width = static_cast<size_t>(s.width);
  const size_t outRow = static_cast<size_t>(s.outWidth) * channels, outHeight = static_cast<size_t>(s.outHeight);
  const size_t all = static_cast<size_t>(s.batch) * outHeight;
  context.pool.range(all, std::max<size_t>(2, kParallel / std::max<size_t>(outRow, 1)), 1, [&](size_t lo, size_t hi) {
    std::vector<float> stretched(2 * outRow);
    size_t held[2] = {SIZE_MAX, SIZE_MAX};
    auto stretch = [&](size_t row, size_t other) {
      for (size_t slot : {0, 1}) {
        if (held[slot] == row) return stretched.data() + slot * outRow;
      }
      const size_t slot = held[0] == other ? 1 : 0;
      held[slot] = row;
      float* to = stretched.data() + slot * outRow;
      context.kernels.operations.resizeRow(x + row * width * channels, width, columns.data(), columns.size(), channels,
                                           to);
      return to;
    };
    for (size_t at = lo; at < hi; at++) {
      const size_t image = at / outHeight * static_cast<size_t>(s.height);
      const ResizeSource& source = rows[at % outHeight];
      const size_t low = image + static_cast<size_t>(source.low), high = image + static_cast<size_t>(source.high);
      const float* top = stretch(low, high);
      const float* bottom = stretch(high, low);
      context.kernels.operations.mixRows(top, bottom, source.weight, y + at * outRow, outRow);
    }
  });
}

// Pixels of one size that the compiler knows, which then are a few moves.
template <size_t Channels>
void pickPixels(const float* row, const std::vector<ResizeSource>& columns, size_t, float* to) {
  for (const ResizeSource& column : columns) {
    std::memcpy(to, row + static_cast<size_t>(column.low) * Channels, Channels * sizeof(float));
    to += Channels;
  }
}
void pickAnyPixels(const float* row, const std::vector<ResizeSource>& columns, size_t channels, float* to) {
  for (const ResizeSource& column : columns) {
    std::memcpy(to, row + static_cast<size_t>(column.low) * channels, channels * sizeof(float));
    to += channels;
  }
}

void resizeNearest(const Context& context, const ResizeShape& s, const std::vector<ResizeSource>& rows,
                   const std::vector<ResizeSource>& columns, const float* x, float* y) {
  const size_t channels = static_cast<size_t>(s.channels), row = static_cast<size_t>(s.width) * channels;
  const size_t outRow = static_cast<size_t>(s.outWidth) * channels, outHeight = static_cast<size_t>(s.outHeight);
  const auto pick = channels == 1   ? pickPixels<1>
                    : channels == 2 ? pickPixels<2>
                    : channels == 3 ? pickPixels<3>
                    : channels == 4 ? pickPixels<4>
                                    : pickAnyPixels;
  const size_t all = static_cast<size_t>(s.batch) * outHeight;
  context.pool.range(all, std::max<size_t>(2, kParallel / std::max<size_t>(outRow, 1)), 1, [&](size_t lo, size_t hi) {
    for (size_t at = lo; at < hi; at++) {
      const size_t image = at / outHeight * static_cast<size_t>(s.height);
      const int from = rows[at % outHeight].low;
      float* to = y + at * outRow;
      if (at > lo && at % outHeight != 0 && rows[at % outHeight - 1].low == from) {
        std::memcpy(to, to - outRow, outRow * sizeof(float));
      } else {
        pick(x + (image + static_cast<size_t>(from)) * row, columns, channels, to);
      }
    }
  });
}

}  // namespace

void resize(const Context& context, Resize method, const ResizeShape& s, const float* x, float* y) {
  if (static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.channels == 0) return;
  const auto rows = sourcesOf(method, s.height, s.outHeight, s.alignCorners, s.halfPixelCenters);
  const auto columns = sourcesOf(method, s.width, s.outWidth, s.alignCorners, s.halfPixelCenters);
  if (method == Resize::Bilinear) {
    resizeBilinear(context, s, rows, columns, x, y);
  } else {
    resizeNearest(context, s, rows, columns, x, y);
  }
}

void resizeGrad(const Context& context, Resize method, const ResizeShape& s, const float* dy, float* dx) {
  const auto rows = sourcesOf(method, s.height, s.outHeight, s.alignCorners, s.halfPixelCenters);
  const auto columns = sourcesOf(method, s.width, s.outWidth, s.alignCorners, s.halfPixelCenters);
  const size_t channels = static_cast<size_t>(s.channels), plane = static_cast<size_t>(s.height) * s.width * channels;
  context.pool.run(static_cast<size_t>(s.batch), [&](size_t n, int) {
    float* to = dx + n * plane;
    std::memset(to, 0, plane * sizeof(float));
    for (int i = 0; i < s.outHeight; i++) {
      float* top = to + static_cast<size_t>(rows[i].low) * s.width * channels;
      float* bottom = to + static_cast<size_t>(rows[i].high) * s.width * channels;
      for (int j = 0; j < s.outWidth; j++) {
        const float* from = dy + ((n * s.outHeight + i) * s.outWidth + j) * channels;
        const size_t low = columns[j].low * channels, high = columns[j].high * channels;
        const float h = rows[i].weight, w = columns[j].weight;
        if (method == Resize::Nearest) {
          const float one = 1.f;
          context.kernels.multiplyAdd(from, &one, top + low, channels, 1);
          continue;
        }
        const float weights[4] = {(1 - h) * (1 - w), (1 - h) * w, h * (1 - w), h * w};
        context.kernels.multiplyAdd(from, weights, top + low, channels, 1);
        context.kernels.multiplyAdd(from, weights + 1, top + high, channels, 1);
        context.kernels.multiplyAdd(from, weights + 2, bottom + low, channels, 1);
        context.kernels.multiplyAdd(from, weights + 3, bottom + high, channels, 1);
      }
    }
  });
}

}  // namespace convbook
