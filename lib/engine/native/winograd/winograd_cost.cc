#include "winograd/winograd_cost.h"

#include <algorithm>
#include <cstring>

namespace convbook {
namespace {

// Nanoseconds on one core of an AMD EPYC of the Zen 4 generation, fitted to measured shapes for each instruction set
// (`npm run bench -- engine --parts=winograd` measures such a grid). Only their proportions matter. "Vector" is a
// vector of the columns: of output channels, or of input channels for the gradient by the input.
struct LoopCost {
  double product;  // one input channel's product with a vector
  double output;   // a vector of an output pixel, or of its gradient
  double input;    // a channel of a pixel that is gathered
  double weight;   // a vector of the filter
};
struct WinogradCost {
  double product;  // as above
  double input;    // a tile's vector of inputs, turned
  double output;   // a tile's vector of outputs, turned back
  double weight;   // a vector of the filter, turned
  double tile;     // what else a tile takes
};
struct PassCost {
  LoopCost loops;
  WinogradCost winograd[kWinogradKinds];
};
struct Costs {
  const char* name;  // of the kernels; WebAssembly's have the costs of the generic ones
  PassCost forward, inputGrad, filterGrad;
};

constexpr Costs kCosts[] = {
    {"avx512",
     {{0.267, 3.61, 0.41, 3.5},
      {{0.308, 17.4, 29.8, 32.5, 15.3}, {0.301, 66.0, 69.4, 62.4, 26.6}, {0.304, 39.1, 69.5, 90.4, 20.2}}},
     {{0.299, 3.39, 0.0, 13.4},
      {{0.335, 13.8, 26.4, 83.8, 12.3}, {0.319, 46.7, 90.1, 120.3, 33.5}, {0.312, 67.1, 52.9, 249.9, 19.3}}},
     {{0.299, 0.78, 0.0, 2.6},
      {{0.286, 14.3, 13.2, 49.3, 6.7}, {0.349, 24.2, 0.0, 94.3, 44.1}, {0.308, 57.1, 14.3, 149.0, 0.0}}}},
    {"avx2",
     {{0.133, 1.64, 0.60, 2.5},
      {{0.143, 11.2, 15.6, 29.0, 35.3}, {0.158, 32.6, 69.4, 51.2, 27.4}, {0.186, 20.5, 0.9, 92.8, 103.4}}},
     {{0.128, 1.99, 0.54, 8.5},
      {{0.139, 12.3, 15.6, 56.4, 32.2}, {0.151, 49.1, 63.1, 75.6, 0.0}, {0.191, 14.9, 0.0, 154.0, 107.5}}},
     {{0.145, 0.33, 0.43, 1.5},
      {{0.154, 9.3, 6.6, 39.7, 10.8}, {0.176, 28.7, 17.4, 79.4, 43.5}, {0.185, 23.2, 0.0, 124.5, 37.1}}}},
    {"generic",
     {{0.200, 3.52, 0.72, 1.9},
      {{0.224, 7.2, 19.8, 18.9, 41.4}, {0.251, 27.7, 54.2, 40.7, 101.7}, {0.285, 0.0, 21.1, 102.6, 102.0}}},
     {{0.204, 1.11, 0.70, 4.4},
      {{0.223, 9.7, 11.5, 32.3, 34.9}, {0.234, 19.5, 70.8, 54.7, 82.9}, {0.266, 4.0, 19.6, 141.0, 110.1}}},
     {{0.219, 0.0, 0.53, 1.0},
      {{0.248, 4.1, 0.6, 33.0, 23.4}, {0.261, 22.4, 2.3, 83.3, 96.5}, {0.290, 2.6, 0.0, 134.9, 59.1}}}},
};

const Costs& costsOf(const char* name) {
  for (const Costs& some : kCosts) {
    if (std::strcmp(some.name, name) == 0) return some;
  }
  return kCosts[0];
}

// What the model must promise: it is off by a tenth now and then, and other processors have other proportions.
constexpr double kMargin = 1.15;
// Images that share a turned filter, for passes whose results must not depend on their number.
constexpr double kImages = 4;
// Channels that large tiles may sum over forwards: more, and errors are larger than those of loops (see the README).
constexpr int kMostChannels = 128;
// Fewer channels in or out are no shapes that large tiles were fitted to.
constexpr int kLeastChannels = 8;

// Whether errors are as small as those of loops. Gradients of 5 x 5 filters would have three times theirs.
bool isExact(WinogradKind kind, const ConvShape& s, WinogradPass pass) {
  if (kind == WinogradKind::F2x3) return true;
  if (pass == WinogradPass::FilterGrad) return kind == WinogradKind::F4x3;
  return pass == WinogradPass::InputGrad || s.inChannels <= kMostChannels;
}

bool isFor(const WinogradKernels& kernels, const ConvShape& s) {
  return s.filterHeight == kernels.taps && s.filterWidth == kernels.taps && s.strideHeight == 1 && s.strideWidth == 1 &&
         s.dilationHeight == 1 && s.dilationWidth == 1 && s.groups == 1 && s.inChannels > 0 && s.outChannels > 0 &&
         s.outHeight > 0 && s.outWidth > 0 && s.height > 0 && s.width > 0;
}

// A pass as sums over channels: of what is turned, and of what comes out.
struct Sizes {
  double images;
  int height, width, in;
  double inVectors, outVectors;

