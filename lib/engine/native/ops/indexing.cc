#include "ops/indexing.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "ops/loops.h"

namespace convbook {
namespace {

// Rounded to the element's type at every step, as storing each in a typed array does.
float plus(float a, float b) { return a + b; }
float times(float a, float b) { return a * b; }
int32_t plus(int32_t a, int32_t b) { return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b)); }
int32_t times(int32_t a, int32_t b) {
  const double rounded = static_cast<double>(static_cast<int64_t>(a) * b);
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint64_t>(static_cast<int64_t>(rounded))));
}

// Along rows, a few side by side: each sum waits for the one before, those of other rows do not.
template <class T, class F>
void scanRows(const Context& context, const Scan& how, const T* x, T* y, size_t rows, size_t n, T start, F f) {
  constexpr size_t kSide = 8;
  const size_t groups = (rows + kSide - 1) / kSide;
  context.pool.range(groups, std::max<size_t>(2, kParallel / (n * kSide)), 1, [&](size_t lo, size_t hi) {
    const auto run = [&](size_t first, auto count) {
      T sums[kSide];
      std::fill(sums, sums + count, start);
      for (size_t m = 0; m < n; m++) {
        const size_t at = first * n + (how.reverse ? n - 1 - m : m);
        for (size_t r = 0; r < count; r++) {
          const T before = sums[r];
          // The first of them is taken as it is.
          sums[r] = m == 0 ? x[at + r * n] : f(x[at + r * n], before);
          y[at + r * n] = how.exclusive ? before : sums[r];
        }
      }
    };
    for (size_t group = lo; group < hi; group++) {
      const size_t first = group * kSide, count = std::min(kSide, rows - first);
      if (count == kSide) {
        run(first, std::integral_constant<size_t, kSide>());
      } else {
        run(first, count);
      }
    }
  });
}

template <class T, class F>
void scanWith(const Context& context, const Scan& how, const T* x, T* y, size_t outer, size_t middle, size_t inner,
              T start, F f) {
  if (outer * middle * inner == 0) return;
  if (inner == 1) return scanRows<T>(context, how, x, y, outer, middle, start, f);
  const size_t columns = std::min<size_t>(inner, 256), pieces = (inner + columns - 1) / columns;
  const size_t least = std::max<size_t>(2, kParallel / (middle * columns));
  context.pool.range(outer * pieces, least, 1, [&](size_t lo, size_t hi) {
    for (size_t task = lo; task < hi; task++) {
      const size_t o = task / pieces, from = task % pieces * columns, count = std::min(columns, inner - from);
      auto rowAt = [&](size_t m) { return (o * middle + (how.reverse ? middle - 1 - m : m)) * inner + from; };
      if (how.exclusive) {
        std::fill(y + rowAt(0), y + rowAt(0) + count, start);
      } else {
        std::memcpy(y + rowAt(0), x + rowAt(0), count * sizeof(T));
      }
      for (size_t m = 1; m < middle; m++) {
        const T *before = y + rowAt(m - 1), *next = x + rowAt(how.exclusive ? m - 1 : m);
        T* to = y + rowAt(m);
        for (size_t j = 0; j < count; j++) to[j] = f(next[j], before[j]);
      }
    }
  });
}

template <class T>
void scanAny(const Context& context, const Scan& how, const T* x, T* y, size_t outer, size_t middle, size_t inner) {
  if (how.product) {
    scanWith<T>(context, how, x, y, outer, middle, inner, 1, [](T a, T b) { return times(a, b); });
  } else {
    scanWith<T>(context, how, x, y, outer, middle, inner, 0, [](T a, T b) { return plus(a, b); });
  }
}

