// A second implementation of convolutions, from a module that is loaded when somebody asks for it, and used for those shapes
// on which it was faster than the engine's own, or wherever it can.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "onednn/choices.h"
#include "runtime/context.h"
#include "onednn/onednn_module.h"

namespace convbook {

// Loads a module's file; null, and `reason` says why, where it is not there or another library that it needs is missing.
const Module* loadModule(const char* path, std::string* reason);

class Second {
 public:
  enum class Use { WhereFaster, WhereItCan };

  Second(const Module& module, Use use, const std::string& choicesPath) : module_(module), use_(use), choices_(choicesPath) {}

  const Module& module() const { return module_; }
  const Choices& choices() const { return choices_; }
  // Convolutions that the module has run, those that were only measured among them.
  uint64_t runs() const { return runs_.load(); }

  // What a forward convolution reads, made dense when the other implementation shall read it, and the engine's own way.
  struct Own {
    std::function<const float*()> x;
    std::function<void()> run;
    bool gathers;  // whether x has to be gathered or normalized first
  };

  // As convForward, convInputGrad and convFilterGrad; false where the engine's own shall do it, and what they were to write
  // is undefined then.
  bool forward(const Context&, const ConvShape&, const Own& own, const float* w, const float* bias, const float* residual,
               int activation, float* y);
  bool inputGrad(const Context&, const ConvShape&, const float* dy, const float* w, float* dx);
  bool filterGrad(const Context&, const ConvShape&, const float* x, const float* dy, float* dw, float* dbias);

 private:
  using SharedPlan = std::shared_ptr<const ConvPlan>;
  // Images through filters, forward or back.
  struct Pass {
    ConvDirection direction;
    const float *from, *w, *bias, *residual;
    int activation;
    float* to;
  };

  // Whether to run `second`, which computes the same as `native`.
  bool takes(const Context&, const ConvShape&, const char* direction, const char* with, const std::function<void()>& native,
             const std::function<bool()>& second);
  SharedPlan planFor(ConvDirection, ConvShape, int images, bool bias, bool adds);
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
