// A correlation by Winograd's algorithm, made ready to be run on any number of images.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "conv/implementation.h"
#include "conv/panels.h"
#include "winograd/winograd_tiles.h"

namespace convbook {

class WinogradPlan : public PreparedPass {
 public:
  // w [taps, taps, s.channels, s.columns]; bias may be null; pixels of the result lie `targetStride` floats apart. Runs
  // that are kept are counted in `runs`.
  WinogradPlan(const Context&, const WinogradShape& s, const float* w, const float* bias, ptrdiff_t targetStride,
               std::atomic<uint64_t>& runs);
  bool run(const Context&, size_t images, const ConvSource&, float* y, const float* residual, int activation,
           const OwnWay&) const override;

 private:
  struct Target {
    float* y;
    const float* residual;
    int activation;
  };
  // A block's strips [from, to) for the panels [first, last).
  struct Block {
    size_t from, to;
    size_t first, last;
  };
  struct Cut;
  Cut cutFor(int threads, size_t images) const;
  bool block(const Context&, const Block&, const ConvSource&, const Target&, float* scratch, size_t tiles) const;

  const WinogradShape s_;
  const WinogradStrips strips_;
  const ptrdiff_t targetStride_;
  PanelStore store_;  // a group for each of a tile's numbers
  std::atomic<uint64_t>& runs_;
  std::vector<float> bias_;  // padded
};

}  // namespace convbook