// `before` says of two places of a row which comes first.
template <class T, class Order>
void topKBy(const Context& context, const T* x, T* y, int32_t* indices, size_t rows, size_t n, size_t k, Order before) {
  context.pool.range(rows, std::max<size_t>(2, kParallel / n), 1, [&](size_t lo, size_t hi) {
    std::vector<int32_t> order;
    for (size_t r = lo; r < hi; r++) {
      const T* row = x + r * n;
      const auto isBefore = [row, before](int32_t a, int32_t b) { return before(row[a], row[b], a < b); };
      // A heap with the worst of the best on top: most elements of a long row are no better than that.
      order.clear();
      for (size_t i = 0; i < n; i++) {
        const int32_t at = static_cast<int32_t>(i);
        if (order.size() < k) {
          order.push_back(at);
          if (order.size() == k) std::make_heap(order.begin(), order.end(), isBefore);
        } else if (isBefore(at, order.front())) {
          std::pop_heap(order.begin(), order.end(), isBefore);
          order.back() = at;
          std::push_heap(order.begin(), order.end(), isBefore);
        }
      }
      std::sort(order.begin(), order.end(), isBefore);
      for (size_t i = 0; i < k; i++) {
        y[r * k + i] = row[order[i]];
        indices[r * k + i] = order[i];
      }
    }
  });
}

// Whether any element is not a number.
bool holdsNan(const Context& context, const float* x, size_t count) {
  const size_t parts = static_cast<size_t>(context.pool.threads());
  std::vector<char> found(parts, 0);
  context.pool.run(parts, [&](size_t part, int) {
    bool any = false;
    for (size_t i = count * part / parts; i < count * (part + 1) / parts; i++) any |= x[i] != x[i];
    found[part] = any;
  });
  return std::find(found.begin(), found.end(), 1) != found.end();
}

template <class T>
void reverseAny(const Context& context, const T* x, T* y, const size_t* shape, int rank, unsigned axes) {
  // Trailing axes that stay are copied in one go.
  size_t run = 1;
  while (rank > 0 && (axes >> (rank - 1) & 1) == 0) run *= shape[--rank];
  size_t outer = 1;
  for (int d = 0; d < rank - 1; d++) outer *= shape[d];
  const size_t last = rank > 0 ? shape[rank - 1] : 1;
  if (outer * last * run == 0) return;
  if (rank == 0) {
    std::memcpy(y, x, run * sizeof(T));
    return;
  }
  context.pool.range(outer, std::max<size_t>(2, kParallel / (last * run)), 1, [&](size_t lo, size_t hi) {
    for (size_t o = lo; o < hi; o++) {
      size_t rest = o, from = 0, stride = 1;
      for (int d = rank - 2; d >= 0; d--) {
        const size_t at = rest % shape[d];
        from += ((axes >> d & 1) != 0 ? shape[d] - 1 - at : at) * stride;
        stride *= shape[d];
        rest /= shape[d];
      }
      const T* source = x + from * last * run;
      T* to = y + o * last * run;
      if (run == 1) {
        for (size_t j = 0; j < last; j++) to[j] = source[last - 1 - j];
      } else {
        for (size_t j = 0; j < last; j++) std::memcpy(to + j * run, source + (last - 1 - j) * run, run * sizeof(T));
      }
    }
  });
}

// Threads take columns and not rows, so that what goes to one place is added in order.
template <class Body>
void forColumns(const Context& context, size_t count, size_t width, const Body& body) {
  context.pool.range(width, std::max<size_t>(2, kParallel / std::max<size_t>(count, 1)), 16, body);
}

template <class T>
void scatterAddAny(const Context& context, const T* x, const int32_t* indices, T* y, size_t count, size_t rows,
                   size_t width) {
  forColumns(context, count, width, [&](size_t lo, size_t hi) {
    for (size_t i = 0; i < count; i++) {
      if (indices[i] < 0 || static_cast<size_t>(indices[i]) >= rows) continue;
      T* to = y + static_cast<size_t>(indices[i]) * width;
      const T* from = x + i * width;
      for (size_t j = lo; j < hi; j++) to[j] = plus(to[j], from[j]);
    }
  });
}

}  // namespace

