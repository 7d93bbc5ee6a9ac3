// Integers, booleans and places, as JavaScript sees them.
#include "bindings/bindings.h"
#include "bindings/described.h"
#include "ops/indexing.h"
#include "ops/integers.h"

namespace convbook {
namespace {

bool isFloat(const Arguments& args, size_t i) {
  napi_typedarray_type type;
  return args.given(i) &&
         napi_get_typedarray_info(args.env(), args.value(i), &type, nullptr, nullptr, nullptr, nullptr) == napi_ok &&
         type == napi_float32_array;
}

// (op, a, b, y, description)
napi_value intBinaryOp(const Arguments& args, const Context& context) {
  const Described d = describe(args, 4, 2);
  intBinary(context, args.choice<IntBinary>(0, static_cast<int>(IntBinary::Count)), args.array<int32_t>(1, d.reach[0]),
            args.array<int32_t>(2, d.reach[1]), args.array<int32_t>(3, d.size), d.strided);
  return nullptr;
}

// (op, x, y, n)
napi_value intUnaryOp(const Arguments& args, const Context& context) {
  const size_t n = args.size(3);
  intUnary(context, args.choice<IntUnary>(0, static_cast<int>(IntUnary::Count)), args.array<int32_t>(1, n),
           args.array<int32_t>(2, n), n);
  return nullptr;
}

// (op, a, b, y, description)
napi_value intCompareOp(const Arguments& args, const Context& context) {
  const Described d = describe(args, 4, 2);
  intCompare(context, args.choice<Compare>(0, static_cast<int>(Compare::Count)), args.array<int32_t>(1, d.reach[0]),
             args.array<int32_t>(2, d.reach[1]), args.array<uint8_t>(3, d.size), d.strided);
  return nullptr;
}

// (op, x, y, outer, middle, inner)
napi_value intReduceOp(const Arguments& args, const Context& context) {
  const size_t outer = args.size(3), middle = args.size(4), inner = args.size(5);
  intReduce(context, args.choice<Reduce>(0, static_cast<int>(Reduce::Count)),
            args.array<int32_t>(1, outer * middle * inner), args.array<int32_t>(2, outer * inner), outer, middle,
            inner);
  return nullptr;
}

// (op, a, b, y, description)
napi_value byteBinaryOp(const Arguments& args, const Context& context) {
  const Described d = describe(args, 4, 2);
  byteBinary(context, args.choice<ByteBinary>(0, static_cast<int>(ByteBinary::Count)),
             args.array<uint8_t>(1, d.reach[0]), args.array<uint8_t>(2, d.reach[1]), args.array<uint8_t>(3, d.size),
             d.strided);
  return nullptr;
}

// (x, y, n)
napi_value byteNotOp(const Arguments& args, const Context& context) {
  const size_t n = args.size(2);
  byteNot(context, args.array<uint8_t>(0, n), args.array<uint8_t>(1, n), n);
  return nullptr;
}

// (all, x, y, outer, middle, inner)
napi_value byteReduceOp(const Arguments& args, const Context& context) {
  const size_t outer = args.size(3), middle = args.size(4), inner = args.size(5);
  byteReduce(context, args.flag(0), args.array<uint8_t>(1, outer * middle * inner),
             args.array<uint8_t>(2, outer * inner), outer, middle, inner);
  return nullptr;
}

// (kind, x, y, n)
napi_value classifyOp(const Arguments& args, const Context& context) {
  const size_t n = args.size(3);
  classify(context, args.choice<FloatClass>(0, static_cast<int>(FloatClass::Count)), args.floats(1, n),
           args.array<uint8_t>(2, n), n);
  return nullptr;
}

// (x, y, outer, middle, inner, product, exclusive, reverse), x and y both float32 or both int32
napi_value scanOp(const Arguments& args, const Context& context) {
  const size_t outer = args.size(2), middle = args.size(3), inner = args.size(4), n = outer * middle * inner;
  const Scan how = {args.flag(5), args.flag(6), args.flag(7)};
  if (isFloat(args, 0)) {
    scan(context, how, args.floats(0, n), args.output(1, n), outer, middle, inner);
  } else {
    scan(context, how, args.array<int32_t>(0, n), args.array<int32_t>(1, n), outer, middle, inner);
  }
  return nullptr;
}

// (x, y, indices, rows, n, k)
napi_value topKOp(const Arguments& args, const Context& context) {
  const size_t rows = args.size(3), n = args.size(4), k = args.size(5);
  if (k > n) throw BadArgument("There are no " + std::to_string(k) + " largest of " + std::to_string(n));
  int32_t* indices = args.array<int32_t>(2, rows * k);
  if (isFloat(args, 0)) {
    topK(context, args.floats(0, rows * n), args.output(1, rows * k), indices, rows, n, k);
  } else {
    topK(context, args.array<int32_t>(0, rows * n), args.array<int32_t>(1, rows * k), indices, rows, n, k);
  }
  return nullptr;
}

// (x, y, elementBytes, shape, axes): a bit of `axes` for each axis to reverse
napi_value reverseOp(const Arguments& args, const Context& context) {
  const int bytes = args.integer(2);
  if (bytes != 1 && bytes != 4) throw BadArgument("Elements of " + std::to_string(bytes) + " bytes are not handled");
  const Described d = describe(args, 3, 0);
  size_t shape[kMaxRank];
  const int32_t* sizes = args.array<int32_t>(3, 1) + 1;
  for (int r = 0; r < d.strided.rank; r++) shape[r] = static_cast<size_t>(sizes[r]);
  const size_t length = d.size * static_cast<size_t>(bytes);
  reverse(context, args.bytes(0, length), args.bytes(1, length), bytes, shape, d.strided.rank,
          static_cast<unsigned>(args.integer(4)));
  return nullptr;
}

// (x, indices, y, count, rows, width, replace): elements of 4 bytes, or of 1 when replacing
napi_value scatterOp(const Arguments& args, const Context& context) {
  const size_t count = args.size(3), rows = args.size(4), width = args.size(5);
  const int32_t* indices = args.array<int32_t>(1, count);
  if (args.flag(6)) {
    scatterReplace(context, args.bytes(0, count * width), indices, args.bytes(2, rows * width), count, rows, width);
  } else if (isFloat(args, 0)) {
    scatterAdd(context, args.floats(0, count * width), indices, args.output(2, rows * width), count, rows, width);
  } else {
    scatterAdd(context, args.array<int32_t>(0, count * width), indices, args.array<int32_t>(2, rows * width), count,
               rows, width);
  }
  return nullptr;
}

}  // namespace

void defineIntegerBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state,
         {
             {"intBinary", call<intBinaryOp>},
             {"intUnary", call<intUnaryOp>},
             {"intCompare", call<intCompareOp>},
             {"intReduce", call<intReduceOp>},
             {"byteBinary", call<byteBinaryOp>},
             {"byteNot", call<byteNotOp>},
             {"byteReduce", call<byteReduceOp>},
             {"classify", call<classifyOp>},
             {"scan", call<scanOp>},
             {"topK", call<topKOp>},
             {"reverse", call<reverseOp>},
             {"scatter", call<scatterOp>},
         });
}

}  // namespace convbook
