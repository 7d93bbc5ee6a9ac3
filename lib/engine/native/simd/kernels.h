// What one instruction set offers: register tiles for convolutions and products, and loops over ranges of elements.
// All functions work on the calling thread; the drivers cut the work into tasks.
#pragma once
#include <cstddef>
#include <cstdint>

#include "runtime/choices.h"
#include "simd/depthwise_kernels.h"
#include "simd/operation_kernels.h"
#include "simd/winograd_kernels.h"

namespace convbook {

class ConvImplementation;

#if defined(_MSC_VER) && !defined(__clang__)
#define CONVBOOK_RESTRICT __restrict
#else
#define CONVBOOK_RESTRICT __restrict__
#endif

enum Activation : int { kLinear, kRelu, kRelu6 };
inline constexpr const char* kActivationNames = "Linear, Relu, Relu6";  // in this order
// Where a gradient gets through an activation: everywhere, or where its result is above 0, and for 6 below 6, too. The
// result is worked out again from x, or given as y.
enum ActivationMask : int { kMaskNone, kMaskX, kMaskY, kMaskX6, kMaskY6 };

// `length` inputs that lie `xk` apart, from `offset` on, meet `length` consecutive rows of the packed weights.
struct Run {
  ptrdiff_t offset;
  int length;
};

constexpr int kMaxVectors = 4;
constexpr int kMaxRows = 28;

// What will be read or written soon: rows of so many cache lines, and so many floats from behind one row's last line to
// the next row. Null: nothing.
struct AheadRows {
  const float* at = nullptr;
  int lines = 1;
  ptrdiff_t skip = 0;
};

// rows x vectors tile: y[row][col] = act(bias[col] + sum over runs of x[row*xs + offset + k*xk] * w[k][col] (+
// residual))
struct Tile {
  const float* x;
  ptrdiff_t xs, xk;
  const Run* runs;
  int runCount;
  const float* w;  // packed: rows of vectors * L floats, zeros behind the last column
  float* y;
  ptrdiff_t ys;
  const float* bias;      // padded like w, or null
  const float* residual;  // laid out like y, or null
  int activation;
  unsigned tail;  // columns in the last vector
  // A cache line of it is asked for with every row of the weights.
  AheadRows ahead;
};
using TileFn = void (*)(const Tile&);

// rows x vectors tile of a weight gradient: dw[row][col] += sum over pixels of x[pixel][row] * dy[pixel][col]
struct GradTile {
  const float* x;
  ptrdiff_t xs, xrow;
  const float* dy;
  ptrdiff_t dys, dyrow;
  int rows, pixels;  // pixel (r, i) lies at x + r*xrow + i*xs and dy + r*dyrow + i*dys
  float* dw;
  ptrdiff_t dws;
  unsigned tail;
  AheadRows ahead;  // as above, with every pixel
};
using GradTileFn = void (*)(const GradTile&);

// Rows of pixels whose channels lie side by side, each array with a distance between rows of its own:
// y = act(x * scale + shift + residual); scale (with shift) and residual may be null.
struct AffineRows {
  const float* x;
  ptrdiff_t xs;
  const float *scale, *shift;
  const float* residual;
  ptrdiff_t rs;
  float* y;
  ptrdiff_t ys;
  int activation;
};

// A gradient on its way back through an activation and a batch normalization. dz = dy, or 0 where the mask is closed;
// out = base + k * dz + a2 * x + a3; sums of dz and of dz * (x - mean) over the rows are added to `sum` and `sumX`.
struct GradRows {
  const float* dy;
  ptrdiff_t ds;
  const float* x;  // what was normalized; null when nothing below needs it
  ptrdiff_t xs;
  int mask;  // 0 open everywhere, 1 where x * scale + shift > 0, 2 where y > 0
  const float *scale, *shift;
  const float* y;
  ptrdiff_t ys;
  const float* k;        // null: 1
  const float *a2, *a3;  // null: no such term
  const float* base;     // null: 0
  ptrdiff_t bs;
  float* out;  // null: sums only
  ptrdiff_t os;
  const float* mean;  // null: no sums
  float *sum, *sumX;
};

CONVBOOK_CHOICES(enum class Unary, kUnaryNames, Relu, Relu6, Step, Square, Sqrt, Rsqrt, Exp, Log, Neg, Sigmoid, Tanh,
                 Abs, Reciprocal, Sign, Floor, Ceil, Round, Elu, Selu, LeakyRelu, Softplus, Expm1, Log1p, Sin, Cos, Tan,
                 Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh, Atanh, Erf, Clip, Copy, Gelu, Silu);
CONVBOOK_CHOICES(enum class Binary, kBinaryNames, Add, Sub, Multiply, RealDiv, Maximum, Minimum, SquaredDifference, Pow,
                 Prelu, EluGrad, ReluGrad, Relu6Grad, Mod, FloorDiv, Atan2, SiluGrad, GeluGrad);
CONVBOOK_CHOICES(enum class Compare, kCompareNames, Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual);
CONVBOOK_CHOICES(enum class Reduce, kReduceNames, Sum, Max, Min, Prod);

struct Kernels {
  const char* name;
  ConvImplementation* tiles;  // convolutions on the processor's matrix tiles; null: it has none
  int lanes;
  int rowLimit[kMaxVectors + 1];
  TileFn tile[kMaxVectors + 1][kMaxRows + 1];
  GradTileFn gradTile[kMaxVectors + 1][kMaxRows + 1];
  WinogradKernels winograd[kWinogradKinds];
  OperationKernels operations;
  DepthwiseKernels depthwise;

