// Operations outside of networks' layers, as JavaScript sees them.
#include "bindings/bindings.h"
#include "ops/fourier.h"
#include "ops/indexing.h"

namespace convbook {
namespace {

// (re, im, toRe, toIm, rows, n, inverse)
napi_value fourierOp(const Arguments& args, const Context& context) {
  const size_t rows = args.size(4), n = args.size(5), all = rows * n;
  fourier(context, args.floats(0, all), args.floats(1, all), args.output(2, all), args.output(3, all), rows, n,
          args.flag(6));
  return nullptr;
}

// (a, b, y, n)
napi_value hypotOp(const Arguments& args, const Context& context) {
  const size_t n = args.size(3);
  hypot(context, args.floats(0, n), args.floats(1, n), args.output(2, n), n);
  return nullptr;
}

// (x, dy, dx, outer, middle, inner, exclusive, reverse)
napi_value cumprodGradOp(const Arguments& args, const Context& context) {
  const size_t outer = args.size(3), middle = args.size(4), inner = args.size(5), n = outer * middle * inner;
  cumprodGrad(context, {true, args.flag(6), args.flag(7)}, args.floats(0, n), args.floats(1, n), args.output(2, n),
              outer, middle, inner);
  return nullptr;
}

}  // namespace

void defineOperationBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state,
         {
             {"fourier", call<fourierOp>},
             {"hypot", call<hypotOp>},
             {"cumprodGrad", call<cumprodGradOp>},
         });
}

}  // namespace convbook
