// A correlation on AMX tiles: every output pixel (i, j) gathers runs of values around source pixel
// (originH + i * strideH, originW + j * strideW); several phases may share one source, each with taps and outputs of
// its own.
#pragma once
#include <memory>
#include <vector>

#include "amx/amx_conv.h"
#include "amx/amx_weights.h"

namespace convbook {

#if defined(CONVBOOK_AMX)
struct AmxPhase {
  std::vector<AmxRun> runs;
  const float* weights;  // a row for each value of the runs, in their order; a column for each output channel
  ptrdiff_t weightStride;
  int outHeight, outWidth;
  ptrdiff_t start, pixelStride, rowStride, imageStride;  // of the output, in floats
};

struct AmxCorrelation : Windows {  // of all phases' taps
  int parts;   // that every factor is split into: 3 for all of float32's precision, 2 for 16 bits of it, 1 for bfloat16
  int images;  // of a run, about
  int columns;        // output channels
  const float* bias;  // or null
  std::vector<AmxPhase> phases;
};

// A correlation made ready to be run on any number of images.
class AmxPlan : public PreparedPass {
 public:
  AmxPlan(const Context&, AmxCorrelation);
  ~AmxPlan() override;
  // Whether the weights let it run at all.
  bool usable() const;
  bool run(const Context&, size_t images, const ConvSource&, float* y, const float* residual, int activation,
           const OwnWay&) const override;

 private:
  struct Window;
  struct Ready;
  AmxCorrelation c_;
  int outHeight_ = 0;
  std::unique_ptr<Window> window_;
  std::vector<Ready> ready_;
};

// The same for a product of images' pixels with one matrix.
class AmxProduct : public PreparedPass {
 public:
  AmxProduct(const Context&, int parts, size_t imagePixels, int in, int out, const float* w, const float* bias,
             ptrdiff_t targetStride);
  bool usable() const { return weights_.finite(); }
  bool run(const Context&, size_t images, const ConvSource&, float* y, const float* residual, int activation,
           const OwnWay&) const override;

 private:
  size_t imagePixels_;
  int parts_, in_;
  ptrdiff_t targetStride_;
  size_t share_;  // pixels of a task
  AmxWeights weights_;
  std::vector<int32_t> steps_;
  std::vector<AmxTilePlace> tiles_;
};
#endif

}  // namespace convbook
