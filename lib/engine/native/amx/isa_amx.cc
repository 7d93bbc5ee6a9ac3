#include "amx/isa_amx_split.h"

namespace convbook {
namespace {

struct alignas(64) TileConfig {
  uint8_t palette = 1, startRow = 0, reserved[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64, "the layout that LDTILECFG reads");

}  // namespace

AmxTiles::AmxTiles() {
  // In memory for good: compilers do not see that the instruction reads all of it.
  static constexpr TileConfig config{};
  _tile_loadconfig(&config);
}

AmxTiles::~AmxTiles() { _tile_release(); }

namespace {

template <int Parts>
void split(const AmxPixels& p, Bfloat16* to, ptrdiff_t plane, SplitWatch* watch) {
  if (p.scale != nullptr) return splitPixels<Parts, true>(p, to, plane, watch);
  if (p.stride != p.channels) return splitPixels<Parts, false>(p, to, plane, watch);
  splitRun<Parts>(p.x, p.count * static_cast<size_t>(p.channels), to, plane, watch);
}

}  // namespace

void amxSplit(const AmxPixels& p, int parts, Bfloat16* to, ptrdiff_t plane, SplitRange* range) {
  SplitWatch watch;
  if (parts == 1) split<1>(p, to, plane, &watch);
  if (parts == 2) split<2>(p, to, plane, &watch);
  if (parts == 3) split<3>(p, to, plane, &watch);
  watch.addTo(range);
}

}  // namespace convbook
