// Normalization, pools, softmax and resizing, as JavaScript sees them.
#include "bindings/bindings.h"
#include "bindings/described.h"
#include "ops/layers.h"

namespace convbook {
namespace {

BatchNorm batchNormOf(const Arguments& args, size_t i) {
  BatchNorm s = {args.size(i), args.size(i + 1), args.single(i + 2), args.choice<int>(i + 3, 3)};
  return s;
}

// (x, gamma?, beta?, residual?, y, mean, variance, inverse, rows, channels, epsilon, activation)
napi_value batchNorm(const Arguments& args, const Context& context) {
  const BatchNorm s = batchNormOf(args, 8);
  const size_t n = s.rows * s.channels, c = s.channels;
  batchNormForward(context, s, args.floats(0, n), args.optionalFloats(1, c), args.optionalFloats(2, c),
                   args.optionalFloats(3, n), args.output(4, n), args.output(5, c), args.output(6, c),
                   args.output(7, c));
  return nullptr;
}

// (dy, x, y?, gamma?, beta?, mean, inverse, dx, dgamma, dbeta, dresidual?, rows, channels, epsilon, activation)
napi_value batchNormGradient(const Arguments& args, const Context& context) {
  const BatchNorm s = batchNormOf(args, 11);
  const size_t n = s.rows * s.channels, c = s.channels;
  batchNormGrad(context, s, args.floats(0, n), args.floats(1, n), args.optionalFloats(2, n), args.optionalFloats(3, c),
                args.optionalFloats(4, c), args.floats(5, c), args.floats(6, c), args.output(7, n), args.output(8, c),
                args.output(9, c), args.optionalOutput(10, n));
  return nullptr;
}

// (x, scale, shift, residual?, y, rows, channels, activation)
napi_value affine(const Arguments& args, const Context& context) {
  const size_t rows = args.size(5), channels = args.size(6), n = rows * channels;
  affineChannels(context, rows, channels, args.floats(0, n), args.floats(1, channels), args.floats(2, channels),
                 args.optionalFloats(3, n), args.choice<Activation>(7, 3), args.output(4, n));
  return nullptr;
}

GroupNorm groupNormOf(const Arguments& args, size_t i) {
  GroupNorm s = {args.size(i), args.size(i + 1), args.size(i + 2), args.size(i + 3), args.single(i + 4)};
  if (s.groups == 0 || s.channels % s.groups != 0) throw BadArgument("The channels are a multiple of the groups");
  return s;
}

// (x, gamma?, beta?, y, mean, inverse, images, pixels, channels, groups, epsilon)
napi_value groupNorm(const Arguments& args, const Context& context) {
  const GroupNorm s = groupNormOf(args, 6);
  const size_t n = s.images * s.pixels * s.channels, sets = s.images * s.groups;
  groupNormForward(context, s, args.floats(0, n), args.optionalFloats(1, s.channels),
                   args.optionalFloats(2, s.channels), args.output(3, n), args.output(4, sets), args.output(5, sets));
  return nullptr;
}

// (dy, x, gamma?, mean, inverse, dx, dgamma, dbeta, images, pixels, channels, groups, epsilon)
napi_value groupNormGradient(const Arguments& args, const Context& context) {
  const GroupNorm s = groupNormOf(args, 8);
  const size_t n = s.images * s.pixels * s.channels, sets = s.images * s.groups;
  groupNormGrad(context, s, args.floats(0, n), args.floats(1, n), args.optionalFloats(2, s.channels),
                args.floats(3, sets), args.floats(4, sets), args.output(5, n), args.output(6, s.channels),
                args.output(7, s.channels));
  return nullptr;
}

PoolShape poolShape(const Arguments& args, size_t i) {
  const int32_t* p = args.array<int32_t>(i, 15);
  positive(p, 8);
  PoolShape s = {p[0],
                 p[1],
                 p[2],
                 p[3],
                 p[4],
                 p[5],
                 p[6],
                 p[7],
                 p[8],
                 p[9],
                 p[10],
                 p[11],
                 p[12],
                 p[13],
                 (p[14] & 1) != 0,
                 (p[14] & 2) != 0};
  if (s.filterHeight < 1 || s.filterWidth < 1 || s.strideHeight < 1 || s.strideWidth < 1 || s.dilationHeight < 1 ||
      s.dilationWidth < 1) {
    throw BadArgument("A pool's window, strides and dilations are at least 1");
  }
  return s;
}
size_t poolInput(const PoolShape& s) { return static_cast<size_t>(s.batch) * s.height * s.width * s.channels; }
size_t poolOutput(const PoolShape& s) { return static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.channels; }

// (shape, x, y, index?)
napi_value maxPoolOp(const Arguments& args, const Context& context) {
  const PoolShape s = poolShape(args, 0);
  uint8_t* index = args.given(3) ? args.array<uint8_t>(3, poolOutput(s)) : nullptr;
  if (index != nullptr && s.filterHeight * s.filterWidth > 255) throw BadArgument("A window of more than 255 taps");
  maxPool(context, s, args.floats(1, poolInput(s)), args.output(2, poolOutput(s)), index);
  return nullptr;
}

// (shape, dy, index, dx)
napi_value maxPoolGradient(const Arguments& args, const Context& context) {
  const PoolShape s = poolShape(args, 0);
  maxPoolGrad(context, s, args.floats(1, poolOutput(s)), args.array<uint8_t>(2, poolOutput(s)),
              args.output(3, poolInput(s)));
  return nullptr;
}

// (shape, x, y)
napi_value avgPoolOp(const Arguments& args, const Context& context) {
  const PoolShape s = poolShape(args, 0);
  avgPool(context, s, args.floats(1, poolInput(s)), args.output(2, poolOutput(s)));
  return nullptr;
}

// (shape, dy, dx)
napi_value avgPoolGradient(const Arguments& args, const Context& context) {
  const PoolShape s = poolShape(args, 0);
  avgPoolGrad(context, s, args.floats(1, poolOutput(s)), args.output(2, poolInput(s)));
  return nullptr;
}

// (x, y, rows, classes, logarithm)
napi_value softmaxOp(const Arguments& args, const Context& context) {
  const size_t rows = args.size(2), classes = args.size(3);
  softmax(context, rows, classes, args.floats(0, rows * classes), args.flag(4), args.output(1, rows * classes));
  return nullptr;
}

// (logits, labels?, targets?, loss, gradient, rows, classes, smoothing)
napi_value crossEntropyOp(const Arguments& args, const Context& context) {
  const size_t rows = args.size(5), classes = args.size(6);
  const int32_t* labels = args.given(1) ? args.array<int32_t>(1, rows) : nullptr;
  const float* targets = args.optionalFloats(2, rows * classes);
  if ((labels == nullptr) == (targets == nullptr)) throw BadArgument("Labels or targets: expected one of the two");
  crossEntropy(context, rows, classes, args.floats(0, rows * classes), labels, targets, args.single(7),
               args.output(3, rows), args.output(4, rows * classes));
  return nullptr;
}

ResizeShape resizeShape(const Arguments& args, size_t i) {
  const int32_t* p = args.array<int32_t>(i, 8);
  positive(p, 6);
  if (p[1] == 0 || p[2] == 0) throw BadArgument("An image without pixels cannot be resized");
  return {p[0], p[1], p[2], p[3], p[4], p[5], p[6] != 0, p[7] != 0};
}

// (bilinear, shape, x, y) and (bilinear, shape, dy, dx)
napi_value resizeOp(const Arguments& args, const Context& context) {
  const ResizeShape s = resizeShape(args, 1);
  const size_t in = static_cast<size_t>(s.batch) * s.height * s.width * s.channels;
  const size_t out = static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.channels;
  resize(context, args.flag(0) ? Resize::Bilinear : Resize::Nearest, s, args.floats(2, in), args.output(3, out));
  return nullptr;
}
napi_value resizeGradient(const Arguments& args, const Context& context) {
  const ResizeShape s = resizeShape(args, 1);
  const size_t in = static_cast<size_t>(s.batch) * s.height * s.width * s.channels;
  const size_t out = static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.channels;
  resizeGrad(context, args.flag(0) ? Resize::Bilinear : Resize::Nearest, s, args.floats(2, out), args.output(3, in));
  return nullptr;
}

}  // namespace

void defineLayerBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state,
         {
             {"batchNorm", call<batchNorm>},
             {"batchNormGrad", call<batchNormGradient>},
             {"affine", call<affine>},
             {"groupNorm", call<groupNorm>},
             {"groupNormGrad", call<groupNormGradient>},
             {"maxPool", call<maxPoolOp>},
             {"maxPoolGrad", call<maxPoolGradient>},
             {"avgPool", call<avgPoolOp>},
             {"avgPoolGrad", call<avgPoolGradient>},
             {"softmax", call<softmaxOp>},
             {"crossEntropy", call<crossEntropyOp>},
             {"resize", call<resizeOp>},
             {"resizeGrad", call<resizeGradient>},
         });
}

}  // namespace convbook
