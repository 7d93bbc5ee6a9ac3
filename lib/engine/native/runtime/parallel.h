// A thread pool of our own: workers spin for a moment and then sleep, tasks are dealt out in fixed ranges, and a thread
// that is done early takes tasks from the far end of another's range. Which thread runs a task never changes a result,
// because every task writes to its own place.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/workers.h"

namespace convbook {

// What a pool that only pretends to have its threads has run: seconds of all tasks, and seconds until the last of its
// threads would have been done, summed over its runs.
struct SimulatedWork {
  size_t runs = 0, tasks = 0;
  double total = 0, span = 0;
};

class ThreadPool {
 public:
  // With `simulated`, tasks are dealt out as to so many threads, run one by one on the calling thread, and timed.
  // `hands`: see below; 0: as many as there are threads.
  explicit ThreadPool(int threads, bool simulated = false, int hands = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }
  // For how many threads a sum is cut into parts, and what decides on the order of sums. Another number than that of
  // threads makes results the same for every number of threads.
  int hands() const { return hands_; }
  bool isSimulated() const { return simulated_; }
  const SimulatedWork& simulatedWork() const { return simulatedWork_; }

  // Calls body(task, thread) once for every task in [0, tasks); returns when all are done. Throws std::bad_alloc where
  // memory ran out in one of them.
  template <class Body>
  void run(size_t tasks, const Body& body) {
    if (tasks == 0) return;
    if (tasks == 1 || threads_ == 1) {
      for (size_t task = 0; task < tasks; task++) body(task, 0);
      return;
    }
    runErased(
        tasks, [](const void* self, size_t task, int thread) { (*static_cast<const Body*>(self))(task, thread); },
        &body);
  }

  // Calls body(lo, hi) over parts of [0, n) whose borders are multiples of `grain`; parts depend on n and the number of
  // threads alone. Small ranges stay on the calling thread.
  template <class Body>
  void range(size_t n, size_t minimum, size_t grain, const Body& body) {
    if (n == 0) return;
    if (n < minimum || threads_ == 1) {
      body(size_t{0}, n);
      return;
    }
    size_t units = (n + grain - 1) / grain;
    size_t parts = static_cast<size_t>(threads_) * 4;
    if (parts > units) parts = units;
    run(parts, [&](size_t part, int) {
      size_t lo = units * part / parts * grain;
      size_t hi = part + 1 == parts ? n : units * (part + 1) / parts * grain;
      if (lo < hi) body(lo, hi);
    });
  }

  // Scratch memory of a thread, 64-byte aligned, kept between calls; `slot` tells buffers in use at once apart. Throws
  // std::bad_alloc where there is none.
  float* scratch(int thread, int slot, size_t floats);
  size_t scratchBytes() const;
  void releaseScratch();

 private:
  using Erased = void (*)(const void*, size_t, int);
  struct alignas(64) Range {
    std::atomic<uint64_t> bounds{0};  // next task in the high half, end in the low half
  };
  struct Buffer {
    float* data = nullptr;
    size_t floats = 0;
  };
  static constexpr int kSlots = 4;

  void runErased(size_t tasks, Erased body, const void* self);
  void work(int thread);
  void simulate(size_t tasks);
  bool next(int thread, size_t* task);
  void worker(int thread);
  bool take(int owner, bool front, size_t* task);

  const int threads_, hands_;
  const bool simulated_;
  SimulatedWork simulatedWork_;
  std::unique_ptr<Range[]> ranges_;
  std::vector<Buffer> buffers_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<size_t> remaining_{0};
  std::atomic<bool> failed_{false};
  std::atomic<bool> stop_{false};
  Erased body_ = nullptr;
  const void* self_ = nullptr;
  Workers workers_;
};

// For each thread a pool of itself alone, for tasks that run whole operations.
using SingleThreads = std::vector<std::unique_ptr<ThreadPool>>;

}  // namespace convbook