  Sizes(int lanes, const ConvShape& s, WinogradPass pass) {
    const bool back = pass == WinogradPass::InputGrad;
    images = pass == WinogradPass::FilterGrad ? s.batch : kImages;
    height = back ? s.height : s.outHeight;
    width = back ? s.width : s.outWidth;
    in = back ? s.outChannels : s.inChannels;
    inVectors = ceilDiv(in, lanes);
    outVectors = ceilDiv(back ? s.inChannels : s.outChannels, lanes);
  }
  double matrix() const { return in * outVectors; }
};

double timeOf(const LoopCost& cost, const Sizes& s, int taps) {
  const double pixels = s.images * s.height * s.width, products = taps * taps * s.matrix();
  return pixels * (products * cost.product + s.outVectors * cost.output + s.in * cost.input) + products * cost.weight;
}

double timeOf(const WinogradCost& cost, const Sizes& s, const WinogradKernels& kernels) {
  const double tiles = s.images * ceilDiv(s.height, kernels.outputs) * ceilDiv(s.width, kernels.outputs);
  return tiles * (kernels.points() * s.matrix() * cost.product + s.inVectors * cost.input + s.outVectors * cost.output +
                  cost.tile) +
         s.matrix() * cost.weight;
}

// The fastest by some costs, with vectors of so many lanes.
const WinogradKernels* fastestBy(const Costs& costs, int lanes, const Kernels& kernels, const ConvShape& s,
                                 WinogradPass pass) {
  const PassCost& cost = pass == WinogradPass::Forward     ? costs.forward
                         : pass == WinogradPass::InputGrad ? costs.inputGrad
                                                           : costs.filterGrad;
  const Sizes sizes(lanes, s, pass);
  const WinogradKernels* best = nullptr;
  double least = 0;
  for (int kind = 0; kind < kWinogradKinds; kind++) {
    const WinogradKernels& some = kernels.winograd[kind];
    if (!isFor(some, s) || !isExact(static_cast<WinogradKind>(kind), s, pass)) continue;
    if (some.inputs() > 4 && std::min(s.inChannels, s.outChannels) < kLeastChannels) continue;
    const double time = timeOf(cost.winograd[kind], sizes, some);
    if (time * kMargin < timeOf(cost.loops, sizes, some.taps) && (best == nullptr || time < least)) {
      best = &some;
      least = time;
    }
  }
  return best;
}

}  // namespace

const WinogradKernels* winogradOf(const Kernels& kernels, const ConvShape& s,
                                  std::initializer_list<WinogradKind> kinds) {
  for (WinogradKind kind : kinds) {
    const WinogradKernels& some = kernels.winograd[static_cast<int>(kind)];
    if (isFor(some, s)) return &some;
  }
  return nullptr;
}

const WinogradKernels* winogradFastest(const Kernels& kernels, const ConvShape& s, WinogradPass pass) {
  const bool wasm = std::strncmp(kernels.name, "wasm", 4) == 0;
  return fastestBy(costsOf(wasm ? "generic" : kernels.name), kernels.lanes, kernels, s, pass);
}

const WinogradKernels* winogradByFixedCost(const Kernels& kernels, const ConvShape& s, WinogradPass pass) {
  constexpr int kLanes = 8;
  return fastestBy(costsOf("avx2"), kLanes, kernels, s, pass);
}

}  // namespace convbook
