// Planning a program: its phases, what goes where in the state and the workspace.
#include <algorithm>

#include "program/program.h"

namespace convbook {
namespace {

// Of a chunk's inputs, outputs and temporaries together: what a second-level cache of 2 MB holds beside what is read
// ahead.
constexpr double kChunkBytes = 1.4 * (1 << 20);
// Inference is cut into calls of about this many operations, so that a program can be interrupted in between.
constexpr double kPartOperations = 2e9;

size_t rounded(size_t floats) { return (floats + 15) / 16 * 16; }

// Something that needs room from one moment to another.
struct Item {
  int first, last;
  size_t size;
  size_t* place;
};

// Gives every item a place that overlaps no other alive at the same time, large ones first; returns the whole size.
size_t place(std::vector<Item> items) {
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.size > b.size; });
  size_t whole = 0;
  std::vector<Item> placed;
  for (const Item& item : items) {
    std::vector<std::pair<size_t, size_t>> taken;
    for (const Item& other : placed) {
      if (other.first <= item.last && item.first <= other.last)
        taken.emplace_back(*other.place, *other.place + other.size);
    }
    std::sort(taken.begin(), taken.end());
    size_t at = 0;
    for (const auto& [from, to] : taken) {
      if (at + item.size <= from) break;
      at = std::max(at, to);
    }
    *item.place = at;
    whole = std::max(whole, at + item.size);
    placed.push_back(item);
  }
  return whole;
}

bool overlap(int from, int count, int otherFrom, int otherCount) {
  return from < otherFrom + otherCount && otherFrom < from + count;
}

}  // namespace

void Program::layOutState() {
  dataAt_.assign(buffers_.size(), kNowhere);
  statsAt_.assign(buffers_.size(), kNowhere);
  indexAt_.assign(ops_.size(), kNowhere);
  if (mode_ == ProgramMode::Infer) return;
  for (size_t b = 0; b < buffers_.size(); b++) {
    if (b != 0 && static_cast<int>(b) != output_) {
      dataAt_[b] = stateFloats_;
      stateFloats_ += rounded(floatsOf(static_cast<int>(b)));
    }
    if (tracked_[b]) {
      statsAt_[b] = stateFloats_;
      stateFloats_ += rounded(2 * static_cast<size_t>(buffers_[b].channels));
    }
  }
  for (size_t i = 0; i < ops_.size(); i++) {
    if (ops_[i].kind != ProgramOp::MaxPool) continue;
    indexAt_[i] = stateFloats_;
    stateFloats_ += rounded((floatsOf(ops_[i].dst) + 3) / 4);
  }
}

void Program::planForward() {
  phases_.emplace_back();
  for (size_t i = 0; i < ops_.size(); i++) {
    const ProgramOp& op = ops_[i];
    if (op.norm >= 0) {
      const ProgramNorm& n = norms_[static_cast<size_t>(op.norm)];
      for (const Step& step : phases_.back().steps) {
        const ProgramOp& before = ops_[static_cast<size_t>(step.op)];
        const bool stats = before.kind == ProgramOp::Stats;
        const int buffer = stats ? before.src : before.dst, offset = stats ? before.srcOffset : before.dstOffset;
        const int channels = stats ? before.inChannels : before.outChannels;
        if (buffer == n.buffer && overlap(offset, channels, n.offset, n.channels)) {
          phases_.emplace_back();
          break;
        }
      }
    }
    Step step;
    step.op = static_cast<int>(i);
    phases_.back().steps.push_back(step);
  }
}

