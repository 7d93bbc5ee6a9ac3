// What computes convolutions in another way than the loops of conv.cc, conv_filter.cc and matmul.cc: tiles of the
// processor (amx/) and another library (onednn/). It says of each whether it takes it; what nobody takes is done by the
// loops.
#pragma once
#include <functional>
#include <memory>

#include "conv/conv.h"

namespace convbook {

// How the engine would do the same itself, for an implementation that is chosen by measurement.
struct OwnWay {
  std::function<const float*()> x;  // what the pass reads, dense
  std::function<void()> run;
  bool gathers;  // whether x has to be gathered or normalized first
};

// A convolution or a gradient by the input, made ready to be run on any number of images.
class PreparedPass {
 public:
  virtual ~PreparedPass() = default;
  // As PreparedConv::run. False where it is not taken after all: then what is written is undefined.
  virtual bool run(const Context&, size_t images, const ConvSource&, float* y, const float* residual, int activation,
                   const OwnWay&) const = 0;
};

class ConvImplementation {
 public:
  virtual ~ConvImplementation() = default;
  // As PreparedConv and PreparedInputGrad; null where it does not take the shape or the weights. `once`: it is not for
  // many runs, so that more must be gained.
  virtual std::unique_ptr<PreparedPass> forward(const Context&, const ConvShape&, const float* w, const float* bias,
                                                ptrdiff_t targetStride, bool once) = 0;
  virtual std::unique_ptr<PreparedPass> inputGrad(const Context&, const ConvShape&, const float* w, bool once) = 0;
  // As convFilterGrad, from an input that may be strided and normalized; false where it is not taken, and what dw and
  // dbias hold is of no use then.
  virtual bool filterGrad(const Context&, const ConvShape&, const ConvSource& x, const float* dy, float* dw,
                          float* dbias) = 0;
  // As matMul, for calls that may round (see Context); false where it is not taken.
  virtual bool matMul(const Context&, const MatMulShape&, const float*, const float*, const float*, int, float*) {
    return false;
  }
};

}  // namespace convbook
