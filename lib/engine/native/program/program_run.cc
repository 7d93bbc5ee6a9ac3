// Running a program's phases: what is the same forwards and backwards.
#include "program/program_run.h"

#include <cmath>
#include <cstring>

namespace convbook {

Program::Run::Run(const Program& b, const Context& c, const SingleThreads& s, size_t index, const ProgramArrays& a)
    : program(b), context(c), singles(s), phase(b.phases_[index]), arrays(a), lines(b.norms_.size()) {
  for (const Step& step : phase.steps) {
    const ProgramOp& op = program.ops_[static_cast<size_t>(step.op)];
    if (op.norm >= 0) line(op.norm, program.mode_ == ProgramMode::Forward);
    if (step.deferred >= 0) line(program.ops_[static_cast<size_t>(step.deferred)].norm, false);
  }
}

void Program::Run::line(int norm, bool keep) {
  const ProgramNorm& n = program.norms_[static_cast<size_t>(norm)];
  Line& l = lines[static_cast<size_t>(norm)];
  const size_t count = static_cast<size_t>(n.channels);
  const bool own = program.mode_ != ProgramMode::Infer;
  const float* mean = own ? statsOf(n.buffer) + n.offset : param(n.mean);
  const float* variance = own ? statsOf(n.buffer) + channels(n.buffer) + n.offset : param(n.variance);
  l.mean = mean;
  l.scale.resize(count);
  l.shift.resize(count);
  for (size_t c = 0; c < count; c++) {
    const double scale = param(n.gamma)[c] / std::sqrt(static_cast<double>(variance[c]) + n.epsilon);
    l.scale[c] = static_cast<float>(scale);
    l.shift[c] = static_cast<float>(param(n.beta)[c] - mean[c] * scale);
  }
  if (!keep || n.mean < 0) return;
  const double rows = static_cast<double>(program.batch_ * program.pixels(n.buffer));
  float *running = param(n.mean), *runningVariance = param(n.variance);
  for (size_t c = 0; c < count; c++) {
    running[c] = running[c] * (1.f - n.share) + mean[c] * n.share;
    runningVariance[c] =
        runningVariance[c] * (1.f - n.share) + static_cast<float>(variance[c] * (rows / (rows - 1))) * n.share;
  }
}

Program::Run::Slice<float> Program::Run::Chunk::data(int buffer, int offset) const {
  const Program& b = run.program;
  const size_t index = static_cast<size_t>(buffer), channels = static_cast<size_t>(run.channels(buffer));
  const size_t at = first * b.pixels(buffer) * channels;
  float* start = buffer == 0                     ? const_cast<float*>(run.arrays.x) + at
                 : buffer == b.output_           ? run.arrays.y + at
                 : b.mode_ == ProgramMode::Infer ? scratch + b.transientAt_[index] * run.phase.chunk
                                                 : run.arrays.state + b.dataAt_[index] + at;
  return {start + offset, static_cast<ptrdiff_t>(channels)};
}

Program::Run::Slice<float> Program::Run::Chunk::grad(int buffer, int offset) const {
  const Program& b = run.program;
  const size_t index = static_cast<size_t>(buffer), channels = static_cast<size_t>(run.channels(buffer));
  const size_t at = first * b.pixels(buffer) * channels;
  float* start = buffer == 0                         ? run.arrays.dx == nullptr ? nullptr : run.arrays.dx + at
                 : b.transientAt_[index] != kNowhere ? scratch + b.transientAt_[index] * run.phase.chunk
                                                     : run.arrays.workspace + b.gradAt_[index] + at;
  return {start == nullptr ? nullptr : start + offset, static_cast<ptrdiff_t>(channels)};
}

Program::Run::Slice<const float> Program::Run::Chunk::given(int offset) const {
  const Program& b = run.program;
  const size_t channels = static_cast<size_t>(run.channels(b.output_));
  return {run.arrays.dy + first * b.pixels(b.output_) * channels + offset, static_cast<ptrdiff_t>(channels)};
}

const float* Program::Run::Chunk::dense(Slice<const float> from, size_t rows, int channels) {
  if (from.stride == channels) return from.data;
  float* to = take(rows * channels);
  copyRows(from, {to, channels}, rows, channels);
  return to;
}

void Program::Run::Chunk::affineRows(const AffineRows& t, size_t rows, int channels) const {
  byRows(rows, channels, [&](size_t first, size_t count) {
    context.kernels.affineRows(behind(t, first), count, static_cast<size_t>(channels));
  });
}

void Program::Run::Chunk::copyRows(Slice<const float> from, Slice<float> to, size_t rows, int channels) const {
  byRows(rows, channels, [&](size_t first, size_t count) {
    const ptrdiff_t by = static_cast<ptrdiff_t>(first);
    context.kernels.copyRows(from.data + by * from.stride, static_cast<size_t>(from.stride), to.data + by * to.stride,
                             static_cast<size_t>(to.stride), count, static_cast<size_t>(channels));
  });
}

ConvSource Program::Run::Chunk::source(const ProgramOp& op) const {
  const auto from = data(op.src, op.srcOffset);
  if (op.norm < 0) return {from.data, from.stride};
  const Line& l = run.lines[static_cast<size_t>(op.norm)];
  return {from.data, from.stride, l.scale.data(), l.shift.data(),
          run.program.norms_[static_cast<size_t>(op.norm)].relu != 0};
}

const float* Program::Run::Chunk::input(const ProgramOp& op) {
  const ConvSource from = source(op);
  const size_t rows = pixels(op.src);
  if (from.scale == nullptr) return dense({from.x, from.stride}, rows, op.inChannels);
  float* to = take(rows * op.inChannels);
  const AffineRows t = {
      from.x, from.stride, from.scale, from.shift, nullptr, 0, to, op.inChannels, from.relu ? kRelu : kLinear};
  affineRows(t, rows, op.inChannels);
  return to;
}

uint8_t* Program::Run::Chunk::indexOf(const Step& step) const {
  const Program& b = run.program;
  const int dst = b.ops_[static_cast<size_t>(step.op)].dst;
  return reinterpret_cast<uint8_t*>(run.arrays.state + b.indexAt_[static_cast<size_t>(step.op)]) +
         first * b.pixels(dst) * static_cast<size_t>(run.channels(dst));
}

std::unique_ptr<PreparedConv> Program::Run::convolution(const Context& own, size_t op, bool once) const {
  const ProgramOp& conv = program.ops_[op];
  const int index = static_cast<int>(op);
  return std::unique_ptr<PreparedConv>(new PreparedConv(own, program.shapeOf(conv, phase.chunk), weightsOf(index),
                                                        biasOf(index),
                                                        isDirect(conv) ? channels(conv.dst) : conv.outChannels, once));
}

void Program::Run::prepare() {
  convolutions.resize(program.ops_.size());
  inputGrads.resize(program.ops_.size());
  pointwiseGrads.resize(program.ops_.size());
  std::vector<size_t> steps;
  for (const Step& step : phase.steps) {
    const size_t op = static_cast<size_t>(step.op);
    if (program.ops_[op].kind == ProgramOp::Conv) steps.push_back(op);
  }
  const bool backward = program.mode_ == ProgramMode::Backward;
  auto make = [&](size_t op, const Context& own) {
    if (backward) {
      const ConvShape shape = program.shapeOf(program.ops_[op], phase.chunk);
      if (isPixelwise(program.ops_[op])) {
        pointwiseGrads[op].reset(new PointwiseGrads(own, shape, weightsOf(static_cast<int>(op))));
        return;
      }
      inputGrads[op].reset(new PreparedInputGrad(own, shape, weightsOf(static_cast<int>(op))));
    } else {
      convolutions[op] = convolution(own, op, false);
    }
  };
  // Cut for the threads that will run them.
  if (phase.slots > 1) {
    context.pool.run(steps.size(),
                     [&](size_t i, int thread) { make(steps[i], context.on(*singles[static_cast<size_t>(thread)])); });
  } else if (backward) {
    for (size_t op : steps) make(op, context);
  }
}

void Program::Run::task(size_t slot, const Context& own, int thread) const {
  const size_t images = phase.to - phase.from, chunks = (images + phase.chunk - 1) / phase.chunk;
  const size_t lo = chunks * slot / phase.slots, hi = chunks * (slot + 1) / phase.slots;
  float* scratch = arrays.workspace + program.scratchAt_ + static_cast<size_t>(thread) * program.scratchFloats_;
  float* sums = arrays.workspace + program.accumulatorAt_ + slot * phase.accumulatorFloats;
  for (const Step& step : phase.steps) {
    const ProgramOp& op = program.ops_[static_cast<size_t>(step.op)];
    size_t floats = step.accumulatorFloats;
    // Filters are written whole by the first chunk.
    if (program.mode_ == ProgramMode::Backward && op.norm < 0) floats = 0;
    if (program.mode_ == ProgramMode::Backward && op.norm >= 0) floats = 4 * static_cast<size_t>(op.inChannels);
    if (floats > 0) std::memset(sums + step.accumulator, 0, floats * sizeof(float));
  }
  float* start = scratch + phase.transientFloats * phase.chunk;
  // Every other phase goes the other way, so that it begins with what the one before has just left in the cache.
  const bool down = (&phase - program.phases_.data()) % 2 == (program.mode_ == ProgramMode::Backward ? 0 : 1);
  for (size_t i = lo; i < hi; i++) {
    const size_t chunk = down ? lo + hi - 1 - i : i;
    const size_t first = phase.from + chunk * phase.chunk;
    Chunk c = {*this, own, first, std::min(phase.chunk, phase.to - first), scratch, start, sums};
    for (const Step& step : phase.steps) {
      c.free = start;
      if (program.mode_ == ProgramMode::Backward) {
        c.backward(step, i == lo);
      } else {
        c.forward(step);
      }
    }
  }
}

void Program::run(const Context& context, const SingleThreads& singles, size_t index,
                  const ProgramArrays& arrays) const {
  if (index == 0 && mode_ == ProgramMode::Backward) {
    for (size_t b = 0; b < buffers_.size(); b++) {
      if (linearAt_[b] == kNowhere) continue;
      std::memset(arrays.workspace + linearAt_[b], 0, 2 * static_cast<size_t>(buffers_[b].channels) * sizeof(float));
    }
  }
  Run run(*this, context, singles, index, arrays);
  if (index == 0) run.join();
  run.prepare();
  if (run.phase.slots == 1) {
    run.task(0, context, 0);
  } else {
    context.pool.run(run.phase.slots, [&](size_t slot, int thread) {
      const Context own = context.on(*singles[static_cast<size_t>(thread)]);
      run.task(slot, own, thread);
    });
  }
  if (mode_ == ProgramMode::Forward) run.finishForward();
  if (mode_ == ProgramMode::Backward) run.finishBackward();
}

}  // namespace convbook
