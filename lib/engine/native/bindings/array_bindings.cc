// Arrays of floats, as JavaScript sees them.
#include "bindings/bindings.h"
#include "bindings/described.h"
#include "ops/arrays.h"

namespace convbook {
namespace {

// (op, x, y, n, a, b)
napi_value unaryOp(const Arguments& args, const Context& context) {
  const size_t n = args.size(3);
  unary(context, args.choice<Unary>(0, static_cast<int>(Unary::Count)), args.floats(1, n), args.output(2, n), n,
        args.single(4), args.single(5));
  return nullptr;
}

// (y, value)
napi_value fillOp(const Arguments& args, const Context& context) {
  const size_t n = args.size(2);
  fill(context, args.output(0, n), args.single(1), n);
  return nullptr;
}

// (op, a, b, y, description)
napi_value binaryOp(const Arguments& args, const Context& context) {
  const Described d = describe(args, 4, 2);
  binary(context, args.choice<Binary>(0, static_cast<int>(Binary::Count)), args.floats(1, d.reach[0]),
         args.floats(2, d.reach[1]), args.output(3, d.size), d.strided);
  return nullptr;
}

napi_value compareOp(const Arguments& args, const Context& context) {
  const Described d = describe(args, 4, 2);
  compare(context, args.choice<Compare>(0, static_cast<int>(Compare::Count)), args.floats(1, d.reach[0]),
          args.floats(2, d.reach[1]), args.array<uint8_t>(3, d.size), d.strided);
  return nullptr;
}

// (condition, a, b, y, description)
napi_value selectOp(const Arguments& args, const Context& context) {
  const Described d = describe(args, 4, 3);
  select(context, args.array<uint8_t>(0, d.reach[0]), args.floats(1, d.reach[1]), args.floats(2, d.reach[2]),
         args.output(3, d.size), d.strided);
  return nullptr;
}

// (op, x, y, outer, middle, inner, scale)
napi_value reduceOp(const Arguments& args, const Context& context) {
  const size_t outer = args.size(3), middle = args.size(4), inner = args.size(5);
  reduce(context, args.choice<Reduce>(0, static_cast<int>(Reduce::Count)), args.floats(1, outer * middle * inner),
         args.output(2, outer * inner), outer, middle, inner, args.single(6));
  return nullptr;
}

// (largest, x, y, outer, middle, inner)
napi_value argOp(const Arguments& args, const Context& context) {
  const size_t outer = args.size(3), middle = args.size(4), inner = args.size(5);
  if (middle == 0) throw BadArgument("There is no largest element of none");
  argExtreme(context, args.flag(0), args.floats(1, outer * middle * inner), args.array<int32_t>(2, outer * inner),
             outer, middle, inner);
  return nullptr;
}

// (x, xOffset, y, yOffset, elementBytes, description, scatter), offsets in elements
napi_value stridedCopy(const Arguments& args, const Context& context) {
  const Described d = describe(args, 5, 1);
  const int bytes = args.integer(4);
  if (bytes != 1 && bytes != 4) throw BadArgument("Elements of " + std::to_string(bytes) + " bytes are not handled");
  if (d.size == 0) return nullptr;
  const bool scatter = args.flag(6);
  const size_t from = args.size(1), to = args.size(3), width = static_cast<size_t>(bytes);
  const uint8_t* x = args.bytes(0, (from + (scatter ? d.size : d.reach[0])) * width);
  uint8_t* y = args.bytes(2, (to + (scatter ? d.reach[0] : d.size)) * width);
  copyStrided(context, x + from * width, y + to * width, bytes, d.strided, scatter);
  return nullptr;
}

// (from, fromOffset, fromStride, to, toOffset, toStride, rows, length), all in bytes
napi_value rowCopy(const Arguments& args, const Context& context) {
  const size_t fromOffset = args.size(1), fromStride = args.size(2), toOffset = args.size(4), toStride = args.size(5);
  const size_t rows = args.size(6), length = args.size(7);
  if (rows == 0 || length == 0) return nullptr;
  const uint8_t* from = args.bytes(0, fromOffset + (rows - 1) * fromStride + length);
  uint8_t* to = args.bytes(3, toOffset + (rows - 1) * toStride + length);
  copyRows(context, from + fromOffset, fromStride, to + toOffset, toStride, rows, length);
  return nullptr;
}

// (x, indices, y, outer, count, picked, bytes)
napi_value gatherOp(const Arguments& args, const Context& context) {
  const size_t outer = args.size(3), count = args.size(4), picked = args.size(5), bytes = args.size(6);
  gather(context, args.bytes(0, outer * count * bytes), args.array<int32_t>(1, picked),
         args.bytes(2, outer * picked * bytes), outer, count, picked, bytes);
  return nullptr;
}

// (indices, y, n, depth, on, off)
napi_value oneHotOp(const Arguments& args, const Context& context) {
  const size_t n = args.size(2), depth = args.size(3);
  oneHot(context, args.array<int32_t>(0, n), args.output(1, n * depth), n, depth, args.single(4), args.single(5));
  return nullptr;
}

// (kind, x, y, n)
napi_value castOp(const Arguments& args, const Context& context) {
  static const size_t from[] = {4, 4, 1, 1, 4, 4}, to[] = {4, 4, 4, 4, 1, 1};
  const auto kind = args.choice<Cast>(0, static_cast<int>(Cast::Count));
  const size_t n = args.size(3);
  const size_t index = static_cast<size_t>(kind);
  cast(context, kind, args.bytes(1, n * from[index]), args.bytes(2, n * to[index]), n);
  return nullptr;
}

// (normal, y, n, seed, a, b)
napi_value random(const Arguments& args, const Context& context) {
  const size_t n = args.size(2);
  randomFill(context, args.flag(0), args.output(1, n), n, args.whole(3), args.single(4), args.single(5));
  return nullptr;
}

}  // namespace

void defineArrayBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state,
         {
             {"unary", call<unaryOp>},
             {"fill", call<fillOp>},
             {"binary", call<binaryOp>},
             {"compare", call<compareOp>},
             {"select", call<selectOp>},
             {"reduce", call<reduceOp>},
             {"argExtreme", call<argOp>},
             {"copyStrided", call<stridedCopy>},
             {"copyRows", call<rowCopy>},
             {"gather", call<gatherOp>},
             {"oneHot", call<oneHotOp>},
             {"cast", call<castOp>},
             {"random", call<random>},
         });
}

}  // namespace convbook
