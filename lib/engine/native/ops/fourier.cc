#include "ops/fourier.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

namespace convbook {
namespace {

// Beyond that a factor costs more than a transform of another length.
constexpr size_t kLargestFactor = 23;

template <class T>
struct Parts {
  std::vector<T> re, im;
  explicit Parts(size_t n = 0) : re(n), im(n) {}
};

// exp(-2 pi i k / n), exact for quarters
void setTurn(size_t k, size_t n, double* re, double* im) {
  const double angle = 2 * 3.14159265358979323846 * static_cast<double>(k % n) / static_cast<double>(n);
  *re = std::cos(angle);
  *im = -std::sin(angle);
}

template <class T>
void setTurn(size_t k, size_t n, Parts<T>* to, size_t at) {
  double re, im;
  setTurn(k, n, &re, &im);
  to->re[at] = static_cast<T>(re);
  to->im[at] = static_cast<T>(im);
}

void runPass(const Kernels& kernels, const FourierPass<float>& pass) { kernels.operations.fourierPass(pass); }
void runPass(const Kernels& kernels, const FourierPass<double>& pass) { kernels.operations.fourierPassDouble(pass); }

std::vector<int> factorsOf(size_t n) {
  std::vector<int> factors;
  for (size_t factor : {4, 2, 3, 5}) {
    for (; n % factor == 0; n /= factor) factors.push_back(static_cast<int>(factor));
  }
  for (size_t factor = 7; n > 1; factor += 2) {
    if (factor > kLargestFactor) return {};
    for (; n % factor == 0; n /= factor) factors.push_back(static_cast<int>(factor));
  }
  return factors;
}

// A transform of a length that has small factors alone: one pass for each.
template <class T>
class Passes {
 public:
  explicit Passes(size_t n) {
    size_t left = n;
    for (int radix : factorsOf(n)) {
      Step step;
      step.radix = radix;
      step.parts = left / static_cast<size_t>(radix);
      step.turns = Parts<T>(static_cast<size_t>(radix - 1) * step.parts);
      step.roots = Parts<T>(static_cast<size_t>(radix));
      for (size_t j = 1; j < static_cast<size_t>(radix); j++) {
        for (size_t p = 0; p < step.parts; p++) setTurn(j * p, left, &step.turns, (j - 1) * step.parts + p);
      }
      for (size_t k = 0; k < static_cast<size_t>(radix); k++) {
        setTurn(k, static_cast<size_t>(radix), &step.roots, k);
      }
      left = step.parts;
      steps_.push_back(std::move(step));
    }
  }

  // `batch` transforms side by side in *x; the result is in *x, too, *other is changed.
  void run(const Kernels& kernels, Parts<T>* x, Parts<T>* other, size_t batch, bool inverse) const {
    Parts<T>*from = x, *to = other;
    size_t stride = batch;
    for (const Step& s : steps_) {
      // Turned the other way round a transform is one with its real and imaginary parts exchanged.
      FourierPass<T> pass = {from->re.data(),  from->im.data(), to->re.data(),     to->im.data(),     s.parts,
                             stride,           s.radix,         s.turns.re.data(), s.turns.im.data(), s.roots.re.data(),
                             s.roots.im.data()};
      if (inverse) {
        std::swap(pass.re, pass.im);
        std::swap(pass.toRe, pass.toIm);
      }
      runPass(kernels, pass);
      std::swap(from, to);
      stride *= static_cast<size_t>(s.radix);
    }
    if (from != x) std::swap(*x, *other);
  }

 private:
  struct Step {
    int radix;
    size_t parts;
    Parts<T> turns, roots;
  };
  std::vector<Step> steps_;
};

// A length with a large prime factor, as a circular convolution of a length without (Bluestein): the exponent ki is
// (k^2 + i^2 - (k - i)^2) / 2.
struct Bluestein {
  size_t length;
  Parts<double> chirp;     // exp(-pi i k^2 / n)
  Parts<double> spectrum;  // of its conjugate, divided by the length
  Passes<double> passes;

  explicit Bluestein(size_t n, const Kernels& kernels)
      : length(lengthFor(n)), chirp(n), spectrum(length), passes(length) {
    for (size_t k = 0; k < n; k++) setTurn(k * k % (2 * n), 2 * n, &chirp, k);
    const double scale = 1.0 / static_cast<double>(length);
    for (size_t k = 0; k < n; k++) {
      for (size_t at : {k, (length - k) % length}) {
        spectrum.re[at] = chirp.re[k] * scale;
        spectrum.im[at] = -chirp.im[k] * scale;
      }
    }
    Parts<double> other(length);
    passes.run(kernels, &spectrum, &other, 1, false);
  }

  static size_t lengthFor(size_t n) {
    for (size_t length = 2 * n - 1;; length++) {
      size_t left = length;
      for (size_t factor : {2, 3, 5}) {
        while (left % factor == 0) left /= factor;
      }
      if (left == 1) return length;
    }
  }

