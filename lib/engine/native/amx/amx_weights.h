// The right-hand side of a correlation on AMX tiles, packed once for any number of runs; and what its values allow.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "amx/amx_strip.h"
#include "runtime/context.h"
#include "runtime/lent.h"

namespace convbook {

#if defined(CONVBOOK_AMX)
struct AmxRun {
  int h, w;    // of the first pixel, from the origin
  int length;  // in values that lie side by side
};

// Threads note here what they met.
class AmxMet {
 public:
  bool finite() const { return finite_.load(std::memory_order_relaxed); }
  float largest() const { return largest_.load(std::memory_order_relaxed); }
  void add(const SplitRange& range) {
    if (!range.finite) finite_.store(false, std::memory_order_relaxed);
    float seen = largest();
    while (range.largest > seen && !largest_.compare_exchange_weak(seen, range.largest, std::memory_order_relaxed)) {
    }
  }

 private:
  std::atomic<bool> finite_{true};
  std::atomic<float> largest_{0.f};
};

class AmxWeights {
 public:
  // `w` has a row for each value of the runs, in their order, `stride` floats apart, and a column for each output
  // channel; bias may be null.
  AmxWeights(const Context&, int parts, const std::vector<AmxRun>& runs, const float* w, ptrdiff_t stride, int columns,
             const float* bias);

  bool finite() const { return met_.finite(); }
  // Whether no product with values of this magnitude is so small that its lower parts vanish, nor a sum so large that
  // it depends on the order whether it becomes infinite. Of zeros alone, anything is right.
  bool suits(float largest) const;

  // Where the outputs of tiles go, and what is done to them on the way; places are as in AmxTilePlace.
  struct Target {
    float* y;
    ptrdiff_t pixelStride;
    const float* residual;  // laid out like y, or null
    int activation;
  };
  // Sums for `count` tiles of pixels; `steps` tells for each 32 values of the runs where they lie, from a pixel on.
  void run(const int32_t* steps, const char* x, ptrdiff_t plane, ptrdiff_t pixelBytes, const AmxTilePlace* tiles,
           size_t count, const Target& target) const;

 private:
  struct Panel {
    int column, wide;
    size_t offset;  // bytes of the packed weights
  };
  char* packed() const { return reinterpret_cast<char*>(packed_.get()); }

  int parts_, columns_, stepCount_;
  size_t depth_ = 0;
  std::vector<Panel> panels_;
  LentFloats packed_;
  std::vector<float> bias_;  // padded
  AmxMet met_;
};
#endif

}  // namespace convbook
