// A run of one of a program's phases; for the files that are its parts.
#pragma once
#include <algorithm>
#include <cstring>

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
  // Rows that do not need one another, on all threads that the chunk has.
  template <class Body>
  void byRows(size_t rows, int channels, const Body& body) const {
    const size_t least = std::max<size_t>(1, kParallel / static_cast<size_t>(channels));
    context.pool.range(rows, least, 16, [&](size_t lo, size_t hi) { body(lo, hi - lo); });
  }
  // Sums over rows, two for each channel: body(first, count, sum, other) adds those of kSumRows rows at most in single
  // precision, which are then added to double ones in the order of the rows, however many threads there are.
  template <class Body>
  void sumRows(size_t rows, int channels, double* total, double* others, const Body& body);
  void affineRows(const AffineRows& t, size_t rows, int channels) const;
  void copyRows(Slice<const float> from, Slice<float> to, size_t rows, int channels) const;
  // Rows of a gradient with the sums that a normalization's gradient needs.
  void gradRows(const GradRows& t, size_t rows, int channels, double* total);
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

// What comes behind so many rows.
inline AffineRows behind(AffineRows t, size_t rows) {
  const ptrdiff_t by = static_cast<ptrdiff_t>(rows);
  t.x += by * t.xs;
  t.y += by * t.ys;
  if (t.residual != nullptr) t.residual += by * t.rs;
  return t;
}

inline GradRows behind(GradRows t, size_t rows) {
  const ptrdiff_t by = static_cast<ptrdiff_t>(rows);
  t.dy += by * t.ds;
  if (t.x != nullptr) t.x += by * t.xs;
  if (t.y != nullptr) t.y += by * t.ys;
  if (t.base != nullptr) t.base += by * t.bs;
  if (t.out != nullptr) t.out += by * t.os;
  return t;
}

template <class Body>
void Program::Run::Chunk::sumRows(size_t rows, int channels, double* total, double* others, const Body& body) {
  const size_t n = static_cast<size_t>(channels), pieces = (rows + kSumRows - 1) / kSumRows;
  // What threads make side by side is kept until it is added.
  const size_t side = context.pool.threads() == 1 || rows * n < kParallel ? 1 : pieces;
  std::vector<float> kept(side > 1 ? side * 2 * n : 0);
  float* before = free;
  float* sums = side > 1 ? kept.data() : take(2 * n);
  for (size_t from = 0; from < pieces; from += side) {
    context.pool.range(side, 2, 1, [&](size_t lo, size_t hi) {
      std::memset(sums + lo * 2 * n, 0, (hi - lo) * 2 * n * sizeof(float));
      for (size_t i = lo; i < hi; i++) {
        const size_t first = (from + i) * kSumRows;
        body(first, std::min(kSumRows, rows - first), sums + i * 2 * n, sums + i * 2 * n + n);
      }
    });
    for (size_t i = 0; i < side; i++) {
      const float* sum = sums + i * 2 * n;
      for (size_t c = 0; c < n; c++) {
        total[c] += sum[c];
        others[c] += sum[n + c];
      }
    }
  }
  free = before;
}

}  // namespace convbook
