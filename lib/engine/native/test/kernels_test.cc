// Kernels and drivers against plain loops, on random shapes. Built with the address, undefined-behaviour and thread
// sanitizers by `npm run sanitize`; inputs and outputs are exactly as long as they must be, so that a step too far
// shows.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "amx/amx_filter.h"
#include "conv/conv.h"
#include "onednn/onednn.h"
#include "ops/arrays.h"
#include "ops/fourier.h"
#include "ops/indexing.h"
#include "ops/integers.h"
#include "ops/layers.h"
#include "runtime/memory.h"
#include "winograd/winograd.h"

using namespace convbook;

namespace {

std::mt19937 generator(1);
int failures = 0;

int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

// Whether inputs have 8 bits of precision, so that rounding them to bfloat16 changes nothing.
bool coarse = false;

// Memory of its own for every array: the sanitizer guards both ends.
struct Array {
  explicit Array(size_t n) : size(n), data(new float[n]) {
    for (size_t i = 0; i < n; i++) {
      const float value = std::uniform_real_distribution<float>(-1, 1)(generator);
      data[i] = coarse ? std::round(value * 128) / 128 : value;
    }
  }
  size_t size;
  std::unique_ptr<float[]> data;
  operator float*() { return data.get(); }
};

// `terms`: the largest sum of magnitudes behind a result, where all of them may cancel.
void check(const char* what, const Array& got, const std::vector<double>& wanted, double terms = 0) {
  double scale = 1e-30, worst = 0;
  for (double value : wanted) scale = std::fmax(scale, std::fabs(value));
  for (size_t i = 0; i < got.size; i++) worst = std::fmax(worst, std::fabs(got.data[i] - wanted[i]));
  if (worst <= std::fmax(scale * 1e-5, terms * 2e-7)) return;
  std::printf("%s: error %g of %g\n", what, worst, scale);
  failures++;
}

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

// Inputs that the tiles worked out themselves.
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

void products(const Context& context, int least = 1) {
  MatMulShape s = {pick(1, 4),
                   pick(least, least + 50),
                   pick(least, least + 70),
                   pick(least, least + 60),
                   pick(0, 1) == 1,
                   pick(0, 1) == 1,
                   0,
                   0};
  s.strideA = static_cast<size_t>(s.m) * s.k;
  s.strideB = pick(0, 1) == 1 ? static_cast<size_t>(s.k) * s.n : 0;
  Array a(s.strideA * s.batch), b(s.strideB == 0 ? static_cast<size_t>(s.k) * s.n : s.strideB * s.batch);
  Array c(static_cast<size_t>(s.batch) * s.m * s.n);
  std::vector<double> wanted(c.size);
  for (size_t p = 0; p < c.size; p++) {
    const int j = static_cast<int>(p % s.n), i = static_cast<int>(p / s.n % s.m);
    const size_t q = p / s.n / s.m;
    for (int k = 0; k < s.k; k++) {
      const size_t ai =
          q * s.strideA + (s.transposeA ? static_cast<size_t>(k) * s.m + i : static_cast<size_t>(i) * s.k + k);
      const size_t bi =
          q * s.strideB + (s.transposeB ? static_cast<size_t>(j) * s.k + k : static_cast<size_t>(k) * s.n + j);
      wanted[p] += static_cast<double>(a[ai]) * b[bi];
    }
  }
  matMul(context, s, a, b, nullptr, kLinear, c);
  check("matMul", c, wanted);
}

void normalization(const Context& context) {
  const BatchNorm s = {static_cast<size_t>(pick(2, 900)), static_cast<size_t>(pick(1, 70)), 1e-5f, kRelu};
  const size_t n = s.rows * s.channels;
  Array x(n), gamma(s.channels), beta(s.channels), residual(n), y(n), mean(s.channels), variance(s.channels);
  Array inverse(s.channels), dy(n), dx(n), dgamma(s.channels), dbeta(s.channels), dresidual(n);
  std::vector<double> means(s.channels), variances(s.channels), wanted(n);
  for (size_t i = 0; i < n; i++) means[i % s.channels] += x[i] / static_cast<double>(s.rows);
  for (size_t i = 0; i < n; i++) {
    variances[i % s.channels] += std::pow(x[i] - means[i % s.channels], 2) / static_cast<double>(s.rows);
  }
  for (size_t i = 0; i < n; i++) {
    const size_t c = i % s.channels;
    const double v = (x[i] - means[c]) / std::sqrt(variances[c] + s.epsilon) * gamma[c] + beta[c] + residual[i];
    wanted[i] = v > 0 ? v : 0;
  }
  batchNormForward(context, s, x, gamma, beta, residual, y, mean, variance, inverse);
  check("batchNormForward", y, wanted);
  check("variance", variance, variances);
  batchNormGrad(context, s, dy, x, y, gamma, beta, mean, inverse, dx, dgamma, dbeta, dresidual);
  std::vector<double> masked(n), sums(s.channels);
  for (size_t i = 0; i < n; i++) {
    masked[i] = y[i] > 0 ? dy[i] : 0;
    sums[i % s.channels] += masked[i];
  }
  check("batchNormGrad's residual", dresidual, masked);
  check("batchNormGrad's beta", dbeta, sums);
}

void arrays(const Context& context) {
  const size_t rows = static_cast<size_t>(pick(1, 300)), columns = static_cast<size_t>(pick(1, 300)),
               n = rows * columns;
  Array x(n), row(columns), y(n), sums(columns), turned(n);
  std::vector<double> added(n), total(columns), transposed(n);
  for (size_t i = 0; i < n; i++) {
    added[i] = static_cast<double>(x[i]) + row[i % columns];
    total[i % columns] += x[i];
    transposed[i % columns * rows + i / columns] = x[i];
  }
  Strided s = {2, {rows, columns}, {{static_cast<ptrdiff_t>(columns), 1}, {0, 1}, {0, 0}}};
  binary(context, Binary::Add, x, row, y, s);
  check("binary", y, added);
  reduce(context, Reduce::Sum, x, sums, 1, rows, columns, 1.f);
  check("reduce", sums, total);
  Strided t = {2, {columns, rows}, {{1, static_cast<ptrdiff_t>(columns)}, {0, 0}, {0, 0}}};
  copyStrided(context, static_cast<float*>(x), static_cast<float*>(turned), 4, t, false);
  check("copyStrided", turned, transposed);
}

void pools(const Context& context) {
  PoolShape s = {pick(1, 3), pick(3, 9), pick(3, 9), pick(1, 40), 0, 0, 3,    2,
                 pick(1, 2), pick(1, 3), 1,          1,           1, 1, true, pick(0, 1) == 1};
  s.outHeight = (s.height + 2 - s.filterHeight) / s.strideHeight + 1;
  s.outWidth = (s.width + 2 - s.filterWidth) / s.strideWidth + 1;
  Array x(static_cast<size_t>(s.batch) * s.height * s.width * s.channels), dx(x.size);
  Array y(static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.channels), dy(y.size);
  std::unique_ptr<uint8_t[]> index(new uint8_t[y.size]);
  maxPool(context, s, x, y, index.get());
  maxPoolGrad(context, s, dy, index.get(), dx);
  double in = 0, out = 0;
  for (size_t i = 0; i < dx.size; i++) in += dx[i];
  for (size_t i = 0; i < dy.size; i++) out += dy[i];
  if (std::fabs(in - out) > 1e-3) {
    std::printf("maxPoolGrad: %g came back of %g\n", in, out);
    failures++;
  }
  avgPool(context, s, x, y);
  avgPoolGrad(context, s, dy, dx);
}

template <class T>
std::unique_ptr<T[]> whole(size_t n, int low, int high) {
  std::unique_ptr<T[]> values(new T[n]);
  for (size_t i = 0; i < n; i++) values[i] = static_cast<T>(pick(low, high));
  return values;
}

void integers(const Context& context) {
  const size_t outer = pick(1, 5), middle = pick(1, 90), inner = pick(1, 700), n = outer * middle * inner;
  const auto a = whole<int32_t>(n, -99, 99), b = whole<int32_t>(inner, -99, 99);
  std::unique_ptr<int32_t[]> y(new int32_t[n]), sums(new int32_t[outer * inner]);
  const Strided s = {2, {outer * middle, inner}, {{static_cast<ptrdiff_t>(inner), 1}, {0, 1}, {0, 0}}};
  intBinary(context, IntBinary::Multiply, a.get(), b.get(), y.get(), s);
  intReduce(context, Reduce::Sum, y.get(), sums.get(), outer, middle, inner);
  std::unique_ptr<uint8_t[]> same(new uint8_t[n]), any(new uint8_t[outer * inner]);
  intCompare(context, Compare::Equal, a.get(), b.get(), same.get(), s);
  byteReduce(context, false, same.get(), any.get(), outer, middle, inner);
  bool good = true;
  for (size_t o = 0; o < outer; o++) {
    for (size_t i = 0; i < inner; i++) {
      int32_t sum = 0;
      bool found = false;
      for (size_t m = 0; m < middle; m++) {
        const int32_t value = a[(o * middle + m) * inner + i];
        sum += value * b[i];
        found |= value == b[i];
      }
      good &= sums[o * inner + i] == sum && any[o * inner + i] == found;
    }
  }
  if (good) return;
  std::printf("integers: products, sums or comparisons differ\n");
  failures++;
}

void places(const Context& context) {
  const size_t rows = pick(1, 40), n = pick(1, 900), k = pick(1, static_cast<int>(n)), size = rows * n;
  Array x(size), sums(size), back(size), turned(size), best(rows * k);
  std::unique_ptr<int32_t[]> at(new int32_t[rows * k]);
  scan(context, Scan{false, false, false}, x, sums, rows, n, 1);
  std::vector<double> wanted(size), flipped(size), sorted(rows * k);
  for (size_t r = 0; r < rows; r++) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
      wanted[r * n + i] = sum += x[r * n + i];
      flipped[(rows - 1 - r) * n + n - 1 - i] = x[r * n + i];
    }
    std::vector<float> row(x.data.get() + r * n, x.data.get() + (r + 1) * n);
    std::sort(row.rbegin(), row.rend());
    std::copy(row.begin(), row.begin() + static_cast<ptrdiff_t>(k), sorted.begin() + static_cast<ptrdiff_t>(r * k));
  }
  check("scan", sums, wanted);
  const size_t shape[] = {rows, n};
  reverse(context, static_cast<float*>(x), static_cast<float*>(turned), 4, shape, 2, 3u);
  check("reverse", turned, flipped);
  topK(context, x, best, at.get(), rows, n, k);
  check("topK", best, sorted);
  const auto indices = whole<int32_t>(rows, -1, static_cast<int>(rows));
  std::vector<double> added(size, 0.0);
  std::fill(back.data.get(), back.data.get() + size, 0.f);
  scatterAdd(context, x, indices.get(), back, rows, rows, n);
  for (size_t r = 0; r < rows; r++) {
    if (indices[r] < 0 || static_cast<size_t>(indices[r]) >= rows) continue;
    for (size_t i = 0; i < n; i++) added[static_cast<size_t>(indices[r]) * n + i] += x[r * n + i];
  }
  check("scatterAdd", back, added);
}

