// The way back through pointwise convolutions: a few pixels at a time go through all of it, from the gradient of what
// the convolution made to that of what it read through a normalization, while they are in the first-level cache.
#include <algorithm>
#include <cstring>

#include "conv/implementation.h"
#include "program/program_run.h"

namespace convbook {

bool Program::Run::isPixelwise(const ProgramOp& op) const {
  const bool wantsInput = op.src != 0 || arrays.dx != nullptr || op.norm >= 0;
  return wantsInput && op.residual < 0 && context.onednn == nullptr && context.kernels.tiles == nullptr &&
         (phase.slots > 1 || context.pool.hands() == 1) && isPointwise(program.shapeOf(op, phase.chunk));
}

void Program::Run::Chunk::pixelwise(const Step& step, bool isFirstChunk) {
  const Program& b = run.program;
  const ProgramOp& op = b.ops_[static_cast<size_t>(step.op)];
  const PointwiseGrads& grads = *run.pointwiseGrads[static_cast<size_t>(step.op)];
  const size_t in = static_cast<size_t>(op.inChannels), width = static_cast<size_t>(op.outChannels);
  const size_t rows = pixels(op.src), weights = in * width, all = weights + (op.hasBias() ? width : 0);
  const size_t some = std::min(rows, pointwisePixelsAtOnce(context, b.shapeOf(op, images)));
  // The gradient of what was made, side by side.
  bool isPlain;
  GradRows dy = gradientRows(step, op, isPlain);
  const bool isDense = isPlain && dy.ds == op.outChannels;
  if (!isDense) {
    dy.out = take(some * width);
    dy.os = op.outChannels;
  }
  // The input, normalized, and its gradient, which goes back through the normalization or is added to what is there.
  const ConvSource from = source(op);
  AffineRows x = {
      from.x, from.stride, from.scale, from.shift, nullptr, 0, nullptr, op.inChannels, from.relu ? kRelu : kLinear};
  if (from.scale != nullptr) x.y = take(some * in);
  GradRows dx = {};
  if (op.norm >= 0) {
    dx = normalized(step, op);
    dx.sum = take(2 * in);
    dx.sumX = dx.sum + in;
    std::memset(dx.sum, 0, 2 * in * sizeof(float));
  } else {
    target(dx, op.src, op.srcOffset, step.firstSource);
  }
  const bool isStraight = op.norm < 0 && dx.base == nullptr;
  if (!isStraight) {
    dx.dy = take(some * in);
    dx.ds = op.inChannels;
  }
  float* made = const_cast<float*>(dx.dy);
  float *filter = take(all), *bias = filter + weights;
  std::memset(filter, 0, all * sizeof(float));
  size_t summed = 0;
  for (size_t row = 0; row < rows; row += some) {
    const size_t count = std::min(some, rows - row), next = std::min(some, rows - row - count);
    const ptrdiff_t by = static_cast<ptrdiff_t>(count);
    Soon soon;
    if (next > 0) {
      soon.add(dy.dy + by * dy.ds, dy.ds, op.outChannels, next);
      if (dy.x != nullptr) soon.add(dy.x + by * dy.xs, dy.xs, op.outChannels, next);
      soon.add(x.x + by * x.xs, x.xs, op.inChannels, next);
      if (dx.out != nullptr) soon.add(dx.out + by * dx.os, dx.os, op.inChannels, next);
    }
    if (!isDense) context.kernels.gradRows(dy, count, width);
    const float* gradient = isDense ? dy.dy : dy.out;
    if (x.y != nullptr) context.kernels.affineRows(x, count, in);
    if (op.hasBias()) context.kernels.reduceRows(Reduce::Sum, gradient, count, width, width, bias);
    grads.run(context, x.y != nullptr ? x.y : x.x, x.y != nullptr ? x.ys : x.xs, gradient, isStraight ? dx.out : made,
              isStraight ? dx.os : op.inChannels, count, filter, soon);
    if (!isStraight) {
      context.kernels.gradRows(dx, count, in);
      dx.dy = made - by * dx.ds;  // it is made anew in the same place
    }
    summed += count;
    if (op.norm >= 0 && (summed >= kSumRows || next == 0)) {
      double* total = reinterpret_cast<double*>(sums + step.accumulator);
      for (size_t c = 0; c < 2 * in; c++) total[c] += dx.sum[c];
      std::memset(dx.sum, 0, 2 * in * sizeof(float));
      summed = 0;
    }
    float* again = dy.out;
    dy = behind(dy, count);
    dy.out = again;
    dx = behind(dx, count);
    x.x += by * x.xs;
  }
  float* sum = filterSums(step, op);
  float* part = isFirstChunk ? sum : take(all);
  grads.finish(filter, part);
  if (op.hasBias()) std::memcpy(part + weights, bias, width * sizeof(float));
  if (!isFirstChunk) context.kernels.binary(Binary::Add, sum, 1, part, 1, sum, all);
}

}  // namespace convbook
