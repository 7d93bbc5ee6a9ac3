// The functions that JavaScript sees. Each reads its arguments, checks every length against the shapes given, and calls
// one driver. All state hangs on the environment, so that every worker thread has an engine of its own.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#if defined(__linux__)
#include <sched.h>
#endif

#include "arguments.h"
#include "array_bindings.h"
#include "arrays.h"
#include "block.h"
#include "conv.h"
#include "described.h"
#include "layers.h"
#include "memory.h"

namespace convbook {
namespace {

struct State {
  std::unique_ptr<ThreadPool> pool;
  SingleThreads singles;  // for each thread a pool of itself alone, for tasks that run whole operations
  const Kernels* kernels = nullptr;
  Context context() const { return {*kernels, *pool}; }
};

int availableProcessors() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

using Body = napi_value (*)(const Arguments&, State&);

template <Body body>
napi_value call(napi_env env, napi_callback_info info) {
  Arguments args(env, info);
  return answer(env, [&] { return body(args, *static_cast<State*>(args.data())); });
}

// ---- engine and memory

napi_value configure(const Arguments& args, State& state) {
  const int threads = args.integer(0);
  char name[32] = {};
  size_t length = 0;
  if (args.given(1)) napi_get_value_string_utf8(args.env(), args.value(1), name, sizeof name, &length);
  state.kernels = &chooseKernels(length > 0 ? name : nullptr);
  const int wanted = threads > 0 ? std::min(threads, 256) : availableProcessors();
  if (state.pool == nullptr || state.pool->threads() != wanted) {
    state.pool.reset(new ThreadPool(wanted));
    state.singles.clear();
    for (int thread = 0; thread < wanted; thread++) state.singles.emplace_back(new ThreadPool(1));
  }
  napi_value isa;
  napi_create_string_utf8(args.env(), state.kernels->name, NAPI_AUTO_LENGTH, &isa);
  return isa;
}

napi_value threads(const Arguments& args, State& state) {
  napi_value result;
  napi_create_int32(args.env(), state.pool->threads(), &result);
  return result;
}

napi_value scratchBytes(const Arguments& args, State& state) {
  napi_value result;
  size_t bytes = state.pool->scratchBytes();
  for (const auto& single : state.singles) bytes += single->scratchBytes();
  napi_create_double(args.env(), static_cast<double>(bytes), &result);
  return result;
}

napi_value releaseScratch(const Arguments&, State& state) {
  state.pool->releaseScratch();
  for (const auto& single : state.singles) single->releaseScratch();
  return nullptr;
}

void freeBlock(napi_env, void* data, void* hint) { blockFree(data, reinterpret_cast<size_t>(hint)); }

napi_value alloc(const Arguments& args, State&) {
  const size_t bytes = args.size(0);
  void* data = blockAlloc(bytes);
  if (data == nullptr) throw std::bad_alloc();
  napi_value buffer;
  const napi_status status =
      napi_create_external_arraybuffer(args.env(), data, bytes, freeBlock, reinterpret_cast<void*>(bytes), &buffer);
  if (status == napi_ok) return buffer;
  // Some embedders of Node do not allow memory from outside.
  blockFree(data, bytes);
  if (napi_create_arraybuffer(args.env(), bytes, &data, &buffer) != napi_ok) throw std::bad_alloc();
  return buffer;
}

// Gives a block's pages back at once and makes the ArrayBuffer unusable.
napi_value drop(const Arguments& args, State&) {
  void* data = nullptr;
  size_t bytes = 0;
  if (napi_get_arraybuffer_info(args.env(), args.value(0), &data, &bytes) != napi_ok) {
    throw BadArgument("Argument 0: expected an ArrayBuffer");
  }
  if (data != nullptr) blockDrop(data, bytes);
  napi_detach_arraybuffer(args.env(), args.value(0));
  return nullptr;
}

// ---- convolutions and products

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
size_t outputSize(const ConvShape& s) { return static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.outChannels; }
size_t filterSize(const ConvShape& s) {
  return static_cast<size_t>(s.filterHeight) * s.filterWidth * (s.inChannels / s.groups) * s.outChannels;
}

// (shape, x, w, bias?, residual?, activation, y)
napi_value conv2d(const Arguments& args, State& state) {
  const ConvShape s = convShape(args, 0);
  checkGroups(s);
  convForward(state.context(), s, args.floats(1, inputSize(s)), args.floats(2, filterSize(s)),
              args.optionalFloats(3, s.outChannels), args.optionalFloats(4, outputSize(s)),
              args.choice<Activation>(5, 3), args.output(6, outputSize(s)));
  return nullptr;
}

// (shape, dy, w, dx)
napi_value conv2dInputGrad(const Arguments& args, State& state) {
  const ConvShape s = convShape(args, 0);
  checkGroups(s);
  convInputGrad(state.context(), s, args.floats(1, outputSize(s)), args.floats(2, filterSize(s)),
                args.output(3, inputSize(s)));
  return nullptr;
}

// (shape, x, dy, dw, dbias?)
napi_value conv2dFilterGrad(const Arguments& args, State& state) {
  const ConvShape s = convShape(args, 0);
  checkGroups(s);
  convFilterGrad(state.context(), s, args.floats(1, inputSize(s)), args.floats(2, outputSize(s)),
                 args.output(3, filterSize(s)), args.optionalOutput(4, s.outChannels));
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

// (shape, x, w, bias?, activation, y)
napi_value depthwise(const Arguments& args, State& state) {
  const ConvShape s = convShape(args, 0);
  depthwiseForward(state.context(), s, multiplierOf(s), args.floats(1, inputSize(s)),
                   args.floats(2, depthwiseFilterSize(s)), args.optionalFloats(3, s.outChannels),
                   args.choice<Activation>(4, 3), args.output(5, outputSize(s)));
  return nullptr;
}

// (shape, dy, w, dx)
napi_value depthwiseInput(const Arguments& args, State& state) {
  const ConvShape s = convShape(args, 0);
  depthwiseInputGrad(state.context(), s, multiplierOf(s), args.floats(1, outputSize(s)),
                     args.floats(2, depthwiseFilterSize(s)), args.output(3, inputSize(s)));
  return nullptr;
}

// (shape, x, dy, dw)
napi_value depthwiseFilter(const Arguments& args, State& state) {
  const ConvShape s = convShape(args, 0);
  depthwiseFilterGrad(state.context(), s, multiplierOf(s), args.floats(1, inputSize(s)), args.floats(2, outputSize(s)),
                      args.output(3, depthwiseFilterSize(s)));
  return nullptr;
}

// (a, b, bias?, c, batch, m, n, k, transposeA, transposeB, sharedA, sharedB, activation)
napi_value gemm(const Arguments& args, State& state) {
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
  matMul(state.context(), s, args.floats(0, s.strideA == 0 ? sizeA : sizeA * batch),
         args.floats(1, s.strideB == 0 ? sizeB : sizeB * batch), args.optionalFloats(2, s.n),
         args.choice<Activation>(12, 3), args.output(3, batch * s.m * s.n));
  return nullptr;
}

// ---- arrays

// (op, x, y, n, a, b)
napi_value unaryOp(const Arguments& args, State& state) {
  const size_t n = args.size(3);
  unary(state.context(), args.choice<Unary>(0, static_cast<int>(Unary::Count)), args.floats(1, n), args.output(2, n), n,
        args.single(4), args.single(5));
  return nullptr;
}

// (y, value)
napi_value fillOp(const Arguments& args, State& state) {
  const size_t n = args.size(2);
  fill(state.context(), args.output(0, n), args.single(1), n);
  return nullptr;
}

// (op, a, b, y, description)
napi_value binaryOp(const Arguments& args, State& state) {
  const Described d = describe(args, 4, 2);
  binary(state.context(), args.choice<Binary>(0, static_cast<int>(Binary::Count)), args.floats(1, d.reach[0]),
         args.floats(2, d.reach[1]), args.output(3, d.size), d.strided);
  return nullptr;
}

napi_value compareOp(const Arguments& args, State& state) {
  const Described d = describe(args, 4, 2);
  compare(state.context(), args.choice<Compare>(0, static_cast<int>(Compare::Count)), args.floats(1, d.reach[0]),
          args.floats(2, d.reach[1]), args.array<uint8_t>(3, d.size), d.strided);
  return nullptr;
}

// (condition, a, b, y, description)
napi_value selectOp(const Arguments& args, State& state) {
  const Described d = describe(args, 4, 3);
  select(state.context(), args.array<uint8_t>(0, d.reach[0]), args.floats(1, d.reach[1]), args.floats(2, d.reach[2]),
         args.output(3, d.size), d.strided);
  return nullptr;
}

// (op, x, y, outer, middle, inner, scale)
napi_value reduceOp(const Arguments& args, State& state) {
  const size_t outer = args.size(3), middle = args.size(4), inner = args.size(5);
  reduce(state.context(), args.choice<Reduce>(0, static_cast<int>(Reduce::Count)), args.floats(1, outer * middle * inner),
         args.output(2, outer * inner), outer, middle, inner, args.single(6));
  return nullptr;
}

// (largest, x, y, outer, middle, inner)
napi_value argOp(const Arguments& args, State& state) {
  const size_t outer = args.size(3), middle = args.size(4), inner = args.size(5);
  if (middle == 0) throw BadArgument("There is no largest element of none");
  argExtreme(state.context(), args.flag(0), args.floats(1, outer * middle * inner), args.array<int32_t>(2, outer * inner),
             outer, middle, inner);
  return nullptr;
}

// (x, xOffset, y, yOffset, elementBytes, description, scatter), offsets in elements
napi_value stridedCopy(const Arguments& args, State& state) {
  const Described d = describe(args, 5, 1);
  const int bytes = args.integer(4);
  if (bytes != 1 && bytes != 4) throw BadArgument("Elements of " + std::to_string(bytes) + " bytes are not handled");
  if (d.size == 0) return nullptr;
  const bool scatter = args.flag(6);
  const size_t from = args.size(1), to = args.size(3), width = static_cast<size_t>(bytes);
  const uint8_t* x = args.bytes(0, (from + (scatter ? d.size : d.reach[0])) * width);
  uint8_t* y = args.bytes(2, (to + (scatter ? d.reach[0] : d.size)) * width);
  copyStrided(state.context(), x + from * width, y + to * width, bytes, d.strided, scatter);
  return nullptr;
}

// (from, fromOffset, fromStride, to, toOffset, toStride, rows, length), all in bytes
napi_value rowCopy(const Arguments& args, State& state) {
  const size_t fromOffset = args.size(1), fromStride = args.size(2), toOffset = args.size(4), toStride = args.size(5);
  const size_t rows = args.size(6), length = args.size(7);
  if (rows == 0 || length == 0) return nullptr;
  const uint8_t* from = args.bytes(0, fromOffset + (rows - 1) * fromStride + length);
  uint8_t* to = args.bytes(3, toOffset + (rows - 1) * toStride + length);
  copyRows(state.context(), from + fromOffset, fromStride, to + toOffset, toStride, rows, length);
  return nullptr;
}

// (x, indices, y, outer, count, picked, bytes)
napi_value gatherOp(const Arguments& args, State& state) {
  const size_t outer = args.size(3), count = args.size(4), picked = args.size(5), bytes = args.size(6);
  gather(state.context(), args.bytes(0, outer * count * bytes), args.array<int32_t>(1, picked),
         args.bytes(2, outer * picked * bytes), outer, count, picked, bytes);
  return nullptr;
}

// (indices, y, n, depth, on, off)
napi_value oneHotOp(const Arguments& args, State& state) {
  const size_t n = args.size(2), depth = args.size(3);
  oneHot(state.context(), args.array<int32_t>(0, n), args.output(1, n * depth), n, depth, args.single(4), args.single(5));
  return nullptr;
}

// (kind, x, y, n)
napi_value castOp(const Arguments& args, State& state) {
  static const size_t from[] = {4, 4, 1, 1, 4, 4}, to[] = {4, 4, 4, 4, 1, 1};
  const int kind = args.choice<int>(0, 6);
  const size_t n = args.size(3);
  cast(state.context(), static_cast<Cast>(kind), args.bytes(1, n * from[kind]), args.bytes(2, n * to[kind]), n);
  return nullptr;
}

// (normal, y, n, seed, a, b)
napi_value random(const Arguments& args, State& state) {
  const size_t n = args.size(2);
  randomFill(state.context(), args.flag(0), args.output(1, n), n, static_cast<uint64_t>(args.size(3)), args.single(4),
             args.single(5));
  return nullptr;
}

// ---- layers

BatchNorm batchNormOf(const Arguments& args, size_t i) {
  BatchNorm s = {args.size(i), args.size(i + 1), args.single(i + 2), args.choice<int>(i + 3, 2)};
  return s;
}

// (x, gamma?, beta?, residual?, y, mean, variance, inverse, rows, channels, epsilon, activation)
napi_value batchNorm(const Arguments& args, State& state) {
  const BatchNorm s = batchNormOf(args, 8);
  const size_t n = s.rows * s.channels, c = s.channels;
  batchNormForward(state.context(), s, args.floats(0, n), args.optionalFloats(1, c), args.optionalFloats(2, c),
                   args.optionalFloats(3, n), args.output(4, n), args.output(5, c), args.output(6, c), args.output(7, c));
  return nullptr;
}

// (dy, x, y?, gamma?, beta?, mean, inverse, dx, dgamma, dbeta, dresidual?, rows, channels, epsilon, activation)
napi_value batchNormGradient(const Arguments& args, State& state) {
  const BatchNorm s = batchNormOf(args, 11);
  const size_t n = s.rows * s.channels, c = s.channels;
  batchNormGrad(state.context(), s, args.floats(0, n), args.floats(1, n), args.optionalFloats(2, n),
                args.optionalFloats(3, c), args.optionalFloats(4, c), args.floats(5, c), args.floats(6, c),
                args.output(7, n), args.output(8, c), args.output(9, c), args.optionalOutput(10, n));
  return nullptr;
}

// (x, scale, shift, residual?, y, rows, channels, activation)
napi_value affine(const Arguments& args, State& state) {
  const size_t rows = args.size(5), channels = args.size(6), n = rows * channels;
  affineChannels(state.context(), rows, channels, args.floats(0, n), args.floats(1, channels), args.floats(2, channels),
                 args.optionalFloats(3, n), args.choice<Activation>(7, 3), args.output(4, n));
  return nullptr;
}

GroupNorm groupNormOf(const Arguments& args, size_t i) {
  GroupNorm s = {args.size(i), args.size(i + 1), args.size(i + 2), args.size(i + 3), args.single(i + 4)};
  if (s.groups == 0 || s.channels % s.groups != 0) throw BadArgument("The channels are a multiple of the groups");
  return s;
}

// (x, gamma?, beta?, y, mean, inverse, images, pixels, channels, groups, epsilon)
napi_value groupNorm(const Arguments& args, State& state) {
  const GroupNorm s = groupNormOf(args, 6);
  const size_t n = s.images * s.pixels * s.channels, sets = s.images * s.groups;
  groupNormForward(state.context(), s, args.floats(0, n), args.optionalFloats(1, s.channels),
                   args.optionalFloats(2, s.channels), args.output(3, n), args.output(4, sets), args.output(5, sets));
  return nullptr;
}

// (dy, x, gamma?, mean, inverse, dx, dgamma, dbeta, images, pixels, channels, groups, epsilon)
napi_value groupNormGradient(const Arguments& args, State& state) {
  const GroupNorm s = groupNormOf(args, 8);
  const size_t n = s.images * s.pixels * s.channels, sets = s.images * s.groups;
  groupNormGrad(state.context(), s, args.floats(0, n), args.floats(1, n), args.optionalFloats(2, s.channels),
                args.floats(3, sets), args.floats(4, sets), args.output(5, n), args.output(6, s.channels),
                args.output(7, s.channels));
  return nullptr;
}

PoolShape poolShape(const Arguments& args, size_t i) {
  const int32_t* p = args.array<int32_t>(i, 15);
  positive(p, 8);
  PoolShape s = {p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11], p[12], p[13], p[14] != 0};
  if (s.filterHeight < 1 || s.filterWidth < 1 || s.strideHeight < 1 || s.strideWidth < 1 || s.dilationHeight < 1 ||
      s.dilationWidth < 1) {
    throw BadArgument("A pool's window, strides and dilations are at least 1");
  }
  return s;
}
size_t poolInput(const PoolShape& s) { return static_cast<size_t>(s.batch) * s.height * s.width * s.channels; }
size_t poolOutput(const PoolShape& s) { return static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.channels; }

// (shape, x, y, index?)
napi_value maxPoolOp(const Arguments& args, State& state) {
  const PoolShape s = poolShape(args, 0);
  uint8_t* index = args.given(3) ? args.array<uint8_t>(3, poolOutput(s)) : nullptr;
  if (index != nullptr && s.filterHeight * s.filterWidth > 255) throw BadArgument("A window of more than 255 taps");
  maxPool(state.context(), s, args.floats(1, poolInput(s)), args.output(2, poolOutput(s)), index);
  return nullptr;
}

// (shape, dy, index, dx)
napi_value maxPoolGradient(const Arguments& args, State& state) {
  const PoolShape s = poolShape(args, 0);
  maxPoolGrad(state.context(), s, args.floats(1, poolOutput(s)), args.array<uint8_t>(2, poolOutput(s)),
              args.output(3, poolInput(s)));
  return nullptr;
}

// (shape, x, y)
napi_value avgPoolOp(const Arguments& args, State& state) {
  const PoolShape s = poolShape(args, 0);
  avgPool(state.context(), s, args.floats(1, poolInput(s)), args.output(2, poolOutput(s)));
  return nullptr;
}

// (shape, dy, dx)
napi_value avgPoolGradient(const Arguments& args, State& state) {
  const PoolShape s = poolShape(args, 0);
  avgPoolGrad(state.context(), s, args.floats(1, poolOutput(s)), args.output(2, poolInput(s)));
  return nullptr;
}

// (x, y, rows, classes, logarithm)
napi_value softmaxOp(const Arguments& args, State& state) {
  const size_t rows = args.size(2), classes = args.size(3);
  softmax(state.context(), rows, classes, args.floats(0, rows * classes), args.flag(4), args.output(1, rows * classes));
  return nullptr;
}

// (logits, labels?, targets?, loss, gradient, rows, classes, smoothing)
napi_value crossEntropyOp(const Arguments& args, State& state) {
  const size_t rows = args.size(5), classes = args.size(6);
  const int32_t* labels = args.given(1) ? args.array<int32_t>(1, rows) : nullptr;
  const float* targets = args.optionalFloats(2, rows * classes);
  if ((labels == nullptr) == (targets == nullptr)) throw BadArgument("Labels or targets: expected one of the two");
  crossEntropy(state.context(), rows, classes, args.floats(0, rows * classes), labels, targets, args.single(7),
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
napi_value resizeOp(const Arguments& args, State& state) {
  const ResizeShape s = resizeShape(args, 1);
  const size_t in = static_cast<size_t>(s.batch) * s.height * s.width * s.channels;
  const size_t out = static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.channels;
  resize(state.context(), args.flag(0) ? Resize::Bilinear : Resize::Nearest, s, args.floats(2, in), args.output(3, out));
  return nullptr;
}
napi_value resizeGradient(const Arguments& args, State& state) {
  const ResizeShape s = resizeShape(args, 1);
  const size_t in = static_cast<size_t>(s.batch) * s.height * s.width * s.channels;
  const size_t out = static_cast<size_t>(s.batch) * s.outHeight * s.outWidth * s.channels;
  resizeGrad(state.context(), args.flag(0) ? Resize::Bilinear : Resize::Nearest, s, args.floats(2, out),
             args.output(3, in));
  return nullptr;
}

// ---- optimizers

// The typed arrays in a JavaScript array; all as long as those of `like`, when given.
std::vector<std::pair<float*, size_t>> arraysIn(const Arguments& args, size_t i,
                                                const std::vector<std::pair<float*, size_t>>* like) {
  bool isArray = false;
  uint32_t count = 0;
  if (napi_is_array(args.env(), args.value(i), &isArray) != napi_ok || !isArray) {
    throw BadArgument("Argument " + std::to_string(i) + ": expected an array of Float32Arrays");
  }
  napi_get_array_length(args.env(), args.value(i), &count);
  if (like != nullptr && count != like->size()) throw BadArgument("Parameters and gradients differ in number");
  std::vector<std::pair<float*, size_t>> result;
  for (uint32_t k = 0; k < count; k++) {
    napi_handle_scope scope;
    napi_open_handle_scope(args.env(), &scope);
    napi_value element;
    napi_typedarray_type type = napi_int8_array;
    void* data = nullptr;
    size_t length = 0;
    napi_get_element(args.env(), args.value(i), k, &element);
    const bool good =
        napi_get_typedarray_info(args.env(), element, &type, &length, &data, nullptr, nullptr) == napi_ok &&
        type == napi_float32_array;
    napi_close_handle_scope(args.env(), scope);
    if (!good) throw BadArgument("Argument " + std::to_string(i) + ": element " + std::to_string(k) + " is no Float32Array");
    if (like != nullptr && length != (*like)[k].second) {
      throw BadArgument("Argument " + std::to_string(i) + ": element " + std::to_string(k) + " has the wrong length");
    }
    result.emplace_back(static_cast<float*>(data), length);
  }
  return result;
}

// Deals all elements of all arrays out in one go: pieces of at most 8192 elements.
template <class F>
void forPieces(State& state, const std::vector<std::pair<float*, size_t>>& arrays, const F& body) {
  struct Piece {
    size_t array, lo, hi;
  };
  std::vector<Piece> pieces;
  size_t total = 0;
  for (size_t k = 0; k < arrays.size(); k++) {
    total += arrays[k].second;
    for (size_t lo = 0; lo < arrays[k].second; lo += 8192) pieces.push_back({k, lo, std::min(arrays[k].second, lo + 8192)});
  }
  if (total < kParallel) {
    for (const Piece& piece : pieces) body(piece.array, piece.lo, piece.hi - piece.lo);
    return;
  }
  state.pool->run(pieces.size(), [&](size_t i, int) { body(pieces[i].array, pieces[i].lo, pieces[i].hi - pieces[i].lo); });
}

// (parameters[], gradients[], velocities[]?, lr, momentum, dampening, weightDecay, nesterov, first, maximize)
napi_value sgdStep(const Arguments& args, State& state) {
  const auto p = arraysIn(args, 0, nullptr);
  const auto g = arraysIn(args, 1, &p);
  std::vector<std::pair<float*, size_t>> v;
  if (args.given(2)) v = arraysIn(args, 2, &p);
  const float lr = args.single(3), momentum = args.single(4), dampening = args.single(5), decay = args.single(6);
  const bool nesterov = args.flag(7), first = args.flag(8);
  const float sign = args.flag(9) ? -1.f : 1.f;
  forPieces(state, p, [&](size_t k, size_t at, size_t n) {
    state.kernels->sgd(p[k].first + at, g[k].first + at, v.empty() ? nullptr : v[k].first + at, n, lr, momentum,
                       dampening, decay, nesterov, first, sign);
  });
  return nullptr;
}

// (parameters[], gradients[], m[], v[], vMax[]?, lr, beta1, beta2, epsilon, weightDecay, decoupled, step, maximize)
napi_value adamStep(const Arguments& args, State& state) {
  const auto p = arraysIn(args, 0, nullptr);
  const auto g = arraysIn(args, 1, &p), m = arraysIn(args, 2, &p), v = arraysIn(args, 3, &p);
  std::vector<std::pair<float*, size_t>> vMax;
  if (args.given(4)) vMax = arraysIn(args, 4, &p);
  const double lr = args.number(5), beta1 = args.number(6), beta2 = args.number(7), decay = args.number(9);
  const float epsilon = args.single(8);
  const bool decoupled = args.flag(10);
  const double step = args.number(11);
  const float sign = args.flag(12) ? -1.f : 1.f;
  const float stepSize = static_cast<float>(lr / (1.0 - std::pow(beta1, step)));
  const float correction2 = static_cast<float>(std::sqrt(1.0 - std::pow(beta2, step)));
  forPieces(state, p, [&](size_t k, size_t at, size_t n) {
    state.kernels->adam(p[k].first + at, g[k].first + at, m[k].first + at, v[k].first + at,
                        vMax.empty() ? nullptr : vMax[k].first + at, n, static_cast<float>(lr),
                        static_cast<float>(beta1), static_cast<float>(beta2), epsilon,
                        decoupled ? 0.f : static_cast<float>(decay),
                        decoupled ? static_cast<float>(1.0 - lr * decay) : 1.f, stepSize, correction2, sign);
  });
  return nullptr;
}

// ---- blocks

// (mode, batch, program, numbers), from argument i on
Block blockOf(const Arguments& args, size_t i, State& state) {
  napi_typedarray_type type;
  size_t length = 0, count = 0;
  void* data = nullptr;
  const int32_t* program = args.array<int32_t>(i + 2, 1);
  napi_get_typedarray_info(args.env(), args.value(i + 2), &type, &length, &data, nullptr, nullptr);
  const float* numbers = args.floats(i + 3, 0);
  napi_get_typedarray_info(args.env(), args.value(i + 3), &type, &count, &data, nullptr, nullptr);
  const auto mode = args.choice<BlockMode>(i, static_cast<int>(BlockMode::Count));
  return Block(program, length, numbers, count, mode, args.size(i + 1), state.pool->threads());
}

// (mode, batch, program, numbers) -> [phases, floats of state, floats of workspace, operations], or why it cannot be
napi_value blockPlan(const Arguments& args, State& state) {
  napi_value result;
  try {
    const Block block = blockOf(args, 0, state);
    const double facts[] = {static_cast<double>(block.phases()), static_cast<double>(block.stateFloats()),
                            static_cast<double>(block.workspaceFloats()), block.operations()};
    napi_create_array_with_length(args.env(), 4, &result);
    for (uint32_t k = 0; k < 4; k++) {
      napi_value number;
      napi_create_double(args.env(), facts[k], &number);
      napi_set_element(args.env(), result, k, number);
    }
  } catch (const std::invalid_argument& error) {
    napi_create_string_utf8(args.env(), error.what(), NAPI_AUTO_LENGTH, &result);
  }
  return result;
}

// (mode, batch, program, numbers, phase, parameters[], x, y, state, workspace, dy?, dx?, gradients[]?)
napi_value blockRun(const Arguments& args, State& state) {
  const Block block = blockOf(args, 0, state);
  const auto mode = args.choice<BlockMode>(0, static_cast<int>(BlockMode::Count));
  const size_t phase = args.size(4);
  if (phase >= block.phases()) throw BadArgument("There is no such phase");
  BlockArrays arrays;
  arrays.params = arraysIn(args, 5, nullptr);
  arrays.x = args.floats(6, block.inputFloats());
  arrays.y = args.output(7, block.outputFloats());
  if (mode != BlockMode::Infer) arrays.state = args.output(8, block.stateFloats());
  arrays.workspace = args.output(9, block.workspaceFloats());
  if (mode == BlockMode::Backward) {
    arrays.dy = args.floats(10, block.outputFloats());
    arrays.dx = args.optionalOutput(11, block.inputFloats());
    arrays.grads = arraysIn(args, 12, nullptr);
  }
  try {
    block.check(arrays);
  } catch (const std::invalid_argument& error) {
    throw BadArgument(error.what());
  }
  block.run(state.context(), state.singles, phase, arrays);
  return nullptr;
}

template <Body body>
void define(napi_env env, napi_value exports, const char* name, State* state) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, call<body>, state, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace
}  // namespace convbook

NAPI_MODULE_INIT() {
  using namespace convbook;
  State* state = new State();
  state->kernels = &chooseKernels(nullptr);
  state->pool.reset(new ThreadPool(1));
  state->singles.emplace_back(new ThreadPool(1));
  napi_set_instance_data(env, state, [](napi_env, void* data, void*) { delete static_cast<State*>(data); }, nullptr);
  defineArrayBindings(env, exports, {state, [](void* data) { return static_cast<State*>(data)->context(); }});
  define<configure>(env, exports, "configure", state);
  define<threads>(env, exports, "threads", state);
  define<scratchBytes>(env, exports, "scratchBytes", state);
  define<releaseScratch>(env, exports, "releaseScratch", state);
  define<alloc>(env, exports, "alloc", state);
  define<drop>(env, exports, "drop", state);
  define<conv2d>(env, exports, "conv2d", state);
  define<conv2dInputGrad>(env, exports, "conv2dInputGrad", state);
  define<conv2dFilterGrad>(env, exports, "conv2dFilterGrad", state);
  define<depthwise>(env, exports, "depthwise", state);
  define<depthwiseInput>(env, exports, "depthwiseInputGrad", state);
  define<depthwiseFilter>(env, exports, "depthwiseFilterGrad", state);
  define<gemm>(env, exports, "gemm", state);
  define<unaryOp>(env, exports, "unary", state);
  define<fillOp>(env, exports, "fill", state);
  define<binaryOp>(env, exports, "binary", state);
  define<compareOp>(env, exports, "compare", state);
  define<selectOp>(env, exports, "select", state);
  define<reduceOp>(env, exports, "reduce", state);
  define<argOp>(env, exports, "argExtreme", state);
  define<stridedCopy>(env, exports, "copyStrided", state);
  define<rowCopy>(env, exports, "copyRows", state);
  define<gatherOp>(env, exports, "gather", state);
  define<oneHotOp>(env, exports, "oneHot", state);
  define<castOp>(env, exports, "cast", state);
  define<random>(env, exports, "random", state);
  define<batchNorm>(env, exports, "batchNorm", state);
  define<batchNormGradient>(env, exports, "batchNormGrad", state);
  define<affine>(env, exports, "affine", state);
  define<groupNorm>(env, exports, "groupNorm", state);
  define<groupNormGradient>(env, exports, "groupNormGrad", state);
  define<maxPoolOp>(env, exports, "maxPool", state);
  define<maxPoolGradient>(env, exports, "maxPoolGrad", state);
  define<avgPoolOp>(env, exports, "avgPool", state);
  define<avgPoolGradient>(env, exports, "avgPoolGrad", state);
  define<softmaxOp>(env, exports, "softmax", state);
  define<crossEntropyOp>(env, exports, "crossEntropy", state);
  define<resizeOp>(env, exports, "resize", state);
  define<resizeGradient>(env, exports, "resizeGrad", state);
  define<blockPlan>(env, exports, "blockPlan", state);
  define<blockRun>(env, exports, "block", state);
  define<sgdStep>(env, exports, "sgd", state);
  define<adamStep>(env, exports, "adam", state);
  return exports;
}
