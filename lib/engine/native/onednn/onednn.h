// Convolutions by oneDNN, from a module that is loaded when somebody asks for it, and used for those shapes on which it
// was faster than the engine's own, or wherever it can.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "conv/implementation.h"
#include "onednn/choices.h"
#include "onednn/onednn_module.h"
#include "runtime/context.h"

namespace convbook {

// Loads a module's file; null, and `reason` says why, where it is not there or another library that it needs is
// missing.
const Module* loadModule(const char* path, std::string* reason);

class OneDnn : public ConvImplementation {
 public:
  enum class Use { WhereFaster, WhereItCan };

  OneDnn(const Module& module, Use use, const std::string& choicesPath)
      : module_(module), use_(use), choices_(choicesPath) {}

  const Module& module() const { return module_; }
  const Choices& choices() const { return choices_; }
  // Convolutions that the module has run, those that were only measured among them.
  uint64_t runs() const { return runs_.load(); }

  std::unique_ptr<PreparedPass> forward(const Context&, const ConvShape&, const float* w, const float* bias,
                                        ptrdiff_t targetStride, bool once) override;
  std::unique_ptr<PreparedPass> inputGrad(const Context&, const ConvShape&, const float* w, bool once) override;
  bool filterGrad(const Context&, const ConvShape&, const ConvSource& x, const float* dy, float* dw,
                  float* dbias) override;

 private:
  using SharedPlan = std::shared_ptr<const ConvPlan>;
  // Images through filters, forward or back.
  struct Pass {
    ConvDirection direction;
    const float *from, *w, *bias, *residual;
    int activation;
    float* to;
  };

  class Prepared;

  // Whether to run `onednn`, which computes the same as `own`.
  bool takes(const Context&, const ConvShape&, const char* direction, const char* with,
             const std::function<void()>& own, const std::function<bool()>& onednn);
  SharedPlan planFor(ConvDirection, ConvShape, int images, bool bias, bool adds);
  bool forwardOrBack(const Context&, const ConvShape&, const Pass&, const OwnWay&);
  bool overImages(const Context&, const ConvShape&, const Pass&);
  bool sumOverImages(const Context&, const ConvShape&, const float* x, const float* dy, float* dw, float* dbias);

  const Module& module_;
  const Use use_;
  Choices choices_;
  std::atomic<uint64_t> runs_{0};
  std::mutex mutex_;
  std::unordered_map<std::string, SharedPlan> plans_;
};

}  // namespace convbook
