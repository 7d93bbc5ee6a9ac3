#include "amx/amx_conv.h"

#include <algorithm>

#include "amx/amx_correlation.h"

namespace convbook {

#if defined(CONVBOOK_AMX)
namespace {

// Forward, all of float32's precision: an activation or a max-pool may decide on the last bits what is passed on.
// Gradients have no such steps, so that 16 bits of every factor do; but pointwise ones gain little by it.
constexpr int kForwardParts = 3, kGradientParts = 2, kPointwiseGradientParts = 3;

// Whether tiles are faster, by measurement, and exact enough. `depth` is the number of products in a sum, of which
// `run` lie side by side; `pixels` sums are wanted for each of `columns` channels.
bool worthwhile(const Context& context, const ConvShape& s, int parts, size_t pixels, int depth, int run, int columns,
                bool once) {
  if (context.kernels.tiles == nullptr || s.groups != 1) return false;
  // The errors of short sums of two parts each do not average out: they would come near 1e-5 of the largest sum.
  if (depth < (parts == 2 ? 64 : 32)) return false;
  if (pixels * columns < 1024 || static_cast<double>(pixels) * columns * depth < (once ? 5e5 : 1e5)) return false;
  // The instruction takes 32 products of a run at a time, wanted or not.
  return run * 3 >= (run + kTileDepth - 1) / kTileDepth * kTileDepth;
}

// Pointwise convolutions with few channels wait for memory, whatever multiplies, unless their images are in the cache.
bool waitsForMemory(size_t pixels, int in, int out) {
  constexpr size_t kCached = size_t{4} << 20;
  return pixels * static_cast<size_t>(in + out) * sizeof(float) > kCached &&
         static_cast<long>(in) * out < 8L * 4 * (in + out);
}

// Whether rounding to bfloat16 is faster, where the caller lets us; pointwise convolutions of very few channels wait
// for memory.
bool worthRounding(const ConvShape& s, size_t pixels, int depth, int run, int columns) {
  if (isPointwise(s) && static_cast<long>(depth) * columns < 16L * (depth + columns)) return false;
  return s.groups == 1 && depth >= kLeastDepth && static_cast<double>(pixels) * columns * depth >= kLeastProducts &&
         run * 4 >= ceilDiv(run, kTileDepth) * kTileDepth;
}

template <class Conv>
std::unique_ptr<PreparedPass> usable(std::unique_ptr<Conv> conv) {
  if (!conv->usable()) return nullptr;
  return conv;
}

}  // namespace

std::unique_ptr<PreparedPass> amxForward(const Context& context, const ConvShape& s, const float* w, const float* bias,
                                         ptrdiff_t targetStride, bool once) {
  const size_t pixels = static_cast<size_t>(s.batch) * s.outHeight * s.outWidth;
  const bool joined = s.dilationWidth == 1;
  const int run = (joined ? s.filterWidth : 1) * s.inChannels, depth = s.filterHeight * s.filterWidth * s.inChannels;
  const int parts = context.bf16 ? 1 : kForwardParts;
  if (context.bf16) {
    if (!worthRounding(s, pixels, depth, run, s.outChannels)) return nullptr;
  } else {
    if (!worthwhile(context, s, parts, pixels, depth, run, s.outChannels, once)) return nullptr;
    if (isPointwise(s) && waitsForMemory(pixels, s.inChannels, s.outChannels)) return nullptr;
  }
  if (isPointwise(s)) {
    return usable(std::make_unique<AmxProduct>(context, parts, static_cast<size_t>(s.height) * s.width, s.inChannels,
                                               s.outChannels, w, bias, targetStride));
  }
  AmxCorrelation c = {};
  c.parts = parts;
  c.images = s.batch;
  static_cast<Windows&>(c) = windowsOf(s);
  c.columns = s.outChannels;
  c.bias = bias;
  c.phases.resize(1);
  AmxPhase& phase = c.phases[0];
  for (int h = 0; h < s.filterHeight; h++) {
    for (int v = 0; v < (joined ? 1 : s.filterWidth); v++) {
      phase.runs.push_back({h * s.dilationHeight, v * s.dilationWidth, run});
    }
  }
  phase.weights = w;
  phase.weightStride = s.outChannels;
  phase.outHeight = s.outHeight;
  phase.outWidth = s.outWidth;
  phase.start = 0;
  phase.pixelStride = targetStride;
  phase.rowStride = s.outWidth * targetStride;
  phase.imageStride = phase.rowStride * s.outHeight;
  return usable(std::make_unique<AmxPlan>(context, std::move(c)));
}

std::unique_ptr<PreparedPass> amxInputGrad(const Context& context, const ConvShape& s, const float* w, bool once) {
  const size_t pixels = static_cast<size_t>(s.batch) * s.height * s.width;
  // The most taps that a pixel meets, and how many of them lie side by side.
  const int high = (s.filterHeight + s.strideHeight - 1) / s.strideHeight;
  const int wide = (s.filterWidth + s.strideWidth - 1) / s.strideWidth;
  const int run = (s.dilationWidth == 1 ? wide : 1) * s.outChannels;
  const int parts = isPointwise(s) ? kPointwiseGradientParts : kGradientParts;
  if (!worthwhile(context, s, parts, pixels, high * wide * s.outChannels, run, s.inChannels, once)) return nullptr;
  if (isPointwise(s) && waitsForMemory(pixels, s.outChannels, s.inChannels)) return nullptr;
  // Each phase is a correlation of dy with stride 1.
  std::vector<std::vector<PhaseTap>> rows, columns;
  int top = 1 << 30, left = 1 << 30, bottom = -(1 << 30), right = -(1 << 30);
  for (int a = 0; a < s.strideHeight && a < s.height; a++) {
    rows.push_back(tapsOf(a, s.padTop, s.filterHeight, s.dilationHeight, s.strideHeight));
    if (rows.back().empty()) return nullptr;  // pixels that meet no tap: dx has zeros there
    top = std::min(top, rows.back().front().offset);
    bottom = std::max(bottom, rows.back().back().offset);
  }
  for (int b = 0; b < s.strideWidth && b < s.width; b++) {
    columns.push_back(tapsOf(b, s.padLeft, s.filterWidth, s.dilationWidth, s.strideWidth));
    if (columns.back().empty()) return nullptr;
    left = std::min(left, columns.back().front().offset);
    right = std::max(right, columns.back().back().offset);
  }
  // turned[tap][co][ci] = w[tap][ci][co]
  const size_t matrix = static_cast<size_t>(s.inChannels) * s.outChannels;
  const LentFloats turned(matrix * s.filterHeight * s.filterWidth);
  size_t filled = 0;
  AmxCorrelation c = {};
  for (size_t a = 0; a < rows.size(); a++) {
    for (size_t b = 0; b < columns.size(); b++) {
      AmxPhase phase;
      phase.weights = turned.get() + filled;
      phase.weightStride = s.inChannels;
      for (const PhaseTap& row : rows[a]) {
        for (size_t i = 0; i < columns[b].size(); i++) {
          const PhaseTap& column = columns[b][i];
          if (i > 0 && column.offset == columns[b][i - 1].offset + 1) {
            phase.runs.back().length += s.outChannels;
          } else {
            phase.runs.push_back({row.offset - top, column.offset - left, s.outChannels});
          }
          amxTranspose(w + (static_cast<size_t>(row.k) * s.filterWidth + column.k) * matrix, s.outChannels,
                       s.inChannels, s.outChannels, turned.get() + filled, s.inChannels);
          filled += matrix;
        }
      }
      phase.outHeight = (s.height - static_cast<int>(a) + s.strideHeight - 1) / s.strideHeight;
      phase.outWidth = (s.width - static_cast<int>(b) + s.strideWidth - 1) / s.strideWidth;
      phase.pixelStride = static_cast<ptrdiff_t>(s.strideWidth) * s.inChannels;
      phase.rowStride = static_cast<ptrdiff_t>(s.strideHeight) * s.width * s.inChannels;
      phase.imageStride = static_cast<ptrdiff_t>(s.height) * s.width * s.inChannels;
      phase.start = (static_cast<ptrdiff_t>(a) * s.width + static_cast<ptrdiff_t>(b)) * s.inChannels;
      c.phases.push_back(std::move(phase));
    }
  }
  if (isPointwise(s)) {
    return usable(std::make_unique<AmxProduct>(context, parts, static_cast<size_t>(s.height) * s.width, s.outChannels,
                                               s.inChannels, turned.get(), nullptr, s.inChannels));
  }
  c.parts = parts;
  c.images = s.batch;
  static_cast<Windows&>(c) = {s.outHeight, s.outWidth,       s.outChannels,   top, left, 1,
                              1,           bottom - top + 1, right - left + 1};
  c.columns = s.inChannels;
  c.bias = nullptr;
  return usable(std::make_unique<AmxPlan>(context, std::move(c)));
}

#else
std::unique_ptr<PreparedPass> amxForward(const Context&, const ConvShape&, const float*, const float*, ptrdiff_t,
                                         bool) {
  return nullptr;
}
std::unique_ptr<PreparedPass> amxInputGrad(const Context&, const ConvShape&, const float*, bool) { return nullptr; }
#endif

}  // namespace convbook