void Program::planBackward() {
  operations_ *= 2;
  std::vector<std::vector<char>> written(buffers_.size());
  for (size_t b = 0; b < buffers_.size(); b++) written[b].assign(static_cast<size_t>(buffers_[b].channels), 0);
  firstPhase_.assign(buffers_.size(), -1);
  lastPhase_.assign(buffers_.size(), -1);
  // 0: nothing there, 1: everything.
  auto stateOf = [&](int buffer, int offset, int channels) {
    const auto& flags = written[static_cast<size_t>(buffer)];
    const auto from = flags.begin() + offset, to = from + channels;
    const auto count = std::count(from, to, 1);
    if (count != 0 && count != channels) fail("a gradient of channels some of which are used otherwise");
    return count != 0;
  };
  auto touch = [&](int buffer) {
    const int phase = static_cast<int>(phases_.size()) - 1;
    if (firstPhase_[static_cast<size_t>(buffer)] < 0) firstPhase_[static_cast<size_t>(buffer)] = phase;
    lastPhase_[static_cast<size_t>(buffer)] = phase;
  };
  auto write = [&](int buffer, int offset, int channels) {
    const bool first = !stateOf(buffer, offset, channels);
    std::fill_n(written[static_cast<size_t>(buffer)].begin() + offset, channels, 1);
    touch(buffer);
    return first;
  };
  std::vector<int> deferredBy(norms_.size(), -1);
  std::vector<Step> merges(ops_.size());
  phases_.emplace_back();
  for (size_t i = ops_.size(); i-- > 0;) {
    const ProgramOp& op = ops_[i];
    const bool stats = op.kind == ProgramOp::Stats;
    const int buffer = stats ? op.src : op.dst, offset = stats ? op.srcOffset : op.dstOffset;
    const int channels = stats ? op.inChannels : op.outChannels;
    for (const Step& step : phases_.back().steps) {
      const int norm = ops_[static_cast<size_t>(step.op)].norm;
      if (norm < 0) continue;
      const ProgramNorm& n = norms_[static_cast<size_t>(norm)];
      if (n.buffer == buffer && overlap(offset, channels, n.offset, n.channels)) {
        phases_.emplace_back();
        break;
      }
    }
    Step step;
    step.op = static_cast<int>(i);
    if (stats) {
      if (!stateOf(buffer, offset, channels)) fail("statistics that nobody uses");
      touch(buffer);
      phases_.back().steps.push_back(step);
      continue;
    }
    for (size_t n = 0; n < norms_.size(); n++) {
      if (deferredBy[n] < 0 || norms_[n].buffer != buffer ||
          !overlap(offset, channels, norms_[n].offset, norms_[n].channels))
        continue;
      if (norms_[n].offset != offset || norms_[n].channels != channels || stateOf(buffer, offset, channels)) {
        fail("normalized channels that are used otherwise");
      }
      step.deferred = deferredBy[n];
    }
    if (step.deferred >= 0) {
      const Step& merge = merges[static_cast<size_t>(step.deferred)];
      step.gradFromOutput = merge.gradFromOutput;
      if (!step.gradFromOutput) touch(ops_[static_cast<size_t>(step.deferred)].dst);
    } else if (stateOf(buffer, offset, channels)) {
      touch(buffer);
    } else if (buffer == output_) {
      step.gradFromOutput = true;
    } else {
      step.dead = true;
    }
    if (step.dead) fail("a result that nobody uses");
    if (op.kind == ProgramOp::Merge && op.norm >= 0 && (tracked(op.dst) || step.deferred >= 0)) {
      fail("a normalized sum that is normalized again");
    }
    // In the order in which they run: a convolution's residual may be what it reads.
    const bool residualFirst = op.kind == ProgramOp::Conv;
    auto writeResidual = [&] {
      if (op.residual >= 0) step.firstResidual = write(op.residual, 0, op.outChannels);
    };
    if (residualFirst) writeResidual();
    step.handsDown = op.kind == ProgramOp::Merge && op.norm >= 0 && isMadeFor(i);
    if (step.handsDown) {
      deferredBy[static_cast<size_t>(op.norm)] = static_cast<int>(i);
    } else {
      step.firstSource = write(op.src, op.srcOffset, op.inChannels);
    }
    if (!residualFirst) writeResidual();
    merges[i] = step;
    phases_.back().steps.push_back(step);
  }
}

