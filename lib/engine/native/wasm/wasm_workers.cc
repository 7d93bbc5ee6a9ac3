// Threads in WebAssembly: workers of JavaScript, each with an instance of this module on the same memory. They are
// started once, never end but with the program, and take a seat at whichever pool there is; a page or machine that has
// none, or has them late, is served by the thread that calls.
#include "runtime/processors.h"
#include "runtime/workers.h"
#include "wasm/wasm_imports.h"

namespace convbook {
namespace {

constexpr int kMost = 256;
constexpr int64_t kForEver = -1;

// One for each thread number: what it is to run, and whether it does.
struct alignas(64) Seat {
  std::atomic<Workers::Body> body{nullptr};
  std::atomic<void*> self{nullptr};  // null: nothing
  std::atomic<int> changes{0};
  std::atomic<void*> busy{nullptr};  // with whom
};
Seat seats[kMost];
int started = 1;  // thread 0 is the caller

int* address(std::atomic<int>& value) { return reinterpret_cast<int*>(&value); }

}  // namespace

struct Workers::Own {
  int seats = 0;
  void* self = nullptr;
};

Workers::Workers() : own_(new Own) {}
Workers::~Workers() = default;

void Workers::start(int count, Body body, void* self) {
  own_->seats = count + 1;
  own_->self = self;
  for (int thread = 1; thread <= count; thread++) {
    Seat& seat = seats[thread];
    seat.body.store(body);
    seat.self.store(self);
    seat.changes.fetch_add(1);
    __builtin_wasm_memory_atomic_notify(address(seat.changes), 1);
    if (thread >= started && convbookStartWorker(thread) != 0) started = thread + 1;
  }
}

// A worker says whom it works for before it looks once more whether it still should: either it sees that it should not,
// or it is waited for here. A seat may have been given to the next pool already.
void Workers::join() {
  for (int thread = 1; thread < own_->seats; thread++) {
    Seat& seat = seats[thread];
    if (seat.self.load() == own_->self) seat.self.store(nullptr);
    while (seat.busy.load() == own_->self) {
    }
  }
  own_->seats = 0;
}

void Workers::sleep(const std::atomic<uint64_t>& generation, uint64_t seen) {
  auto* place = const_cast<long long*>(reinterpret_cast<const long long*>(&generation));
  __builtin_wasm_memory_atomic_wait64(place, static_cast<long long>(seen), kForEver);
}

void Workers::wake(const std::atomic<uint64_t>& generation) {
  auto* place = const_cast<int*>(reinterpret_cast<const int*>(&generation));
  __builtin_wasm_memory_atomic_notify(place, kMost);
}

// There is nobody to give way to: a page's own thread must not sleep.
void Workers::giveWay() {}

int availableProcessors() { return convbookProcessors(); }

}  // namespace convbook

// What a worker runs, for as long as the program lasts.
extern "C" __attribute__((export_name("convbook_work"))) void convbookWork(int thread) {
  using namespace convbook;
  Seat& seat = seats[thread];
  for (;;) {
    const int seen = seat.changes.load();
    void* self = seat.self.load();
    seat.busy.store(self);
    if (self != nullptr && seat.self.load() == self) seat.body.load()(self, thread);
    seat.busy.store(nullptr);
    __builtin_wasm_memory_atomic_wait32(address(seat.changes), seen, kForEver);
  }
}

// Asked to call something when a thread ends, which none does before the program.
extern "C" int __cxa_thread_atexit(void (*)(void*), void*, void*) { return 0; }
