// What every driver works with: the kernels of this processor and the threads of this engine.
#pragma once
#include "kernels.h"
#include "parallel.h"

namespace convbook {

struct Context {
  const Kernels& kernels;
  ThreadPool& pool;
};

// Elements below which a loop stays on one thread.
constexpr size_t kParallel = 16384;

}  // namespace convbook
