// Memory for arrays, taken in pages.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

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

}  // namespace convbook::testing
