// A part of a network as one program: convolutions, batch normalizations, pools and sums over buffers of channels that
// operations read and write in slices, so that nothing is concatenated or split. A program runs in phases. Within one,
// a few images at a time go through all of the phase's operations while they are in the cache; a phase ends where an
// operation needs statistics over the whole batch. Normalization and ReLU are applied while the next convolution's
// input is gathered, and worked out again on the way back instead of being kept.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "conv/conv.h"
#include "ops/layers.h"

namespace convbook {

CONVBOOK_CHOICES(enum class ProgramMode, kProgramModeNames, Infer, Forward, Backward);

struct ProgramBuffer {
  int height, width, channels;
};

// act(scale * x + shift) over a range of a buffer's channels, read by exactly one operation.
struct ProgramNorm {
  int buffer, offset, channels;
  int gamma, beta;       // parameters
  int relu;              // for convolutions; a Merge has an activation of its own
  int mean, variance;    // parameters: running statistics; -1: none are kept
  float epsilon, share;  // share: of this batch in the running statistics
};

// Output channels of a convolution that have parameters of their own.
struct ProgramPart {
  int channels;
  int weight, bias;  // parameters; bias -1: none
  int fold;          // inference: the normalization behind that is folded into the weights; -1: none
};

struct ProgramOp {
  CONVBOOK_CHOICES(enum Kind, kKindNames, Conv, MaxPool, AvgPool, Merge, Stats);
  int kind;
  int src, srcOffset, inChannels, norm;
  int dst, dstOffset, outChannels;
  int residual;  // a whole buffer that is added; -1: none
  int filterHeight, filterWidth, strideHeight, strideWidth, padTop, padLeft;
  int activation;
  std::vector<ProgramPart>
      parts;  // of a convolution; more than one where there are several that read the same, side by side

  bool hasBias() const;  // with what folding makes
};

struct ProgramArrays {
  std::vector<std::pair<float*, size_t>> params, grads;
  const float* x = nullptr;
  float* y = nullptr;
  float* state = nullptr;      // what the way back needs
  float* workspace = nullptr;  // the same in all phases of one run
  const float* dy = nullptr;
  float* dx = nullptr;  // null: not wanted
};

class Program {
 public:
  // Program: a header, then all buffers, norms and operations, by the tables in program_table.h; numbers: those of each
  // norm. Throws std::invalid_argument when it makes no sense.
  Program(const int32_t* program, size_t length, const float* numbers, size_t numberCount, ProgramMode mode,
          size_t batch, const Context& context);

  size_t phases() const { return phases_.size(); }
  size_t stateFloats() const { return stateFloats_; }
  size_t workspaceFloats() const { return workspaceFloats_; }
  size_t inputFloats() const { return floatsOf(0); }
  size_t outputFloats() const { return floatsOf(output_); }
  // Multiplications and additions of the run.
  double operations() const { return operations_; }
  // Throws std::invalid_argument when an array is missing or too short.
  void check(const ProgramArrays& arrays) const;

  void run(const Context& context, const SingleThreads& singles, size_t phase, const ProgramArrays& arrays) const;

 private:
  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  // A step is an operation in one direction, with what planning found out about it.
  struct Step {
    int op;
    bool dead = false;            // backward: nobody asks for its gradient
    int deferred = -1;            // backward: the Merge whose normalization this operation's result goes through
    bool gradFromOutput = false;  // backward: the result's gradient (or the Merge's) is still the one given
    bool handsDown =
        false;  // backward: a Merge whose normalized channels' gradient is left to the operation that made them
    bool firstSource = false, firstResidual = false;  // backward: nothing is there to be added to
    size_t accumulator = 0, accumulatorFloats = 0;
  };
  struct Phase {
    std::vector<Step> steps;
    size_t from = 0, to = 0;  // images
    size_t chunk = 1, slots = 1;
    size_t accumulatorFloats = 0;
    size_t transientFloats = 0;  // an image
  };
  struct Run;

  [[noreturn]] static void fail(const std::string& what);

  size_t pixels(int buffer) const;
  size_t floatsOf(int buffer) const;
  bool compact(int buffer, int offset, int channels) const;
  ConvShape shapeOf(const ProgramOp& op, size_t images) const;
  PoolShape poolOf(const ProgramOp& op, size_t images) const;
  size_t weightsOf(const ProgramOp& op) const;
  bool tracked(int buffer) const { return mode_ != ProgramMode::Infer && tracked_[static_cast<size_t>(buffer)]; }

  bool joins(const ProgramOp& op, const ProgramOp& before) const;
  void read(const int32_t* program, size_t length, const float* numbers, size_t numberCount);
  void layOutState();
  void planForward();
  void planBackward();
  bool isMadeFor(size_t reader) const;
  void planInference();
  void addAccumulators(Phase& phase) const;
  void layOutWorkspace();

  ProgramMode mode_;
  size_t batch_;
  int threads_, hands_;  // as a pool's
  size_t few_;           // fewer images are not dealt out
  int output_ = 0, trainable_ = 0, paramCount_ = 0;
  std::vector<ProgramBuffer> buffers_;
  std::vector<ProgramNorm> norms_;
  std::vector<ProgramOp> ops_;
  std::vector<char> tracked_;
  std::vector<Phase> phases_;
  double operations_ = 0;

  // Places in the state: buffers, their means and variances, and where maxima came from.
  std::vector<size_t> dataAt_, statsAt_, indexAt_;
  size_t stateFloats_ = 0;
  // Places in the workspace: gradients of buffers, what they owe to the statistics, weights that are folded or joined,
  // accumulators, threads' scratch space. Buffers (or gradients) that live within a phase are in the scratch space, an
  // image's floats times the chunk's images each.
  std::vector<size_t> gradAt_, linearAt_, joinedAt_;
  std::vector<int> firstPhase_, lastPhase_;
  std::vector<size_t> transientAt_;
  size_t accumulatorAt_ = 0, scratchAt_ = 0, scratchFloats_ = 0, workspaceFloats_ = 0;
};

}  // namespace convbook
