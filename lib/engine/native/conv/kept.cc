#include "conv/kept.h"

#include <algorithm>
#include <cstring>

#include "conv/folded.h"

namespace convbook {
namespace {

// Pixels above which packing the weights is little beside meeting them, and weights below which it is nothing at all.
constexpr size_t kMostPixels = 8192, kFewestWeights = 8192;
// Of copies and packed weights together, estimated.
constexpr size_t kMostBytes = size_t{sizeof(void*) == 4 ? 64u : 384u} << 20;
constexpr size_t kMostEntries = 512;
// Weights that have changed so often one call after the other are being trained: they are left alone for so many calls.
constexpr int kChanges = 3;
constexpr uint64_t kRest = 4096;

// Tells weights that change from weights that stay; that they are the same is for memcmp to say.
uint64_t hashOf(const float* values, size_t count) {
  uint64_t lanes[4] = {1, 2, 3, 4};
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t words[4];
    std::memcpy(words, values + i, sizeof words);
    for (int j = 0; j < 4; j++) lanes[j] = (lanes[j] ^ words[j]) * 0x9E3779B97F4A7C15u;
  }
  uint64_t hash = 0;
  for (; i < count; i++) {
    uint32_t word;
    std::memcpy(&word, values + i, sizeof word);
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
  }
  for (uint64_t lane : lanes) hash = (hash ^ lane ^ (lane >> 29)) * 0xBF58476D1CE4E5B9u;
  return hash;
}

bool same(const float* a, const float* b, size_t count) {
  return count == 0 || std::memcmp(a, b, count * sizeof(float)) == 0;
}

}  // namespace

KeptConvs::Entry& KeptConvs::entryOf(const Context& context, const ConvShape& s, const ConvWeights& given) {
  const bool hasBias = given.bias != nullptr, hasScale = given.scale != nullptr;
  for (auto& entry : entries_) {
    if (entry->w == given.w && std::memcmp(&entry->shape, &s, sizeof s) == 0 && entry->kernels == &context.kernels &&
        entry->pool == &context.pool && entry->winograd == context.winograd && entry->hasBias == hasBias &&
        entry->hasScale == hasScale && entry->bf16 == context.bf16) {
      return *entry;
    }
  }
  if (entries_.size() >= kMostEntries) {
    auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                   [](const auto& a, const auto& b) { return a->lastUse < b->lastUse; });
    drop(**oldest);
    entries_.erase(oldest);
  }
  entries_.emplace_back(new Entry());
  Entry& entry = *entries_.back();
  entry.shape = s;
  entry.w = given.w;
  entry.kernels = &context.kernels;
  entry.pool = &context.pool;
  entry.winograd = context.winograd;
  entry.hasBias = hasBias;
  entry.hasScale = hasScale;
  entry.bf16 = context.bf16;
  return entry;
}

void KeptConvs::drop(Entry& entry) {
  bytes_ -= entry.bytes;
  entry.bytes = 0;
  entry.conv.reset();
  entry.weights = {};
  entry.bias = {};
  entry.scale = {};
}

// Lets go of what has not been used for long; what a network uses again and again is not thrown out for its last
// layers, which would leave nothing for the first.
bool KeptConvs::makeRoom(size_t bytes) {
  for (auto& entry : entries_) {
    if (bytes_ + bytes <= kMostBytes) break;
    if (entry->conv != nullptr && entry->lastUse + kRest < calls_) drop(*entry);
  }
  return bytes_ + bytes <= kMostBytes;
}

const PreparedConv* KeptConvs::find(const Context& context, const ConvShape& s, const ConvWeights& given) {
  const auto& [w, bias, scale, version] = given;
  const size_t pixels = static_cast<size_t>(s.batch) * s.outHeight * s.outWidth, channels = s.outChannels;
  const size_t count = static_cast<size_t>(s.filterHeight) * s.filterWidth * (s.inChannels / s.groups) * channels;
  if (pixels > kMostPixels || count < kFewestWeights || context.onednn != nullptr) return nullptr;
  const size_t biasCount = bias != nullptr ? channels : 0, scaleCount = scale != nullptr ? channels : 0;
  Entry& entry = entryOf(context, s, given);
  calls_++;
  entry.lastUse = calls_;
  if (calls_ < entry.restsTo) return nullptr;
  if (entry.conv != nullptr) {
    const bool isKnown = version != 0 && version == entry.version;
    if (same(entry.bias.data(), bias, biasCount) && same(entry.scale.data(), scale, scaleCount) &&
        (isKnown || (scale == nullptr ? same(entry.weights.data(), w, count)
                                      : isScaled(entry.weights.data(), w, count / channels, channels, scale)))) {
      entry.version = version;
      uses_++;
      return entry.conv.get();
    }
    drop(entry);
  }
  const uint64_t hash =
      (version != 0 ? version : hashOf(w, count)) + hashOf(bias, biasCount) + 3 * hashOf(scale, scaleCount);
  if (hash != entry.hash) {
    entry.hash = hash;
    if (++entry.changes > kChanges) {
      entry.changes = 0;
      entry.restsTo = calls_ + kRest;
    }
    return nullptr;
  }
  entry.changes = 0;
  // Winograd's algorithm makes up to four numbers of each weight of a 3 x 3 filter.
  const size_t bytes = count * sizeof(float) * (s.filterHeight == 3 && s.strideHeight == 1 ? 5 : 2);
  if (!makeRoom(bytes)) return nullptr;
  entry.weights.assign(w, w + count);
  if (scale != nullptr) scaleColumns(context, w, count / channels, channels, scale, entry.weights.data());
  entry.bias.assign(bias, bias + biasCount);
  entry.scale.assign(scale, scale + scaleCount);
  entry.version = version;
  entry.conv.reset(new PreparedConv(context, s, entry.weights.data(), bias != nullptr ? entry.bias.data() : nullptr,
                                    s.outChannels, true));
  entry.bytes = bytes;
  bytes_ += bytes;
  return entry.conv.get();
}

void KeptConvs::clear() {
  entries_.clear();
  bytes_ = 0;
}

}  // namespace convbook
