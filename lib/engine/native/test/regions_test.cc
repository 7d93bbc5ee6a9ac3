// Memory for arrays, taken in pages, and memory that is lent.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/lent.h"
#include "runtime/memory.h"
#include "test/checks.h"
#include "test/compare.h"

namespace convbook::testing {

// Regions on small pages and on any, from several threads at once: each can be written from end to end, settled bit by
// bit and written again.
void regions() {
  std::atomic<int> wrong{0};
  auto use = [&](int thread) {
    for (size_t bytes : {size_t{100}, size_t{1} << 20, (size_t{5} << 20) + 12, size_t{33} << 20}) {
      for (bool small : {false, true}) {
        char* data = static_cast<char*>(pagesAlloc(bytes, small));
        std::memset(data, thread, bytes);
        int more = 0;
        while (pagesSettle(data, bytes)) more++;
#if defined(__linux__)
        // 16 MiB at once, of 34 MiB of whole huge pages. A region that may have any pages was given small ones if huge
        // ones were slow.
        const int all = bytes > size_t{32} << 20 ? 2 : 0;
        if (more != all && (small || more != 0)) wrong++;
#else
        if (more != 0) wrong++;
#endif
        if (pagesSettle(data, bytes)) wrong++;
        std::memset(data, thread + 1, bytes);
        if (data[0] != thread + 1 || data[bytes - 1] != thread + 1) wrong++;
        pagesDrop(data, bytes);
        pagesFree(data, bytes);
      }
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; thread++) threads.emplace_back(use, thread);
  for (std::thread& thread : threads) thread.join();
  if (wrong == 0) return;
  std::printf("regions: %d wrong\n", wrong.load());
  failures++;
}

// What is lent belongs to one at a time; a large region is kept for the next, up to a limit, and released when asked.
void lent() {
  constexpr size_t kMega = size_t{1} << 18;  // floats in a MiB
  std::atomic<int> wrong{0};
  auto use = [&](int thread) {
    for (int round = 0; round < 50; round++) {
      LentFloats none(0), small(100), large(3 * kMega + 5), larger(static_cast<size_t>(5 + round % 3) * kMega);
      if (none) wrong++;
      const float mine = static_cast<float>(thread * 100 + round);
      for (const LentFloats* some : {&small, &large, &larger}) {
        if (reinterpret_cast<uintptr_t>(some->get()) % 64 != 0) wrong++;
        some->get()[0] = some->get()[99] = mine;
      }
      large.get()[3 * kMega + 4] = mine;
      LentFloats moved = std::move(large);
      if (large || moved.get()[3 * kMega + 4] != mine) wrong++;
      for (const LentFloats* some : {&small, &moved, &larger}) {
        if (some->get()[0] != mine || some->get()[99] != mine) wrong++;
      }
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; thread++) threads.emplace_back(use, thread);
  for (std::thread& thread : threads) thread.join();
  releaseLent();
  if (lentKeptBytes() != 0) wrong++;
  // The same region again; one that is much too large is left where it is.
  const float* before = nullptr;
  {
    LentFloats first(4 * kMega);
    before = first.get();
  }
  if (lentKeptBytes() != 4 * kMega * sizeof(float)) wrong++;
  LentFloats little(kMega);
  if (lentKeptBytes() == 0) wrong++;
  if (LentFloats(4 * kMega - 7).get() != before) wrong++;
  // Those given back first make room; what is larger than the limit is never kept.
  for (size_t megas : {20, 50, 230, 300}) LentFloats some(megas * kMega);
  if (lentKeptBytes() != 230 * kMega * sizeof(float)) wrong++;
  // For the time of a call it may be much too large.
  if (LentFloats brief(2 * kMega, LentFloats::Brief); lentKeptBytes() != 0) wrong++;
  if (lentKeptBytes() != 230 * kMega * sizeof(float)) wrong++;
  releaseLent();
  if (wrong == 0) return;
  std::printf("lent: %d wrong\n", wrong.load());
  failures++;
}

}  // namespace convbook::testing
