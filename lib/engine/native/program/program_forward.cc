// A program's operations forwards, in training and inference, and the statistics of what they make.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "program/program_run.h"

namespace convbook {

void Program::Run::join() const {
  for (size_t i = 0; i < program.ops_.size(); i++) {
    if (program.joinedAt_[i] == kNowhere) continue;
    const ProgramOp& op = program.ops_[i];
    float* to = arrays.workspace + program.joinedAt_[i];
    const size_t count = program.weightsOf(op), width = static_cast<size_t>(op.outChannels);
    float* bias = to + (count + 15) / 16 * 16;
    size_t column = 0;
    for (const ProgramPart& part : op.parts) {
      const size_t channels = static_cast<size_t>(part.channels);
      std::vector<float> scale(channels, 1.f);
      const float* own = param(part.bias);
      for (size_t c = 0; c < channels; c++) bias[column + c] = own != nullptr ? own[c] : 0.f;
      if (part.fold >= 0) {
        const ProgramNorm& n = program.norms_[static_cast<size_t>(part.fold)];
        for (size_t c = 0; c < channels; c++) {
          const double factor = param(n.gamma)[c] / std::sqrt(static_cast<double>(param(n.variance)[c]) + n.epsilon);
          scale[c] = static_cast<float>(factor);
          bias[column + c] = static_cast<float>((static_cast<double>(bias[column + c]) - param(n.mean)[c]) * factor +
                                                param(n.beta)[c]);
        }
      }
      const float* from = param(part.weight);
      context.pool.range(count / width, std::max<size_t>(1, kParallel / channels), 1, [&](size_t lo, size_t hi) {
        for (size_t row = lo; row < hi; row++) {
          context.kernels.binary(Binary::Multiply, from + row * channels, 1, scale.data(), 1, to + row * width + column,
                                 channels);
        }
      });
      column += channels;
    }
  }
}

const float* Program::Run::weightsOf(int op) const {
  const size_t at = program.joinedAt_[static_cast<size_t>(op)];
  return at != kNowhere ? arrays.workspace + at : param(program.ops_[static_cast<size_t>(op)].parts[0].weight);
}

const float* Program::Run::biasOf(int op) const {
  const ProgramOp& conv = program.ops_[static_cast<size_t>(op)];
  if (!conv.hasBias()) return nullptr;
  const size_t at = program.joinedAt_[static_cast<size_t>(op)];
  return at != kNowhere ? arrays.workspace + at + (program.weightsOf(conv) + 15) / 16 * 16 : param(conv.parts[0].bias);
}

void Program::Run::Chunk::forward(const Step& step) {
  const Program& b = run.program;
  const ProgramOp& op = b.ops_[static_cast<size_t>(step.op)];
  if (op.kind == ProgramOp::Stats) {
    moments(step, data(op.src, op.srcOffset), pixels(op.src), op.inChannels);
    return;
  }
  const auto to = data(op.dst, op.dstOffset);
  const size_t rows = pixels(op.dst);
  if (op.kind == ProgramOp::Merge) {
    const auto from = data(op.src, op.srcOffset);
    const Line* l = op.norm >= 0 ? &run.lines[static_cast<size_t>(op.norm)] : nullptr;
    const Slice<float> residual = op.residual >= 0 ? data(op.residual, 0) : Slice<float>{nullptr, 0};
    const AffineRows t = {from.data,
                          from.stride,
                          l != nullptr ? l->scale.data() : nullptr,
                          l != nullptr ? l->shift.data() : nullptr,
                          residual.data,
                          residual.stride,
                          to.data,
                          to.stride,
                          op.activation};
    affineRows(t, rows, op.outChannels);
  } else if (op.kind == ProgramOp::Conv) {
    const bool direct = run.isDirect(op);
    float* result = direct ? to.data : take(rows * op.outChannels);
    const auto& packed = run.convolutions[static_cast<size_t>(step.op)];
    const auto once = packed == nullptr ? run.convolution(context, static_cast<size_t>(step.op), true) : nullptr;
    const PreparedConv& convolution = packed == nullptr ? *once : *packed;
    convolution.run(context, static_cast<int>(images), source(op), result,
                    op.residual >= 0 ? data(op.residual, 0).data : nullptr, op.activation);
    if (!direct) {
      copyRows({result, op.outChannels}, to, rows, op.outChannels);
    }
    if (b.tracked(op.dst)) moments(step, to, rows, op.outChannels);
    return;
  } else if (op.kind == ProgramOp::MaxPool) {
    uint8_t* index = nullptr;
    if (b.mode_ == ProgramMode::Forward) index = indexOf(step);
    maxPool(context, b.poolOf(op, images), data(op.src, 0).data, to.data, index);
  } else {
    avgPool(context, b.poolOf(op, images), data(op.src, 0).data, to.data);
  }
  if (b.tracked(op.dst)) moments(step, to, rows, op.outChannels);
}

void Program::Run::Chunk::moments(const Step& step, Slice<float> x, size_t rows, int channels) {
  const size_t n = static_cast<size_t>(channels);
  double* count = reinterpret_cast<double*>(sums + step.accumulator);
  double *sum = count + 1, *squares = sum + n;
  float* shift = reinterpret_cast<float*>(squares + n);
  if (*count == 0) {
    // The first rows' mean: near enough to the whole one that nothing cancels.
    const size_t some = std::min<size_t>(rows, 64);
    float* part = take(2 * n);
    std::memset(part, 0, 2 * n * sizeof(float));
    std::memset(shift, 0, n * sizeof(float));
    context.kernels.momentRows(x.data, x.stride, shift, part, part + n, some, n);
    for (size_t c = 0; c < n; c++) shift[c] = part[c] / static_cast<float>(some);
    free = part;
  }
  sumRows(rows, channels, sum, squares, [&](size_t row, size_t some, float* part, float* partOfSquares) {
    context.kernels.momentRows(x.data + static_cast<ptrdiff_t>(row) * x.stride, x.stride, shift, part, partOfSquares,
                               some, n);
  });
  *count += static_cast<double>(rows);
}

void Program::Run::finishForward() const {
  for (const Step& step : phase.steps) {
    if (step.accumulatorFloats == 0) continue;
    const ProgramOp& op = program.ops_[static_cast<size_t>(step.op)];
    const bool stats = op.kind == ProgramOp::Stats;
    const int buffer = stats ? op.src : op.dst, offset = stats ? op.srcOffset : op.dstOffset;
    const size_t n = static_cast<size_t>(stats ? op.inChannels : op.outChannels);
    float *mean = statsOf(buffer) + offset, *variance = mean + channels(buffer);
    for (size_t c = 0; c < n; c++) {
      // Parts are joined as Chan, Golub and LeVeque do (1979).
      double count = 0, middle = 0, m2 = 0;
      for (size_t slot = 0; slot < phase.slots; slot++) {
        const float* sums =
            arrays.workspace + program.accumulatorAt_ + slot * phase.accumulatorFloats + step.accumulator;
        const double* some = reinterpret_cast<const double*>(sums);
        if (*some == 0) continue;
        const double *sum = some + 1, *squares = sum + n;
        const float* shift = reinterpret_cast<const float*>(squares + n);
        const double away = sum[c] / *some, total = count + *some, delta = shift[c] + away - middle;
        m2 += std::max(0.0, squares[c] - sum[c] * away) + delta * delta * (count * *some / total);
        middle += delta * (*some / total);
        count = total;
      }
      mean[c] = static_cast<float>(middle);
      variance[c] = static_cast<float>(count > 0 ? m2 / count : 0);
    }
  }
}

}  // namespace convbook
