#include "ops/integers.h"

#include <cmath>
#include <limits>
#include <vector>

#include "ops/loops.h"

namespace convbook {
namespace {

// As JavaScript stores a number in an Int32Array.
int32_t wrapped(double value) {
  if (value >= -2147483648.0 && value < 2147483648.0) return static_cast<int32_t>(value);
  if (!std::isfinite(value)) return 0;
  double rest = std::fmod(std::trunc(value), 4294967296.0);
  if (rest < 0) rest += 4294967296.0;
  return static_cast<int32_t>(static_cast<uint32_t>(rest));
}

int32_t wrapped(uint32_t value) { return static_cast<int32_t>(value); }

// Products up to 2^62 are rounded to double's 53 bits, as in JavaScript.
int32_t multiply(int32_t a, int32_t b) {
  const int64_t exact = static_cast<int64_t>(a) * b;
  return static_cast<int32_t>(
      static_cast<uint32_t>(static_cast<uint64_t>(static_cast<int64_t>(static_cast<double>(exact)))));
}

// The remainder with the divisor's sign.
int32_t floorMod(int32_t a, int32_t b) {
  if (b == 0) return 0;
  const int64_t rest = static_cast<int64_t>(a) % b;
  return static_cast<int32_t>((a < 0) == (b < 0) ? rest : (rest + b) % b);
}

int32_t floorDivide(int32_t a, int32_t b) {
  if (b == 0) return 0;
  return wrapped(std::floor(static_cast<double>(a) / b));
}

template <class From, class To, class F>
void zip(const Context& context, const From* a, const From* b, To* y, const Strided& s, F f) {
  const ptrdiff_t sa = s.rank > 0 ? s.strides[0][s.rank - 1] : 0, sb = s.rank > 0 ? s.strides[1][s.rank - 1] : 0;
  forInner<2>(context, s, [&](const ptrdiff_t* offsets, size_t at, size_t count) {
    const From *p = a + offsets[0], *q = b + offsets[1];
    To* to = y + at;
    if (sa == 1 && sb == 1) {
      for (size_t i = 0; i < count; i++) to[i] = f(p[i], q[i]);
    } else if (sa == 1 && sb == 0) {
      for (size_t i = 0; i < count; i++) to[i] = f(p[i], *q);
    } else if (sa == 0 && sb == 1) {
      for (size_t i = 0; i < count; i++) to[i] = f(*p, q[i]);
    } else {
      for (size_t i = 0; i < count; i++)
        to[i] = f(p[static_cast<ptrdiff_t>(i) * sa], q[static_cast<ptrdiff_t>(i) * sb]);
    }
  });
}

template <class From, class To, class F>
void map(const Context& context, const From* x, To* y, size_t n, F f) {
  context.pool.range(n, kParallel, kGrain, [&](size_t lo, size_t hi) {
    for (size_t i = lo; i < hi; i++) y[i] = f(x[i]);
  });
}

// Folds the middle axis; f(accumulator, element), finish(accumulator).
template <class Sum, class T, class F, class Finish>
void fold(const Context& context, const T* x, T* y, size_t outer, size_t middle, size_t inner, Sum start, F f,
          Finish finish) {
  if (outer * inner == 0) return;
  if (inner == 1 && outer == 1) {
    const size_t parts = middle < kParallel ? 1 : static_cast<size_t>(context.pool.hands()) * 4;
    std::vector<Sum> sums(parts, start);
    context.pool.run(parts, [&](size_t part, int) {
      Sum sum = start;
      for (size_t i = middle * part / parts; i < middle * (part + 1) / parts; i++) sum = f(sum, static_cast<Sum>(x[i]));
      sums[part] = sum;
    });
    Sum total = start;
    for (const Sum& sum : sums) total = f(total, sum);
    y[0] = finish(total);
    return;
  }
  // Pieces of columns, so that rows are read as they lie.
  const size_t columns = std::min<size_t>(inner, 512), pieces = (inner + columns - 1) / columns;
  const size_t least = std::max<size_t>(2, kParallel / std::max<size_t>(middle * columns, 1));
  context.pool.range(outer * pieces, least, 1, [&](size_t lo, size_t hi) {
    std::vector<Sum> sums(columns);
    for (size_t task = lo; task < hi; task++) {
      const size_t o = task / pieces, from = task % pieces * columns, count = std::min(columns, inner - from);
      std::fill(sums.begin(), sums.end(), start);
      for (size_t m = 0; m < middle; m++) {
        const T* row = x + (o * middle + m) * inner + from;
        for (size_t j = 0; j < count; j++) sums[j] = f(sums[j], static_cast<Sum>(row[j]));
      }
      for (size_t j = 0; j < count; j++) y[o * inner + from + j] = finish(sums[j]);
    }
  });
}

}  // namespace

void intBinary(const Context& context, IntBinary op, const int32_t* a, const int32_t* b, int32_t* y, const Strided& s) {
  using I = int32_t;
  using U = uint32_t;
  switch (op) {
    case IntBinary::Add:
      return zip(context, a, b, y, s, [](I p, I q) { return wrapped(static_cast<U>(p) + static_cast<U>(q)); });
    case IntBinary::Sub:
      return zip(context, a, b, y, s, [](I p, I q) { return wrapped(static_cast<U>(p) - static_cast<U>(q)); });
    case IntBinary::Multiply: return zip(context, a, b, y, s, multiply);
    case IntBinary::Maximum: return zip(context, a, b, y, s, [](I p, I q) { return p > q ? p : q; });
    case IntBinary::Minimum: return zip(context, a, b, y, s, [](I p, I q) { return p < q ? p : q; });
    case IntBinary::SquaredDifference:
      return zip(context, a, b, y, s, [](I p, I q) {
        const double difference = static_cast<double>(p) - q;
        return wrapped(difference * difference);
      });
    case IntBinary::Mod: return zip(context, a, b, y, s, floorMod);
    case IntBinary::FloorDiv: return zip(context, a, b, y, s, floorDivide);
    case IntBinary::BitwiseAnd: return zip(context, a, b, y, s, [](I p, I q) { return p & q; });
    case IntBinary::Count: return;
  }
}

void intUnary(const Context& context, IntUnary op, const int32_t* x, int32_t* y, size_t n) {
  switch (op) {
    case IntUnary::Neg: return map(context, x, y, n, [](int32_t v) { return wrapped(0u - static_cast<uint32_t>(v)); });
    case IntUnary::Abs:
      return map(context, x, y, n,
                 [](int32_t v) { return wrapped(v < 0 ? 0u - static_cast<uint32_t>(v) : static_cast<uint32_t>(v)); });
    case IntUnary::Square: return map(context, x, y, n, [](int32_t v) { return multiply(v, v); });
    case IntUnary::Count: return;
  }
}

void intCompare(const Context& context, Compare op, const int32_t* a, const int32_t* b, uint8_t* y, const Strided& s) {
  using I = int32_t;
  switch (op) {
    case Compare::Equal: return zip(context, a, b, y, s, [](I p, I q) -> uint8_t { return p == q; });
    case Compare::NotEqual: return zip(context, a, b, y, s, [](I p, I q) -> uint8_t { return p != q; });
    case Compare::Less: return zip(context, a, b, y, s, [](I p, I q) -> uint8_t { return p < q; });
    case Compare::LessEqual: return zip(context, a, b, y, s, [](I p, I q) -> uint8_t { return p <= q; });
    case Compare::Greater: return zip(context, a, b, y, s, [](I p, I q) -> uint8_t { return p > q; });
    case Compare::GreaterEqual: return zip(context, a, b, y, s, [](I p, I q) -> uint8_t { return p >= q; });
    case Compare::Count: return;
  }
}

void intReduce(const Context& context, Reduce op, const int32_t* x, int32_t* y, size_t outer, size_t middle,
               size_t inner) {
  const auto whole = [](int64_t v) { return static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint64_t>(v))); };
  using L = int64_t;
  switch (op) {
    case Reduce::Sum: return fold<L>(context, x, y, outer, middle, inner, 0, [](L p, L q) { return p + q; }, whole);
    case Reduce::Max:
      return fold<L>(
          context, x, y, outer, middle, inner, std::numeric_limits<int32_t>::min(),
          [](L p, L q) { return p > q ? p : q; }, whole);
    case Reduce::Min:
      return fold<L>(
          context, x, y, outer, middle, inner, std::numeric_limits<int32_t>::max(),
          [](L p, L q) { return p < q ? p : q; }, whole);
    case Reduce::Prod:
      return fold<double>(
          context, x, y, outer, middle, inner, 1.0, [](double p, double q) { return p * q; },
          [](double v) { return wrapped(v); });
    case Reduce::Count: return;
  }
}

