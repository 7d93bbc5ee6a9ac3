// A run of one of a program's phases; for the files that are its parts.
#pragma once
#include "conv/pointwise.h"
#include "program/program.h"

namespace convbook {

struct Program::Run {
  // Channels of some images: where the first lies, and how far it is from one pixel to the next.
  template <class T>
  struct Slice {
    T* data;
    ptrdiff_t stride;
  };
  // Normalization as scale and shift.
  struct Line {
    std::vector<float> scale, shift;
    const float* mean;
  };
  struct Chunk;

  const Program& program;
  const Context& context;
  const SingleThreads& singles;
  const Phase& phase;
  const ProgramArrays& arrays;
  std::vector<Line> lines;
  // Of each operation, null where it has none, or is run once and packed then.
  std::vector<std::unique_ptr<PreparedConv>> convolutions;
  std::vector<std::unique_ptr<PreparedInputGrad>> inputGrads;
  std::vector<std::unique_ptr<PointwiseGrads>> pointwiseGrads;

  Run(const Program& program, const Context& context, const SingleThreads& singles, size_t phase,
      const ProgramArrays& arrays);

  float* param(int index) const { return index < 0 ? nullptr : arrays.params[static_cast<size_t>(index)].first; }
  int channels(int buffer) const { return program.buffers_[static_cast<size_t>(buffer)].channels; }
  float* statsOf(int buffer) const { return arrays.state + program.statsAt_[static_cast<size_t>(buffer)]; }

  // Works out a normalization's scale and shift; `keep`: brings its running statistics up to date.
  void line(int norm, bool keep);
  // Joins the weights of convolutions that are one operation, multiplied with the normalizations behind them.
  void join() const;
  // Of a convolution; the bias may be null.
  const float* weightsOf(int op) const;
  const float* biasOf(int op) const;
  // A convolution with its weights packed; `once`: it will be run once.
  std::unique_ptr<PreparedConv> convolution(const Context& own, size_t op, bool once) const;
  // Packs the weights of the phase's convolutions, where each is run more than once.
  void prepare();
  // Whether a convolution writes where its result belongs; otherwise its result is copied there.
  bool isDirect(const ProgramOp& op) const {
    return op.outChannels == channels(op.dst) || (op.residual < 0 && context.onednn == nullptr);
  }
  // Whether a convolution's gradients are made a few pixels at a time, by one thread.
  bool isPixelwise(const ProgramOp& op) const;
  // Takes the chunks of a slot through all steps.
  void task(size_t slot, const Context& own, int thread) const;
  // What is known when all tasks are done: statistics, and gradients of parameters.
  void finishForward() const;
  void finishBackward() const;
  void finishNorm(const ProgramOp& op, const float* accumulators) const;
};

// Some images in the hands of one thread.
struct Program::Run::Chunk {
  const Run& run;
  Context context;
  size_t first, images;
  float *scratch, *free;
  float* sums;  // the task's accumulators

  size_t pixels(int buffer) const { return images * run.program.pixels(buffer); }
  Slice<float> data(int buffer, int offset) const;
  // A buffer's gradient; no data where the input's is not wanted.
  Slice<float> grad(int buffer, int offset) const;
  // The given gradient of the output.
  Slice<const float> given(int offset) const;
  float* take(size_t floats) {
    float* start = free;
    free += (floats + 15) / 16 * 16;
    return start;
  }
  static Slice<const float> fixed(Slice<float> s) { return {s.data, s.stride}; }
  // The channels side by side with nothing in between.
  const float* dense(Slice<const float> from, size_t rows, int channels);
  // A convolution's input: normalized, activated and dense.
  const float* input(const ProgramOp& op);
  // The same, as it is to be worked out.
  ConvSource source(const ProgramOp& op) const;
  uint8_t* indexOf(const Step& step) const;

  void forward(const Step& step);
  // Accumulators of a result's statistics: [count, sums, sums of squares] in double, then what they are taken about.
  void moments(const Step& step, Slice<float> x, size_t rows, int channels);

  void backward(const Step& step, bool isFirstChunk);
  // The same of a convolution that isPixelwise.
  void pixelwise(const Step& step, bool isFirstChunk);
  // Rows of a gradient with the sums that a normalization's gradient needs.
  void gradRows(GradRows t, size_t rows, int channels, double* total);
  // The mask of a Merge's activation.
  void mask(GradRows& t, const ProgramOp& op) const;
  // What a tracked buffer's gradient owes to the statistics.
  void linear(GradRows& t, int buffer, int offset) const;
  // The whole gradient of an operation's result.
  Slice<const float> gradient(const Step& step, const ProgramOp& op);
  // How it is to be worked out; `out` is not there yet. `isPlain`: it lies there already, as dy.
  GradRows gradientRows(const Step& step, const ProgramOp& op, bool& isPlain) const;
  // What is passed through a convolution's normalization.
  GradRows normalized(const Step& step, const ProgramOp& op) const;
  // Where a slot sums a filter's gradient, and a bias's behind it.
  float* filterSums(const Step& step, const ProgramOp& op) const;
  // Where gradients of `buffer` go, and what they are added to.
  void target(GradRows& t, int buffer, int offset, bool isFirst) const;
  void addTo(int buffer, int offset, int channels, bool isFirst, Slice<const float> dz);
  void filterGrad(const Step& step, const ProgramOp& op, const float* gradient, bool isFirstChunk);

  // Rows whose sums are gathered in single precision before they are added to double ones.
  static constexpr size_t kSumRows = 512;
};

}  // namespace convbook
