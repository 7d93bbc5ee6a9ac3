// Products, normalization, and the operations on arrays, images and integers.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

#include "conv/conv.h"
#include "ops/arrays.h"
#include "ops/fourier.h"
#include "ops/indexing.h"
#include "ops/integers.h"
#include "ops/layers.h"
#include "test/checks.h"
#include "test/compare.h"

namespace convbook::testing {

void products(const Context& context, int least) {
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

}  // namespace convbook::testing
