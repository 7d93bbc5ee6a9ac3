#include "amx/amx_implementation.h"

#include "amx/amx_conv.h"
#include "amx/amx_filter.h"

namespace convbook {
namespace {

class AmxImplementation : public ConvImplementation {
 public:
  std::unique_ptr<PreparedPass> forward(const Context& context, const ConvShape& s, const float* w, const float* bias,
                                        ptrdiff_t targetStride, bool once) override {
    return amxForward(context, s, w, bias, targetStride, once);
  }
  std::unique_ptr<PreparedPass> inputGrad(const Context& context, const ConvShape& s, const float* w,
                                          bool once) override {
    return amxInputGrad(context, s, w, once);
  }
  bool filterGrad(const Context& context, const ConvShape& s, const ConvSource& x, const float* dy, float* dw,
                  float* dbias) override {
    return amxFilterGrad(context, s, x, dy, dw, dbias);
  }
  bool matMul(const Context& context, const MatMulShape& s, const float* a, const float* b, const float* bias,
              int activation, float* c) override {
    return bf16MatMul(context, s, a, b, bias, activation, c);
  }
};

}  // namespace

ConvImplementation& amxImplementation() {
  static AmxImplementation implementation;
  return implementation;
}

}  // namespace convbook
