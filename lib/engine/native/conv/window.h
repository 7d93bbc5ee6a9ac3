// Windows of an image, borders of zeros included, that stay in the first-level cache while float32 kernels pass over
// them.
#pragma once
#include <cstddef>

#include "conv/conv_shape.h"

namespace convbook {

// Bytes of an input window that a task keeps at hand: it should stay in the first-level cache beside the outputs.
constexpr size_t kWindowBytes = 32000;

// Copies `rows` x `columns` pixels from (top, left) of an image; what lies outside of it is zero.
void copyWindow(const float* image, int height, int width, int channels, int top, int left, int rows, int columns,
                float* window);

// How an output plane is cut so that a patch's input window is small; patches are the unit of work.
struct Patches {
  int rows, columns;        // pixels of output in a patch
  int downwards, sideways;  // patches in an image
  size_t windowFloats;

  // `enough`: at least so many patches, where the plane allows it.
  Patches(int height, int width, const Windows& windows, int channels, int enough);
};

}  // namespace convbook
