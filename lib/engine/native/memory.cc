#include "memory.h"

#include <cstdint>
#include <cstdlib>
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
}  // namespace

void* blockAlloc(size_t bytes) {
  if (bytes < kMapped) return alignedAlloc(bytes == 0 ? 64 : bytes);
  size_t size = mappedSize(bytes);
  void* mapped = mmap(nullptr, size + kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* start = static_cast<char*>(mapped);
  char* data = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(start) + kHuge - 1) / kHuge * kHuge);
  if (data > start) munmap(start, data - start);
  size_t behind = start + size + kHuge - (data + size);
  if (behind > 0) munmap(data + size, behind);
  madvise(data, size, MADV_HUGEPAGE);
  return data;
}

void blockFree(void* data, size_t bytes) {
  if (bytes < kMapped) {
    alignedFree(data);
  } else {
    munmap(data, mappedSize(bytes));
  }
}

void blockDrop(void* data, size_t bytes) {
  if (bytes >= kMapped) madvise(data, mappedSize(bytes), MADV_DONTNEED);
}
#else
void* blockAlloc(size_t bytes) { return alignedAlloc(bytes == 0 ? 64 : bytes); }
void blockFree(void* data, size_t) { alignedFree(data); }
void blockDrop(void*, size_t) {}
#endif

}  // namespace convbook
