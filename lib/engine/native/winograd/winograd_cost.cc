#include "winograd/winograd_cost.h"

#include <cstring>

namespace convbook {
namespace {

// Nanoseconds on one core of an AMD EPYC of the Zen 4 generation, fitted to 504 measured shapes for each instruction
// set (`npm run bench -- engine --parts=winograd` measures such a grid). Only their proportions matter. "Vector" is a
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
struct Costs {
  const char* name;
  struct {
    LoopCost loops;
    WinogradCost winograd;
  } forward, inputGrad, filterGrad;
};

constexpr Costs kCosts[] = {
    {"avx512",
     {{0.267, 3.61, 0.41, 3.5}, {0.308, 17.4, 29.8, 32.5, 15.3}},
     {{0.299, 3.39, 0.0, 13.4}, {0.335, 13.8, 26.4, 83.8, 12.3}},
     {{0.299, 0.78, 0.0, 2.6}, {0.286, 14.3, 13.2, 49.3, 6.7}}},
    {"avx2",
     {{0.133, 1.64, 0.60, 2.5}, {0.143, 11.2, 15.6, 29.0, 35.3}},
     {{0.128, 1.99, 0.54, 8.5}, {0.139, 12.3, 15.6, 56.4, 32.2}},
     {{0.145, 0.33, 0.43, 1.5}, {0.154, 9.3, 6.6, 39.7, 10.8}}},
    {"generic",
     {{0.200, 3.52, 0.72, 1.9}, {0.224, 7.2, 19.8, 18.9, 41.4}},
     {{0.204, 1.11, 0.70, 4.4}, {0.223, 9.7, 11.5, 32.3, 34.9}},
     {{0.219, 0.0, 0.53, 1.0}, {0.248, 4.1, 0.6, 33.0, 23.4}}},
};

// What the model must promise: it is off by a tenth now and then, and other processors have other proportions.
constexpr double kMargin = 1.15;
// Images that share a turned filter, for passes whose results must not depend on their number.
constexpr double kImages = 4;

}  // namespace

bool winogradCan(const ConvShape& s) {
  return s.filterHeight == 3 && s.filterWidth == 3 && s.strideHeight == 1 && s.strideWidth == 1 &&
         s.dilationHeight == 1 && s.dilationWidth == 1 && s.groups == 1 && s.inChannels > 0 && s.outChannels > 0 &&
         s.outHeight > 0 && s.outWidth > 0 && s.height > 0 && s.width > 0;
}

bool winogradIsFaster(const Kernels& kernels, const ConvShape& s, WinogradPass pass) {
  if (!winogradCan(s)) return false;
  const Costs* costs = &kCosts[0];
  for (const Costs& some : kCosts) {
    if (std::strcmp(some.name, kernels.name) == 0) costs = &some;
  }
  const bool back = pass == WinogradPass::InputGrad;
  const auto& cost = back ? costs->inputGrad : pass == WinogradPass::FilterGrad ? costs->filterGrad : costs->forward;
  const double images = pass == WinogradPass::FilterGrad ? s.batch : kImages;
  const int height = back ? s.height : s.outHeight, width = back ? s.width : s.outWidth;
  const int in = back ? s.outChannels : s.inChannels, out = back ? s.inChannels : s.outChannels;
  const double pixels = images * height * width, tiles = images * ceilDiv(height, 2) * ceilDiv(width, 2);
  const double inVectors = ceilDiv(in, kernels.lanes), outVectors = ceilDiv(out, kernels.lanes);
  const double matrix = in * outVectors;
  const double loops =
      pixels * (9 * matrix * cost.loops.product + outVectors * cost.loops.output + in * cost.loops.input) +
      9 * matrix * cost.loops.weight;
  const double winograd = tiles * (kWinogradPoints * matrix * cost.winograd.product + inVectors * cost.winograd.input +
                                   outVectors * cost.winograd.output + cost.winograd.tile) +
                          matrix * cost.winograd.weight;
  return winograd * kMargin < loops;
}

}  // namespace convbook
