// Memory in WebAssembly: all of it, tensors' as well as the engine's own, is in the module's one memory, which grows
// and never shrinks. The C library's allocator knows nothing of threads, so it is behind a lock here.
#include <malloc.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "bindings/bindings.h"
#include "runtime/memory.h"

namespace {

std::atomic_flag taken = ATOMIC_FLAG_INIT;

struct Lock {
  Lock() {
    while (taken.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~Lock() { taken.clear(std::memory_order_release); }
};

void* allocate(size_t bytes) {
  void* data = nullptr;
  const Lock lock;
  return posix_memalign(&data, 64, bytes) == 0 ? data : nullptr;
}
void release(void* data) {
  const Lock lock;
  free(data);
}
void* allocateOrThrow(size_t bytes) {
  void* data;
  {
    const Lock lock;
    data = malloc(bytes == 0 ? 1 : bytes);
  }
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

}  // namespace

void* operator new(size_t bytes) { return allocateOrThrow(bytes); }
void* operator new[](size_t bytes) { return allocateOrThrow(bytes); }
void* operator new(size_t bytes, std::align_val_t) {
  void* data = allocate(bytes == 0 ? 1 : bytes);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}
void* operator new[](size_t bytes, std::align_val_t alignment) { return operator new(bytes, alignment); }
void operator delete(void* data) noexcept { release(data); }
void operator delete[](void* data) noexcept { release(data); }
void operator delete(void* data, size_t) noexcept { release(data); }
void operator delete[](void* data, size_t) noexcept { release(data); }
void operator delete(void* data, std::align_val_t) noexcept { release(data); }
void operator delete[](void* data, std::align_val_t) noexcept { release(data); }
void operator delete(void* data, size_t, std::align_val_t) noexcept { release(data); }
void operator delete[](void* data, size_t, std::align_val_t) noexcept { release(data); }

// For JavaScript, and for workers' stacks; null where there is none.
extern "C" __attribute__((export_name("convbook_alloc"))) void* convbookAlloc(size_t bytes) {
  return allocate(bytes == 0 ? 64 : bytes);
}
extern "C" __attribute__((export_name("convbook_free"))) void convbookFree(void* data) { release(data); }

namespace convbook {

void* alignedAlloc(size_t bytes) { return bytes == 0 ? nullptr : allocate((bytes + 63) / 64 * 64); }
void alignedFree(void* data) { release(data); }
void* pagesAlloc(size_t bytes, bool) { return alignedAlloc(bytes == 0 ? 64 : bytes); }
void pagesFree(void* data, size_t) { alignedFree(data); }
bool pagesSettle(void*, size_t) { return false; }
void pagesDrop(void*, size_t) {}

// JavaScript takes tensors' memory by convbook_alloc.
void defineMemoryBindings(napi_env, napi_value, State*) {}

}  // namespace convbook
