#include "runtime/workers.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace convbook {

struct Workers::Own {
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<int> sleeping{0};
};

Workers::Workers() : own_(new Own) {}
Workers::~Workers() = default;

void Workers::start(int count, Body body, void* self) {
  for (int thread = 1; thread <= count; thread++) {
    own_->threads.emplace_back([body, self, thread] { body(self, thread); });
  }
}

void Workers::join() {
  for (auto& thread : own_->threads) thread.join();
  own_->threads.clear();
}

void Workers::sleep(const std::atomic<uint64_t>& generation, uint64_t seen) {
  std::unique_lock<std::mutex> lock(own_->mutex);
  own_->sleeping.fetch_add(1);
  own_->changed.wait(lock, [&] { return generation.load() != seen; });
  own_->sleeping.fetch_sub(1);
}

void Workers::wake(const std::atomic<uint64_t>&) {
  if (own_->sleeping.load() == 0) return;
  {
    std::lock_guard<std::mutex> lock(own_->mutex);
  }
  own_->changed.notify_all();
}

void Workers::giveWay() { std::this_thread::yield(); }

}  // namespace convbook
