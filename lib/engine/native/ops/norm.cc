#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/layers.h"

namespace convbook {
namespace {

// Few channels are laid side by side until a row is wide enough for whole vectors: period `width` = repeats * channels.
size_t rowWidth(size_t channels) { return channels >= 128 ? channels : (128 + channels - 1) / channels * channels; }

std::vector<float> repeated(const float* values, size_t channels, size_t width, float missing) {
  std::vector<float> row(width);
  for (size_t j = 0; j < width; j++) row[j] = values != nullptr ? values[j % channels] : missing;
  return row;
}

// Cuts n elements of period `width` into pieces that fit the first-level cache; the cut depends on the shape alone.
struct Pieces {
  size_t width, pieceFloats, count, n;
  Pieces(size_t n_, size_t width_) : width(width_), n(n_) {
    size_t rows = std::max<size_t>(1, 4096 / width);
    pieceFloats = rows * width;
    count = (n + pieceFloats - 1) / pieceFloats;
  }
  size_t floats(size_t piece) const { return std::min(pieceFloats, n - piece * pieceFloats); }
};

// Several pieces make a task; partial sums are kept per task and added in order.
struct Tasks {
  size_t count;
  Tasks(const Context& context, const Pieces& pieces)
      : count(pieces.n < kParallel ? 1
                                   : std::min<size_t>(pieces.count, static_cast<size_t>(context.pool.hands()) * 4)) {}
};

}  // namespace

void affineChannels(const Context& context, size_t rows, size_t channels, const float* x, const float* scale,
                    const float* shift, const float* residual, int activation, float* y) {
  const size_t n = rows * channels;
  if (n == 0) return;
  const size_t width = rowWidth(channels);
  const auto scales = repeated(scale, channels, width, 1.f), shifts = repeated(shift, channels, width, 0.f);
  context.pool.range(n, kParallel, std::max<size_t>(width, 4096 / width * width), [&](size_t lo, size_t hi) {
    context.kernels.affine(x + lo, scales.data(), shifts.data(), residual != nullptr ? residual + lo : nullptr, y + lo,
                           hi - lo, width, activation);
  });
}

void batchNormForward(const Context& context, const BatchNorm& s, const float* x, const float* gamma, const float* beta,
                      const float* residual, float* y, float* mean, float* variance, float* inverse) {
  const size_t n = s.rows * s.channels;
  if (s.channels == 0) return;
  const size_t width = rowWidth(s.channels);
  const Pieces pieces(n, width);
  const Tasks tasks(context, pieces);
  // Mean and sum of squares about it, piece by piece, joined as Chan, Golub and LeVeque do (1979): no cancellation.
  struct Moments {
    double count = 0, mean = 0, m2 = 0;
    void join(double otherCount, double otherMean, double otherM2) {
      if (otherCount == 0) return;
      double total = count + otherCount, delta = otherMean - mean;
      mean += delta * (otherCount / total);
      m2 += otherM2 + delta * delta * (count * otherCount / total);
      count = total;
    }
  };
  std::vector<Moments> parts(std::max<size_t>(tasks.count, 1) * width);
  context.pool.run(n == 0 ? 0 : tasks.count, [&](size_t task, int thread) {
    Moments* part = parts.data() + task * width;
    float* pieceMean = context.pool.scratch(thread, 2, width * 2);
    float* pieceM2 = pieceMean + width;
    for (size_t b = pieces.count * task / tasks.count; b < pieces.count * (task + 1) / tasks.count; b++) {
      const float* start = x + b * pieces.pieceFloats;
      const size_t floats = pieces.floats(b), rows = floats / width, rest = floats % width;
      if (rows > 0) {
        context.kernels.moments(start, rows, width, pieceMean, pieceM2);
        for (size_t j = 0; j < width; j++) part[j].join(static_cast<double>(rows), pieceMean[j], pieceM2[j]);
      }
      for (size_t j = 0; j < rest; j++) part[j].join(1, start[rows * width + j], 0);
    }
  });
  std::vector<float> scale(s.channels), shift(s.channels);
  for (size_t c = 0; c < s.channels; c++) {
    Moments all;
    for (size_t task = 0; task < tasks.count; task++) {
      for (size_t j = c; j < width; j += s.channels) {
        const Moments& part = parts[task * width + j];
        all.join(part.count, part.mean, part.m2);
      }
    }
    const double var = s.rows > 0 ? all.m2 / static_cast<double>(s.rows) : 0;
    const double inv = 1.0 / std::sqrt(var + s.epsilon);
    mean[c] = static_cast<float>(all.mean);
    variance[c] = static_cast<float>(var);
    inverse[c] = static_cast<float>(inv);
    const double g = gamma != nullptr ? gamma[c] : 1.0;
    scale[c] = static_cast<float>(g * inv);
    shift[c] = static_cast<float>((beta != nullptr ? beta[c] : 0.0) - all.mean * g * inv);
  }
  affineChannels(context, s.rows, s.channels, x, scale.data(), shift.data(), residual, s.activation, y);
}

void batchNormGrad(const Context& context, const BatchNorm& s, const float* dy, const float* x, const float* y,
                   const float* gamma, const float* beta, const float* mean, const float* inverse, float* dx,
                   float* dgamma, float* dbeta, float* dresidual) {
  const size_t n = s.rows * s.channels;
  if (s.channels == 0) return;
  const size_t width = rowWidth(s.channels);
  std::vector<float> scale(s.channels), shift(s.channels);
  for (size_t c = 0; c < s.channels; c++) {
    const double k = (gamma != nullptr ? gamma[c] : 1.0) * inverse[c];
    scale[c] = static_cast<float>(k);
    shift[c] = static_cast<float>((beta != nullptr ? beta[c] : 0.0) - mean[c] * k);
  }
  const auto means = repeated(mean, s.channels, width, 0.f), scales = repeated(scale.data(), s.channels, width, 0.f),
             shifts = repeated(shift.data(), s.channels, width, 0.f);
  const bool hasY = y != nullptr;
  const int mask = s.activation == kLinear  ? kMaskNone
                   : s.activation == kRelu6 ? (hasY ? kMaskY6 : kMaskX6)
                                            : (hasY ? kMaskY : kMaskX);
  const bool kept = (mask == kMaskY || mask == kMaskY6) && dresidual != nullptr;
  const Pieces pieces(n, width);
  const Tasks tasks(context, pieces);
  std::vector<double> parts(tasks.count * width * 2, 0.0);
  context.pool.run(n == 0 ? 0 : tasks.count, [&](size_t task, int thread) {
    double* sums = parts.data() + task * width * 2;
    double* sumsX = sums + width;
    float* pieceSum = context.pool.scratch(thread, 2, width * 2);
    float* pieceSumX = pieceSum + width;
    for (size_t b = pieces.count * task / tasks.count; b < pieces.count * (task + 1) / tasks.count; b++) {
      const size_t at = b * pieces.pieceFloats;
      context.kernels.normSums(mask, dy + at, x + at, y != nullptr ? y + at : nullptr, means.data(), scales.data(),
                               shifts.data(), kept ? dresidual + at : nullptr, pieces.floats(b), width, pieceSum,
                               pieceSumX);
      for (size_t j = 0; j < width; j++) {
        sums[j] += pieceSum[j];
        sumsX[j] += pieceSumX[j];
      }
    }
  });
  std::vector<float> a1(s.channels), a2(s.channels), a3(s.channels);
  const double rows = s.rows > 0 ? static_cast<double>(s.rows) : 1;
  for (size_t c = 0; c < s.channels; c++) {
    double sum = 0, sumX = 0;
    for (size_t task = 0; task < tasks.count; task++) {
      for (size_t j = c; j < width; j += s.channels) {
        sum += parts[task * width * 2 + j];
        sumX += parts[task * width * 2 + width + j];
      }
    }
    dbeta[c] = static_cast<float>(sum);
    dgamma[c] = static_cast<float>(sumX * inverse[c]);
    // dx = gamma * inverse * (dz - mean(dz) - xhat * mean(dz * xhat))
    const double k = (gamma != nullptr ? gamma[c] : 1.0) * inverse[c];
    const double slope = -k * inverse[c] * static_cast<double>(inverse[c]) * sumX / rows;
    a1[c] = static_cast<float>(k);
    a2[c] = static_cast<float>(slope);
    a3[c] = static_cast<float>(-k * sum / rows - slope * mean[c]);
  }
  const auto r1 = repeated(a1.data(), s.channels, width, 0.f), r2 = repeated(a2.data(), s.channels, width, 0.f),
             r3 = repeated(a3.data(), s.channels, width, 0.f);
  context.pool.range(n, kParallel, std::max<size_t>(width, 4096 / width * width), [&](size_t lo, size_t hi) {
    context.kernels.normGrad(kept ? kMaskNone : mask, (kept ? dresidual : dy) + lo, x + lo,
                             y != nullptr ? y + lo : nullptr, scales.data(), shifts.data(), r1.data(), r2.data(),
                             r3.data(), dx + lo, hi - lo, width);
  });
}

void groupNormForward(const Context& context, const GroupNorm& s, const float* x, const float* gamma, const float* beta,
                      float* y, float* mean, float* inverse) {
  const size_t size = s.channels / s.groups, plane = s.pixels * s.channels;
  context.pool.run(s.images * s.groups, [&](size_t task, int thread) {
    const size_t image = task / s.groups, group = task % s.groups;
    const float* start = x + image * plane + group * size;
    double sum = 0, squares = 0;
    if (s.groups == 1) {
      sum = context.kernels.sum(start, plane);
    } else {
      for (size_t p = 0; p < s.pixels; p++) {
        for (size_t c = 0; c < size; c++) sum += start[p * s.channels + c];
      }
    }
    const double count = static_cast<double>(s.pixels * size), m = sum / count;
    for (size_t p = 0; p < s.pixels; p++) {
      for (size_t c = 0; c < size; c++) {
        const double d = start[p * s.channels + c] - m;
        squares += d * d;
      }
    }
    const double inv = 1.0 / std::sqrt(squares / count + s.epsilon);
    mean[task] = static_cast<float>(m);
    inverse[task] = static_cast<float>(inv);
    float* scale = context.pool.scratch(thread, 2, size * 2);
    float* shift = scale + size;
    for (size_t c = 0; c < size; c++) {
      const double g = (gamma != nullptr ? gamma[group * size + c] : 1.0) * inv;
      scale[c] = static_cast<float>(g);
      shift[c] = static_cast<float>((beta != nullptr ? beta[group * size + c] : 0.0) - m * g);
    }
    float* out = y + image * plane + group * size;
    for (size_t p = 0; p < s.pixels; p++) {
      context.kernels.affine(start + p * s.channels, scale, shift, nullptr, out + p * s.channels, size, size, kLinear);
    }
  });
}

void groupNormGrad(const Context& context, const GroupNorm& s, const float* dy, const float* x, const float* gamma,
                   const float* mean, const float* inverse, float* dx, float* dgamma, float* dbeta) {
  const size_t size = s.channels / s.groups, plane = s.pixels * s.channels;
  const size_t tasks = std::min<size_t>(std::max<size_t>(s.images, 1), static_cast<size_t>(context.pool.hands()) * 4);
  std::vector<double> parts(tasks * s.channels * 2, 0.0);
  context.pool.run(tasks, [&](size_t task, int) {
    double* sums = parts.data() + task * s.channels * 2;
    double* sumsX = sums + s.channels;
    for (size_t image = s.images * task / tasks; image < s.images * (task + 1) / tasks; image++) {
      for (size_t group = 0; group < s.groups; group++) {
        const size_t at = image * plane + group * size;
        const double m = mean[image * s.groups + group], inv = inverse[image * s.groups + group];
        double all = 0, allX = 0;
        for (size_t p = 0; p < s.pixels; p++) {
          const float* g = dy + at + p * s.channels;
          const float* in = x + at + p * s.channels;
          for (size_t c = 0; c < size; c++) {
            const double xhat = (in[c] - m) * inv, scaled = g[c] * (gamma != nullptr ? gamma[group * size + c] : 1.0);
            sums[group * size + c] += g[c];
            sumsX[group * size + c] += g[c] * xhat;
            all += scaled;
            allX += scaled * xhat;
          }
        }
        const double count = static_cast<double>(s.pixels * size);
        all /= count;
        allX /= count;
        for (size_t p = 0; p < s.pixels; p++) {
          const float* g = dy + at + p * s.channels;
          const float* in = x + at + p * s.channels;
          float* out = dx + at + p * s.channels;
          for (size_t c = 0; c < size; c++) {
            const double xhat = (in[c] - m) * inv, scaled = g[c] * (gamma != nullptr ? gamma[group * size + c] : 1.0);
            out[c] = static_cast<float>(inv * (scaled - all - xhat * allX));
          }
        }
      }
    }
  });
  for (size_t c = 0; c < s.channels; c++) {
    double sum = 0, sumX = 0;
    for (size_t task = 0; task < tasks; task++) {
      sum += parts[task * s.channels * 2 + c];
      sumX += parts[task * s.channels * 2 + s.channels + c];
    }
    dbeta[c] = static_cast<float>(sum);
    dgamma[c] = static_cast<float>(sumX);
  }
}

void softmax(const Context& context, size_t rows, size_t classes, const float* x, bool logarithm, float* y) {
  if (classes == 0) return;
  const size_t grain = std::max<size_t>(1, 1024 / classes);
  context.pool.range(rows, std::max<size_t>(1, kParallel / classes), grain, [&](size_t lo, size_t hi) {
    for (size_t r = lo; r < hi; r++) context.kernels.softmaxRow(x + r * classes, classes, y + r * classes, logarithm);
  });
}

void crossEntropy(const Context& context, size_t rows, size_t classes, const float* logits, const int32_t* labels,
                  const float* targets, float smoothing, float* loss, float* gradient) {
  if (classes == 0) return;
  context.pool.range(rows, std::max<size_t>(1, kParallel / classes), 1, [&](size_t lo, size_t hi) {
    for (size_t r = lo; r < hi; r++) {
      const float* x = logits + r * classes;
      float* g = gradient + r * classes;
      const double lse = context.kernels.softmaxRow(x, classes, g, 0);
      if (targets != nullptr) {
        const float* t = targets + r * classes;
        double total = 0, sum = 0;
        for (size_t c = 0; c < classes; c++) {
          total += t[c] * (lse - x[c]);
          sum += t[c];
        }
        loss[r] = static_cast<float>(total);
        for (size_t c = 0; c < classes; c++) g[c] = static_cast<float>(g[c] * sum) - t[c];
        continue;
      }
      const int32_t label = labels[r];
      if (label < 0 || static_cast<size_t>(label) >= classes) {
        loss[r] = 0.f;
        for (size_t c = 0; c < classes; c++) g[c] = 0.f;
        continue;
      }
      double total = lse - x[label];
      if (smoothing > 0.f) {
        double others = 0;
        for (size_t c = 0; c < classes; c++) others += lse - x[c];
        total = (1.0 - smoothing) * total + smoothing * others / static_cast<double>(classes);
        for (size_t c = 0; c < classes; c++) g[c] -= smoothing / static_cast<float>(classes);
      }
      loss[r] = static_cast<float>(total);
      g[label] -= 1.f - smoothing;
    }
  });
}

}  // namespace convbook
