// What every driver works with: the kernels of this processor and the threads of this engine.
#pragma once
#include "runtime/parallel.h"
#include "simd/kernels.h"

namespace convbook {

struct Context {
  const Kernels& kernels;
  ThreadPool& pool;
  // Forward convolutions and products may round their factors to bfloat16.
  bool bf16 = false;
  // Another library's convolutions, for those that it is faster on; null: none.
  ConvImplementation* onednn = nullptr;
  // Another algorithm than the loops', where the processor has no tiles; null: none.
  ConvImplementation* winograd = nullptr;
  // Reproducible: what is computed, and in which order it is summed, follows from the arguments alone, not from the
  // number of threads (see ThreadPool::hands) or the width of vectors.
  bool fixed = false;

  // What stands before the loops.
  ConvImplementation* beforeLoops() const { return kernels.tiles != nullptr ? kernels.tiles : winograd; }
  // The same on another pool, and the same without the other library.
  Context on(ThreadPool& other) const { return {kernels, other, bf16, onednn, winograd, fixed}; }
  Context nativeOnly() const { return {kernels, pool, bf16, nullptr, winograd, fixed}; }
  // The same for a call that may round, where the processor can; the other library computes in float32.
  Context rounding(bool may) const {
    return may && kernels.tiles != nullptr ? Context{kernels, pool, true, nullptr, nullptr} : *this;
  }
};

// The hands of a pool in reproducible mode: sums are cut into 32 parts, which keep as many threads busy.
constexpr int kFixedHands = 8;
// A batch of so many images is dealt out, one a thread, then; fewer are not.
constexpr size_t kFixedFewImages = 8;
// And the vectors that work is cut for then.
constexpr int kFixedLanes = 16;

// Elements below which a loop stays on one thread.
constexpr size_t kParallel = 16384;

}  // namespace convbook
