#include "conv/inverted.h"

#include <algorithm>
#include <cstring>

#include "conv/conv.h"

namespace convbook {
namespace {

// Of the wide rows that a task holds: together with weights and narrow rows they stay in a second-level cache of 1 MB.
constexpr size_t kStripBytes = size_t{400} << 10;

// A pointwise convolution of rows: each is an image of its own.
ConvShape rowsOf(int rows, int width, int inChannels, int outChannels) {
  return {rows, 1, width, inChannels, 1, width, outChannels, 1, 1, 1, 1, 0, 0, 1, 1, 1};
}

// The rows of an image that some rows of the result look at.
struct Reach {
  int from, to;
};
Reach reachOf(const ConvShape& s, int first, int last) {
  const int from = std::min(s.height, std::max(0, first * s.strideHeight - s.padTop));
  const int to = last * s.strideHeight - s.padTop + (s.filterHeight - 1) * s.dilationHeight + 1;
  return {from, std::max(from, std::min(s.height, to))};
}

}  // namespace

void invertedForward(const Context& given, const SingleThreads& singles, const InvertedBlock& block, const float* x,
                     const float* residual, float* y) {
  const ConvShape& s = block.filter;
  if (s.batch == 0 || s.outHeight == 0 || s.outWidth == 0 || block.outChannels == 0) return;
  const Context context = given.nativeOnly();
  const size_t wide = static_cast<size_t>(s.width) * s.inChannels,
               made = static_cast<size_t>(s.outWidth) * s.inChannels,
               in = static_cast<size_t>(s.width) * block.inChannels,
               out = static_cast<size_t>(s.outWidth) * block.outChannels;
  // Rows of the result at a time, and rows of a task: an image's, or fewer where there are not enough images.
  const size_t reach = static_cast<size_t>(s.filterHeight - 1) * s.dilationHeight + 1;
  const size_t fit = kStripBytes / sizeof(float) / std::max<size_t>(1, wide * s.strideHeight + made);
  const int strip = static_cast<int>(std::min<size_t>(static_cast<size_t>(s.outHeight), std::max<size_t>(1, fit)));
  const int tasks = context.pool.hands() * 4;
  const int cuts = std::max(1, std::min((tasks + s.batch - 1) / s.batch, (s.outHeight + strip - 1) / strip));
  const size_t wideRows = static_cast<size_t>(strip - 1) * s.strideHeight + reach;
  const Context first = context.on(*singles[0]);
  const PreparedConv widen(first, rowsOf(static_cast<int>(wideRows), s.width, block.inChannels, s.inChannels),
                           block.widen.w, block.widen.bias, s.inChannels);
  const PreparedConv narrow(first, rowsOf(strip, s.outWidth, s.inChannels, block.outChannels), block.narrow.w,
                            block.narrow.bias, block.outChannels);
  context.pool.run(static_cast<size_t>(s.batch) * cuts, [&](size_t task, int thread) {
    const size_t image = task / cuts;
    const int cut = static_cast<int>(task % cuts);
    const int begin = s.outHeight * cut / cuts, end = s.outHeight * (cut + 1) / cuts;
    const Context own = context.on(*singles[static_cast<size_t>(thread)]);
    float* rows = context.pool.scratch(thread, 0, wideRows * wide);
    float* filtered = context.pool.scratch(thread, 1, static_cast<size_t>(strip) * made);
    Reach held = {0, 0};
    for (int i = begin; i < end; i += strip) {
      const int count = std::min(strip, end - i);
      const Reach wanted = reachOf(s, i, i + count - 1);
      // What the strip before has made and this one needs, too, moves to the front.
      const int kept = std::max(0, held.to - std::max(wanted.from, held.from));
      if (kept > 0 && wanted.from > held.from)
        std::memmove(rows, rows + static_cast<size_t>(wanted.from - held.from) * wide, kept * wide * sizeof(float));
      const int next = wanted.from + kept, more = wanted.to - next;
      if (more > 0) {
        const float* from = x + (image * s.height + static_cast<size_t>(next)) * in;
        widen.run(own, more, {from, block.inChannels}, rows + kept * wide, nullptr, block.widen.activation);
      }
      held = wanted;
      ConvShape part = s;
      part.batch = 1;
      part.height = wanted.to - wanted.from;
      part.outHeight = count;
      part.padTop = wanted.from - (i * s.strideHeight - s.padTop);
      depthwiseForward(own, part, 1, rows, block.each.w, block.each.bias, block.each.activation, filtered);
      const size_t at = (image * s.outHeight + static_cast<size_t>(i)) * out;
      narrow.run(own, count, {filtered, s.inChannels}, y + at, residual != nullptr ? residual + at : nullptr,
                 block.narrow.activation);
    }
  });
}

}  // namespace convbook
