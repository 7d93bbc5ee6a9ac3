#include "runtime/parallel.h"

#if !defined(__wasm__)
#include <algorithm>
#include <chrono>
#endif
#include <new>

#include "runtime/memory.h"

namespace convbook {
namespace {

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// About 40 microseconds: longer than JavaScript needs between two operations, short enough to leave a busy machine
// alone.
#if defined(__wasm__)
constexpr int kSpins = 20000;  // without a processor's instruction to pause
#else
constexpr int kSpins = 1000;
#endif

}  // namespace

ThreadPool::ThreadPool(int threads, bool simulated, int hands)
    : threads_(threads < 1 ? 1 : threads),
      hands_(hands < 1 ? threads_ : hands),
      simulated_(simulated),
      ranges_(new Range[threads_]) {
  buffers_.resize(static_cast<size_t>(threads_) * kSlots);
  if (threads_ == 1 || simulated) return;
  workers_.start(threads_ - 1, [](void* self, int thread) { static_cast<ThreadPool*>(self)->worker(thread); }, this);
}

ThreadPool::~ThreadPool() {
  stop_.store(true);
  generation_.fetch_add(1);
  workers_.wake(generation_);
  workers_.join();
  releaseScratch();
}

float* ThreadPool::scratch(int thread, int slot, size_t floats) {
  Buffer& buffer = buffers_[static_cast<size_t>(thread) * kSlots + slot];
  if (floats > buffer.floats) {
    alignedFree(buffer.data);
    buffer = Buffer();
    const size_t wanted = floats + floats / 4 + 64;
    buffer.data = static_cast<float*>(alignedAlloc(wanted * sizeof(float)));
    if (buffer.data == nullptr) throw std::bad_alloc();
    buffer.floats = wanted;
  }
  return buffer.data;
}

size_t ThreadPool::scratchBytes() const {
  size_t bytes = 0;
  for (const auto& buffer : buffers_) bytes += buffer.floats * sizeof(float);
  return bytes;
}

void ThreadPool::releaseScratch() {
  for (auto& buffer : buffers_) {
    alignedFree(buffer.data);
    buffer = Buffer();
  }
}

bool ThreadPool::take(int owner, bool front, size_t* task) {
  std::atomic<uint64_t>& bounds = ranges_[owner].bounds;
  uint64_t seen = bounds.load(std::memory_order_relaxed);
  for (;;) {
    uint32_t next = static_cast<uint32_t>(seen >> 32), end = static_cast<uint32_t>(seen);
    if (next >= end) return false;
    uint64_t left =
        front ? (static_cast<uint64_t>(next + 1) << 32 | end) : (static_cast<uint64_t>(next) << 32 | (end - 1));
    if (bounds.compare_exchange_weak(seen, left, std::memory_order_acq_rel, std::memory_order_relaxed)) {
      *task = front ? next : end - 1;
      return true;
    }
  }
}

// The next task of a thread's own, or the last one of another's.
bool ThreadPool::next(int thread, size_t* task) {
  if (take(thread, true, task)) return true;
  for (int other = 1; other < threads_; other++) {
    if (take((thread + other) % threads_, false, task)) return true;
  }
  return false;
}

#if !defined(__wasm__)
// Whichever thread would be free first takes the next task.
void ThreadPool::simulate(size_t tasks) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> busy(static_cast<size_t>(threads_), 0);
  size_t task;
  for (;;) {
    const auto first = std::min_element(busy.begin(), busy.end());
    if (!next(static_cast<int>(first - busy.begin()), &task)) break;
    const auto start = Clock::now();
    body_(self_, task, static_cast<int>(first - busy.begin()));
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    *first += seconds;
    simulatedWork_.total += seconds;
  }
  simulatedWork_.span += *std::max_element(busy.begin(), busy.end());
  simulatedWork_.runs++;
  simulatedWork_.tasks += tasks;
}
#endif

void ThreadPool::work(int thread) {
  size_t task, done = 0;
  const auto perform = [&] {
    try {
      body_(self_, task, thread);
    } catch (const std::bad_alloc&) {
      failed_.store(true);
    }
    done++;
  };
  while (next(thread, &task)) perform();
  if (done > 0) remaining_.fetch_sub(done, std::memory_order_acq_rel);
}

void ThreadPool::runErased(size_t tasks, Erased body, const void* self) {
  body_ = body;
  self_ = self;
  failed_.store(false, std::memory_order_relaxed);
  remaining_.store(tasks, std::memory_order_relaxed);
  for (int thread = 0; thread < threads_; thread++) {
    uint64_t lo = tasks * thread / threads_, hi = tasks * (thread + 1) / threads_;
    ranges_[thread].bounds.store(lo << 32 | hi, std::memory_order_release);
  }
#if !defined(__wasm__)
  if (simulated_) return simulate(tasks);
#endif
  generation_.fetch_add(1);
  workers_.wake(generation_);
  work(0);
  for (int spins = 0; remaining_.load(std::memory_order_acquire) > 0; spins++) {
    if (spins < kSpins) {
      relax();
    } else {
      Workers::giveWay();
    }
  }
  if (failed_.load()) throw std::bad_alloc();
}

// A worker that comes late finds all ranges empty, or those of the next call, whose job was written before them: either
// is safe. A job ends only when every task that was taken has been counted off.
void ThreadPool::worker(int thread) {
  uint64_t seen = 0;
  for (;;) {
    int spins = 0;
    while (generation_.load() == seen && !stop_.load(std::memory_order_relaxed)) {
      if (spins++ < kSpins) {
        relax();
        continue;
      }
      workers_.sleep(generation_, seen);
    }
    if (stop_.load()) return;
    seen = generation_.load();
    work(thread);
  }
}

}  // namespace convbook
