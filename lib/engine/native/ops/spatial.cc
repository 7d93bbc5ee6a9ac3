// Pools and resizing: each output pixel is made of a few input pixels, channel by channel.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "conv/conv.h"
#include "ops/image_rows.h"
#include "ops/layers.h"
#include "runtime/memory.h"

namespace convbook {
namespace {

// For every place along one axis of the input: the windows that look at it, and through which tap.
struct Watcher {
  int output, tap;
};
std::vector<std::vector<Watcher>> watchersOf(int size, int pad, int filter, int dilation, int stride, int outputs) {
  std::vector<std::vector<Watcher>> watchers(static_cast<size_t>(size));
  for (int at = 0; at < size; at++) {
    for (int k = 0; k < filter; k++) {
      const int output = outputOf(at, pad, k, dilation, stride, outputs);
      if (output >= 0) watchers[static_cast<size_t>(at)].push_back({output, k});
    }
  }
  return watchers;
}

// Whether the windows of a place are the next ones of its neighbour's, through the same taps.
bool follows(const std::vector<Watcher>& next, const std::vector<Watcher>& before) {
  return next.size() == before.size() &&
         std::equal(next.begin(), next.end(), before.begin(),
                    [](const Watcher& a, const Watcher& b) { return a.tap == b.tap && a.output == b.output + 1; });
}

}  // namespace

// Along the rows first, then downwards over what rows gave: windows that overlap share it, and of equal values the
// first in reading order is found either way.
void maxPool(const Context& context, const PoolShape& s, const float* x, float* y, uint8_t* index) {
  const size_t channels = static_cast<size_t>(s.channels), row = static_cast<size_t>(s.width) * channels;
  const size_t outRow = static_cast<size_t>(s.outWidth) * channels;
  if (outRow == 0) return;
  // With a stride of 1: the first window that reaches over the right border.
  const int inside = std::min(s.outWidth, s.width + s.padLeft - (s.filterWidth - 1) * s.dilationWidth);
  // A ring of rows, as many as a window reaches over; behind the maxima where they came from.
  const int ring = (s.filterHeight - 1) * s.dilationHeight + 1;
  const size_t places = (outRow + 63) / 4;
  const int batch = std::max(s.batch, 1);
  const int parts =
      std::max(1, std::min(s.outHeight, context.pool.threads() == 1 ? 1 : context.pool.threads() * 4 / batch));
  context.pool.run(static_cast<size_t>(s.batch) * parts, [&](size_t task, int thread) {
    const int n = static_cast<int>(task / parts), part = static_cast<int>(task % parts);
    float* values = context.pool.scratch(thread, 3, static_cast<size_t>(ring) * (outRow + places));
    std::vector<int> held(ring, -1);
    // The taps of a window that lie inside, and what each counts in an index.
    std::vector<const float*> taps(std::max(s.filterHeight, s.filterWidth));
    std::vector<uint8_t> numbers(taps.size());
    std::vector<const uint8_t*> from(s.filterHeight);
    auto widest = [&](int found, size_t values, float* to, uint8_t* toIndex, const uint8_t* const* indices) {
      if (found > 0)
        return context.kernels.maxPixel(taps.data(), found, values, s.keepNan ? 1 : 0, to, toIndex, numbers.data(),
                                        indices);
      std::fill_n(to, values, -std::numeric_limits<float>::infinity());
      if (toIndex != nullptr) std::memset(toIndex, 0, values);
    };
    const float* image = x + static_cast<size_t>(n) * s.height * row;
    for (int i = s.outHeight * part / parts; i < s.outHeight * (part + 1) / parts; i++) {
      for (int kh = 0; kh < s.filterHeight; kh++) {
        const int h = i * s.strideHeight - s.padTop + kh * s.dilationHeight;
        if (h < 0 || h >= s.height) continue;
        const int slot = h % ring;
        if (held[slot] == h) continue;
        held[slot] = h;
        float* to = values + static_cast<size_t>(slot) * outRow;
        uint8_t* toIndex =
            index == nullptr ? nullptr : reinterpret_cast<uint8_t*>(values + ring * outRow + slot * places);
        for (int j = 0; j < s.outWidth;) {
          // Windows that step a pixel at a time and lie inside read their taps in one run, as if they were one pixel.
          const int count = s.strideWidth == 1 && j >= s.padLeft ? std::max(1, inside - j) : 1;
          int w = j * s.strideWidth - s.padLeft, found = 0;
          for (int kw = 0; kw < s.filterWidth; kw++, w += s.dilationWidth) {
            if (w < 0 || w >= s.width) continue;
            numbers[found] = static_cast<uint8_t>(kw);
            taps[found++] = image + static_cast<size_t>(h) * row + static_cast<size_t>(w) * channels;
          }
          const size_t at = static_cast<size_t>(j) * channels;
          widest(found, static_cast<size_t>(count) * channels, to + at, toIndex == nullptr ? nullptr : toIndex + at,
                 nullptr);
          j += count;
        }
      }
      int found = 0;
      for (int kh = 0; kh < s.filterHeight; kh++) {
        const int h = i * s.strideHeight - s.padTop + kh * s.dilationHeight;
        if (h < 0 || h >= s.height) continue;
        numbers[found] = static_cast<uint8_t>(kh * s.filterWidth);
        from[found] = reinterpret_cast<const uint8_t*>(values + ring * outRow + (h % ring) * places);
        taps[found++] = values + static_cast<size_t>(h % ring) * outRow;
      }
      const size_t at = (static_cast<size_t>(n) * s.outHeight + i) * outRow;
      widest(found, outRow, y + at, index != nullptr ? index + at : nullptr, index != nullptr ? from.data() : nullptr);
    }
  });
}

void maxPoolGrad(const Context& context, const PoolShape& s, const float* dy, const uint8_t* index, float* dx) {
  const size_t channels = static_cast<size_t>(s.channels);
  const size_t most = static_cast<size_t>(s.filterHeight) * s.filterWidth;
  const auto rows = watchersOf(s.height, s.padTop, s.filterHeight, s.dilationHeight, s.strideHeight, s.outHeight);
  const auto columns = watchersOf(s.width, s.padLeft, s.filterWidth, s.dilationWidth, s.strideWidth, s.outWidth);
  forRows(context, s.batch, s.height, s.width * channels * 4, [&](int n, int h, int) {
    std::vector<const float*> gradients(most);
    std::vector<const uint8_t*> indices(most);
    std::vector<uint8_t> taps(most);
    float* to = dx + (static_cast<size_t>(n) * s.height + h) * s.width * channels;
    for (int w = 0; w < s.width;) {
      int count = 0;
      for (const Watcher& row : rows[static_cast<size_t>(h)]) {
        const size_t start = (static_cast<size_t>(n) * s.outHeight + row.output) * s.outWidth;
        for (const Watcher& column : columns[static_cast<size_t>(w)]) {
          const size_t at = (start + column.output) * channels;
          gradients[count] = dy + at;
          indices[count] = index + at;
          taps[count++] = static_cast<uint8_t>(row.tap * s.filterWidth + column.tap);
        }
      }
      // Neighbours that neighbouring windows watch through the same taps go by as if they were one pixel.
      int end = w + 1;
      while (end < s.width && follows(columns[static_cast<size_t>(end)], columns[static_cast<size_t>(end - 1)])) end++;
      const size_t run = static_cast<size_t>(end - w) * channels;
      context.kernels.maxPixelGrad(gradients.data(), indices.data(), taps.data(), count, run, to);
      to += run;
      w = end;
    }
  });
}

namespace {

// 1 / how many inputs a mean counts.
float meanScale(const PoolShape& s, int i, int j) {
  if (s.countPad) return 1.f / static_cast<float>(s.filterHeight * s.filterWidth);
  int rows = 0, columns = 0;
  for (int k = 0; k < s.filterHeight; k++) {
    const int h = i * s.strideHeight - s.padTop + k * s.dilationHeight;
    rows += h >= 0 && h < s.height;
  }
  for (int k = 0; k < s.filterWidth; k++) {
    const int w = j * s.strideWidth - s.padLeft + k * s.dilationWidth;
    columns += w >= 0 && w < s.width;
  }
  return 1.f / static_cast<float>(rows * columns);
}

}  // namespace

void avgPool(const Context& context, const PoolShape& s, const float* x, float* y) {
  const int taps = s.filterHeight * s.filterWidth;
  const size_t channels = static_cast<size_t>(s.channels);
  forRows(context, s.batch, s.outHeight, s.outWidth * channels * taps, [&](int n, int i, int) {
    std::vector<const float*> pixels(taps);
    for (int j = 0; j < s.outWidth; j++) {
      for (int k = 0; k < taps; k++) {
        const int h = i * s.strideHeight - s.padTop + k / s.filterWidth * s.dilationHeight;
        const int w = j * s.strideWidth - s.padLeft + k % s.filterWidth * s.dilationWidth;
        const bool in = h >= 0 && h < s.height && w >= 0 && w < s.width;
        pixels[k] = in ? x + ((static_cast<size_t>(n) * s.height + h) * s.width + w) * channels : nullptr;
      }
      const size_t at = ((static_cast<size_t>(n) * s.outHeight + i) * s.outWidth + j) * channels;
      context.kernels.sumPixel(pixels.data(), nullptr, taps, channels, meanScale(s, i, j), y + at);
    }
  });
}

void avgPoolGrad(const Context& context, const PoolShape& s, const float* dy, float* dx) {
  const size_t channels = static_cast<size_t>(s.channels);
  forRows(context, s.batch, s.height, s.width * channels * 4, [&](int n, int h, int) {
    for (int w = 0; w < s.width; w++) {
      float* to = dx + ((static_cast<size_t>(n) * s.height + h) * s.width + w) * channels;
      std::memset(to, 0, channels * sizeof(float));
      for (int kh = 0; kh < s.filterHeight; kh++) {
        const int i = outputOf(h, s.padTop, kh, s.dilationHeight, s.strideHeight, s.outHeight);
        if (i < 0) continue;
        for (int kw = 0; kw < s.filterWidth; kw++) {
          const int j = outputOf(w, s.padLeft, kw, s.dilationWidth, s.strideWidth, s.outWidth);
          if (j < 0) continue;
          const size_t at = ((static_cast<size_t>(n) * s.outHeight + i) * s.outWidth + j) * channels;
          const float scale = meanScale(s, i, j);
          context.kernels.multiplyAdd(dy + at, &scale, to, channels, 1);
        }
      }
    }
  });
}

}  // namespace convbook
