// Convolutions and products, as JavaScript sees them.
#include "bindings/bindings.h"
#include "bindings/described.h"
#include "conv/conv.h"
#include "conv/folded.h"
#include "conv/inverted.h"
#include "runtime/lent.h"

namespace convbook {
namespace {

constexpr size_t kConvSizes = 16;

ConvShape convShape(const Arguments& args, size_t i) {
  const int32_t* p = args.array<int32_t>(i, kConvSizes);
  ConvShape s = {p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]};
  positive(p, 9);
  if (s.strideHeight < 1 || s.strideWidth < 1 || s.dilationHeight < 1 || s.dilationWidth < 1 || s.groups < 1 ||
      s.filterHeight < 1 || s.filterWidth < 1) {
    throw BadArgument("A convolution's strides, dilations, groups and filter sizes are at least 1");
  }
  return s;
}
void checkGroups(const ConvShape& s) {
  if (s.inChannels % s.groups != 0 || s.outChannels % s.groups != 0) {
    throw BadArgument("A convolution's channels are multiples of its groups");
  }
}
size_t inputSize(const ConvShape& s) { return static_cast<size_t>(s.batch) * s.height * s.width * s.inChannels; }
size_t outputSize(const ConvShape& s) {
  return static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.outChannels;
}
size_t filterSize(const ConvShape& s) {
  return static_cast<size_t>(s.filterHeight) * s.filterWidth * (s.inChannels / s.groups) * s.outChannels;
}

// mean?, variance, gamma?, beta?, epsilon from argument i on: the normalization behind a convolution with this bias,
// as a scale and a shift a channel.
class Folded {
 public:
  Folded(const Arguments& args, size_t i, size_t channels, const float* bias) : isGiven_(args.given(i)) {
    if (!isGiven_) return;
    vectors_.resize(channels * 2);
    const RunningNorm norm = {args.floats(i, channels), args.floats(i + 1, channels),
                              args.optionalFloats(i + 2, channels), args.optionalFloats(i + 3, channels),
                              args.number(i + 4)};
    foldNorm(norm, channels, bias, vectors_.data(), vectors_.data() + channels);
  }
  explicit operator bool() const { return isGiven_; }
  const float* scale() const { return isGiven_ ? vectors_.data() : nullptr; }
  const float* shift() const { return vectors_.data() + vectors_.size() / 2; }

