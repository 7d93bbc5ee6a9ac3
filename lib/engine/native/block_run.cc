// Running a block's phases: what a task does with a few images, and what is summed up behind all of them.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "block.h"

namespace convbook {
namespace {

// Rows whose sums are gathered in single precision before they are added to double ones.
constexpr size_t kSumRows = 512;

}  // namespace

struct Block::Run {
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

  const Block& block;
  const Context& context;
  const SingleThreads& singles;
  const Phase& phase;
  const BlockArrays& arrays;
  std::vector<Line> lines;

  Run(const Block& b, const Context& c, const SingleThreads& s, size_t index, const BlockArrays& a)
      : block(b), context(c), singles(s), phase(b.phases_[index]), arrays(a), lines(b.norms_.size()) {
    for (const Step& step : phase.steps) {
      const BlockOp& op = block.ops_[static_cast<size_t>(step.op)];
      if (op.norm >= 0) line(op.norm, block.mode_ == BlockMode::Forward);
      if (step.deferred >= 0) line(block.ops_[static_cast<size_t>(step.deferred)].norm, false);
    }
  }

  float* param(int index) const { return index < 0 ? nullptr : arrays.params[static_cast<size_t>(index)].first; }
  int channels(int buffer) const { return block.buffers_[static_cast<size_t>(buffer)].channels; }
  float* statsOf(int buffer) const { return arrays.state + block.statsAt_[static_cast<size_t>(buffer)]; }

  void line(int norm, bool keep) {
    const BlockNorm& n = block.norms_[static_cast<size_t>(norm)];
    Line& l = lines[static_cast<size_t>(norm)];
    const size_t count = static_cast<size_t>(n.channels);
    const bool own = block.mode_ != BlockMode::Infer;
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
    const double rows = static_cast<double>(block.batch_ * block.pixels(n.buffer));
    float *running = param(n.mean), *runningVariance = param(n.variance);
    for (size_t c = 0; c < count; c++) {
      running[c] = running[c] * (1.f - n.share) + mean[c] * n.share;
      runningVariance[c] = runningVariance[c] * (1.f - n.share) + static_cast<float>(variance[c] * (rows / (rows - 1))) * n.share;
    }
  }

  // Some images in the hands of one thread.
  struct Chunk {
    const Run& run;
    Context context;
    size_t first, images;
    float *scratch, *free;
    float* sums;  // the task's accumulators

    size_t pixels(int buffer) const { return images * run.block.pixels(buffer); }

    Slice<float> data(int buffer, int offset) const {
      const Block& b = run.block;
      const size_t index = static_cast<size_t>(buffer), channels = static_cast<size_t>(run.channels(buffer));
      const size_t at = first * b.pixels(buffer) * channels;
      float* start = buffer == 0            ? const_cast<float*>(run.arrays.x) + at
                     : buffer == b.output_ ? run.arrays.y + at
                     : b.mode_ == BlockMode::Infer
                         ? scratch + b.transientAt_[index] * run.phase.chunk
                         : run.arrays.state + b.dataAt_[index] + at;
      return {start + offset, static_cast<ptrdiff_t>(channels)};
    }
    // A buffer's gradient; no data where the input's is not wanted.
    Slice<float> grad(int buffer, int offset) const {
      const Block& b = run.block;
      const size_t index = static_cast<size_t>(buffer), channels = static_cast<size_t>(run.channels(buffer));
      const size_t at = first * b.pixels(buffer) * channels;
      float* start = buffer == 0 ? run.arrays.dx == nullptr ? nullptr : run.arrays.dx + at
                     : b.transientAt_[index] != kNowhere ? scratch + b.transientAt_[index] * run.phase.chunk
                                                         : run.arrays.workspace + b.gradAt_[index] + at;
      return {start == nullptr ? nullptr : start + offset, static_cast<ptrdiff_t>(channels)};
    }
    Slice<const float> given(int offset) const {
      const Block& b = run.block;
      const size_t channels = static_cast<size_t>(run.channels(b.output_));
      return {run.arrays.dy + first * b.pixels(b.output_) * channels + offset, static_cast<ptrdiff_t>(channels)};
    }
    float* take(size_t floats) {
      float* start = free;
      free += (floats + 15) / 16 * 16;
      return start;
    }

    // The channels side by side with nothing in between.
    const float* dense(Slice<const float> from, size_t rows, int channels) {
      if (from.stride == channels) return from.data;
      float* to = take(rows * channels);
      context.kernels.copyRows(from.data, static_cast<size_t>(from.stride), to, static_cast<size_t>(channels), rows,
                               static_cast<size_t>(channels));
      return to;
    }
    Slice<const float> fixed(Slice<float> s) const { return {s.data, s.stride}; }

