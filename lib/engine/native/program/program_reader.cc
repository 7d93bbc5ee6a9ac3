// Reading a program, and checking the arrays that it is run on.
#include <stdexcept>
#include <string>
#include <tuple>

#include "program/program_table.h"

namespace convbook {

void Program::fail(const std::string& what) { throw std::invalid_argument("Program: " + what); }

Program::Program(const int32_t* program, size_t length, const float* numbers, size_t numberCount, ProgramMode mode,
                 size_t batch, const Context& context)
    : mode_(mode),
      batch_(batch),
      threads_(context.pool.threads()),
      hands_(context.pool.hands()),
      few_(context.fixed ? kFixedFewImages : static_cast<size_t>(threads_) * 2) {
  if (batch == 0 || batch > (size_t{1} << 24)) fail("a batch of " + std::to_string(batch) + " images");
  read(program, length, numbers, numberCount);
  layOutState();
  if (mode == ProgramMode::Infer) planInference();
  if (mode == ProgramMode::Forward) planForward();
  if (mode == ProgramMode::Backward) planBackward();
  layOutWorkspace();
}

size_t Program::pixels(int buffer) const {
  const ProgramBuffer& b = buffers_[static_cast<size_t>(buffer)];
  return static_cast<size_t>(b.height) * b.width;
}

size_t Program::floatsOf(int buffer) const {
  return batch_ * pixels(buffer) * buffers_[static_cast<size_t>(buffer)].channels;
}

bool Program::compact(int buffer, int offset, int channels) const {
  return offset == 0 && channels == buffers_[static_cast<size_t>(buffer)].channels;
}

size_t Program::weightsOf(const ProgramOp& op) const {
  return static_cast<size_t>(op.filterHeight) * op.filterWidth * op.inChannels * op.outChannels;
}

ConvShape Program::shapeOf(const ProgramOp& op, size_t images) const {
  const ProgramBuffer &in = buffers_[static_cast<size_t>(op.src)], &out = buffers_[static_cast<size_t>(op.dst)];
  return {static_cast<int>(images),
          in.height,
          in.width,
          op.inChannels,
          out.height,
          out.width,
          op.outChannels,
          op.filterHeight,
          op.filterWidth,
          op.strideHeight,
          op.strideWidth,
          op.padTop,
          op.padLeft,
          1,
          1,
          1};
}

PoolShape Program::poolOf(const ProgramOp& op, size_t images) const {
  const ProgramBuffer &in = buffers_[static_cast<size_t>(op.src)], &out = buffers_[static_cast<size_t>(op.dst)];
  return {static_cast<int>(images),
          in.height,
          in.width,
          op.inChannels,
          out.height,
          out.width,
          op.filterHeight,
          op.filterWidth,
          op.strideHeight,
          op.strideWidth,
          op.padTop,
          op.padLeft,
          1,
          1,
          true,
          true};
}

bool ProgramOp::hasBias() const {
  for (const ProgramPart& part : parts) {
    if (part.bias >= 0 || part.fold >= 0) return true;
  }
  return false;
}

// Whether a convolution may be one with that before it: the same input and window, and outputs side by side.
bool Program::joins(const ProgramOp& op, const ProgramOp& before) const {
  if (op.kind != ProgramOp::Conv || before.kind != ProgramOp::Conv || op.norm >= 0 || before.norm >= 0 ||
      op.residual >= 0 || before.residual >= 0) {
    return false;
  }
  auto reads = [](const ProgramOp& o) {
    return std::make_tuple(o.src, o.srcOffset, o.inChannels, o.dst, o.activation);
  };
  auto window = [](const ProgramOp& o) {
    return std::make_tuple(o.filterHeight, o.filterWidth, o.strideHeight, o.strideWidth, o.padTop, o.padLeft);
  };
  return reads(op) == reads(before) && window(op) == window(before) &&
         op.dstOffset == before.dstOffset + before.outChannels &&
         (op.parts[0].bias >= 0) == (before.parts[0].bias >= 0);
}

void Program::read(const int32_t* program, size_t length, const float* numbers, size_t numberCount) {
  if (length < countOf(kHeaderFields)) fail("the program is too short");
  const int32_t* p = program;
  const float* number = numbers;
  ProgramHeader header;
  readFields(kHeaderFields, p, header);
  output_ = header.output;
  trainable_ = header.trainable;
  paramCount_ = header.parameters;
  for (int count : {header.buffers, header.norms, header.operations}) {
    if (count < 0 || count > 10000) fail("too many buffers, normalizations or operations");
  }
  const size_t norms = static_cast<size_t>(header.norms);
  const size_t expected = countOf(kHeaderFields) + static_cast<size_t>(header.buffers) * countOf(kBufferFields) +
                          norms * countOf(kNormFields) +
                          static_cast<size_t>(header.operations) * (countOf(kOperationFields) + countOf(kPartFields));
  if (length != expected || numberCount != norms * countOf(kNormNumbers)) fail("the program has the wrong length");
  if (output_ < 1 || output_ >= header.buffers || trainable_ < 0 || paramCount_ < trainable_) fail("bad header");
  for (int i = 0; i < header.buffers; i++) {
    ProgramBuffer b;
    readFields(kBufferFields, p, b);
    if (b.height < 1 || b.width < 1 || b.channels < 1 || b.channels > 65536 || b.height > 65536 || b.width > 65536) {
      fail("bad size of a buffer");
    }
    buffers_.push_back(b);
    if (static_cast<double>(batch_) * b.height * b.width * b.channels > 1e12) fail("a buffer is too large");
  }
  auto param = [&](int index, bool optional, bool trained) {
    if (index == -1 && optional) return;
    if (index < 0 || index >= (trained ? trainable_ : paramCount_)) fail("no such parameter: " + std::to_string(index));
  };
  auto range = [&](int buffer, int offset, int channels) {
    if (buffer < 0 || buffer >= header.buffers || offset < 0 || channels < 1 ||
        offset > buffers_[static_cast<size_t>(buffer)].channels - channels) {
      fail("no such channels");
    }
  };
  tracked_.assign(buffers_.size(), 0);
  for (int i = 0; i < header.norms; i++) {
    ProgramNorm n;
    readFields(kNormFields, p, n);
    readFields(kNormNumbers, number, n);
    range(n.buffer, n.offset, n.channels);
    param(n.gamma, false, true);
    param(n.beta, false, true);
    param(n.mean, mode_ != ProgramMode::Infer, false);
    param(n.variance, mode_ != ProgramMode::Infer, false);
    tracked_[static_cast<size_t>(n.buffer)] = 1;
    norms_.push_back(n);
  }
  std::vector<char> used(norms_.size(), 0);
  for (int i = 0; i < header.operations; i++) {
    ProgramOp op;
    ProgramPart part;
    readFields(kOperationFields, p, op);
    readFields(kPartFields, p, part);
    part.channels = op.outChannels;
    if (op.kind < 0 || op.kind >= ProgramOp::Count) fail("no such operation");
    range(op.src, op.srcOffset, op.inChannels);
    if (op.kind != ProgramOp::Stats) {
      range(op.dst, op.dstOffset, op.outChannels);
      if (op.dst == 0 || op.dst == op.src) fail("an operation writes where it must not");
    }
    if (op.filterHeight < 1 || op.filterWidth < 1 || op.strideHeight < 1 || op.strideWidth < 1 || op.padTop < 0 ||
        op.padLeft < 0 || op.filterHeight > 1024 || op.filterWidth > 1024) {
      fail("bad window");
    }
    if (op.activation < 0 || op.activation > kRelu6) fail("no such activation");
    if (op.activation == kRelu6 && mode_ != ProgramMode::Infer) fail("ReLU6 is for inference");
    for (int norm : {op.norm, part.fold}) {
      if (norm == -1) continue;
      if (norm < 0 || norm >= header.norms || used[static_cast<size_t>(norm)]) fail("bad use of a normalization");
      used[static_cast<size_t>(norm)] = 1;
    }
    if (op.norm >= 0) {
      const ProgramNorm& n = norms_[static_cast<size_t>(op.norm)];
      if (n.buffer != op.src || n.offset != op.srcOffset || n.channels != op.inChannels)
        fail("a normalization of other channels");
      if (op.kind != ProgramOp::Conv && op.kind != ProgramOp::Merge) fail("only convolutions and merges normalize");
    }
    if (part.fold >= 0 && (mode_ != ProgramMode::Infer || op.kind != ProgramOp::Conv ||
                           norms_[static_cast<size_t>(part.fold)].channels != op.outChannels)) {
      fail("bad fold");
    }
    if (op.residual >= 0) {
      range(op.residual, 0, op.outChannels);
      if (!compact(op.residual, 0, op.outChannels) || op.residual == op.dst || pixels(op.residual) != pixels(op.dst) ||
          (op.kind == ProgramOp::Conv && mode_ != ProgramMode::Infer && op.activation != kLinear)) {
        fail("bad residual");
      }
    }
    const bool pool = op.kind == ProgramOp::MaxPool || op.kind == ProgramOp::AvgPool;
    if (pool && (!compact(op.src, op.srcOffset, op.inChannels) || !compact(op.dst, op.dstOffset, op.outChannels) ||
                 op.inChannels != op.outChannels || op.filterHeight * op.filterWidth > 255)) {
      fail("bad pool");
    }
    if (op.kind == ProgramOp::Merge) {
      const ProgramBuffer &in = buffers_[static_cast<size_t>(op.src)], &out = buffers_[static_cast<size_t>(op.dst)];
      if (op.inChannels != op.outChannels || in.height != out.height || in.width != out.width) fail("bad merge");
    }
    if (op.kind == ProgramOp::Conv) {
      param(part.weight, false, true);
      param(part.bias, true, true);
      operations_ += 2.0 * static_cast<double>(batch_ * pixels(op.dst)) * static_cast<double>(weightsOf(op));
      if (mode_ != ProgramMode::Infer && op.activation != kLinear)
        fail("an activation behind a convolution in training");
    }
    if (op.kind == ProgramOp::Conv) op.parts.push_back(part);
    if (!ops_.empty() && joins(op, ops_.back())) {
      ops_.back().outChannels += op.outChannels;
      ops_.back().parts.push_back(part);
    } else {
      ops_.push_back(op);
    }
  }
}

void Program::check(const ProgramArrays& a) const {
  if (a.params.size() != static_cast<size_t>(paramCount_))
    fail("expected " + std::to_string(paramCount_) + " parameters");
  auto least = [&](int param, size_t floats) {
    if (param < 0) return;
    if (a.params[static_cast<size_t>(param)].second < floats)
      fail("parameter " + std::to_string(param) + " is too short");
    if (mode_ == ProgramMode::Backward && param < trainable_ && a.grads[static_cast<size_t>(param)].second < floats) {
      fail("gradient " + std::to_string(param) + " is too short");
    }
  };
  if (mode_ == ProgramMode::Backward && a.grads.size() != static_cast<size_t>(trainable_))
    fail("expected a gradient for each trained parameter");
  for (const ProgramNorm& n : norms_) {
    for (int param : {n.gamma, n.beta, n.mean, n.variance}) least(param, static_cast<size_t>(n.channels));
  }
  for (const ProgramOp& op : ops_) {
    if (op.kind != ProgramOp::Conv) continue;
    for (const ProgramPart& part : op.parts) {
      const size_t channels = static_cast<size_t>(part.channels);
      least(part.weight, weightsOf(op) / static_cast<size_t>(op.outChannels) * channels);
      least(part.bias, channels);
    }
  }
}

}  // namespace convbook
