#include "winograd/winograd.h"

#include "winograd/winograd_cost.h"
#include "winograd/winograd_filter.h"
#include "winograd/winograd_plan.h"

namespace convbook {
namespace {

// turned[last tap - tap][out][in] = w[tap][in][out]
std::vector<float> turn(const Context& context, const float* w, int side, int in, int out) {
  const size_t matrix = static_cast<size_t>(in) * out, taps = static_cast<size_t>(side) * side;
  std::vector<float> turned(taps * matrix);
  constexpr int kSquare = 16;
  const size_t bands = static_cast<size_t>(ceilDiv(out, kSquare));
  context.pool.range(taps * bands, matrix < 4096 ? taps * bands + 1 : 2, 1, [&](size_t lo, size_t hi) {
    for (size_t task = lo; task < hi; task++) {
      const size_t tap = task / bands;
      const int first = static_cast<int>(task % bands) * kSquare, last = std::min(first + kSquare, out);
      const float* from = w + tap * matrix;
      float* to = turned.data() + (taps - 1 - tap) * matrix;
      for (int i0 = 0; i0 < in; i0 += kSquare) {
        const int end = std::min(i0 + kSquare, in);
        for (int o = first; o < last; o++) {
          for (int i = i0; i < end; i++) to[static_cast<size_t>(o) * in + i] = from[static_cast<size_t>(i) * out + o];
        }
      }
    }
  });
  return turned;
}

class Winograd : public ConvImplementation {
 public:
  using Choice = const WinogradKernels* (*)(const Kernels&, const ConvShape&, WinogradPass);
  explicit Winograd(Choice choice) : choice_(choice) {}

  std::unique_ptr<PreparedPass> forward(const Context& context, const ConvShape& s, const float* w, const float* bias,
                                        ptrdiff_t targetStride, bool) override {
    const WinogradKernels* kernels = choice_(context.kernels, s, WinogradPass::Forward);
    if (kernels == nullptr) return nullptr;
    return std::make_unique<WinogradPlan>(context, winogradForward(*kernels, s), w, bias, targetStride,
                                          winogradPasses().forward);
  }
  std::unique_ptr<PreparedPass> inputGrad(const Context& context, const ConvShape& s, const float* w, bool) override {
    const WinogradKernels* kernels = choice_(context.kernels, s, WinogradPass::InputGrad);
    if (kernels == nullptr) return nullptr;
    return std::make_unique<WinogradPlan>(context, winogradInputGrad(*kernels, s),
                                          turn(context, w, kernels->taps, s.inChannels, s.outChannels).data(), nullptr,
                                          s.inChannels, winogradPasses().inputGradients);
  }
  bool filterGrad(const Context& context, const ConvShape& s, const ConvSource& x, const float* dy, float* dw,
                  float* dbias) override {
    const WinogradKernels* kernels = choice_(context.kernels, s, WinogradPass::FilterGrad);
    if (s.batch == 0 || kernels == nullptr) return false;
    if (!winogradFilterGrad(context, *kernels, s, x, dy, dw, dbias)) return false;
    winogradPasses().filterGradients++;
    return true;
  }

 private:
  const Choice choice_;
};

}  // namespace

WinogradPasses& winogradPasses() {
  static WinogradPasses passes;
  return passes;
}

ConvImplementation& winogradWhereFaster() {
  static Winograd winograd(winogradFastest);
  return winograd;
}

ConvImplementation& winogradByFixedCosts() {
  static Winograd winograd(winogradByFixedCost);
  return winograd;
}

ConvImplementation& winogradInSmallTiles() {
  static Winograd winograd([](const Kernels& kernels, const ConvShape& s, WinogradPass) {
    return winogradOf(kernels, s, {WinogradKind::F2x3});
  });
  return winograd;
}

ConvImplementation& winogradInLargeTiles() {
  static Winograd winograd([](const Kernels& kernels, const ConvShape& s, WinogradPass) {
    return winogradOf(kernels, s, {WinogradKind::F4x3, WinogradKind::F2x5});
  });
  return winograd;
}

}  // namespace convbook