    // A convolution's input: normalized, activated and dense.
    const float* input(const BlockOp& op) {
      const auto from = data(op.src, op.srcOffset);
      const size_t rows = pixels(op.src);
      if (op.norm < 0) return dense(fixed(from), rows, op.inChannels);
      const Line& l = run.lines[static_cast<size_t>(op.norm)];
      float* to = take(rows * op.inChannels);
      const bool relu = run.block.norms_[static_cast<size_t>(op.norm)].relu != 0;
      const AffineRows t = {from.data, from.stride, l.scale.data(), l.shift.data(), nullptr, 0, to, op.inChannels, relu ? kRelu : kLinear};
      context.kernels.affineRows(t, rows, static_cast<size_t>(op.inChannels));
      return to;
    }

    void forward(const Step& step) {
      const Block& b = run.block;
      const BlockOp& op = b.ops_[static_cast<size_t>(step.op)];
      if (op.kind == BlockOp::Stats) {
        moments(step, data(op.src, op.srcOffset), pixels(op.src), op.inChannels);
        return;
      }
      const auto to = data(op.dst, op.dstOffset);
      const size_t rows = pixels(op.dst);
      if (op.kind == BlockOp::Merge) {
        const auto from = data(op.src, op.srcOffset);
        const Line* l = op.norm >= 0 ? &run.lines[static_cast<size_t>(op.norm)] : nullptr;
        const Slice<float> residual = op.residual >= 0 ? data(op.residual, 0) : Slice<float>{nullptr, 0};
        const AffineRows t = {from.data,       from.stride, l != nullptr ? l->scale.data() : nullptr, l != nullptr ? l->shift.data() : nullptr,
                              residual.data,   residual.stride, to.data, to.stride, op.activation};
        context.kernels.affineRows(t, rows, static_cast<size_t>(op.outChannels));
      } else if (op.kind == BlockOp::Conv) {
        const float* from = input(op);
        const bool direct = to.stride == op.outChannels;
        float* result = direct ? to.data : take(rows * op.outChannels);
        const float* weights = run.param(op.weight);
        const float* bias = run.param(op.bias);
        if (op.fold >= 0) {
          weights = run.arrays.workspace + b.foldedAt_[static_cast<size_t>(step.op)];
          bias = weights + (b.weightsOf(op) + 15) / 16 * 16;
        }
        convForward(context, b.shapeOf(op, images), from, weights, bias,
                    op.residual >= 0 ? data(op.residual, 0).data : nullptr, op.activation, result);
        if (!direct) {
          context.kernels.copyRows(result, static_cast<size_t>(op.outChannels), to.data, static_cast<size_t>(to.stride),
                                   rows, static_cast<size_t>(op.outChannels));
        }
        if (b.tracked(op.dst)) moments(step, {result, op.outChannels}, rows, op.outChannels);
        return;
      } else if (op.kind == BlockOp::MaxPool) {
        uint8_t* index = nullptr;
        if (b.mode_ == BlockMode::Forward) index = indexOf(step);
        maxPool(context, b.poolOf(op, images), data(op.src, 0).data, to.data, index);
      } else {
        avgPool(context, b.poolOf(op, images), data(op.src, 0).data, to.data);
      }
      if (b.tracked(op.dst)) moments(step, to, rows, op.outChannels);
    }

    uint8_t* indexOf(const Step& step) const {
      const Block& b = run.block;
      const int dst = b.ops_[static_cast<size_t>(step.op)].dst;
      return reinterpret_cast<uint8_t*>(run.arrays.state + b.indexAt_[static_cast<size_t>(step.op)]) +
             first * b.pixels(dst) * static_cast<size_t>(run.channels(dst));
    }

    // Accumulators of a result's statistics: [count, sums, sums of squares] in double, then what they are taken about.
    void moments(const Step& step, Slice<float> x, size_t rows, int channels) {
      const size_t n = static_cast<size_t>(channels);
      double* count = reinterpret_cast<double*>(sums + step.accumulator);
      double *sum = count + 1, *squares = sum + n;
      float* shift = reinterpret_cast<float*>(squares + n);
      float* part = take(2 * n);
      if (*count == 0) {
        // The first rows' mean: near enough to the whole one that nothing cancels.
        const size_t some = std::min<size_t>(rows, 64);
        std::memset(part, 0, 2 * n * sizeof(float));
        std::memset(shift, 0, n * sizeof(float));
        context.kernels.momentRows(x.data, x.stride, shift, part, part + n, some, n);
        for (size_t c = 0; c < n; c++) shift[c] = part[c] / static_cast<float>(some);
      }
      for (size_t row = 0; row < rows; row += kSumRows) {
        std::memset(part, 0, 2 * n * sizeof(float));
        context.kernels.momentRows(x.data + static_cast<ptrdiff_t>(row) * x.stride, x.stride, shift, part, part + n,
                                   std::min(kSumRows, rows - row), n);
        for (size_t c = 0; c < n; c++) {
          sum[c] += part[c];
          squares[c] += part[n + c];
        }
      }
      *count += static_cast<double>(rows);
      free = part;
    }

