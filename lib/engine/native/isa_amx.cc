#include "isa_amx_split.h"

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

void amxSplit(const float* x, size_t n, int parts, Bfloat16* to, ptrdiff_t plane, SplitRange* range) {
  SplitWatch watch;
  if (parts == 1) splitRun<1>(x, n, to, plane, &watch);
  if (parts == 2) splitRun<2>(x, n, to, plane, &watch);
  if (parts == 3) splitRun<3>(x, n, to, plane, &watch);
  watch.addTo(range);
}

}  // namespace convbook
