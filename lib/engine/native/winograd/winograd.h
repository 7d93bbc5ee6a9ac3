// Winograd's F(2x2, 3x3): 3 x 3 convolutions of stride 1 by 16 products where loops take 36, and their gradients. The
// numbers between are sums of up to 4 x 4 inputs, so that one that is not finite, or so large that nothing is left of
// its neighbours beside it, spoils its whole tile: a pass that meets one gives up and is left to the loops, as AMX's
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

// Takes the shapes that the cost model (winograd_cost.h) says it is faster on, or all that it can.
ConvImplementation& winogradWhereFaster();
ConvImplementation& winogradWhereItCan();

}  // namespace convbook