    // Rows of a gradient with the sums that a normalization's gradient needs.
    void gradRows(GradRows t, size_t rows, int channels, double* total) {
      const size_t n = static_cast<size_t>(channels);
      if (total == nullptr) {
        context.kernels.gradRows(t, rows, n);
        return;
      }
      float* part = take(2 * n);
      t.sum = part;
      t.sumX = part + n;
      for (size_t row = 0; row < rows; row += kSumRows) {
        const size_t some = std::min(kSumRows, rows - row);
        std::memset(part, 0, 2 * n * sizeof(float));
        context.kernels.gradRows(t, some, n);
        for (size_t c = 0; c < n; c++) {
          total[c] += part[c];
          total[n + c] += part[n + c];
        }
        const ptrdiff_t by = static_cast<ptrdiff_t>(some);
        t.dy += by * t.ds;
        if (t.x != nullptr) t.x += by * t.xs;
        if (t.y != nullptr) t.y += by * t.ys;
        if (t.base != nullptr) t.base += by * t.bs;
        if (t.out != nullptr) t.out += by * t.os;
      }
      free = part;
    }

    // The mask of a Merge's activation.
    void mask(GradRows& t, const BlockOp& op) const {
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

    // What a tracked buffer's gradient owes to the statistics.
    void linear(GradRows& t, int buffer, int offset) const {
      const auto x = data(buffer, offset);
      t.x = x.data;
      t.xs = x.stride;
      if (!run.block.tracked(buffer)) return;
      t.a2 = run.arrays.workspace + run.block.linearAt_[static_cast<size_t>(buffer)] + offset;
      t.a3 = t.a2 + run.channels(buffer);
    }

    // The whole gradient of an operation's result.
    Slice<const float> gradient(const Step& step, const BlockOp& op) {
      const Block& b = run.block;
      const size_t rows = pixels(op.dst);
      GradRows t = {};
      Slice<const float> from;
      if (step.deferred >= 0) {
        const BlockOp& merge = b.ops_[static_cast<size_t>(step.deferred)];
        from = step.gradFromOutput ? given(merge.dstOffset) : fixed(grad(merge.dst, merge.dstOffset));
        mask(t, merge);
        t.k = run.lines[static_cast<size_t>(merge.norm)].scale.data();
      } else {
        from = step.gradFromOutput ? given(op.dstOffset) : fixed(grad(op.dst, op.dstOffset));
        if (!b.tracked(op.dst)) return from;
      }
      t.dy = from.data;
      t.ds = from.stride;
      linear(t, op.dst, op.dstOffset);
      t.out = take(rows * op.outChannels);
      t.os = op.outChannels;
      gradRows(t, rows, op.outChannels, nullptr);
      return {t.out, t.os};
    }

    // Where gradients of `buffer` go, and what they are added to.
    void target(GradRows& t, int buffer, int offset, bool isFirst) const {
      const auto to = grad(buffer, offset);
      t.out = to.data;
      t.os = to.stride;
      if (to.data == nullptr) return;
      if (isFirst && buffer != run.block.output_) return;
      const Slice<const float> base = isFirst ? given(offset) : fixed(to);
      t.base = base.data;
      t.bs = base.stride;
    }

    void addTo(int buffer, int offset, int channels, bool isFirst, Slice<const float> dz) {
      GradRows t = {};
      t.dy = dz.data;
      t.ds = dz.stride;
      target(t, buffer, offset, isFirst);
      if (t.out != nullptr) gradRows(t, pixels(buffer), channels, nullptr);
    }

    void backward(const Step& step, bool isFirstChunk) {
      const Block& b = run.block;
      const BlockOp& op = b.ops_[static_cast<size_t>(step.op)];
      if (op.kind == BlockOp::Stats) {
        GradRows t = {};
        const auto g = grad(op.src, op.srcOffset);
        if (g.data == nullptr) return;
        linear(t, op.src, op.srcOffset);
        t.dy = t.out = g.data;
        t.ds = t.os = g.stride;
        gradRows(t, pixels(op.src), op.inChannels, nullptr);
        return;
      }
      const auto dy = gradient(step, op);
      if (op.kind == BlockOp::Merge) {
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
      if (op.kind == BlockOp::Conv) filterGrad(step, op, gradient, isFirstChunk);
      if (op.norm < 0 && to.data == nullptr) return;
      float* result = straight ? to.data : take(pixels(op.src) * op.inChannels);
      if (op.kind == BlockOp::Conv) {
        convInputGrad(context, b.shapeOf(op, images), gradient, run.param(op.weight), result);
      } else if (op.kind == BlockOp::MaxPool) {
        maxPoolGrad(context, b.poolOf(op, images), gradient, indexOf(step), result);
      } else {
        avgPoolGrad(context, b.poolOf(op, images), gradient, result);
      }
      if (straight) return;
      if (op.norm < 0) {
        addTo(op.src, op.srcOffset, op.inChannels, step.firstSource, {result, op.inChannels});
        return;
      }
      const Line& l = run.lines[static_cast<size_t>(op.norm)];
      const auto x = data(op.src, op.srcOffset);
      GradRows t = {};
      t.dy = result;
      t.ds = op.inChannels;
      t.x = x.data;
      t.xs = x.stride;
      t.mask = b.norms_[static_cast<size_t>(op.norm)].relu != 0 ? 1 : 0;
      t.scale = l.scale.data();
      t.shift = l.shift.data();
      t.k = l.scale.data();
      t.mean = l.mean;
      target(t, op.src, op.srcOffset, step.firstSource);
      gradRows(t, pixels(op.src), op.inChannels, reinterpret_cast<double*>(sums + step.accumulator));
    }

    void filterGrad(const Step& step, const BlockOp& op, const float* gradient, bool isFirstChunk) {
      const Block& b = run.block;
      float* before = free;
      const float* from = input(op);
      const size_t weights = b.weightsOf(op), all = weights + static_cast<size_t>(op.bias >= 0 ? op.outChannels : 0);
      float* total = sums + step.accumulator + (op.norm >= 0 ? (4 * static_cast<size_t>(op.inChannels) + 15) / 16 * 16 : 0);
      float* part = isFirstChunk ? total : take(all);
      convFilterGrad(context, b.shapeOf(op, images), from, gradient, part, op.bias >= 0 ? part + weights : nullptr);
      if (!isFirstChunk) context.kernels.binary(Binary::Add, total, 1, part, 1, total, all);
      free = before;
    }
  };

  void fold() const {
    for (size_t i = 0; i < block.ops_.size(); i++) {
      const BlockOp& op = block.ops_[i];
      if (op.fold < 0) continue;
      const BlockNorm& n = block.norms_[static_cast<size_t>(op.fold)];
      float* to = arrays.workspace + block.foldedAt_[i];
      const size_t count = block.weightsOf(op), channels = static_cast<size_t>(op.outChannels);
      float* bias = to + (count + 15) / 16 * 16;
      std::vector<float> scale(channels);
      for (size_t c = 0; c < channels; c++) {
        const double factor = param(n.gamma)[c] / std::sqrt(static_cast<double>(param(n.variance)[c]) + n.epsilon);
        scale[c] = static_cast<float>(factor);
        const double own = op.bias >= 0 ? param(op.bias)[c] : 0.0;
        bias[c] = static_cast<float>((own - param(n.mean)[c]) * factor + param(n.beta)[c]);
      }
      for (size_t row = 0; row < count; row += channels) {
        context.kernels.binary(Binary::Mul, param(op.weight) + row, 1, scale.data(), 1, to + row, channels);
      }
    }
  }

  void task(size_t slot, const Context& own, int thread) const {
    const size_t images = phase.to - phase.from, chunks = (images + phase.chunk - 1) / phase.chunk;
    const size_t lo = chunks * slot / phase.slots, hi = chunks * (slot + 1) / phase.slots;
    float* scratch = arrays.workspace + block.scratchAt_ + static_cast<size_t>(thread) * block.scratchFloats_;
    float* sums = arrays.workspace + block.accumulatorAt_ + slot * phase.accumulatorFloats;
    for (const Step& step : phase.steps) {
      const BlockOp& op = block.ops_[static_cast<size_t>(step.op)];
      size_t floats = step.accumulatorFloats;
      // Filters are written whole by the first chunk.
      if (block.mode_ == BlockMode::Backward && op.norm < 0) floats = 0;
      if (block.mode_ == BlockMode::Backward && op.norm >= 0) floats = 4 * static_cast<size_t>(op.inChannels);
      if (floats > 0) std::memset(sums + step.accumulator, 0, floats * sizeof(float));
    }
    float* start = scratch + phase.transientFloats * phase.chunk;
    for (size_t chunk = lo; chunk < hi; chunk++) {
      const size_t first = phase.from + chunk * phase.chunk;
      Chunk c = {*this, own, first, std::min(phase.chunk, phase.to - first), scratch, start, sums};
      for (const Step& step : phase.steps) {
        c.free = start;
        if (block.mode_ == BlockMode::Backward) {
          c.backward(step, chunk == lo);
        } else {
          c.forward(step);
        }
      }
    }
  }

  void finishForward() const {
    for (const Step& step : phase.steps) {
      if (step.accumulatorFloats == 0) continue;
      const BlockOp& op = block.ops_[static_cast<size_t>(step.op)];
      const bool stats = op.kind == BlockOp::Stats;
      const int buffer = stats ? op.src : op.dst, offset = stats ? op.srcOffset : op.dstOffset;
      const size_t n = static_cast<size_t>(stats ? op.inChannels : op.outChannels);
      float *mean = statsOf(buffer) + offset, *variance = mean + channels(buffer);
      for (size_t c = 0; c < n; c++) {
        // Parts are joined as Chan, Golub and LeVeque do (1979).
        double count = 0, middle = 0, m2 = 0;
        for (size_t slot = 0; slot < phase.slots; slot++) {
          const float* sums = arrays.workspace + block.accumulatorAt_ + slot * phase.accumulatorFloats + step.accumulator;
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

  void finishBackward() const {
    for (const Step& step : phase.steps) {
      const BlockOp& op = block.ops_[static_cast<size_t>(step.op)];
      const float* first = arrays.workspace + block.accumulatorAt_ + step.accumulator;
      if (op.norm >= 0) finishNorm(op, first);
      if (op.kind != BlockOp::Conv) continue;
      first += op.norm >= 0 ? (4 * static_cast<size_t>(op.inChannels) + 15) / 16 * 16 : 0;
      auto add = [&](int index, size_t at, size_t count) {
        float* to = arrays.grads[static_cast<size_t>(index)].first;
        context.pool.range(count, kParallel, 1024, [&](size_t lo, size_t hi) {
          std::memcpy(to + lo, first + at + lo, (hi - lo) * sizeof(float));
          context.kernels.reduceRows(Reduce::Sum, first + phase.accumulatorFloats + at + lo, phase.slots - 1,
                                     phase.accumulatorFloats, hi - lo, to + lo);
        });
      };
      add(op.weight, 0, block.weightsOf(op));
      if (op.bias >= 0) add(op.bias, block.weightsOf(op), static_cast<size_t>(op.outChannels));
    }
  }

  void finishNorm(const BlockOp& op, const float* accumulators) const {
    const BlockNorm& n = block.norms_[static_cast<size_t>(op.norm)];
    const size_t count = static_cast<size_t>(n.channels);
    const Line& l = lines[static_cast<size_t>(op.norm)];
    const float* variance = statsOf(n.buffer) + channels(n.buffer) + n.offset;
    float* a2 = arrays.workspace + block.linearAt_[static_cast<size_t>(n.buffer)] + n.offset;
    float* a3 = a2 + channels(n.buffer);
    const double rows = static_cast<double>(block.batch_ * block.pixels(n.buffer));
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
};

void Block::run(const Context& context, const SingleThreads& singles, size_t index, const BlockArrays& arrays) const {
  if (index == 0 && mode_ == BlockMode::Backward) {
    for (size_t b = 0; b < buffers_.size(); b++) {
      if (linearAt_[b] == kNowhere) continue;
      std::memset(arrays.workspace + linearAt_[b], 0, 2 * static_cast<size_t>(buffers_[b].channels) * sizeof(float));
    }
  }
  const Run run(*this, context, singles, index, arrays);
  if (index == 0 && mode_ == BlockMode::Infer) run.fold();
  if (run.phase.slots == 1) {
    run.task(0, context, 0);
  } else {
    context.pool.run(run.phase.slots, [&](size_t slot, int thread) {
      const Context own = {context.kernels, *singles[static_cast<size_t>(thread)]};
      run.task(slot, own, thread);
    });
  }
  if (mode_ == BlockMode::Forward) run.finishForward();
  if (mode_ == BlockMode::Backward) run.finishBackward();
}

}  // namespace convbook
