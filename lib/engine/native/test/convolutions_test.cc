// Convolutions and their gradients, of every kind that a driver of its own is for.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "amx/amx_filter.h"
#include "conv/conv.h"
#include "onednn/onednn.h"
#include "test/checks.h"
#include "test/compare.h"

namespace convbook::testing {

namespace {

// Strides, padding and dilation at random, and images at least as large as asked that the filter fits into.
void place(ConvShape* s, int height, int width) {
  s->strideHeight = pick(1, 2);
  s->strideWidth = pick(1, 3);
  s->dilationHeight = pick(1, 2);
  s->dilationWidth = pick(1, 2);
  s->padTop = pick(0, 2);
  s->padLeft = pick(0, 2);
  const int extentH = (s->filterHeight - 1) * s->dilationHeight + 1,
            extentW = (s->filterWidth - 1) * s->dilationWidth + 1;
  s->height = std::max(height, extentH);
  s->width = std::max(width, extentW);
  s->outHeight = (s->height + 2 * s->padTop - extentH) / s->strideHeight + 1;
  s->outWidth = (s->width + 2 * s->padLeft - extentW) / s->strideWidth + 1;
}

void convolution(const Context& context, const ConvShape& s) {
  const int in = s.inChannels / s.groups, out = s.outChannels / s.groups;
  Array x(static_cast<size_t>(s.batch) * s.height * s.width * s.inChannels);
  Array w(static_cast<size_t>(s.filterHeight) * s.filterWidth * in * s.outChannels), bias(s.outChannels);
  Array dy(static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.outChannels), y(dy.size), residual(dy.size);
  Array dx(x.size), dw(w.size), dbias(bias.size);
  std::vector<double> ry(y.size), plain(y.size), rdx(x.size), rdw(w.size), rdbias(bias.size), terms(bias.size);
  for (size_t p = 0; p < y.size; p++) {
    const int o = static_cast<int>(p % s.outChannels), g = o / out;
    const size_t pixel = p / s.outChannels;
    const int j = static_cast<int>(pixel % s.outWidth), i = static_cast<int>(pixel / s.outWidth % s.outHeight);
    const size_t n = pixel / s.outWidth / s.outHeight;
    double sum = bias[o] + residual[p];
    rdbias[o] += dy[p];
    terms[o] += std::fabs(dy[p]);
    for (int kh = 0; kh < s.filterHeight; kh++) {
      for (int kw = 0; kw < s.filterWidth; kw++) {
        const int h = i * s.strideHeight - s.padTop + kh * s.dilationHeight;
        const int v = j * s.strideWidth - s.padLeft + kw * s.dilationWidth;
        if (h < 0 || h >= s.height || v < 0 || v >= s.width) continue;
        for (int c = 0; c < in; c++) {
          const size_t xi = ((n * s.height + h) * s.width + v) * s.inChannels + g * in + c;
          const size_t wi = (static_cast<size_t>(kh * s.filterWidth + kw) * in + c) * s.outChannels + o;
          sum += static_cast<double>(x[xi]) * w[wi];
          rdx[xi] += static_cast<double>(dy[p]) * w[wi];
          rdw[wi] += static_cast<double>(dy[p]) * x[xi];
        }
      }
    }
    ry[p] = sum > 0 ? sum : 0;
    plain[p] = std::fmax(sum - residual[p], 0.0);
  }
  if (in == 1) {
    depthwiseForward(context, s, out, x, w, bias, kRelu, y);
    check("depthwiseForward", y, plain);
    depthwiseInputGrad(context, s, out, dy, w, dx);
    check("depthwiseInputGrad", dx, rdx);
    depthwiseFilterGrad(context, s, out, x, dy, dw);
    check("depthwiseFilterGrad", dw, rdw);
  }
  convForward(context, s, x, w, bias, residual, kRelu, y);
  check("convForward", y, ry);
  convInputGrad(context, s, dy, w, dx);
  check("convInputGrad", dx, rdx);
  convFilterGrad(context, s, x, dy, dw, dbias);
  check("convFilterGrad", dw, rdw);
  check("convFilterGrad's bias", dbias, rdbias, *std::max_element(terms.begin(), terms.end()));
}
}  // namespace

// `wide`: with enough channels for tiles (see amx_conv.cc).
void convolutions(const Context& context, bool wide) {
  ConvShape s;
  s.groups = !wide && pick(1, 3) == 3 ? 2 : 1;
  s.batch = pick(1, 3);
  s.inChannels = (wide ? pick(8, 70) : pick(1, 20)) * s.groups;
  s.outChannels = (wide ? pick(8, 70) : pick(1, 40)) * s.groups;
  s.filterHeight = pick(1, 3);
  s.filterWidth = pick(1, 3);
  place(&s, pick(1, 9) + s.filterHeight, pick(1, 40) + s.filterWidth);
  convolution(context, s);
}

// Each channel by itself.
void depthwiseConvolution(const Context& context) {
  ConvShape s;
  s.batch = pick(1, 3);
  s.groups = s.inChannels = pick(1, 40);
  s.outChannels = s.inChannels * (pick(1, 3) == 3 ? 2 : 1);
  s.filterHeight = pick(1, 7);
  s.filterWidth = pick(1, 7);
  place(&s, pick(1, 9), pick(1, 40));
  convolution(context, s);
}

// Of the kind that Winograd's algorithm is for, with borders of any width.
void winogradConvolution(const Context& context) {
  const int side = pick(0, 1) == 0 ? 3 : 5;
  ConvShape s = {pick(1, 3), pick(side, 9), pick(side, 70), pick(1, 40), 0, 0, pick(1, 70), side, side, 1,
                 1,          pick(0, 3),    pick(0, 3),     1,           1, 1};
  s.outHeight = s.height - side + 1 + pick(s.padTop, 2 * s.padTop);
  s.outWidth = s.width - side + 1 + pick(s.padLeft, 2 * s.padLeft);
  convolution(context, s);
}

// Weights packed once for runs on one image and on several, that read channels out of more, normalized, and write among
// others.
void preparedConvolutions(const Context& context) {
  ConvShape s = {};
  s.groups = s.dilationHeight = s.dilationWidth = 1;
  s.batch = pick(1, 3);
  s.inChannels = pick(0, 1) == 0 ? 16 : pick(1, 70);
  s.outChannels = pick(1, 50);
  const bool pointwise = pick(0, 1) == 0;
  s.filterHeight = s.filterWidth = pointwise ? 1 : 3;
  s.padTop = s.padLeft = pointwise ? 0 : 1;
  s.strideHeight = s.strideWidth = pointwise ? 1 : pick(1, 2);
  s.height = pick(3, 12);
  s.width = pick(3, 40);
  s.outHeight = (s.height + 2 * s.padTop - s.filterHeight) / s.strideHeight + 1;
  s.outWidth = (s.width + 2 * s.padLeft - s.filterWidth) / s.strideWidth + 1;
  const int before = pick(0, 20), after = pick(0, 20), stride = s.inChannels + before,
            targetStride = s.outChannels + after;
  const bool normalized = pick(0, 1) == 1, relu = pick(0, 1) == 1;
  Array w(static_cast<size_t>(s.filterHeight) * s.filterWidth * s.inChannels * s.outChannels), bias(s.outChannels);
  Array scale(s.inChannels), shift(s.inChannels);
  const PreparedConv prepared(context, s, w, bias, targetStride);
  for (int images : {s.batch, 1}) {
    const size_t pixels = static_cast<size_t>(images) * s.height * s.width,
                 outPixels = static_cast<size_t>(images) * s.outHeight * s.outWidth;
    // The last pixel ends with its own channels.
    Array x((pixels - 1) * stride + s.inChannels), y((outPixels - 1) * targetStride + s.outChannels);
    std::vector<double> wanted(y.size);
    for (size_t i = 0; i < y.size; i++) wanted[i] = y[i];
    for (size_t p = 0; p < outPixels; p++) {
      const int j = static_cast<int>(p % s.outWidth), i = static_cast<int>(p / s.outWidth % s.outHeight);
      const size_t n = p / s.outWidth / s.outHeight;
      for (int o = 0; o < s.outChannels; o++) {
        double sum = bias[o];
        for (int tap = 0; tap < s.filterHeight * s.filterWidth; tap++) {
          const int h = i * s.strideHeight - s.padTop + tap / s.filterWidth,
                    v = j * s.strideWidth - s.padLeft + tap % s.filterWidth;
          if (h < 0 || h >= s.height || v < 0 || v >= s.width) continue;
          for (int c = 0; c < s.inChannels; c++) {
            double value = x[((n * s.height + h) * s.width + v) * stride + c];
            if (normalized) value = value * scale[c] + shift[c];
            if (normalized && relu && value < 0) value = 0;
            sum += value * w[(static_cast<size_t>(tap) * s.inChannels + c) * s.outChannels + o];
          }
        }
        wanted[p * targetStride + o] = sum;
      }
    }
    prepared.run(context, images,
                 {x, stride, normalized ? scale.data.get() : nullptr, normalized ? shift.data.get() : nullptr, relu}, y,
                 nullptr, kLinear);
    check("PreparedConv", y, wanted);
  }
}

int takenByTiles = 0;

// Shapes that are large enough for tiles (see amx_filter.cc), from an input that is dense and from one that is still to
// be worked out.
void filterGradients(const Context& context) {
  ConvShape s;
  s.groups = 1;
  s.batch = pick(1, 7);
  s.inChannels = pick(16, 70);
  s.outChannels = pick(16, 70);
  const bool pointwise = pick(0, 2) == 0;
  s.filterHeight = pointwise ? 1 : pick(1, 3);
  s.filterWidth = pointwise ? 1 : pick(1, 3);
  place(&s, pick(6, 14), pick(6, 14));
  Array x(static_cast<size_t>(s.batch) * s.height * s.width * s.inChannels);
  Array dy(static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.outChannels);
  const int stride = s.inChannels + pick(0, 20);
  const bool normalized = pick(0, 1) == 1, relu = pick(0, 1) == 1;
  const size_t pixels = static_cast<size_t>(s.batch) * s.height * s.width;
  // The last pixel ends with its own channels.
  Array wide((pixels - 1) * stride + s.inChannels), scale(s.inChannels), shift(s.inChannels);
  for (size_t p = 0; p < pixels; p++) {
    for (int c = 0; c < s.inChannels; c++) {
      float value = wide[p * stride + c];
      if (normalized) value = value * scale[c] + shift[c];
      x[p * s.inChannels + c] = normalized && relu && value < 0 ? 0 : value;
    }
  }
  Array dw(static_cast<size_t>(s.filterHeight) * s.filterWidth * s.inChannels * s.outChannels), dbias(s.outChannels);
  std::vector<double> rdw(dw.size), rdbias(dbias.size);
  for (size_t p = 0; p < dy.size / s.outChannels; p++) {
    const int j = static_cast<int>(p % s.outWidth), i = static_cast<int>(p / s.outWidth % s.outHeight);
    const size_t n = p / s.outWidth / s.outHeight;
    const float* from = dy + p * s.outChannels;
    for (int o = 0; o < s.outChannels; o++) rdbias[o] += from[o];
    for (int tap = 0; tap < s.filterHeight * s.filterWidth; tap++) {
      const int h = i * s.strideHeight - s.padTop + tap / s.filterWidth * s.dilationHeight;
      const int v = j * s.strideWidth - s.padLeft + tap % s.filterWidth * s.dilationWidth;
      if (h < 0 || h >= s.height || v < 0 || v >= s.width) continue;
      const float* pixel = x + ((n * s.height + h) * s.width + v) * s.inChannels;
      double* to = rdw.data() + static_cast<size_t>(tap) * s.inChannels * s.outChannels;
      for (int c = 0; c < s.inChannels; c++) {
        for (int o = 0; o < s.outChannels; o++) to[c * s.outChannels + o] += static_cast<double>(pixel[c]) * from[o];
      }
    }
  }
  convFilterGrad(context, s, x, dy, dw, dbias);
  check("convFilterGrad, many channels", dw, rdw);
  check("convFilterGrad's bias, many channels", dbias, rdbias);
  const ConvSource source = {wide, stride, normalized ? scale.data.get() : nullptr,
                             normalized ? shift.data.get() : nullptr, relu};
  if (!amxFilterGrad(context, s, source, dy, dw, dbias)) return;
  takenByTiles++;
  check("amxFilterGrad, worked out on the way", dw, rdw);
  check("amxFilterGrad's bias", dbias, rdbias);
}
#if defined(CONVBOOK_ONEDNN)
// Several threads that meet the same shapes for the first time, as programs do.
void choosing(const Kernels& kernels, const Module& module) {
  const ConvShape s = {6, 16, 16, 16, 16, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1};
  Array x(6 * 256 * 16), w(9 * 16 * 16);
  OneDnn onednn(module, OneDnn::Use::WhereFaster, "");
  ThreadPool threads(3), alone(1);
  Array wanted(x.size);
  convForward({kernels, alone}, s, x, w, nullptr, nullptr, kLinear, wanted);
  const std::vector<double> same(wanted.data.get(), wanted.data.get() + wanted.size);
  threads.run(9, [&](size_t task, int) {
    ThreadPool single(1);
    ConvShape part = s;
    part.batch = 4 + static_cast<int>(task % 3);
    std::unique_ptr<float[]> y(new float[part.batch * size_t{256 * 16}]), dx(new float[part.batch * size_t{256 * 16}]);
    std::unique_ptr<float[]> dw(new float[w.size]);
    const Context context = {kernels, single, false, &onednn};
    convForward(context, part, x, w, nullptr, nullptr, kLinear, y.get());
    convInputGrad(context, part, y.get(), w, dx.get());
    convFilterGrad(context, part, x, y.get(), dw.get(), nullptr);
    for (size_t i = 0; i < part.batch * size_t{256 * 16}; i++) {
      if (std::fabs(y[i] - same[i]) > 1e-4) std::abort();
    }
  });
  if (onednn.choices().rows().size() == 9) return;
  std::printf("choosing: %zu choices of 9\n", onednn.choices().rows().size());
  failures++;
}
#endif
}  // namespace convbook::testing