 private:
  const bool isGiven_;
  std::vector<float> vectors_;
};

// (shape, x, w, bias?, residual?, activation, y, rounds, version?, mean?, variance?, gamma?, beta?, epsilon?)
napi_value conv2d(const Arguments& args, State& state) {
  const ConvShape s = convShape(args, 0);
  checkGroups(s);
  const Context context = state.context().rounding(args.flag(7));
  const float *x = args.floats(1, inputSize(s)), *w = args.floats(2, filterSize(s));
  const float *bias = args.optionalFloats(3, s.outChannels), *residual = args.optionalFloats(4, outputSize(s));
  const Activation activation = args.choice<Activation>(5, 3);
  float* y = args.output(6, outputSize(s));
  const Folded folded(args, 9, static_cast<size_t>(s.outChannels), bias);
  if (folded) bias = folded.shift();
  const PreparedConv* kept = state.kept.find(context, s, {w, bias, folded.scale(), args.given(8) ? args.whole(8) : 0});
  if (kept != nullptr) {
    kept->run(context, s.batch, {x, s.inChannels}, y, residual, activation);
    return nullptr;
  }
  const LentFloats scaled(folded ? filterSize(s) : 0);
  if (scaled) {
    const size_t channels = static_cast<size_t>(s.outChannels);
    scaleColumns(context, w, filterSize(s) / channels, channels, folded.scale(), scaled.get());
    w = scaled.get();
  }
  convForward(context, s, x, w, bias, residual, activation, y);
  return nullptr;
}

// () -> [convolutions by kept weights so far, bytes that they take]
napi_value keptConvolutions(const Arguments& args, State& state) {
  napi_value list, value;
  napi_create_array_with_length(args.env(), 2, &list);
  napi_create_double(args.env(), static_cast<double>(state.kept.uses()), &value);
  napi_set_element(args.env(), list, 0, value);
  napi_create_double(args.env(), static_cast<double>(state.kept.bytes()), &value);
  napi_set_element(args.env(), list, 1, value);
  return list;
}

// (shape, dy, w, dx)
napi_value conv2dInputGrad(const Arguments& args, const Context& context) {
  const ConvShape s = convShape(args, 0);
  checkGroups(s);
  convInputGrad(context, s, args.floats(1, outputSize(s)), args.floats(2, filterSize(s)), args.output(3, inputSize(s)));
  return nullptr;
}

// (shape, x, dy, dw, dbias?)
napi_value conv2dFilterGrad(const Arguments& args, const Context& context) {
  const ConvShape s = convShape(args, 0);
  checkGroups(s);
  convFilterGrad(context, s, args.floats(1, inputSize(s)), args.floats(2, outputSize(s)), args.output(3, filterSize(s)),
                 args.optionalOutput(4, s.outChannels));
  return nullptr;
}

int multiplierOf(const ConvShape& s) {
  if (s.inChannels == 0 || s.outChannels % s.inChannels != 0) {
    throw BadArgument("A depthwise convolution's output channels are a multiple of its input channels");
  }
  return s.outChannels / s.inChannels;
}
size_t depthwiseFilterSize(const ConvShape& s) {
  return static_cast<size_t>(s.filterHeight) * s.filterWidth * s.outChannels;
}

// (shape, x, w, bias?, activation, y, mean?, variance?, gamma?, beta?, epsilon?)
napi_value depthwise(const Arguments& args, const Context& context) {
  const ConvShape s = convShape(args, 0);
  const int multiplier = multiplierOf(s);
  const size_t channels = static_cast<size_t>(s.outChannels), count = depthwiseFilterSize(s);
  const float *x = args.floats(1, inputSize(s)), *w = args.floats(2, count), *bias = args.optionalFloats(3, channels);
  const Activation activation = args.choice<Activation>(4, 3);
  float* y = args.output(5, outputSize(s));
  const Folded folded(args, 6, channels, bias);
  const LentFloats scaled(folded ? count : 0);
  if (folded) bias = folded.shift();
  if (scaled) {
    scaleColumns(context, w, count / channels, channels, folded.scale(), scaled.get());
    w = scaled.get();
  }
  depthwiseForward(context, s, multiplier, x, w, bias, activation, y);
  return nullptr;
}

// Weights that take in the normalization behind them, and the bias that comes of it: (w, bias?, activation, mean,
// variance, gamma?, beta?, epsilon) from argument i on.
class FoldedWeights {
 public:
  static constexpr size_t kArguments = 8;
  FoldedWeights(const Context& context, const Arguments& args, size_t i, size_t rows, size_t channels)
      : folded_(args, i + 3, channels, args.optionalFloats(i + 1, channels)),
        scaled_(rows * channels),
        activation_(args.choice<Activation>(i + 2, 3)) {
    if (!folded_) throw BadArgument("A part of the block has no normalization");
    scaleColumns(context, args.floats(i, rows * channels), rows, channels, folded_.scale(), scaled_.get());
  }
  InvertedPart part() const { return {scaled_.get(), folded_.shift(), activation_}; }

