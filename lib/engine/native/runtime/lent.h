// Memory that is lent for as long as a call takes, or while weights are made ready: a large region that is given back
// is kept for whoever asks next. Pages new from the system can take longer to come than a convolution takes to fill
// them.
#pragma once
#include <cstddef>
#include <utility>

namespace convbook {

// So many floats, 64-byte aligned, their values left as they are; nothing for 0. Throws std::bad_alloc where there are
// none. May be made, moved and given back by any thread.
class LentFloats {
 public:
  // For how long it is lent: within one call it may be a region of any size, of which the rest lies idle meanwhile.
  enum Use { Long, Brief };

  LentFloats() = default;
  explicit LentFloats(size_t floats, Use use = Long);
  ~LentFloats();
  LentFloats(LentFloats&& other) noexcept { *this = std::move(other); }
  LentFloats& operator=(LentFloats&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  float* get() const { return data_; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  float* data_ = nullptr;
  size_t bytes_ = 0;  // of the region
};

// What is kept for the next one, by the whole process.
size_t lentKeptBytes();
void releaseLent();

}  // namespace convbook
