#include "winograd/winograd.h"

#include <vector>

#include "conv/turn.h"
#include "winograd/winograd_cost.h"
#include "winograd/winograd_filter.h"
#include "winograd/winograd_plan.h"

namespace convbook {
namespace {

// The taps of a filter, the last one first.
std::vector<const float*> backwards(const float* w, int side, int in, int out) {
  std::vector<const float*> taps;
  const size_t matrix = static_cast<size_t>(in) * out;
  for (int tap = side * side; tap-- > 0;) taps.push_back(w + static_cast<size_t>(tap) * matrix);
  return taps;
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
    const LentFloats turned = turnMatrices(context, backwards(w, kernels->taps, s.inChannels, s.outChannels),
                                           s.inChannels, s.outChannels, s.outChannels);
    return std::make_unique<WinogradPlan>(context, winogradInputGrad(*kernels, s), turned.get(), nullptr, s.inChannels,
                                          winogradPasses().inputGradients);
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