void byteBinary(const Context& context, ByteBinary op, const uint8_t* a, const uint8_t* b, uint8_t* y,
                const Strided& s) {
  using B = uint8_t;
  switch (op) {
    case ByteBinary::LogicalAnd: return zip(context, a, b, y, s, [](B p, B q) -> B { return (p != 0) & (q != 0); });
    case ByteBinary::LogicalOr: return zip(context, a, b, y, s, [](B p, B q) -> B { return (p | q) != 0; });
    case ByteBinary::Equal: return zip(context, a, b, y, s, [](B p, B q) -> B { return p == q; });
    case ByteBinary::NotEqual: return zip(context, a, b, y, s, [](B p, B q) -> B { return p != q; });
    case ByteBinary::Count: return;
  }
}

void byteNot(const Context& context, const uint8_t* x, uint8_t* y, size_t n) {
  map(context, x, y, n, [](uint8_t v) -> uint8_t { return v == 0; });
}

void byteReduce(const Context& context, bool all, const uint8_t* x, uint8_t* y, size_t outer, size_t middle,
                size_t inner) {
  const auto whole = [](uint32_t v) { return static_cast<uint8_t>(v); };
  using U = uint32_t;
  if (all) {
    fold<U>(context, x, y, outer, middle, inner, 1, [](U p, U q) -> U { return p & (q != 0); }, whole);
  } else {
    fold<U>(context, x, y, outer, middle, inner, 0, [](U p, U q) -> U { return p | (q != 0); }, whole);
  }
}

void classify(const Context& context, FloatClass kind, const float* x, uint8_t* y, size_t n) {
  switch (kind) {
    case FloatClass::IsNan: return map(context, x, y, n, [](float v) -> uint8_t { return v != v; });
    case FloatClass::IsInf:
      return map(context, x, y, n,
                 [](float v) -> uint8_t { return std::fabs(v) == std::numeric_limits<float>::infinity(); });
    case FloatClass::IsFinite:
      return map(context, x, y, n,
                 [](float v) -> uint8_t { return std::fabs(v) < std::numeric_limits<float>::infinity(); });
    case FloatClass::Count: return;
  }
}

}  // namespace convbook