// Whether one operation makes exactly the channels that this one reads, and nobody else reads them: no other operation,
// and not who is given the result.
bool Program::isMadeFor(size_t reader) const {
  const ProgramOp& op = ops_[reader];
  if (op.src == output_) return false;
  int makers = 0;
  for (size_t i = 0; i < ops_.size(); i++) {
    const ProgramOp& other = ops_[i];
    if (i != reader && other.src == op.src && overlap(other.srcOffset, other.inChannels, op.srcOffset, op.inChannels))
      return false;
    if (other.residual == op.src) return false;
    if (other.kind == ProgramOp::Stats || other.dst != op.src ||
        !overlap(other.dstOffset, other.outChannels, op.srcOffset, op.inChannels)) {
      continue;
    }
    if (other.dstOffset != op.srcOffset || other.outChannels != op.inChannels) return false;
    makers++;
  }
  return makers == 1;
}

void Program::planInference() {
  const size_t parts = std::max<size_t>(1, std::min<size_t>(static_cast<size_t>(operations_ / kPartOperations),
                                                            batch_ / (4 * static_cast<size_t>(hands_))));
  for (size_t part = 0; part < parts; part++) {
    Phase phase;
    for (size_t i = 0; i < ops_.size(); i++) {
      if (ops_[i].kind == ProgramOp::Stats) continue;
      Step step;
      step.op = static_cast<int>(i);
      phase.steps.push_back(step);
    }
    phase.from = batch_ * part / parts;
    phase.to = batch_ * (part + 1) / parts;
    phases_.push_back(phase);
  }
}

// What the tasks of a phase sum up, each in a place of its own.
void Program::addAccumulators(Phase& phase) const {
  for (Step& step : phase.steps) {
    const ProgramOp& op = ops_[static_cast<size_t>(step.op)];
    const bool stats = op.kind == ProgramOp::Stats;
    size_t floats = 0;
    if (mode_ == ProgramMode::Forward && tracked(stats ? op.src : op.dst)) {
      floats = 2 + 5 * static_cast<size_t>(stats ? op.inChannels : op.outChannels);
    }
    if (mode_ == ProgramMode::Backward) {
      if (op.norm >= 0) floats = rounded(4 * static_cast<size_t>(op.inChannels));
      if (op.kind == ProgramOp::Conv) floats += weightsOf(op) + static_cast<size_t>(op.hasBias() ? op.outChannels : 0);
    }
    step.accumulator = phase.accumulatorFloats;
    step.accumulatorFloats = floats;
    phase.accumulatorFloats += rounded(floats);
  }
}

