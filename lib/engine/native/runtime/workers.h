// The threads behind a pool, and the place where they sleep. There are two of these: threads of the system
// (workers.cc), and workers of JavaScript on a shared memory (wasm/wasm_workers.cc).
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

namespace convbook {

class Workers {
 public:
  // The body of a thread: returns when it is to end.
  using Body = void (*)(void* self, int thread);

  Workers();
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Starts threads number 1 to `count`. Where none can be had, or only later, whoever deals out work does it himself.
  void start(int count, Body body, void* self);
  // Waits until all bodies have returned, which they must have been told to.
  void join();

  // Sleeps until `generation` is another than `seen`, which whoever changes it makes known with wake().
  void sleep(const std::atomic<uint64_t>& generation, uint64_t seen);
  void wake(const std::atomic<uint64_t>& generation);

  // What a thread does again and again that has waited for longer than it should.
  static void giveWay();

 private:
  struct Own;
  std::unique_ptr<Own> own_;
};

}  // namespace convbook
