// Steps of optimizers on all parameters at once, as JavaScript sees them.
#include <algorithm>
#include <cmath>
#include <vector>

#include "bindings/bindings.h"

namespace convbook {
namespace {

// Deals all elements of all arrays out in one go: pieces of at most 8192 elements.
template <class F>
void forPieces(const Context& context, const FloatArrays& arrays, const F& body) {
  struct Piece {
    size_t array, lo, hi;
  };
  std::vector<Piece> pieces;
  size_t total = 0;
  for (size_t k = 0; k < arrays.size(); k++) {
    total += arrays[k].second;
    for (size_t lo = 0; lo < arrays[k].second; lo += 8192)
      pieces.push_back({k, lo, std::min(arrays[k].second, lo + 8192)});
  }
  if (total < kParallel) {
    for (const Piece& piece : pieces) body(piece.array, piece.lo, piece.hi - piece.lo);
    return;
  }
  context.pool.run(pieces.size(),
                   [&](size_t i, int) { body(pieces[i].array, pieces[i].lo, pieces[i].hi - pieces[i].lo); });
}

// (parameters[], gradients[], velocities[]?, lr, momentum, dampening, weightDecay, nesterov, first, maximize)
napi_value sgdStep(const Arguments& args, const Context& context) {
  const auto p = arraysIn(args, 0, nullptr);
  const auto g = arraysIn(args, 1, &p);
  FloatArrays v;
  if (args.given(2)) v = arraysIn(args, 2, &p);
  const float lr = args.single(3), momentum = args.single(4), dampening = args.single(5), decay = args.single(6);
  const bool nesterov = args.flag(7), first = args.flag(8);
  const float sign = args.flag(9) ? -1.f : 1.f;
  forPieces(context, p, [&](size_t k, size_t at, size_t n) {
    context.kernels.sgd(p[k].first + at, g[k].first + at, v.empty() ? nullptr : v[k].first + at, n, lr, momentum,
                        dampening, decay, nesterov, first, sign);
  });
  return nullptr;
}

// (parameters[], gradients[], m[], v[], vMax[]?, lr, beta1, beta2, epsilon, weightDecay, decoupled, step, maximize)
napi_value adamStep(const Arguments& args, const Context& context) {
  const auto p = arraysIn(args, 0, nullptr);
  const auto g = arraysIn(args, 1, &p), m = arraysIn(args, 2, &p), v = arraysIn(args, 3, &p);
  FloatArrays vMax;
  if (args.given(4)) vMax = arraysIn(args, 4, &p);
  const double lr = args.number(5), beta1 = args.number(6), beta2 = args.number(7), decay = args.number(9);
  const float epsilon = args.single(8);
  const bool decoupled = args.flag(10);
  const double step = args.number(11);
  const float sign = args.flag(12) ? -1.f : 1.f;
  const float stepSize = static_cast<float>(lr / (1.0 - std::pow(beta1, step)));
  const float correction2 = static_cast<float>(std::sqrt(1.0 - std::pow(beta2, step)));
  forPieces(context, p, [&](size_t k, size_t at, size_t n) {
    context.kernels.adam(p[k].first + at, g[k].first + at, m[k].first + at, v[k].first + at,
                         vMax.empty() ? nullptr : vMax[k].first + at, n, static_cast<float>(1.0 - beta1),
                         static_cast<float>(beta2), static_cast<float>(1.0 - beta2), epsilon,
                         decoupled ? 0.f : static_cast<float>(decay),
                         decoupled ? static_cast<float>(1.0 - lr * decay) : 1.f, stepSize, correction2, sign);
  });
  return nullptr;
}

// (parameters[], gradients[], squares[], means[]?, buffers[]?, lr, alpha, epsilon, weightDecay, momentum)
napi_value rmspropStep(const Arguments& args, const Context& context) {
  const auto p = arraysIn(args, 0, nullptr);
  const auto g = arraysIn(args, 1, &p), square = arraysIn(args, 2, &p);
  FloatArrays mean, buffer;
  if (args.given(3)) mean = arraysIn(args, 3, &p);
  if (args.given(4)) buffer = arraysIn(args, 4, &p);
  const float lr = args.single(5), epsilon = args.single(7), decay = args.single(8), momentum = args.single(9);
  const double alpha = args.number(6);
  forPieces(context, p, [&](size_t k, size_t at, size_t n) {
    context.kernels.rmsprop(p[k].first + at, g[k].first + at, square[k].first + at,
                            mean.empty() ? nullptr : mean[k].first + at,
                            buffer.empty() ? nullptr : buffer[k].first + at, n, lr, static_cast<float>(alpha),
                            static_cast<float>(1.0 - alpha), epsilon, decay, momentum);
  });
  return nullptr;
}

}  // namespace

void defineOptimizerBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state,
         {
             {"sgd", call<sgdStep>},
             {"adam", call<adamStep>},
             {"rmsprop", call<rmspropStep>},
         });
}

}  // namespace convbook
