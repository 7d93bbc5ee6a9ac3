#include "conv/window.h"

#include <algorithm>
#include <cstring>

namespace convbook {

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

Patches::Patches(int height, int width, const Windows& w, int channels, int enough) {
  auto windowWidth = [&](int c) { return static_cast<size_t>((c - 1) * w.strideW + w.extentW) * channels; };
  columns = width;
  while (columns > 16 && windowWidth(columns) * w.extentH * sizeof(float) > 4 * kWindowBytes)
    columns = (columns + 1) / 2;
  const int fit = static_cast<int>(kWindowBytes / sizeof(float) / windowWidth(columns));
  rows = std::max(1, std::min((fit - w.extentH) / w.strideH + 1, height));
  sideways = (width + columns - 1) / columns;
  downwards = (height + rows - 1) / rows;
  // A few images only: cut finer, so that every thread has something to do.
  while (downwards * sideways < enough && rows > 1) {
    rows = (rows + 1) / 2;
    downwards = (height + rows - 1) / rows;
  }
  rows = (height + downwards - 1) / downwards;
  downwards = (height + rows - 1) / rows;
  windowFloats = windowWidth(columns) * static_cast<size_t>((rows - 1) * w.strideH + w.extentH);
}

}  // namespace convbook
