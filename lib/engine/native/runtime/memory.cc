#include "runtime/memory.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <unordered_map>
#if defined(_WIN32)
#include <malloc.h>
#else
#include <sys/mman.h>
#endif

namespace convbook {

void* alignedAlloc(size_t bytes) {
  if (bytes == 0) return nullptr;
  bytes = (bytes + 63) / 64 * 64;
#if defined(_WIN32)
  return _aligned_malloc(bytes, 64);
#else
  void* data = nullptr;
  return posix_memalign(&data, 64, bytes) == 0 ? data : nullptr;
#endif
}

void alignedFree(void* data) {
#if defined(_WIN32)
  _aligned_free(data);
#else
  free(data);
#endif
}

#if defined(__linux__)
namespace {
constexpr size_t kHuge = size_t{2} << 20;
constexpr size_t kMapped = size_t{1} << 20;
size_t mappedSize(size_t bytes) { return (bytes + kHuge - 1) / kHuge * kHuge; }

using Clock = std::chrono::steady_clock;

// A huge page takes 0.2 to 0.4 ms where memory is at hand, its 512 small ones 0.8 ms. It takes several milliseconds
// where the system has to move other pages first, or where a virtual machine's host has taken back what lay free; small
// pages are mostly still there then.
constexpr auto kSlow = std::chrono::milliseconds(1);
// For how long small pages are taken after a huge one was slow.
constexpr auto kPause = std::chrono::seconds(1);
std::atomic<Clock::rep> slowUntil{0};

bool hugePagesAreSlow() { return Clock::now().time_since_epoch().count() < slowUntil.load(std::memory_order_relaxed); }

// Takes up to an eighth of the region's pages, sixteen at most, one after the other: what that takes tells how long the
// others will.
bool firstPagesAreSlow(char* data, size_t size) {
  for (size_t page = 0; page < 16 && page * 8 * kHuge < size; page++) {
    const auto start = Clock::now();
    *static_cast<volatile char*>(data + page * kHuge) = 0;
    const auto end = Clock::now();
    if (end - start < kSlow) continue;
    slowUntil.store((end + kPause).time_since_epoch().count(), std::memory_order_relaxed);
    return true;
  }
  return false;
}

// How much of a region is moved to huge pages at once, lest whoever waits notices.
constexpr size_t kPortion = size_t{16} << 20;

// The regions on small pages, and how many of their bytes have been moved; several engines' threads ask.
std::mutex smallMutex;
std::unordered_map<void*, size_t>& smallRegions() {
  static auto* regions =
      new std::unordered_map<void*, size_t>();  // Regions are freed until the very end of the process.
  return *regions;
}
void useSmallPages(char* data, size_t size) {
  madvise(data, size, MADV_NOHUGEPAGE);
  std::lock_guard<std::mutex> lock(smallMutex);
  smallRegions()[data] = 0;
}
}  // namespace

void* pagesAlloc(size_t bytes, bool small) {
  if (bytes < kMapped) return alignedAlloc(bytes == 0 ? 64 : bytes);
  size_t size = mappedSize(bytes);
  void* mapped = mmap(nullptr, size + kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* start = static_cast<char*>(mapped);
  char* data = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(start) + kHuge - 1) / kHuge * kHuge);
  if (data > start) munmap(start, data - start);
  size_t behind = start + size + kHuge - (data + size);
  if (behind > 0) munmap(data + size, behind);
  if (small || hugePagesAreSlow()) {
    useSmallPages(data, size);
  } else {
    madvise(data, size, MADV_HUGEPAGE);
    if (firstPagesAreSlow(data, size)) useSmallPages(data, size);
  }
  return data;
}

bool pagesSettle(void* data, size_t bytes) {
  if (bytes < kMapped) return false;
  const size_t size = mappedSize(bytes);
  std::lock_guard<std::mutex> lock(smallMutex);
  const auto found = smallRegions().find(data);
  if (found == smallRegions().end()) return false;
  char* from = static_cast<char*>(data) + found->second;
  const size_t portion = std::min(kPortion, size - found->second);
  madvise(from, portion, MADV_DONTNEED);
  madvise(from, portion, MADV_HUGEPAGE);
  found->second += portion;
  if (found->second < size) return true;
  smallRegions().erase(found);
  return false;
}

void pagesFree(void* data, size_t bytes) {
  if (bytes < kMapped) {
    alignedFree(data);
  } else {
    {
      std::lock_guard<std::mutex> lock(smallMutex);
      smallRegions().erase(data);
    }
    munmap(data, mappedSize(bytes));
  }
}

void pagesDrop(void* data, size_t bytes) {
  if (bytes >= kMapped) madvise(data, mappedSize(bytes), MADV_DONTNEED);
}
#else
void* pagesAlloc(size_t bytes, bool) { return alignedAlloc(bytes == 0 ? 64 : bytes); }
void pagesFree(void* data, size_t) { alignedFree(data); }
bool pagesSettle(void*, size_t) { return false; }
void pagesDrop(void*, size_t) {}
#endif

}  // namespace convbook
