// Convolutions whose packed weights are kept from call to call: with few pixels, packing or turning the weights is most
// of a convolution's work. Weights are known by what they hold, not by where they lie: a kept copy is compared with
// them before every use, so that nobody has to say when they change.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "conv/conv.h"

namespace convbook {

class KeptConvs {
 public:
  // Of a call's weights and bias (may be null): the convolution made for the same ones before, whose results are the
  // same to the bit; null where there is none, because they are met for the first time, change, or are not worth it.
  const PreparedConv* find(const Context&, const ConvShape&, const float* w, const float* bias);
  void clear();
  size_t bytes() const { return bytes_; }
  uint64_t uses() const { return uses_; }

 private:
  struct Entry {
    ConvShape shape;
    const float* w;
    const void *kernels, *pool, *winograd;
    bool hasBias, bf16;
    uint64_t hash = 0;
    int changes = 0;       // one behind the other
    uint64_t restsTo = 0;  // not looked at before this call
    uint64_t lastUse = 0;
    std::vector<float> weights, bias;  // once they are known to stay
    std::unique_ptr<PreparedConv> conv;
    size_t bytes = 0;
  };
  Entry& entryOf(const Context&, const ConvShape&, const float* w, bool hasBias);
  void drop(Entry&);
  bool makeRoom(size_t bytes);

  std::vector<std::unique_ptr<Entry>> entries_;
  size_t bytes_ = 0;
  uint64_t calls_ = 0, uses_ = 0;
};

}  // namespace convbook
