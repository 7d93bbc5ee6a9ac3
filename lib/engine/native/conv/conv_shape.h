// The sizes of a convolution, and what follows from them.
#pragma once
#include <cstddef>
#include <vector>

namespace convbook {

struct ConvShape {
  int batch, height, width, inChannels;
  int outHeight, outWidth, outChannels;
  int filterHeight, filterWidth;
  int strideHeight, strideWidth;
  int padTop, padLeft;
  int dilationHeight, dilationWidth;
  int groups;
};

// Where windows lie on an image: the corner of the first, the steps between them, and how far each reaches.
struct Windows {
  int height, width, channels;  // of the image
  int originH, originW, strideH, strideW;
  int extentH, extentW;
};

// The windows that a convolution reads.
inline Windows windowsOf(const ConvShape& s) {
  return {s.height,
          s.width,
          s.inChannels,
          -s.padTop,
          -s.padLeft,
          s.strideHeight,
          s.strideWidth,
          (s.filterHeight - 1) * s.dilationHeight + 1,
          (s.filterWidth - 1) * s.dilationWidth + 1};
}

// Whether none of `down` times `sideways` windows reaches over the image's border.
inline bool staysInside(const Windows& w, int down, int sideways) {
  return w.originH >= 0 && w.originW >= 0 && w.originH + (down - 1) * w.strideH + w.extentH <= w.height &&
         w.originW + (sideways - 1) * w.strideW + w.extentW <= w.width;
}

// Whether every output pixel is made of the input pixel at the same place alone.
inline bool isPointwise(const ConvShape& s) {
  return s.filterHeight == 1 && s.filterWidth == 1 && s.strideHeight == 1 && s.strideWidth == 1 && s.padTop == 0 &&
         s.padLeft == 0 && s.outHeight == s.height && s.outWidth == s.width;
}

inline int ceilDiv(int a, int b) { return (a + b - 1) / b; }
inline int floorDiv(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Pixels of the input whose distance along one axis is the stride make a phase: all of them meet the same taps of the
// filter, and neighbours meet neighbouring outputs.
struct PhaseTap {
  int k;       // of the filter
  int offset;  // from a pixel's number in its phase to the output's
};
inline std::vector<PhaseTap> tapsOf(int phase, int pad, int taps, int dilation, int stride) {
  std::vector<PhaseTap> result;
  for (int k = taps - 1; k >= 0; k--) {
    const int at = phase + pad - k * dilation;
    if (((at % stride) + stride) % stride == 0) result.push_back({k, floorDiv(at, stride)});
  }
  return result;  // offsets rise
}

}  // namespace convbook