void Program::layOutWorkspace() {
  const size_t count = buffers_.size();
  size_t at = 0;
  linearAt_.assign(count, kNowhere);
  gradAt_.assign(count, kNowhere);
  transientAt_.assign(count, kNowhere);
  std::vector<size_t> transientFloats(phases_.size(), 0);
  auto perImage = [&](size_t b) { return rounded(pixels(static_cast<int>(b)) * buffers_[b].channels); };
  joinedAt_.assign(ops_.size(), kNowhere);
  for (size_t i = 0; i < ops_.size(); i++) {
    if (ops_[i].parts.empty() || (ops_[i].parts.size() == 1 && ops_[i].parts[0].fold < 0)) continue;
    joinedAt_[i] = at;
    at += rounded(weightsOf(ops_[i])) + rounded(static_cast<size_t>(ops_[i].outChannels));
  }
  if (mode_ == ProgramMode::Infer) {
    std::vector<int> first(count, -1), last(count, -1);
    for (size_t i = 0; i < ops_.size(); i++) {
      for (int b : {ops_[i].src, ops_[i].dst, ops_[i].residual}) {
        if (b < 0) continue;
        if (first[static_cast<size_t>(b)] < 0) first[static_cast<size_t>(b)] = static_cast<int>(i);
        last[static_cast<size_t>(b)] = static_cast<int>(i);
      }
    }
    std::vector<Item> items;
    for (size_t b = 1; b < count; b++) {
      if (static_cast<int>(b) == output_ || first[b] < 0) continue;
      items.push_back({first[b], last[b], perImage(b), &transientAt_[b]});
    }
    std::fill(transientFloats.begin(), transientFloats.end(), place(items));
  }
  if (mode_ == ProgramMode::Backward) {
    for (size_t b = 0; b < count; b++) {
      if (!tracked_[b]) continue;
      linearAt_[b] = at;
      at += rounded(2 * static_cast<size_t>(buffers_[b].channels));
    }
    std::vector<Item> items;
    for (size_t b = 1; b < count; b++) {
      if (firstPhase_[b] < 0) continue;
      if (firstPhase_[b] == lastPhase_[b]) {
        size_t& floats = transientFloats[static_cast<size_t>(firstPhase_[b])];
        transientAt_[b] = floats;
        floats += perImage(b);
      } else {
        items.push_back({firstPhase_[b], lastPhase_[b], rounded(floatsOf(static_cast<int>(b))), &gradAt_[b]});
      }
    }
    const size_t floats = place(items);
    for (size_t& place : gradAt_) {
      if (place != kNowhere) place += at;
    }
    at += floats;
  }
  accumulatorAt_ = at;
  size_t accumulators = 0, undivided = 0;
  for (size_t i = 0; i < phases_.size(); i++) {
    Phase& phase = phases_[i];
    if (mode_ != ProgramMode::Infer) {
      phase.from = 0;
      phase.to = batch_;
    }
    double bytes = 0;
    size_t most = 0, fixed = 0;
    for (const Step& step : phase.steps) {
      const ProgramOp& op = ops_[static_cast<size_t>(step.op)];
      const bool stats = op.kind == ProgramOp::Stats;
      const size_t in = pixels(op.src) * op.inChannels, out = stats ? 0 : pixels(op.dst) * op.outChannels;
      bytes =
          std::max(bytes, 4.0 * static_cast<double>(mode_ == ProgramMode::Backward ? 3 * in + 2 * out : 2 * in + out));
      most = std::max(most, rounded(in) * 2 + rounded(out) * 2);
      const size_t weights = mode_ == ProgramMode::Backward && op.kind == ProgramOp::Conv
                                 ? weightsOf(op) + static_cast<size_t>(op.outChannels)
                                 : 0;
      fixed = std::max(
          fixed, 2 * rounded(weights) + 4 * rounded(static_cast<size_t>(std::max(op.inChannels, op.outChannels))));
    }
    phase.transientFloats = transientFloats[i];
    bytes += 4.0 * static_cast<double>(transientFloats[i]);
    const size_t images = phase.to - phase.from;
    const size_t share = std::max<size_t>(1, images / (static_cast<size_t>(hands_) * 4));
    phase.chunk = std::max<size_t>(1, std::min<size_t>(share, static_cast<size_t>(kChunkBytes / std::max(bytes, 1.0))));
    const size_t chunks = (images + phase.chunk - 1) / phase.chunk;
    // A few images only are not dealt out: operations use all threads for each.
    phase.slots = images < few_ ? 1
                                : std::min<size_t>(
                                      chunks, mode_ == ProgramMode::Infer ? chunks : static_cast<size_t>(hands_) * 4);
    if (phase.slots == 1) phase.chunk = images;
    addAccumulators(phase);
    accumulators = std::max(accumulators, phase.slots * phase.accumulatorFloats);
    // All images in one piece are the first thread's, and need no room for each of the others.
    size_t& room = phase.slots == 1 ? undivided : scratchFloats_;
    room = std::max(room, (transientFloats[i] + most) * phase.chunk + fixed + 128);
  }
  at += accumulators;
  scratchAt_ = at;
  scratchFloats_ = rounded(scratchFloats_);
  workspaceFloats_ = at + std::max(rounded(undivided), scratchFloats_ * static_cast<size_t>(threads_));
}

}  // namespace convbook
