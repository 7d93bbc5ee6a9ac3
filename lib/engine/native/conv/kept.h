// Convolutions whose packed weights are kept from call to call: with few pixels, packing or turning the weights is most
// of a convolution's work. Weights are known by what they hold, not by where they lie: a kept copy is compared with
// them before every use, so that nobody has to say when they change; but whoever knows may say by a number that they
// are the ones of before, which saves reading all of them.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "conv/conv.h"

namespace convbook {

// What a convolution is called with: the bias may be null, and the scale, by which the weights of each channel are
// multiplied. Weights of one number (0: none is known) hold what they held.
struct ConvWeights {
  const float *w, *bias, *scale;
  uint64_t version;
};

class KeptConvs {
 public:
  // The convolution made for the same weights before, whose results are the same to the bit; null where there is none,
  // because they are met for the first time, change, or are not worth it.
  const PreparedConv* find(const Context&, const ConvShape&, const ConvWeights&);
  void clear();
  size_t bytes() const { return bytes_; }
  uint64_t uses() const { return uses_; }

 private:
  struct Entry {
    ConvShape shape;
    const float* w;
    const void *kernels, *pool, *winograd;
    bool hasBias, hasScale, bf16;
    uint64_t hash = 0, version = 0;
    int changes = 0;       // one behind the other
    uint64_t restsTo = 0;  // not looked at before this call
    uint64_t lastUse = 0;
    std::vector<float> weights, bias, scale;  // once they are known to stay; the weights as multiplied
    std::unique_ptr<PreparedConv> conv;
    size_t bytes = 0;
  };
  Entry& entryOf(const Context&, const ConvShape&, const ConvWeights&);
  void drop(Entry&);
  bool makeRoom(size_t bytes);

  std::vector<std::unique_ptr<Entry>> entries_;
  size_t bytes_ = 0;
  uint64_t calls_ = 0, uses_ = 0;
};

}  // namespace convbook
