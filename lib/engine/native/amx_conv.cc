#include "amx_conv.h"

#include <algorithm>

#include "amx_correlation.h"

namespace convbook {

#if defined(CONVBOOK_AMX)
namespace {

// Forward, all of float32's precision: an activation or a max-pool may decide on the last bits what is passed on. Gradients
// have no such steps, so that 16 bits of every factor do; but pointwise ones gain little by it.
constexpr int kForwardParts = 3, kGradientParts = 2, kPointwiseGradientParts = 3;

// Whether tiles are faster, by measurement, and exact enough. `depth` is the number of products in a sum, of which `run` lie
// side by side; `pixels` sums are wanted for each of `columns` channels.
bool worthwhile(const Context& context, const ConvShape& s, size_t pixels, int depth, int run, int columns) {
  if (!context.kernels.amx || s.groups != 1) return false;
  // The errors of short sums do not average out: they would come near 1e-5 of the largest sum.
  if (depth < 64) return false;
  if (pixels * columns < 1024 || static_cast<double>(pixels) * columns * depth < 5e5) return false;
  // The instruction takes 32 products of a run at a time, wanted or not.
  return run * 3 >= (run + kTileDepth - 1) / kTileDepth * kTileDepth;
}

// Pointwise convolutions with few channels wait for memory, whatever multiplies: they may as well be exact.
bool waitsForMemory(int in, int out) { return static_cast<long>(in) * out < 8L * 4 * (in + out); }

// Whether rounding to bfloat16 is faster, where the caller lets us; pointwise convolutions of very few channels wait for memory.
bool worthRounding(const ConvShape& s, size_t pixels, int depth, int run, int columns) {
  if (isPointwise(s) && static_cast<long>(depth) * columns < 16L * (depth + columns)) return false;
  return s.groups == 1 && depth >= kLeastDepth && static_cast<double>(pixels) * columns * depth >= kLeastProducts &&
         run * 4 >= ceilDiv(run, kTileDepth) * kTileDepth;
}

}  // namespace

// Whatever images the pixels belong to: as one image of rows of 64 pixels, and one of what is left.
bool amxRowsTimesMatrix(const Context& context, int parts, size_t pixels, int in, int out, const float* x, const float* w,
                        const float* bias, const float* residual, int activation, float* y) {
  constexpr size_t kRow = 64;
  for (size_t first = 0; first < pixels;) {
    const size_t rows = (pixels - first) / kRow, width = rows > 0 ? kRow : pixels - first, height = rows > 0 ? rows : 1;
    AmxCorrelation c = {};
    c.parts = parts;
    c.images = 1;
    c.height = static_cast<int>(height);
    c.width = static_cast<int>(width);
    c.channels = in;
    c.strideH = c.strideW = c.extentH = c.extentW = 1;
    c.columns = out;
    c.source = x + first * in;
    c.bias = bias;
    c.residual = residual != nullptr ? residual + first * out : nullptr;
    c.activation = activation;
    c.y = y + first * out;
    c.phases.resize(1);
    AmxPhase& phase = c.phases[0];
    phase.runs = {{0, 0, in}};
    phase.weights = w;
    phase.weightStride = out;
    phase.outHeight = c.height;
    phase.outWidth = c.width;
    phase.start = 0;
    phase.pixelStride = out;
    phase.rowStride = static_cast<ptrdiff_t>(width) * out;
    phase.imageStride = 0;
    if (!amxCorrelate(context, c)) return false;
    first += width * height;
  }
  return true;
}

bool amxConvForward(const Context& context, const ConvShape& s, const float* x, const float* w, const float* bias,
                    const float* residual, int activation, float* y) {
  const size_t pixels = static_cast<size_t>(s.batch) * s.outHeight * s.outWidth;
  const bool joined = s.dilationWidth == 1;
  const int run = (joined ? s.filterWidth : 1) * s.inChannels, depth = s.filterHeight * s.filterWidth * s.inChannels;
  if (context.bf16) {
    if (!worthRounding(s, pixels, depth, run, s.outChannels)) return false;
  } else {
    if (!worthwhile(context, s, pixels, depth, run, s.outChannels)) return false;
    if (isPointwise(s) && waitsForMemory(s.inChannels, s.outChannels)) return false;
  }
  const int parts = context.bf16 ? 1 : kForwardParts;
  if (isPointwise(s)) {
    return amxRowsTimesMatrix(context, parts, pixels, s.inChannels, s.outChannels, x, w, bias, residual, activation, y);
  }
  AmxCorrelation c = {};
  c.parts = parts;
  c.images = s.batch;
  c.height = s.height;
  c.width = s.width;
  c.channels = s.inChannels;
  c.originH = -s.padTop;
  c.originW = -s.padLeft;
  c.strideH = s.strideHeight;
  c.strideW = s.strideWidth;
  c.extentH = (s.filterHeight - 1) * s.dilationHeight + 1;
  c.extentW = (s.filterWidth - 1) * s.dilationWidth + 1;
  c.columns = s.outChannels;
  c.source = x;
  c.bias = bias;
  c.residual = residual;
  c.activation = activation;
  c.y = y;
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
  phase.pixelStride = s.outChannels;
  phase.rowStride = static_cast<ptrdiff_t>(s.outWidth) * s.outChannels;
  phase.imageStride = phase.rowStride * s.outHeight;
  return amxCorrelate(context, c);
}

bool amxConvInputGrad(const Context& context, const ConvShape& s, const float* dy, const float* w, float* dx) {
  const size_t pixels = static_cast<size_t>(s.batch) * s.height * s.width;
  // The most taps that a pixel meets, and how many of them lie side by side.
  const int high = (s.filterHeight + s.strideHeight - 1) / s.strideHeight;
  const int wide = (s.filterWidth + s.strideWidth - 1) / s.strideWidth;
  const int run = (s.dilationWidth == 1 ? wide : 1) * s.outChannels;
  if (!worthwhile(context, s, pixels, high * wide * s.outChannels, run, s.inChannels)) return false;
  if (isPointwise(s) && waitsForMemory(s.inChannels, s.outChannels)) return false;
  // Each phase is a correlation of dy with stride 1.
  std::vector<std::vector<PhaseTap>> rows, columns;
  int top = 1 << 30, left = 1 << 30, bottom = -(1 << 30), right = -(1 << 30);
  for (int a = 0; a < s.strideHeight && a < s.height; a++) {
    rows.push_back(tapsOf(a, s.padTop, s.filterHeight, s.dilationHeight, s.strideHeight));
    if (rows.back().empty()) return false;  // pixels that meet no tap: dx has zeros there
    top = std::min(top, rows.back().front().offset);
    bottom = std::max(bottom, rows.back().back().offset);
  }
  for (int b = 0; b < s.strideWidth && b < s.width; b++) {
    columns.push_back(tapsOf(b, s.padLeft, s.filterWidth, s.dilationWidth, s.strideWidth));
    if (columns.back().empty()) return false;
    left = std::min(left, columns.back().front().offset);
    right = std::max(right, columns.back().back().offset);
  }
  // turned[tap][co][ci] = w[tap][ci][co]
  const size_t matrix = static_cast<size_t>(s.inChannels) * s.outChannels;
  std::vector<float> turned(matrix * s.filterHeight * s.filterWidth);
  size_t filled = 0;
  AmxCorrelation c = {};
  for (size_t a = 0; a < rows.size(); a++) {
    for (size_t b = 0; b < columns.size(); b++) {
      AmxPhase phase;
      phase.weights = turned.data() + filled;
      phase.weightStride = s.inChannels;
      for (const PhaseTap& row : rows[a]) {
        for (size_t i = 0; i < columns[b].size(); i++) {
          const PhaseTap& column = columns[b][i];
          if (i > 0 && column.offset == columns[b][i - 1].offset + 1) {
            phase.runs.back().length += s.outChannels;
          } else {
            phase.runs.push_back({row.offset - top, column.offset - left, s.outChannels});
          }
          amxTranspose(w + (static_cast<size_t>(row.k) * s.filterWidth + column.k) * matrix, s.outChannels, s.inChannels,
                       s.outChannels, turned.data() + filled, s.inChannels);
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
    return amxRowsTimesMatrix(context, kPointwiseGradientParts, pixels, s.outChannels, s.inChannels, dy, turned.data(), nullptr, nullptr, kLinear, dx);
  }
  c.parts = kGradientParts;
  c.images = s.batch;
  c.height = s.outHeight;
  c.width = s.outWidth;
  c.channels = s.outChannels;
  c.originH = top;
  c.originW = left;
  c.strideH = c.strideW = 1;
  c.extentH = bottom - top + 1;
  c.extentW = right - left + 1;
  c.columns = s.inChannels;
  c.source = dy;
  c.bias = c.residual = nullptr;
  c.activation = kLinear;
  c.y = dx;
  return amxCorrelate(context, c);
}

#else
bool amxConvForward(const Context&, const ConvShape&, const float*, const float*, const float*, const float*, int, float*) {
  return false;
}
bool amxConvInputGrad(const Context&, const ConvShape&, const float*, const float*, float*) { return false; }
#endif

}  // namespace convbook