// What follows an element, per unit of it, is a sum of its own: of each dy times what stands between.
void cumprodGrad(const Context& context, const Scan& how, const float* x, const float* dy, float* dx, size_t outer,
                 size_t middle, size_t inner) {
  if (outer * middle * inner == 0) return;
  const size_t lines = outer * inner;
  context.pool.range(lines, std::max<size_t>(2, kParallel / middle), 1, [&](size_t lo, size_t hi) {
    std::vector<double> before(middle);
    for (size_t line = lo; line < hi; line++) {
      const size_t start = line / inner * middle * inner + line % inner;
      auto at = [&](size_t m) { return start + (how.reverse ? middle - 1 - m : m) * inner; };
      double product = 1;
      for (size_t m = 0; m < middle; m++) {
        before[m] = product;
        product *= x[at(m)];
      }
      double rest = 0;
      for (size_t m = middle; m-- > 0;) {
        if (!how.exclusive) rest += dy[at(m)];
        dx[at(m)] = static_cast<float>(before[m] * rest);
        rest *= x[at(m)];
        if (how.exclusive) rest += dy[at(m)];
      }
    }
  });
}

void scan(const Context& context, const Scan& how, const float* x, float* y, size_t outer, size_t middle,
          size_t inner) {
  scanAny(context, how, x, y, outer, middle, inner);
}
void scan(const Context& context, const Scan& how, const int32_t* x, int32_t* y, size_t outer, size_t middle,
          size_t inner) {
  scanAny(context, how, x, y, outer, middle, inner);
}

void topK(const Context& context, const float* x, float* y, int32_t* indices, size_t rows, size_t n, size_t k) {
  if (rows * k == 0) return;
  const auto larger = [](float p, float q, bool isFirst) { return p != q ? p > q : isFirst; };
  if (!holdsNan(context, x, rows * n)) return topKBy(context, x, y, indices, rows, n, k, larger);
  topKBy(context, x, y, indices, rows, n, k, [larger](float p, float q, bool isFirst) {
    const bool isNan = p != p, otherIsNan = q != q;
    return isNan && otherIsNan ? isFirst : isNan || otherIsNan ? isNan : larger(p, q, isFirst);
  });
}
void topK(const Context& context, const int32_t* x, int32_t* y, int32_t* indices, size_t rows, size_t n, size_t k) {
  if (rows * k == 0) return;
  topKBy(context, x, y, indices, rows, n, k,
         [](int32_t p, int32_t q, bool isFirst) { return p != q ? p > q : isFirst; });
}

void reverse(const Context& context, const void* x, void* y, int elementBytes, const size_t* shape, int rank,
             unsigned axes) {
  if (elementBytes == 4) {
    reverseAny(context, static_cast<const uint32_t*>(x), static_cast<uint32_t*>(y), shape, rank, axes);
  } else {
    reverseAny(context, static_cast<const uint8_t*>(x), static_cast<uint8_t*>(y), shape, rank, axes);
  }
}

void scatterAdd(const Context& context, const float* x, const int32_t* indices, float* y, size_t count, size_t rows,
                size_t width) {
  scatterAddAny(context, x, indices, y, count, rows, width);
}
void scatterAdd(const Context& context, const int32_t* x, const int32_t* indices, int32_t* y, size_t count, size_t rows,
                size_t width) {
  scatterAddAny(context, x, indices, y, count, rows, width);
}

void scatterReplace(const Context& context, const uint8_t* x, const int32_t* indices, uint8_t* y, size_t count,
                    size_t rows, size_t bytes) {
  forColumns(context, count, bytes, [&](size_t lo, size_t hi) {
    for (size_t i = 0; i < count; i++) {
      if (indices[i] < 0 || static_cast<size_t>(indices[i]) >= rows) continue;
      std::memcpy(y + static_cast<size_t>(indices[i]) * bytes + lo, x + i * bytes + lo, hi - lo);
    }
  });
}

}  // namespace convbook
