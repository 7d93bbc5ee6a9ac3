#include "runtime/lent.h"

#include <cstdint>
#include <new>
#if !defined(__wasm__)
#include <mutex>
#include <vector>
#endif

#include "runtime/memory.h"

namespace convbook {

#if defined(__wasm__)
// The module's memory never shrinks, so that its pages are there already.
LentFloats::LentFloats(size_t floats, Use) : bytes_(floats * sizeof(float)) {
  if (bytes_ == 0) return;
  data_ = static_cast<float*>(alignedAlloc(bytes_));
  if (data_ == nullptr) throw std::bad_alloc();
}
LentFloats::~LentFloats() { alignedFree(data_); }
size_t lentKeptBytes() { return 0; }
void releaseLent() {}
#else
namespace {

// Smaller ones the C library keeps well enough.
constexpr size_t kLarge = size_t{1} << 20;
// All weights of a residual network of 512 channels, made ready for Winograd's algorithm one convolution at a time, are
// 37.7 MB at most, the sums of their gradients as much for each thread.
constexpr size_t kMostKept = size_t{256} << 20;

struct Region {
  void* data;
  size_t bytes;
};
std::mutex mutex;
// Given back last stands last. Regions are given back until the very end of the process, so it is never destroyed.
std::vector<Region>& kept() {
  static auto* regions = new std::vector<Region>();
  return *regions;
}
size_t keptBytes = 0;

// The smallest kept region that is large enough and not larger than `most`; null where there is none.
Region take(size_t bytes, size_t most) {
  std::lock_guard<std::mutex> lock(mutex);
  auto& regions = kept();
  size_t best = regions.size();
  for (size_t i = 0; i < regions.size(); i++) {
    const size_t size = regions[i].bytes;
    if (size >= bytes && size <= most && (best == regions.size() || size < regions[best].bytes)) best = i;
  }
  if (best == regions.size()) return {nullptr, 0};
  const Region found = regions[best];
  regions.erase(regions.begin() + static_cast<ptrdiff_t>(best));
  keptBytes -= found.bytes;
  return found;
}

void free(const Region& region) { pagesFree(region.data, region.bytes); }

// Keeps a region; those that were given back first make room.
void give(Region region) {
  if (region.bytes > kMostKept) return free(region);
  std::vector<Region> gone;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto& regions = kept();
    keptBytes += region.bytes;
    size_t count = 0;
    while (keptBytes > kMostKept) keptBytes -= regions[count++].bytes;
    gone.assign(regions.begin(), regions.begin() + static_cast<ptrdiff_t>(count));
    regions.erase(regions.begin(), regions.begin() + static_cast<ptrdiff_t>(count));
    regions.push_back(region);
  }
  for (const Region& old : gone) free(old);
}

}  // namespace

LentFloats::LentFloats(size_t floats, Use use) : bytes_(floats * sizeof(float)) {
  if (bytes_ == 0) return;
  if (bytes_ >= kLarge) {
    const Region found = take(bytes_, use == Brief ? SIZE_MAX : bytes_ * 2 + 1);
    data_ = static_cast<float*>(found.data);
    if (data_ != nullptr) bytes_ = found.bytes;
  }
  if (data_ == nullptr) data_ = static_cast<float*>(bytes_ < kLarge ? alignedAlloc(bytes_) : pagesAlloc(bytes_));
  if (data_ == nullptr) throw std::bad_alloc();
}

LentFloats::~LentFloats() {
  if (data_ == nullptr) return;
  if (bytes_ < kLarge) {
    alignedFree(data_);
  } else {
    give({data_, bytes_});
  }
}

size_t lentKeptBytes() {
  std::lock_guard<std::mutex> lock(mutex);
  return keptBytes;
}

void releaseLent() {
  std::vector<Region> all;
  {
    std::lock_guard<std::mutex> lock(mutex);
    all.swap(kept());
    keptBytes = 0;
  }
  for (const Region& region : all) free(region);
}
#endif

}  // namespace convbook
