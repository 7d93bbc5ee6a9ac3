// A correlation on AMX tiles: every output pixel (i, j) gathers runs of values around source pixel
// (originH + i * strideH, originW + j * strideW); several phases may share one source, each with taps and outputs of its own.
#pragma once
#include <vector>

#include "amx_strip.h"
#include "context.h"

namespace convbook {

struct AmxRun {
  int h, w;    // of the first pixel, from the origin
  int length;  // in values that lie side by side
};

struct AmxPhase {
  std::vector<AmxRun> runs;
  const float* weights;  // a row for each value of the runs, in their order; a column for each output channel
  ptrdiff_t weightStride;
  int outHeight, outWidth;
  ptrdiff_t start, pixelStride, rowStride, imageStride;  // of the output, in floats
};

struct AmxCorrelation {
  int parts;  // that every factor is split into: 3 for all of float32's precision, 2 for 16 bits of it, 1 for bfloat16
  int images, height, width, channels;  // of the source
  int originH, originW, strideH, strideW;
  int extentH, extentW;  // of all phases' taps, from the origin
  int columns;           // output channels
  const float* source;
  const float* bias;      // or null
  const float* residual;  // laid out like y, or null
  int activation;
  float* y;
  std::vector<AmxPhase> phases;
};

#if defined(CONVBOOK_AMX)
// False, and y is undefined, when a value was met that the tiles cannot take.
bool amxCorrelate(const Context&, const AmxCorrelation&);
#endif

}  // namespace convbook
