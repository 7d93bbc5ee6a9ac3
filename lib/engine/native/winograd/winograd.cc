#include "winograd/winograd.h"

#include "winograd/winograd_cost.h"
#include "winograd/winograd_filter.h"
#include "winograd/winograd_plan.h"

namespace convbook {
namespace {

// turned[8 - tap][out][in] = w[tap][in][out]
std::vector<float> turn(const Context& context, const float* w, int in, int out) {
  const size_t matrix = static_cast<size_t>(in) * out;
  std::vector<float> turned(9 * matrix);
  constexpr int kSquare = 16;
  const size_t bands = static_cast<size_t>(ceilDiv(out, kSquare));
  context.pool.range(9 * bands, matrix < 4096 ? 9 * bands + 1 : 2, 1, [&](size_t lo, size_t hi) {
    for (size_t task = lo; task < hi; task++) {
      const size_t tap = task / bands;
      const int first = static_cast<int>(task % bands) * kSquare, last = std::min(first + kSquare, out);
      const float* from = w + tap * matrix;
      float* to = turned.data() + (8 - tap) * matrix;
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
  explicit Winograd(bool always) : always_(always) {}

  std::unique_ptr<PreparedPass> forward(const Context& context, const ConvShape& s, const float* w, const float* bias,
                                        ptrdiff_t targetStride, bool) override {
    if (!takes(context, s, WinogradPass::Forward)) return nullptr;
    return std::make_unique<WinogradPlan>(context, winogradForward(s), w, bias, targetStride, winogradPasses().forward);
  }
  std::unique_ptr<PreparedPass> inputGrad(const Context& context, const ConvShape& s, const float* w, bool) override {
    if (!takes(context, s, WinogradPass::InputGrad)) return nullptr;
    return std::make_unique<WinogradPlan>(context, winogradInputGrad(s),
                                          turn(context, w, s.inChannels, s.outChannels).data(), nullptr, s.inChannels,
                                          winogradPasses().inputGradients);
  }
  bool filterGrad(const Context& context, const ConvShape& s, const ConvSource& x, const float* dy, float* dw,
                  float* dbias) override {
    if (s.batch == 0 || !takes(context, s, WinogradPass::FilterGrad)) return false;
    if (!winogradFilterGrad(context, s, x, dy, dw, dbias)) return false;
    winogradPasses().filterGradients++;
    return true;
  }

 private:
  bool takes(const Context& context, const ConvShape& s, WinogradPass pass) const {
    return always_ ? winogradCan(s) : winogradIsFaster(context.kernels, s, pass);
  }
  const bool always_;
};

}  // namespace

WinogradPasses& winogradPasses() {
  static WinogradPasses passes;
  return passes;
}

ConvImplementation& winogradWhereFaster() {
  static Winograd winograd(false);
  return winograd;
}

ConvImplementation& winogradWhereItCan() {
  static Winograd winograd(true);
  return winograd;
}

}  // namespace convbook
