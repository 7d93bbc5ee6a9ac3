// Winograd's algorithm for convolutions of stride 1 and their gradients: 3 x 3 filters by F(2x2, 3x3), 16 products
// where loops take 36, or by F(4x4, 3x3), 36 where they take 144; 5 x 5 filters by F(2x2, 5x5), 36 where they take 100.
// The numbers between are sums of up to 6 x 6 inputs, so that one that is not finite, or so large that nothing is left
// of its neighbours beside it, spoils its whole tile: a pass that meets one gives up and is left to the loops, as AMX's
// are. For processors without tiles.
#pragma once
#include <atomic>
#include <cstdint>

#include "conv/implementation.h"

namespace convbook {

// Passes that were computed so in this process; only what was kept counts.
struct WinogradPasses {
  std::atomic<uint64_t> forward{0};
  std::atomic<uint64_t> inputGradients{0};
  std::atomic<uint64_t> filterGradients{0};
};
WinogradPasses& winogradPasses();

// Takes the shapes that the cost model (winograd_cost.h) says it is faster on.
ConvImplementation& winogradWhereFaster();
// Takes the same shapes on every processor: those that an AVX2 processor is faster on by the model.
ConvImplementation& winogradByFixedCosts();
// Takes all that it can, in tiles of 4 x 4 or 6 x 6 inputs; for tests and measurements.
ConvImplementation& winogradInSmallTiles();
ConvImplementation& winogradInLargeTiles();

}  // namespace convbook
