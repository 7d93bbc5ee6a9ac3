// A program's operations backwards, and the gradients of its parameters.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "conv/implementation.h"
#include "program/program_run.h"

namespace convbook {

void Program::Run::Chunk::backward(const Step& step, bool isFirstChunk) {
  const Program& b = run.program;
  const ProgramOp& op = b.ops_[static_cast<size_t>(step.op)];
  if (op.kind == ProgramOp::Stats) {
    GradRows t = {};
    const auto g = grad(op.src, op.srcOffset);
    if (g.data == nullptr) return;
    linear(t, op.src, op.srcOffset);
    t.dy = t.out = g.data;
    t.ds = t.os = g.stride;
    gradRows(t, pixels(op.src), op.inChannels, nullptr);
    return;
  }
  if (op.kind == ProgramOp::Conv && run.isPixelwise(op)) return pixelwise(step, isFirstChunk);
  const auto dy = gradient(step, op);
  if (op.kind == ProgramOp::Merge) {
    GradRows t = {};
    t.dy = dy.data;
    t.ds = dy.stride;
    mask(t, op);
    if (op.norm >= 0) {
      const auto x = data(op.src, op.srcOffset);
      t.x = x.data;
      t.xs = x.stride;
      t.mean = run.lines[static_cast<size_t>(op.norm)].mean;
      GradRows passed = t;
      if (!step.handsDown) {
        t.k = run.lines[static_cast<size_t>(op.norm)].scale.data();
        target(t, op.src, op.srcOffset, step.firstSource);
      } else if (op.residual >= 0) {
        target(t, op.residual, 0, step.firstResidual);
      }
      gradRows(t, pixels(op.src), op.inChannels, reinterpret_cast<double*>(sums + step.accumulator));
      if (step.handsDown || op.residual < 0) return;
      passed.mean = nullptr;
      target(passed, op.residual, 0, step.firstResidual);
      if (passed.out != nullptr) gradRows(passed, pixels(op.residual), op.outChannels, nullptr);
      return;
    }
    target(t, op.src, op.srcOffset, step.firstSource);
    if (t.out != nullptr) gradRows(t, pixels(op.src), op.inChannels, nullptr);
    if (op.residual < 0) return;
    t.base = nullptr;
    target(t, op.residual, 0, step.firstResidual);
    if (t.out != nullptr) gradRows(t, pixels(op.residual), op.outChannels, nullptr);
    return;
  }
  if (op.residual >= 0) addTo(op.residual, 0, op.outChannels, step.firstResidual, dy);
  const float* gradient = dense(dy, pixels(op.dst), op.outChannels);
  const auto to = grad(op.src, op.srcOffset);
  const bool straight = op.norm < 0 && step.firstSource && op.src != b.output_ && to.stride == op.inChannels;
  if (op.kind == ProgramOp::Conv) filterGrad(step, op, gradient, isFirstChunk);
  if (op.norm < 0 && to.data == nullptr) return;
  float* result = straight ? to.data : take(pixels(op.src) * op.inChannels);
  if (op.kind == ProgramOp::Conv) {
    run.inputGrads[static_cast<size_t>(step.op)]->run(context, static_cast<int>(images), gradient, result);
  } else if (op.kind == ProgramOp::MaxPool) {
    maxPoolGrad(context, b.poolOf(op, images), gradient, indexOf(step), result);
  } else {
    avgPoolGrad(context, b.poolOf(op, images), gradient, result);
  }
  if (straight) return;
  if (op.norm < 0) {
    addTo(op.src, op.srcOffset, op.inChannels, step.firstSource, {result, op.inChannels});
    return;
  }
  GradRows t = normalized(step, op);
  t.dy = result;
  t.ds = op.inChannels;
  gradRows(t, pixels(op.src), op.inChannels, reinterpret_cast<double*>(sums + step.accumulator));
}

GradRows Program::Run::Chunk::normalized(const Step& step, const ProgramOp& op) const {
  const Line& l = run.lines[static_cast<size_t>(op.norm)];
  const auto x = data(op.src, op.srcOffset);
  GradRows t = {};
  t.x = x.data;
  t.xs = x.stride;
  t.mask = run.program.norms_[static_cast<size_t>(op.norm)].relu != 0 ? 1 : 0;
  t.scale = l.scale.data();
  t.shift = l.shift.data();
  t.k = l.scale.data();
  t.mean = l.mean;
  target(t, op.src, op.srcOffset, step.firstSource);
  return t;
}

float* Program::Run::Chunk::filterSums(const Step& step, const ProgramOp& op) const {
  return sums + step.accumulator + (op.norm >= 0 ? (4 * static_cast<size_t>(op.inChannels) + 15) / 16 * 16 : 0);
}

void Program::Run::Chunk::filterGrad(const Step& step, const ProgramOp& op, const float* gradient, bool isFirstChunk) {
  const Program& b = run.program;
  float* before = free;
  const size_t weights = b.weightsOf(op), all = weights + static_cast<size_t>(op.hasBias() ? op.outChannels : 0);
  float* total = filterSums(step, op);
  float* part = isFirstChunk ? total : take(all);
  float* bias = op.hasBias() ? part + weights : nullptr;
  const ConvShape shape = b.shapeOf(op, images);
  const ConvSource from = source(op);
  const bool isPlain = from.scale == nullptr && from.stride == op.inChannels;
  // Tiles take what they split as it lies; all else wants it worked out first.
  if (isPlain || context.onednn != nullptr || context.beforeLoops() == nullptr ||
      !context.beforeLoops()->filterGrad(context, shape, from, gradient, part, bias)) {
    convFilterGrad(context, shape, input(op), gradient, part, bias);
  }
  if (!isFirstChunk) context.kernels.binary(Binary::Add, total, 1, part, 1, total, all);
  free = before;
}

GradRows Program::Run::Chunk::gradientRows(const Step& step, const ProgramOp& op, bool& isPlain) const {
  const Program& b = run.program;
  GradRows t = {};
  Slice<const float> from;
  isPlain = false;
  if (step.deferred >= 0) {
    const ProgramOp& merge = b.ops_[static_cast<size_t>(step.deferred)];
    from = step.gradFromOutput ? given(merge.dstOffset) : fixed(grad(merge.dst, merge.dstOffset));
    mask(t, merge);
    t.k = run.lines[static_cast<size_t>(merge.norm)].scale.data();
  } else {
    from = step.gradFromOutput ? given(op.dstOffset) : fixed(grad(op.dst, op.dstOffset));
    isPlain = !b.tracked(op.dst);
  }
  t.dy = from.data;
  t.ds = from.stride;
  if (!isPlain) linear(t, op.dst, op.dstOffset);
  return t;
}

Program::Run::Slice<const float> Program::Run::Chunk::gradient(const Step& step, const ProgramOp& op) {
  bool isPlain;
  GradRows t = gradientRows(step, op, isPlain);
  if (isPlain) return {t.dy, t.ds};
  const size_t rows = pixels(op.dst);
  t.out = take(rows * op.outChannels);
  t.os = op.outChannels;
  gradRows(t, rows, op.outChannels, nullptr);
  return {t.out, t.os};
}

void Program::Run::Chunk::gradRows(const GradRows& t, size_t rows, int channels, double* total) {
  const size_t n = static_cast<size_t>(channels);
  if (total == nullptr) {
    byRows(rows, channels, [&](size_t first, size_t count) { context.kernels.gradRows(behind(t, first), count, n); });
    return;
  }
  sumRows(rows, channels, total, total + n, [&](size_t first, size_t count, float* sum, float* sumX) {
    GradRows part = behind(t, first);
    part.sum = sum;
    part.sumX = sumX;
    context.kernels.gradRows(part, count, n);
  });
}

void Program::Run::Chunk::mask(GradRows& t, const ProgramOp& op) const {
  if (op.activation == kLinear) return;
  if (op.norm >= 0 && op.residual < 0) {
    const Line& l = run.lines[static_cast<size_t>(op.norm)];
    t.mask = 1;
    t.scale = l.scale.data();
    t.shift = l.shift.data();
  } else {
    const auto y = data(op.dst, op.dstOffset);
    t.mask = 2;
    t.y = y.data;
    t.ys = y.stride;
  }
}

void Program::Run::Chunk::linear(GradRows& t, int buffer, int offset) const {
  const auto x = data(buffer, offset);
  t.x = x.data;
  t.xs = x.stride;
  if (!run.program.tracked(buffer)) return;
  t.a2 = run.arrays.workspace + run.program.linearAt_[static_cast<size_t>(buffer)] + offset;
  t.a3 = t.a2 + run.channels(buffer);
}

void Program::Run::Chunk::target(GradRows& t, int buffer, int offset, bool isFirst) const {
  const auto to = grad(buffer, offset);
  t.out = to.data;
  t.os = to.stride;
  if (to.data == nullptr) return;
  if (isFirst && buffer != run.program.output_) return;
  const Slice<const float> base = isFirst ? given(offset) : fixed(to);
  t.base = base.data;
  t.bs = base.stride;
}

void Program::Run::Chunk::addTo(int buffer, int offset, int channels, bool isFirst, Slice<const float> dz) {
  GradRows t = {};
  t.dy = dz.data;
  t.ds = dz.stride;
  target(t, buffer, offset, isFirst);
  if (t.out != nullptr) gradRows(t, pixels(buffer), channels, nullptr);
}

void Program::Run::finishBackward() const {
  for (const Step& step : phase.steps) {
    const ProgramOp& op = program.ops_[static_cast<size_t>(step.op)];
    float* first = arrays.workspace + program.accumulatorAt_ + step.accumulator;
    if (op.norm >= 0) finishNorm(op, first);
    if (op.kind != ProgramOp::Conv) continue;
    first += op.norm >= 0 ? (4 * static_cast<size_t>(op.inChannels) + 15) / 16 * 16 : 0;
    // The first slot takes the sum of all; a row of it holds all parts' columns.
    const size_t weights = program.weightsOf(op), width = static_cast<size_t>(op.outChannels);
    context.pool.range(weights + (op.hasBias() ? width : 0), kParallel, 1024, [&](size_t lo, size_t hi) {
      context.kernels.reduceRows(Reduce::Sum, first + phase.accumulatorFloats + lo, phase.slots - 1,
                                 phase.accumulatorFloats, hi - lo, first + lo);
    });
    for (const ProgramPart& part : op.parts) {
      const size_t channels = static_cast<size_t>(part.channels);
      auto give = [&](int index, const float* from, size_t rows) {
        context.kernels.copyRows(from, width, arrays.grads[static_cast<size_t>(index)].first, channels, rows, channels);
      };
      give(part.weight, first, weights / width);
      if (part.bias >= 0) give(part.bias, first + weights, 1);
      first += channels;
    }
  }
}

void Program::Run::finishNorm(const ProgramOp& op, const float* accumulators) const {
  const ProgramNorm& n = program.norms_[static_cast<size_t>(op.norm)];
  const size_t count = static_cast<size_t>(n.channels);
  const Line& l = lines[static_cast<size_t>(op.norm)];
  const float* variance = statsOf(n.buffer) + channels(n.buffer) + n.offset;
  float* a2 = arrays.workspace + program.linearAt_[static_cast<size_t>(n.buffer)] + n.offset;
  float* a3 = a2 + channels(n.buffer);
  const double rows = static_cast<double>(program.batch_ * program.pixels(n.buffer));
  for (size_t c = 0; c < count; c++) {
    double sum = 0, sumX = 0;
    for (size_t slot = 0; slot < phase.slots; slot++) {
      const double* part = reinterpret_cast<const double*>(accumulators + slot * phase.accumulatorFloats);
      sum += part[c];
      sumX += part[count + c];
    }
    const double inverse = 1.0 / std::sqrt(static_cast<double>(variance[c]) + n.epsilon);
    arrays.grads[static_cast<size_t>(n.beta)].first[c] = static_cast<float>(sum);
    arrays.grads[static_cast<size_t>(n.gamma)].first[c] = static_cast<float>(sumX * inverse);
    // dx = gamma * inverse * (dz - mean(dz) - xhat * mean(dz * xhat)): the first term is added at once, the others,
    // a line in x, when all that is to be known about the batch is.
    const double k = param(n.gamma)[c] * inverse, slope = -k * inverse * inverse * sumX / rows;
    a2[c] += static_cast<float>(slope);
    a3[c] += static_cast<float>(-k * sum / rows - slope * l.mean[c]);
  }
}

}  // namespace convbook