 private:
  const Folded folded_;
  const LentFloats scaled_;
  const Activation activation_;
};

// (shape, inChannels, outChannels, x, residual?, y, then of each convolution as FoldedWeights) -> whether it was done:
// not where other implementations convolve.
napi_value invertedResidual(const Arguments& args, State& state) {
  const ConvShape s = convShape(args, 0);
  const Context context = state.context();
  napi_value done;
  const bool can = context.onednn == nullptr && context.kernels.tiles == nullptr;
  napi_get_boolean(args.env(), can, &done);
  if (!can) return done;
  if (multiplierOf(s) != 1) throw BadArgument("A block's middle convolution gives each channel once");
  InvertedBlock block = {s, args.integer(1), args.integer(2), {}, {}, {}};
  if (block.inChannels < 1 || block.outChannels < 1) throw BadArgument("A block's channels are at least 1");
  const size_t in = static_cast<size_t>(block.inChannels), wide = static_cast<size_t>(s.inChannels),
               out = static_cast<size_t>(block.outChannels), images = static_cast<size_t>(s.batch);
  const size_t results = images * s.outHeight * s.outWidth * out;
  const float *x = args.floats(3, images * s.height * s.width * in), *residual = args.optionalFloats(4, results);
  float* y = args.output(5, results);
  const FoldedWeights widen(context, args, 6, in, wide);
  const size_t window = static_cast<size_t>(s.filterHeight) * s.filterWidth;
  const FoldedWeights each(context, args, 6 + FoldedWeights::kArguments, window, wide);
  const FoldedWeights narrow(context, args, 6 + 2 * FoldedWeights::kArguments, wide, out);
  block.widen = widen.part();
  block.each = each.part();
  block.narrow = narrow.part();
  invertedForward(context, state.singles, block, x, residual, y);
  return done;
}

// (shape, dy, w, dx)
napi_value depthwiseInput(const Arguments& args, const Context& context) {
  const ConvShape s = convShape(args, 0);
  depthwiseInputGrad(context, s, multiplierOf(s), args.floats(1, outputSize(s)), args.floats(2, depthwiseFilterSize(s)),
                     args.output(3, inputSize(s)));
  return nullptr;
}

// (shape, x, dy, dw)
napi_value depthwiseFilter(const Arguments& args, const Context& context) {
  const ConvShape s = convShape(args, 0);
  depthwiseFilterGrad(context, s, multiplierOf(s), args.floats(1, inputSize(s)), args.floats(2, outputSize(s)),
                      args.output(3, depthwiseFilterSize(s)));
  return nullptr;
}

// (a, b, bias?, c, batch, m, n, k, transposeA, transposeB, sharedA, sharedB, activation, rounds)
napi_value gemm(const Arguments& args, const Context& context) {
  MatMulShape s;
  s.batch = args.integer(4);
  s.m = args.integer(5);
  s.n = args.integer(6);
  s.k = args.integer(7);
  if (s.batch < 0 || s.m < 0 || s.n < 0 || s.k < 0) throw BadArgument("A product has a negative size");
  s.transposeA = args.flag(8);
  s.transposeB = args.flag(9);
  const size_t sizeA = static_cast<size_t>(s.m) * s.k, sizeB = static_cast<size_t>(s.k) * s.n;
  s.strideA = args.flag(10) ? 0 : sizeA;
  s.strideB = args.flag(11) ? 0 : sizeB;
  const size_t batch = static_cast<size_t>(s.batch);
  matMul(context.rounding(args.flag(13)), s, args.floats(0, s.strideA == 0 ? sizeA : sizeA * batch),
         args.floats(1, s.strideB == 0 ? sizeB : sizeB * batch), args.optionalFloats(2, s.n),
         args.choice<Activation>(12, 3), args.output(3, batch * s.m * s.n));
  return nullptr;
}

}  // namespace

void defineConvBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state,
         {
             {"conv2d", call<conv2d>},
             {"keptConvolutions", call<keptConvolutions>},
             {"conv2dInputGrad", call<conv2dInputGrad>},
             {"conv2dFilterGrad", call<conv2dFilterGrad>},
             {"depthwise", call<depthwise>},
             {"invertedResidual", call<invertedResidual>},
             {"depthwiseInputGrad", call<depthwiseInput>},
             {"depthwiseFilterGrad", call<depthwiseFilter>},
             {"gemm", call<gemm>},
         });
}

}  // namespace convbook
