// The ways that a program's gradients are made in, against each other: a few pixels at a time on one thread, and
// operation by operation on several.
#include "program/program.h"

#include "test/checks.h"
#include "test/compare.h"
#include "winograd/winograd.h"

namespace convbook::testing {
namespace {

// Pointwise convolutions as in a block of DenseNet: of the input, of what that made, normalized, and of that, beside
// what the first one made.
struct Described {
  int height, width, in, made, middle, out;
  int relu;

  std::vector<int32_t> numbers() const {
    std::vector<int32_t> all = {3, 1, 3, 1, 7, 7};  // the header
    for (int channels : {in, made + out, middle}) all.insert(all.end(), {height, width, channels});
    all.insert(all.end(), {1, 0, made, 0, 1, relu, -1, -1});
    const auto conv = [&](int from, int channels, int norm, int to, int offset, int count, int weight, int bias) {
      all.insert(all.end(), {ProgramOp::Conv, from, 0, channels, norm, to, offset, count, -1});
      all.insert(all.end(), {1, 1, 1, 1, 0, 0, kLinear, weight, bias, -1});
    };
    conv(0, in, -1, 1, 0, made, 2, 3);
    conv(1, made, 0, 2, 0, middle, 4, -1);
    conv(2, middle, -1, 1, made, out, 5, 6);
    return all;
  }
  std::vector<size_t> parameters() const {
    const auto size = [](int rows, int columns) { return static_cast<size_t>(rows) * columns; };
    return {size(1, made),      size(1, made),     size(in, made), size(1, made),
            size(made, middle), size(middle, out), size(1, out)};
  }
};

std::vector<double> numbersOf(const Array& array) {
  return std::vector<double>(array.data.get(), array.data.get() + array.size);
}

struct Gradients {
  std::vector<Array> parameters;
  Array x;
};

Gradients gradientsOf(const Described& d, size_t batch, const Kernels& kernels, int threads,
                      std::vector<Array>& parameters, Array& x, Array& dy, bool fixed = false) {
  ThreadPool pool(threads, false, fixed ? kFixedHands : 0);
  SingleThreads singles;
  for (int i = 0; i < threads; i++) singles.emplace_back(new ThreadPool(1));
  const Context context = {kernels, pool, false, nullptr, fixed ? &winogradByFixedCosts() : nullptr, fixed};
  const std::vector<int32_t> ints = d.numbers();
  const float norm[] = {1e-3f, 0.1f};
  const Program forward(ints.data(), ints.size(), norm, 2, ProgramMode::Forward, batch, context);
  const Program backward(ints.data(), ints.size(), norm, 2, ProgramMode::Backward, batch, context);
  Array y(forward.outputFloats()), state(forward.stateFloats()), workspace(forward.workspaceFloats()),
      way(backward.workspaceFloats());
  Gradients gradients = {{}, Array(x.size)};
  ProgramArrays arrays;
  for (Array& parameter : parameters) {
    arrays.params.emplace_back(parameter, parameter.size);
    gradients.parameters.emplace_back(parameter.size);
  }
  for (Array& gradient : gradients.parameters) arrays.grads.emplace_back(gradient, gradient.size);
  arrays.x = x;
  arrays.y = y;
  arrays.state = state;
  arrays.workspace = workspace;
  arrays.dy = dy;
  arrays.dx = gradients.x;
  for (size_t phase = 0; phase < forward.phases(); phase++) forward.run(context, singles, phase, arrays);
  arrays.workspace = way;
  for (size_t phase = 0; phase < backward.phases(); phase++) backward.run(context, singles, phase, arrays);
  return gradients;
}

}  // namespace

void programs(const Kernels& kernels) {
  const Described d = {pick(1, 24), pick(1, 30), pick(1, 40), pick(1, 90), pick(1, 70), pick(1, 50), pick(0, 1)};
  const size_t batch = 3, pixels = batch * d.height * d.width;
  std::vector<Array> parameters;
  for (size_t size : d.parameters()) parameters.emplace_back(size);
  Array x(pixels * d.in), dy(pixels * (d.made + d.out));
  const Gradients wanted = gradientsOf(d, batch, kernels, 2, parameters, x, dy);
  const Gradients got = gradientsOf(d, batch, kernels, 1, parameters, x, dy);
  double largest = 0;
  for (const Array& gradient : wanted.parameters) {
    for (double value : numbersOf(gradient)) largest = std::fmax(largest, std::fabs(value));
  }
  // Those of a bias before a normalization cancel.
  const double terms = largest * static_cast<double>(pixels);
  for (size_t i = 0; i < parameters.size(); i++) {
    check("a parameter's gradient, a few pixels at a time", got.parameters[i], numbersOf(wanted.parameters[i]), terms);
  }
  check("an input's gradient, a few pixels at a time", got.x, numbersOf(wanted.x), largest);
}

void reproducible(const Kernels& kernels) {
  if (kernels.tiles != nullptr) return;
  const Described d = {pick(4, 24), pick(4, 30), pick(1, 40), pick(1, 90), pick(1, 70), pick(1, 50), pick(0, 1)};
  const size_t batch = static_cast<size_t>(pick(1, 20)), pixels = batch * d.height * d.width;
  std::vector<Array> parameters;
  for (size_t size : d.parameters()) parameters.emplace_back(size);
  Array x(pixels * d.in), dy(pixels * (d.made + d.out));
  const Gradients wanted = gradientsOf(d, batch, kernels, 1, parameters, x, dy, true);
  for (int threads : {2, 3, 4}) {
    const Gradients got = gradientsOf(d, batch, kernels, threads, parameters, x, dy, true);
    for (size_t i = 0; i < parameters.size(); i++) {
      checkBits("a parameter's gradient on several threads", got.parameters[i], wanted.parameters[i]);
    }
    checkBits("an input's gradient on several threads", got.x, wanted.x);
  }
}

}  // namespace convbook::testing
