// Memory that will be read or written soon, asked for by tiles while they compute, a cache line at a time.
#pragma once
#include <algorithm>

#include "simd/kernels.h"

namespace convbook {

class Soon {
 public:
  // Rows of `channels` floats that lie `stride` floats apart. Without room for more it does nothing.
  void add(const float* from, ptrdiff_t stride, int channels, size_t rows) {
    if (from == nullptr || rows == 0 || count_ == kRanges) return;
    // Rows with nothing in between are one.
    if (stride == channels) {
      ranges_[count_++] = {from, kLine, 1, (rows * static_cast<size_t>(channels) + kLine - 1) / kLine};
    } else {
      ranges_[count_++] = {from, stride, (channels + kLine - 1) / kLine, rows};
    }
  }
  // What a tile that asks for so many lines is to ask for.
  AheadRows take(size_t lines) {
    if (current_ == count_) return {};
    Range& range = ranges_[current_];
    const AheadRows rows = {range.from, range.lines, range.stride - static_cast<ptrdiff_t>(range.lines) * kLine};
    const size_t some = std::max<size_t>(1, lines / static_cast<size_t>(range.lines));
    if (some >= range.rows) {
      current_++;
    } else {
      range.from += static_cast<ptrdiff_t>(some) * range.stride;
      range.rows -= some;
    }
    return rows;
  }

 private:
  static constexpr int kLine = 16;
  static constexpr int kRanges = 4;
  struct Range {
    const float* from;
    ptrdiff_t stride;
    int lines;  // of a row
    size_t rows;
  };
  Range ranges_[kRanges];
  int count_ = 0, current_ = 0;
};

}  // namespace convbook