  void run(const Kernels& kernels, Parts<double>* x, Parts<double>* other, size_t n, size_t batch, bool inverse) const {
    const double sign = inverse ? -1 : 1;
    auto multiply = [&](size_t i, const Parts<double>& by, size_t at, double turn) {
      const double re = by.re[at], im = by.im[at] * turn;
      for (size_t q = i * batch; q < (i + 1) * batch; q++) {
        const double xr = x->re[q], xi = x->im[q];
        x->re[q] = xr * re - xi * im;
        x->im[q] = xr * im + xi * re;
      }
    };
    for (size_t i = 0; i < n; i++) multiply(i, chirp, i, sign);
    passes.run(kernels, x, other, batch, false);
    // The conjugate's spectrum is the spectrum's conjugate turned round, and this one is the same turned round.
    for (size_t i = 0; i < length; i++) multiply(i, spectrum, i, sign);
    passes.run(kernels, x, other, batch, true);
    for (size_t i = 0; i < n; i++) multiply(i, chirp, i, sign);
  }
};

// What a length needs, kept for the next call of the same engine, which is a thread's own.
struct Plan {
  size_t n;
  std::unique_ptr<Passes<float>> passes;
  std::unique_ptr<Bluestein> bluestein;
};

std::shared_ptr<const Plan> planFor(size_t n, const Kernels& kernels) {
  constexpr size_t kKept = 16;
  thread_local std::vector<std::shared_ptr<const Plan>> plans;
  for (const auto& plan : plans) {
    if (plan->n == n) return plan;
  }
  auto plan = std::make_shared<Plan>();
  plan->n = n;
  if (n > 1 && factorsOf(n).empty()) {
    plan->bluestein = std::make_unique<Bluestein>(n, kernels);
  } else {
    plan->passes = std::make_unique<Passes<float>>(n);
  }
  if (plans.size() == kKept) plans.erase(plans.begin());
  plans.push_back(plan);
  return plan;
}

// Rows side by side that go through the passes at once: whole vectors, and not more than the second-level cache holds.
size_t rowsAtOnce(size_t length, size_t elementBytes, size_t rows, size_t threads) {
  const size_t most = std::max<size_t>(1, (size_t{1} << 18) / (length * elementBytes * 2));
  const size_t share = std::max<size_t>(1, (rows + threads - 1) / threads);
  return std::min({size_t{16}, most, share});
}

template <class T, class Transform>
void forRowsOf(const Context& context, const float* re, const float* im, float* toRe, float* toIm, size_t rows,
               size_t n, size_t length, double scale, const Transform& transform) {
  const bool small = rows * length < kParallel;
  const size_t batch = rowsAtOnce(length, sizeof(T), rows, small ? 1 : static_cast<size_t>(context.pool.threads()));
  const size_t groups = (rows + batch - 1) / batch;
  context.pool.range(groups, small ? groups + 1 : 2, 1, [&](size_t lo, size_t hi) {
    Parts<T> x(length * batch), other(length * batch);
    for (size_t group = lo; group < hi; group++) {
      const size_t first = group * batch, count = std::min(batch, rows - first);
      for (size_t i = 0; i < n; i++) {
        for (size_t q = 0; q < count; q++) {
          x.re[i * count + q] = re[(first + q) * n + i];
          x.im[i * count + q] = im[(first + q) * n + i];
        }
      }
      std::fill(x.re.begin() + static_cast<ptrdiff_t>(n * count), x.re.end(), T{0});
      std::fill(x.im.begin() + static_cast<ptrdiff_t>(n * count), x.im.end(), T{0});
      transform(&x, &other, count);
      for (size_t q = 0; q < count; q++) {
        for (size_t i = 0; i < n; i++) {
          toRe[(first + q) * n + i] = static_cast<float>(x.re[i * count + q] * scale);
          toIm[(first + q) * n + i] = static_cast<float>(x.im[i * count + q] * scale);
        }
      }
    }
  });
}

}  // namespace

void hypot(const Context& context, const float* a, const float* b, float* y, size_t n) {
  context.pool.range(n, kParallel, 1024, [&](size_t lo, size_t hi) {
    for (size_t i = lo; i < hi; i++) {
      const double p = a[i], q = b[i];
      const float root = static_cast<float>(std::sqrt(p * p + q * q));
      y[i] = std::isinf(a[i]) || std::isinf(b[i]) ? INFINITY : root;
    }
  });
}

void fourier(const Context& context, const float* re, const float* im, float* toRe, float* toIm, size_t rows, size_t n,
             bool inverse) {
  if (rows * n == 0) return;
  const auto plan = planFor(n, context.kernels);
  const double scale = inverse ? 1.0 / static_cast<double>(n) : 1.0;
  if (plan->passes != nullptr) {
    forRowsOf<float>(context, re, im, toRe, toIm, rows, n, n, scale,
                     [&](Parts<float>* x, Parts<float>* other, size_t count) {
                       plan->passes->run(context.kernels, x, other, count, inverse);
                     });
    return;
  }
  forRowsOf<double>(context, re, im, toRe, toIm, rows, n, plan->bluestein->length, scale,
                    [&](Parts<double>* x, Parts<double>* other, size_t count) {
                      plan->bluestein->run(context.kernels, x, other, n, count, inverse);
                    });
}

}  // namespace convbook
