#include "conv/folded.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace convbook {

void foldNorm(const RunningNorm& norm, size_t channels, const float* bias, float* scale, float* shift) {
  for (size_t c = 0; c < channels; c++) {
    const double gamma = norm.gamma != nullptr ? norm.gamma[c] : 1.0, beta = norm.beta != nullptr ? norm.beta[c] : 0.0;
    const double k = gamma / std::sqrt(norm.variance[c] + norm.epsilon);
    scale[c] = static_cast<float>(k);
    shift[c] = static_cast<float>(beta + ((bias != nullptr ? bias[c] : 0.0) - norm.mean[c]) * k);
  }
}

static void scaledRow(const float* w, size_t channels, const float* scale, float* to) {
  for (size_t c = 0; c < channels; c++) to[c] = w[c] * scale[c];
}

void scaleColumns(const Context& context, const float* w, size_t rows, size_t channels, const float* scale, float* to) {
  context.pool.range(rows * channels, kParallel, channels, [&](size_t lo, size_t hi) {
    for (size_t at = lo; at < hi; at += channels) scaledRow(w + at, channels, scale, to + at);
  });
}

bool isScaled(const float* scaled, const float* w, size_t rows, size_t channels, const float* scale) {
  std::vector<float> row(channels);
  for (size_t r = 0; r < rows; r++) {
    scaledRow(w + r * channels, channels, scale, row.data());
    if (std::memcmp(row.data(), scaled + r * channels, channels * sizeof(float)) != 0) return false;
  }
  return true;
}

}  // namespace convbook