// Regions on small pages and on any, from several threads at once: each can be written from end to end, settled bit by
// bit and written again.
void regions() {
  std::atomic<int> wrong{0};
  auto use = [&](int thread) {
    for (size_t bytes : {size_t{100}, size_t{1} << 20, (size_t{5} << 20) + 12, size_t{33} << 20}) {
      for (bool small : {false, true}) {
        char* data = static_cast<char*>(pagesAlloc(bytes, small));
        std::memset(data, thread, bytes);
        int more = 0;
        while (pagesSettle(data, bytes)) more++;
#if defined(__linux__)
        // 16 MiB at once, of 34 MiB of whole huge pages. A region that may have any pages was given small ones if huge
        // ones were slow.
        const int all = bytes > size_t{32} << 20 ? 2 : 0;
        if (more != all && (small || more != 0)) wrong++;
#else
        if (more != 0) wrong++;
#endif
        if (pagesSettle(data, bytes)) wrong++;
        std::memset(data, thread + 1, bytes);
        if (data[0] != thread + 1 || data[bytes - 1] != thread + 1) wrong++;
        pagesDrop(data, bytes);
        pagesFree(data, bytes);
      }
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; thread++) threads.emplace_back(use, thread);
  for (std::thread& thread : threads) thread.join();
  if (wrong == 0) return;
  std::printf("regions: %d wrong\n", wrong.load());
  failures++;
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

// Against the sum as it is defined.
void transforms(const Context& context) {
  const size_t rows = static_cast<size_t>(pick(1, 20)), n = static_cast<size_t>(pick(1, 70));
  const bool inverse = pick(0, 1) == 1;
  Array re(rows * n), im(rows * n), toRe(rows * n), toIm(rows * n);
  std::vector<double> wantedRe(rows * n), wantedIm(rows * n);
  for (size_t at = 0; at < rows * n; at++) {
    for (size_t i = 0; i < n; i++) {
      const double angle = (inverse ? 2 : -2) * 3.14159265358979323846 * static_cast<double>(at % n * i % n) / n;
      const size_t from = at / n * n + i;
      const double scale = inverse ? 1.0 / n : 1;
      wantedRe[at] += (re[from] * std::cos(angle) - im[from] * std::sin(angle)) * scale;
      wantedIm[at] += (re[from] * std::sin(angle) + im[from] * std::cos(angle)) * scale;
    }
  }
  fourier(context, re, im, toRe, toIm, rows, n, inverse);
  check("fourier", toRe, wantedRe);
  check("fourier's imaginary part", toIm, wantedIm);
}

// Between the four pixels around each place.
void resizing(const Context& context) {
  ResizeShape s = {pick(1, 3), pick(1, 9), pick(1, 9), pick(1, 6), pick(1, 20), pick(1, 20), false, pick(0, 1) == 1};
  const size_t channels = static_cast<size_t>(s.channels),
               all = static_cast<size_t>(s.batch) * s.outHeight * s.outWidth;
  Array x(static_cast<size_t>(s.batch) * s.height * s.width * channels), y(all * channels);
  std::vector<double> wanted(y.size);
  for (size_t p = 0; p < y.size; p++) {
    const size_t c = p % channels, n = p / channels / s.outWidth / s.outHeight;
    auto place = [&](size_t i, int in, int out, int* low, int* high, double* weight) {
      const double half = s.halfPixelCenters ? 0.5 : 0;
      const double at = static_cast<double>(in) / out * (static_cast<double>(i) + half) - half;
      *low = std::min(in - 1, std::max(0, static_cast<int>(std::floor(at))));
      *high = std::min(in - 1, std::max(0, static_cast<int>(std::ceil(at))));
      *weight = at - std::floor(at);
    };
    int top, bottom, left, right;
    double v, h;
    place(p / channels / s.outWidth % s.outHeight, s.height, s.outHeight, &top, &bottom, &v);
    place(p / channels % s.outWidth, s.width, s.outWidth, &left, &right, &h);
    auto pixel = [&](int i, int j) {
      return static_cast<double>(x[((n * s.height + i) * s.width + j) * channels + c]);
    };
    wanted[p] = (pixel(top, left) * (1 - h) + pixel(top, right) * h) * (1 - v) +
                (pixel(bottom, left) * (1 - h) + pixel(bottom, right) * h) * v;
  }
  resize(context, Resize::Bilinear, s, x, y);
  check("resize", y, wanted);
}

}  // namespace

#if defined(CONVBOOK_ONEDNN)
extern "C" const convbook::Module* convbookModule();
#endif

int main() {
  regions();
  for (const char* isa : {"amx", "avx512", "avx2", "generic"}) {
    const Kernels& kernels = chooseKernels(isa);
    for (int threads : {1, 2, 5}) {
      ThreadPool pool(threads);
      const Context context = {kernels, pool};
      const Context winograd = {kernels, pool, false, nullptr, &winogradInSmallTiles()};
      const Context largeTiles = {kernels, pool, false, nullptr, &winogradInLargeTiles()};
      for (int round = 0; round < 12; round++) {
        convolutions(context, round % 3 == 0);
        depthwiseConvolution(context);
        filterGradients(context);
        preparedConvolutions(context);
        winogradConvolution(winograd);
        preparedConvolutions(winograd);
        winogradConvolution(largeTiles);
        preparedConvolutions(largeTiles);
        products(context);
        normalization(context);
        arrays(context);
        pools(context);
        integers(context);
        places(context);
        transforms(context);
        resizing(context);
      }
      pool.releaseScratch();
    }
    std::printf("%s: done\n", kernels.name);
  }
  const WinogradPasses& passes = winogradPasses();
  if (passes.forward == 0 || passes.inputGradients == 0 || passes.filterGradients == 0) {
    std::printf("no convolution was by Winograd's algorithm\n");
    failures++;
  }
  const Kernels& best = chooseKernels(nullptr);
  if (best.tiles != nullptr && takenByTiles == 0) {
    std::printf("no filter gradient was for the tiles\n");
    failures++;
  }
  for (int threads : {1, 3}) {
    ThreadPool pool(threads);
    coarse = true;
    for (int round = 0; round < 24; round++) {
      convolutions(Context{best, pool}.rounding(true), true);
      products(Context{best, pool}.rounding(true), pick(60, 90));
    }
    coarse = false;
  }
  std::printf("bf16: %s\n", best.tiles != nullptr ? "done" : "not there");
#if defined(CONVBOOK_ONEDNN)
  for (int threads : {1, 3}) {
    ThreadPool pool(threads);
    OneDnn onednn(*convbookModule(), OneDnn::Use::WhereItCan, "");
    for (int round = 0; round < 24; round++) {
      convolutions({best, pool, false, &onednn}, round % 2 == 0);
      filterGradients({best, pool, false, &onednn});
    }
  }
  choosing(best, *convbookModule());
  std::printf("oneDNN: done\n");
#endif
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
