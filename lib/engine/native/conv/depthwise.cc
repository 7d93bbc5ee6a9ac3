// Depthwise convolutions: each channel by itself, so that a row of outputs is a sum over taps of rows of inputs times
// weights, whatever the channels.
#include <algorithm>
#include <cstring>
#include <vector>

#include "conv/conv.h"
#include "ops/image_rows.h"

namespace convbook {
namespace {

// Where results and what they are made of do not fit into a usual cache, a row's are asked for while the one before is
// made.
constexpr size_t kStreamFloats = 2 * 1024 * 1024;

bool isStreamed(const ConvShape& s) {
  const size_t pixels = static_cast<size_t>(s.height) * s.width + static_cast<size_t>(s.outHeight) * s.outWidth;
  return pixels * s.batch * s.inChannels > kStreamFloats;
}

// The weights are read alone where a result is made of them.
float* readOnly(const float* w) { return const_cast<float*>(w); }

// Products of more than one output channel an input channel: plain loops.
void multipliedRow(const ConvShape& s, int multiplier, const float* x, const float* w, const float* bias, int n, int i,
                   float* y) {
  const size_t in = static_cast<size_t>(s.inChannels), out = in * multiplier;
  for (int j = 0; j < s.outWidth; j++) {
    float* to = y + ((static_cast<size_t>(n) * s.outHeight + i) * s.outWidth + j) * out;
    if (bias != nullptr) {
      std::memcpy(to, bias, out * sizeof(float));
    } else {
      std::memset(to, 0, out * sizeof(float));
    }
    for (int kh = 0; kh < s.filterHeight; kh++) {
      const int h = i * s.strideHeight - s.padTop + kh * s.dilationHeight;
      if (h < 0 || h >= s.height) continue;
      for (int kw = 0; kw < s.filterWidth; kw++) {
        const int v = j * s.strideWidth - s.padLeft + kw * s.dilationWidth;
        if (v < 0 || v >= s.width) continue;
        const float* from = x + ((static_cast<size_t>(n) * s.height + h) * s.width + v) * in;
        const float* weights = w + static_cast<size_t>(kh * s.filterWidth + kw) * out;
        for (size_t c = 0; c < in; c++) {
          for (int m = 0; m < multiplier; m++) to[c * multiplier + m] += from[c] * weights[c * multiplier + m];
        }
      }
    }
  }
}

void multipliedGradRow(const ConvShape& s, int multiplier, const float* dy, const float* w, int n, int h, float* dx) {
  const size_t in = static_cast<size_t>(s.inChannels), out = in * multiplier;
  for (int v = 0; v < s.width; v++) {
    float* to = dx + ((static_cast<size_t>(n) * s.height + h) * s.width + v) * in;
    std::memset(to, 0, in * sizeof(float));
    for (int kh = 0; kh < s.filterHeight; kh++) {
      const int i = outputOf(h, s.padTop, kh, s.dilationHeight, s.strideHeight, s.outHeight);
      if (i < 0) continue;
      for (int kw = 0; kw < s.filterWidth; kw++) {
        const int j = outputOf(v, s.padLeft, kw, s.dilationWidth, s.strideWidth, s.outWidth);
        if (j < 0) continue;
        const float* from = dy + ((static_cast<size_t>(n) * s.outHeight + i) * s.outWidth + j) * out;
        const float* weights = w + static_cast<size_t>(kh * s.filterWidth + kw) * out;
        for (size_t c = 0; c < in; c++) {
          for (int m = 0; m < multiplier; m++) to[c] += from[c * multiplier + m] * weights[c * multiplier + m];
        }
      }
    }
  }
}

void multipliedSums(const ConvShape& s, int multiplier, const float* x, const float* dy, int n, int i, float* sum) {
  const size_t in = static_cast<size_t>(s.inChannels), out = in * multiplier;
  for (int kh = 0; kh < s.filterHeight; kh++) {
    const int h = i * s.strideHeight - s.padTop + kh * s.dilationHeight;
    if (h < 0 || h >= s.height) continue;
    for (int kw = 0; kw < s.filterWidth; kw++) {
      float* to = sum + static_cast<size_t>(kh * s.filterWidth + kw) * out;
      for (int j = 0; j < s.outWidth; j++) {
        const int v = j * s.strideWidth - s.padLeft + kw * s.dilationWidth;
        if (v < 0 || v >= s.width) continue;
        const float* from = x + ((static_cast<size_t>(n) * s.height + h) * s.width + v) * in;
        const float* grad = dy + ((static_cast<size_t>(n) * s.outHeight + i) * s.outWidth + j) * out;
        for (size_t c = 0; c < in; c++) {
          for (int m = 0; m < multiplier; m++) to[c * multiplier + m] += from[c] * grad[c * multiplier + m];
        }
      }
    }
  }
}

// What output row i sees of image n, from channel `channel` on; w: weights or their gradients.
DepthwiseView viewOf(const ConvShape& s, const float* x, float* w, int n, int i, size_t channel, size_t count,
                     std::vector<DepthwiseRow>& rows) {
  const size_t channels = static_cast<size_t>(s.inChannels);
  rows.clear();
  for (int kh = 0; kh < s.filterHeight; kh++) {
    const int h = i * s.strideHeight - s.padTop + kh * s.dilationHeight;
    if (h < 0 || h >= s.height) continue;
    rows.push_back({x + (static_cast<size_t>(n) * s.height + h) * s.width * channels + channel,
                    w + static_cast<size_t>(kh) * s.filterWidth * channels + channel});
  }
  const ptrdiff_t pixel = static_cast<ptrdiff_t>(channels);
  const bool streamed = isStreamed(s);
  const int next = (i + 1) * s.strideHeight - s.padTop + (s.filterHeight - 1) * s.dilationHeight;
  const float* ahead = !streamed || next < 0 || next >= s.height
                           ? nullptr
                           : x + (static_cast<size_t>(n) * s.height + next) * s.width * channels + channel;
  return {rows.data(),     static_cast<int>(rows.size()),
          s.filterWidth,   pixel,
          -s.padLeft,      s.strideWidth,
          s.dilationWidth, s.width,
          s.outWidth,      count,
          streamed,        ahead,
          pixel,           pixel};
}

// One row of the gradient by the input: a convolution of the rows of dy that looked at it. Columns whose distance is
// the stride meet the same taps, which are evenly spaced.
void inputGradRow(const Context& context, const ConvShape& s, const float* dy, const float* w, int n, int h,
                  std::vector<DepthwiseRow>& rows, float* dx) {
  const size_t channels = static_cast<size_t>(s.inChannels);
  const ptrdiff_t pixel = static_cast<ptrdiff_t>(channels);
  float* to = dx + (static_cast<size_t>(n) * s.height + h) * s.width * channels;
  const bool streamed = isStreamed(s);
  const int next = outputOf(h + 1, s.padTop, 0, s.dilationHeight, s.strideHeight, s.outHeight);
  const float* ahead =
      !streamed || next < 0 ? nullptr : dy + (static_cast<size_t>(n) * s.outHeight + next) * s.outWidth * channels;
  for (int phase = 0; phase < std::min(s.strideWidth, s.width); phase++) {
    const auto taps = tapsOf(phase, s.padLeft, s.filterWidth, s.dilationWidth, s.strideWidth);
    const int firstTap = taps.empty() ? 0 : taps[0].k;
    rows.clear();
    for (int kh = 0; kh < s.filterHeight; kh++) {
      const int i = outputOf(h, s.padTop, kh, s.dilationHeight, s.strideHeight, s.outHeight);
      if (i < 0) continue;
      rows.push_back({dy + (static_cast<size_t>(n) * s.outHeight + i) * s.outWidth * channels,
                      readOnly(w + static_cast<size_t>(kh * s.filterWidth + firstTap) * channels)});
    }
    const bool several = taps.size() > 1;
    DepthwiseView view = {};
    view.rows = rows.data();
    view.rowCount = static_cast<int>(rows.size());
    view.taps = static_cast<int>(taps.size());
    view.tapWeights = several ? (taps[1].k - taps[0].k) * pixel : 0;
    view.first = taps.empty() ? 0 : taps[0].offset;
    view.step = 1;
    view.tapStep = several ? taps[1].offset - taps[0].offset : 1;
    view.width = s.outWidth;
    view.columns = (s.width - phase + s.strideWidth - 1) / s.strideWidth;
    view.channels = channels;
    view.streamed = streamed;
    view.ahead = phase == 0 ? ahead : nullptr;
    view.pixel = pixel;
    view.result = pixel * s.strideWidth;
    context.kernels.depthwise.forward(view, nullptr, kLinear, to + phase * pixel);
  }
}

// Adds what rows [from, to) of all images give to a filter's gradient, for some of the channels.
void addRows(const Context& context, const ConvShape& s, const float* x, const float* dy, size_t from, size_t to,
             size_t channel, size_t count, std::vector<DepthwiseRow>& rows, float* dw) {
  const size_t channels = static_cast<size_t>(s.inChannels);
  for (size_t row = from; row < to; row++) {
    const int n = static_cast<int>(row / s.outHeight), i = static_cast<int>(row % s.outHeight);
    const DepthwiseView view = viewOf(s, x, dw, n, i, channel, count, rows);
    context.kernels.depthwise.sums(view, dy + row * s.outWidth * channels + channel);
  }
}

}  // namespace

void depthwiseForward(const Context& context, const ConvShape& s, int multiplier, const float* x, const float* w,
                      const float* bias, int activation, float* y) {
  const size_t row = static_cast<size_t>(s.outWidth) * s.inChannels * multiplier;
  std::vector<std::vector<DepthwiseRow>> scratch(static_cast<size_t>(context.pool.threads()));
  forRows(context, s.batch, s.outHeight, row * s.filterHeight * s.filterWidth, [&](int n, int i, int thread) {
    float* to = y + (static_cast<size_t>(n) * s.outHeight + i) * row;
    if (multiplier == 1) {
      const DepthwiseView view = viewOf(s, x, readOnly(w), n, i, 0, s.inChannels, scratch[static_cast<size_t>(thread)]);
      context.kernels.depthwise.forward(view, bias, activation, to);
      return;
    }
    multipliedRow(s, multiplier, x, w, bias, n, i, y);
    if (activation == kRelu) context.kernels.unary(Unary::Relu, to, to, row, 0.f, 0.f);
    if (activation == kRelu6) context.kernels.unary(Unary::Relu6, to, to, row, 0.f, 0.f);
  });
}

void depthwiseInputGrad(const Context& context, const ConvShape& s, int multiplier, const float* dy, const float* w,
                        float* dx) {
  const size_t out = static_cast<size_t>(s.inChannels) * multiplier;
  std::vector<std::vector<DepthwiseRow>> scratch(static_cast<size_t>(context.pool.threads()));
  forRows(context, s.batch, s.height, s.width * out * s.filterHeight * s.filterWidth, [&](int n, int h, int thread) {
    if (multiplier == 1) {
      inputGradRow(context, s, dy, w, n, h, scratch[static_cast<size_t>(thread)], dx);
    } else {
      multipliedGradRow(s, multiplier, dy, w, n, h, dx);
    }
  });
}

void depthwiseFilterGrad(const Context& context, const ConvShape& s, int multiplier, const float* x, const float* dy,
                         float* dw) {
  const size_t out = static_cast<size_t>(s.inChannels) * multiplier;
  const size_t count = static_cast<size_t>(s.filterHeight) * s.filterWidth * out;
  const size_t rows = static_cast<size_t>(s.batch) * s.outHeight;
  std::memset(dw, 0, count * sizeof(float));
  if (rows == 0 || count == 0) return;
  const size_t hands = static_cast<size_t>(context.pool.hands());
  std::vector<std::vector<DepthwiseRow>> scratch(static_cast<size_t>(context.pool.threads()));
  // Where there are few rows, the channels are shared out, whose sums need no room of their own.
  constexpr size_t kLanes = 16;
  constexpr size_t kFewRows = 32;
  if (multiplier == 1 && (hands == 1 || (rows < hands * kFewRows && out >= hands * 2 * kLanes))) {
    const size_t share = (out + hands * kLanes - 1) / (hands * kLanes) * kLanes;
    context.pool.run((out + share - 1) / share, [&](size_t part, int thread) {
      const size_t from = part * share;
      addRows(context, s, x, dy, 0, rows, from, std::min(share, out - from), scratch[static_cast<size_t>(thread)], dw);
    });
    return;
  }
  const size_t slots = std::min<size_t>(rows, hands * 4);
  std::vector<float> parts(slots * count, 0.f);
  context.pool.run(slots, [&](size_t slot, int thread) {
    float* sum = parts.data() + slot * count;
    const size_t from = rows * slot / slots, to = rows * (slot + 1) / slots;
    if (multiplier == 1) {
      addRows(context, s, x, dy, from, to, 0, out, scratch[static_cast<size_t>(thread)], sum);
      return;
    }
    for (size_t row = from; row < to; row++) {
      multipliedSums(s, multiplier, x, dy, static_cast<int>(row / s.outHeight), static_cast<int>(row % s.outHeight),
                     sum);
    }
  });
  context.kernels.reduceRows(Reduce::Sum, parts.data(), slots, count, count, dw);
}

}  // namespace convbook