  // y[i] = f(x[i]); a and b are the operation's parameters (slope, bounds).
  void (*unary)(Unary op, const float* x, float* y, size_t n, float a, float b);
  // y[i] = f(a[i*sa], b[i*sb]), sa and sb 0 or 1.
  void (*binary)(Binary op, const float* a, int sa, const float* b, int sb, float* y, size_t n);
  void (*compare)(Compare op, const float* a, int sa, const float* b, int sb, uint8_t* y, size_t n);
  void (*select)(const uint8_t* c, int sc, const float* a, int sa, const float* b, int sb, float* y, size_t n);
  void (*fill)(float* y, float value, size_t n);

  // Of n contiguous values; sums are gathered in double every 1024.
  double (*sum)(const float* x, size_t n);
  float (*extreme)(Reduce op, const float* x, size_t n);
  // acc[j] = op(acc[j], x[r*stride + j]) over rows.
  void (*reduceRows)(Reduce op, const float* x, size_t rows, size_t stride, size_t n, float* acc);

  // Sums and sums of squares about the piece's own mean, per column j < width, over rows that lie `width` apart.
  void (*moments)(const float* x, size_t rows, size_t width, float* mean, float* m2);
  // y = act(x * scale + shift (+ residual)), period `width` (all arrays of n elements start at a multiple of it).
  void (*affine)(const float* x, const float* scale, const float* shift, const float* residual, float* y, size_t n,
                 size_t width, int activation);
  // Sums over rows of dz and dz * (x - mean), dz = dy behind the activation's mask.
  void (*normSums)(int mask, const float* dy, const float* x, const float* y, const float* mean, const float* scale,
                   const float* shift, float* dresidual, size_t n, size_t width, float* sum, float* sumX);
  // dx = a1 * dz + a2 * x + a3
  void (*normGrad)(int mask, const float* dy, const float* x, const float* y, const float* scale, const float* shift,
                   const float* a1, const float* a2, const float* a3, float* dx, size_t n, size_t width);

  void (*affineRows)(const AffineRows&, size_t rows, size_t channels);
  void (*gradRows)(const GradRows&, size_t rows, size_t channels);
  // Adds sums and sums of squares of x - shift over the rows to `sum` and `squares`.
  void (*momentRows)(const float* x, ptrdiff_t xs, const float* shift, float* sum, float* squares, size_t rows,
                     size_t channels);

  // The largest of `count` pixels of `channels` values; NaN is the largest of all if `nan`, else it is passed over.
  // index, if given, tells which: numbers[i] + from[i], the latter 0 if null.
  void (*maxPixel)(const float* const* taps, int count, size_t channels, int nan, float* y, uint8_t* index,
                   const uint8_t* numbers, const uint8_t* const* from);
  // The weighted sum of `count` pixels.
  void (*sumPixel)(const float* const* taps, const float* weights, int count, size_t channels, float scale, float* y);
  // One input pixel's gradient: the sum over `count` outputs that looked at it of dy where index == tap.
  void (*maxPixelGrad)(const float* const* dy, const uint8_t* const* index, const uint8_t* taps, int count,
                       size_t channels, float* dx);
  // n values from each row to each row; strides in values.
  void (*copyRows)(const float* from, size_t fromStride, float* to, size_t toStride, size_t rows, size_t n);
  // y += x * w, element by element (depthwise convolution and its gradients), or y += x * w[0] when `scalar`
  void (*multiplyAdd)(const float* x, const float* w, float* y, size_t n, int scalar);

  // loss[i], gradient[i][k] = softmax - target; targets as class indices (-1: not counted) or as probabilities.
  double (*softmaxRow)(const float* x, size_t n, float* y, int logarithm);

  void (*sgd)(float* p, const float* g, float* velocity, size_t n, float lr, float momentum, float dampening,
              float decay, int nesterov, int first, float sign);
  // take1 and take2 are 1 - beta1 and 1 - beta2, of which float32 has fewer right digits when it subtracts itself.
  void (*adam)(float* p, const float* g, float* m, float* v, float* vMax, size_t n, float take1, float beta2,
               float take2, float epsilon, float decay, float decoupled, float stepSize, float correction2, float sign);
  // take is 1 - alpha.
  void (*rmsprop)(float* p, const float* g, float* square, float* mean, float* buffer, size_t n, float lr, float alpha,
                  float take, float epsilon, float decay, float momentum);
};

const Kernels& genericKernels();
#if defined(__wasm__)
const Kernels& wasmKernels();
#endif
#if defined(__x86_64__) || defined(_M_X64)
const Kernels& avx2Kernels();
const Kernels& avx512Kernels();
#endif

// The best that this processor runs, or the one that `wanted` names ("amx": AVX-512 and AMX, "avx512", "avx2",
// "generic"; null: best).
const Kernels& chooseKernels(const char* wanted);

}  // namespace convbook
