// dw[tap][c][k] is the sum over output pixels p of x[p * stride + tap][c] * dy[p][k]: a product of matrices whose depth
// are the pixels, so that both factors must be laid out pixel by pixel.
//
// Output pixels, in a grid with columns and rows of zeros between images wide enough for the filter to reach out, are
// numbered through; x, as many grids as the stride has phases, is numbered alike. Then a tap is nothing but an offset
// into x. Tiles of bfloat16 take pixels in pairs: a pixel is paired with the one half a unit of work behind it, in dy,
// the left factor, which is transposed, as in x, the right factor, so that any offset is one of whole rows of pairs.
//
// A unit of work is some images, or some rows of a large one: small enough to stay in the second-level cache while
// every combination of 16 channels, 16 output channels and a tap passes over it, large enough for its sums to be worth
// storing.
#include "amx/amx_filter.h"

#if !defined(CONVBOOK_AMX)
namespace convbook {
bool amxFilterGrad(const Context&, const ConvShape&, const ConvSource&, const float*, float*, float*) { return false; }
}  // namespace convbook
#else

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "amx/amx_filter_tiles.h"
#include "conv/panels.h"
#include "runtime/lent.h"

namespace convbook {
namespace {

constexpr size_t kUnitBytes = 1 << 20;  // of packed factors: half of a core's second-level cache
constexpr int kUnitPixels = 2200, kFewPixels = 500;
constexpr size_t kKeptFloats = 1 << 20;  // of sums, between calls

// Where the taps of one axis fall: in phase `phase[i]`, `shift[i]` pixels of it away.
struct Axis {
  std::vector<int> phase, shift;
  int before = 0, after = 0;  // the farthest shifts down and up
  int pitch = 0;              // pixels from one image (one row) to the next
  int stride, size;

  Axis(int taps, int dilation, int pad, int strideOf, int in, int out) : stride(strideOf), size(in) {
    for (int i = 0; i < taps; i++) {
      const int at = i * dilation - pad, q = floorDiv(at, stride);
      phase.push_back(at - q * stride);
      shift.push_back(q);
      before = std::max(before, -q);
      after = std::max(after, q);
    }
    pitch = std::max(out + after, out);
    for (int p : phase) pitch = std::max(pitch, extent(p) + before);
  }
  int extent(int p) const { return size > p ? (size - p + stride - 1) / stride : 0; }
};

struct Plan {
  struct Plane {
    int h, w;  // phase
  };
  struct Tap {
    int plane, offset;
  };
  const ConvShape& s;
  Axis rows, columns;
  int channels16, outs16;
  std::vector<Plane> planes;
  std::vector<Tap> taps;
  int maxOffset = 0;
  // A unit: `images` whole images, or `bandRows` rows of one.
  int images = 1, bandRows = 0, bands = 1;
  size_t units;

  Plan(const ConvShape& shape, int threads)
      : s(shape),
        rows(s.filterHeight, s.dilationHeight, s.padTop, s.strideHeight, s.height, s.outHeight),
        columns(s.filterWidth, s.dilationWidth, s.padLeft, s.strideWidth, s.width, s.outWidth),
        channels16((s.inChannels + 15) / 16),
        outs16((s.outChannels + 15) / 16) {
    for (int h = 0; h < s.filterHeight; h++) {
      for (int w = 0; w < s.filterWidth; w++) {
        size_t plane = 0;
        while (plane < planes.size() && (planes[plane].h != rows.phase[h] || planes[plane].w != columns.phase[w]))
          plane++;
        if (plane == planes.size()) planes.push_back({rows.phase[h], columns.phase[w]});
        const int offset = (rows.before + rows.shift[h]) * columns.pitch + columns.before + columns.shift[w];
        taps.push_back({static_cast<int>(plane), offset});
        maxOffset = std::max(maxOffset, offset);
      }
    }
    const int perImage = rows.pitch * columns.pitch;
    const size_t bytes = static_cast<size_t>(outs16) * 64 + static_cast<size_t>(channels16) * 64 * planes.size();
    const int most = static_cast<int>(std::min<size_t>(kUnitBytes / bytes, 1 << 24));
    if (most >= perImage) {
      // Several units for each of the threads, if that does not make them too small.
      const int fair =
          threads == 1 ? s.batch : std::max((s.batch + threads * 4 - 1) / (threads * 4), kFewPixels / perImage);
      images = evenShare(s.batch, std::max(1, std::min(fair, std::min(most, kUnitPixels) / perImage)));
      units = (s.batch + images - 1) / images;
    } else {
      bandRows = evenShare(s.outHeight, std::max(1, most / columns.pitch));
      bands = (s.outHeight + bandRows - 1) / bandRows;
      units = static_cast<size_t>(s.batch) * bands;
    }
  }

  int imagesOf(size_t unit) const {
    return bandRows > 0 ? 1 : std::min(images, s.batch - static_cast<int>(unit) * images);
  }
  // Tiles that a number of images asks for, or the band.
  int steps(int imageCount) const {
    return ((bandRows > 0 ? bandRows : imageCount * rows.pitch) * columns.pitch + kTileDepth - 1) / kTileDepth;
  }
  int gridPixels() const { return steps(images) * kTileDepth; }
  size_t leftTile() const { return static_cast<size_t>(gridPixels()) * 32; }
  size_t lowOffset() const { return static_cast<size_t>(gridPixels() / 2 + maxOffset) * 32; }
  size_t planeTile() const { return lowOffset() * 2; }
  size_t planeSize() const { return planeTile() * channels16; }

  // An array of images, or one phase of it, and where it lies in the grid.
  struct Source {
    const float* data;
    int height, width;
    ptrdiff_t pitch;  // from pixel to pixel
    int phaseH, phaseW, strideH, strideW, extentH, extentW;
    int rowsBefore, columnsBefore, rowsAfter;  // of the grid; rowsAfter counts in a band alone
  };
  Source sourceOf(const Plane& p, const ConvSource& x) const {
    return {x.x,         s.height,       s.width,       x.stride,         p.h,
            p.w,         s.strideHeight, s.strideWidth, rows.extent(p.h), columns.extent(p.w),
            rows.before, columns.before, rows.after};
  }
  Source sourceOf(const float* dy) const {
    return {dy, s.outHeight, s.outWidth, s.outChannels, 0, 0, 1, 1, s.outHeight, s.outWidth, 0, 0, 0};
  }

  // Points `to` at the `count` pixels of a unit; what lies outside of the images is `zeros`, also what is read ahead.
  void point(const Source& from, size_t unit, const float* zeros, const float** to, int count) const {
    std::fill(to, to + count + kReadAhead, zeros);
    const bool banded = bandRows > 0;
    const int first = static_cast<int>(banded ? unit / bands : unit * images);
    const int last = banded ? first + 1 : std::min(first + images, s.batch);
    const int row0 = banded ? static_cast<int>(unit % bands) * bandRows : 0;
    const int low = std::max(0, row0 - from.rowsBefore);
    const int high = banded ? std::min(from.extentH, row0 + bandRows + from.rowsAfter) : from.extentH;
    for (int image = first; image < last; image++) {
      const float* plane = from.data + static_cast<ptrdiff_t>(image) * from.height * from.width * from.pitch;
      for (int r = low; r < high; r++) {
        const int at = ((image - first) * rows.pitch + r - row0 + from.rowsBefore) * columns.pitch + from.columnsBefore;
        const float* row =
            plane + (static_cast<ptrdiff_t>(r * from.strideH + from.phaseH) * from.width + from.phaseW) * from.pitch;
        const int n = std::min(from.extentW, count - at);
        for (int c = 0; c < n; c++) to[at + c] = row + static_cast<ptrdiff_t>(c) * from.strideW * from.pitch;
      }
    }
  }
};

// What a thread has at hand for a unit.
struct Workspace {
  float *zeros, *bias;
  const float** pixels;
  Bfloat16 *left, *right;

  static size_t pointers(const Plan& plan) {
    return static_cast<size_t>(plan.gridPixels() + plan.maxOffset + kReadAhead);
  }
  static size_t width(const Plan& plan) { return static_cast<size_t>(std::max(plan.channels16, plan.outs16)) * 16; }
  static size_t leftSize(const Plan& plan) { return plan.leftTile() * plan.outs16; }
  static size_t rightSize(const Plan& plan) {
    return plan.taps.size() == 1 ? 0 : plan.planeSize() * plan.planes.size();
  }

  Workspace(const Context& context, const Plan& plan, int thread) {
    const size_t pointerFloats = (pointers(plan) * sizeof(float*) / sizeof(float) + 31) / 16 * 16;
    float* memory =
        context.pool.scratch(thread, 0, width(plan) * 2 + pointerFloats + (leftSize(plan) + rightSize(plan)) / 2);
    zeros = memory;
    bias = zeros + width(plan);
    pixels = reinterpret_cast<const float**>(bias + width(plan));
    left = reinterpret_cast<Bfloat16*>(bias + width(plan) + pointerFloats);
    right = left + leftSize(plan);
    std::memset(zeros, 0, width(plan) * sizeof(float));
  }
};

// Adds a unit to the sums of its slot.
void addUnit(const Plan& plan, const Workspace& work, size_t unit, bool first, const ConvSource& x, const float* dy,
             float* sums, float* bias, SplitRange* xRange, SplitRange* dyRange) {
  const size_t steps = static_cast<size_t>(plan.steps(plan.imagesOf(unit)));
  const int pixels = static_cast<int>(steps) * kTileDepth;
  const size_t taps = plan.taps.size(), all = taps * plan.channels16;
  const PixelLine line = {x.scale, x.shift, x.relu, work.zeros};
  plan.point(plan.sourceOf(dy), unit, work.zeros, work.pixels, pixels);
  amxPackRows({work.pixels, steps, plan.s.outChannels, work.left, plan.leftTile(), bias}, dyRange);
  if (taps == 1) {
    plan.point(plan.sourceOf(plan.planes[0], x), unit, work.zeros, work.pixels, pixels);
    for (int out = 0; out < plan.outs16; out += kOutsAtOnce) {
      amxPointSums({work.left + plan.leftTile() * out, plan.leftTile(), work.pixels, steps, plan.s.inChannels,
                    sums + out * all * 256, all * 256, !first, line},
                   std::min(kOutsAtOnce, plan.outs16 - out), xRange);
    }
    return;
  }
  for (size_t p = 0; p < plan.planes.size(); p++) {
    plan.point(plan.sourceOf(plan.planes[p], x), unit, work.zeros, work.pixels, pixels + plan.maxOffset);
    amxPackPairs({work.pixels, static_cast<size_t>(pixels / 2 + plan.maxOffset), static_cast<size_t>(pixels / 2),
                  plan.s.inChannels, work.right + plan.planeSize() * p, plan.lowOffset(), plan.planeTile(), line},
                 xRange);
  }
  const int count = static_cast<int>(all), most = evenShare(count, kSideBySide);
  TileSums t;
  t.lowOffset = plan.lowOffset();
  t.steps = steps;
  t.add = !first;
  for (int out = 0; out < plan.outs16; out++) {
    t.left = work.left + plan.leftTile() * out;
    for (int i = 0; i < count; i += most) {
      const int some = std::min(most, count - i);
      for (int j = 0; j < some; j++) {
        const size_t channel = static_cast<size_t>(i + j) / taps;
        const Plan::Tap& tap = plan.taps[static_cast<size_t>(i + j) % taps];
        t.right[j] = work.right + plan.planeSize() * tap.plane + plan.planeTile() * channel +
                     static_cast<size_t>(tap.offset) * 32;
      }
      t.sums = sums + (static_cast<size_t>(out) * all + i) * 256;
      amxTileSums(t, some);
    }
  }
}

// Nanoseconds of one core, from measurements on Sapphire Rapids: whether the tiles are the quicker way. They spend more
// time on laying out pixels than on products, so that few channels, of which AVX-512 makes short work, are not for
// them.
bool takes(const Plan& plan) {
  const ConvShape& s = plan.s;
  const double pixels = static_cast<double>(s.batch) * s.outHeight * s.outWidth;
  const double grid = pixels * plan.rows.pitch * plan.columns.pitch / (static_cast<double>(s.outHeight) * s.outWidth);
  const double taps = static_cast<double>(plan.taps.size()), tiles = taps * plan.channels16 * plan.outs16;
  const double vectors = pixels * s.inChannels * s.outChannels * taps / 90;
  const double layout =
      grid * (0.8 + 2.4 * plan.outs16 + 1.7 * plan.channels16 * static_cast<double>(plan.planes.size()));
  const double products = grid * tiles * (taps == 1 ? 0.25 : 0.5), fixed = 500 + 80 * tiles;
  return layout + products + fixed < 0.95 * vectors;
}

}  // namespace

bool amxFilterGrad(const Context& context, const ConvShape& s, const ConvSource& x, const float* dy, float* dw,
                   float* dbias) {
  if (context.kernels.tiles == nullptr || s.groups != 1) return false;
  const Plan plan(s, context.pool.threads());
  if (!takes(plan)) return false;
  const size_t all = plan.taps.size() * plan.channels16, tiles = all * plan.outs16;
  const size_t biasFloats = static_cast<size_t>(plan.outs16) * 16, stride = tiles * 256 + biasFloats;
  // Every slot sums its own units; slots are added in order. Their number depends on the shape and the threads alone.
  const size_t threads = static_cast<size_t>(context.pool.threads());
  const size_t slots = std::min<size_t>(plan.units, stride * sizeof(float) > (size_t{1} << 20) ? threads : threads * 4);
  const size_t floats = slots * stride;
  const LentFloats own(floats > kKeptFloats ? floats : 0);
  float* parts = own ? own.get() : context.pool.scratch(0, 1, floats);
  std::vector<SplitRange> ranges(slots * 2);
  context.pool.run(slots, [&](size_t slot, int thread) {
    const AmxTiles tiles16;
    const Workspace work(context, plan, thread);
    float* sums = parts + slot * stride;
    float* bias = sums + tiles * 256;
    std::memset(bias, 0, biasFloats * sizeof(float));
    const size_t firstUnit = plan.units * slot / slots;
    for (size_t unit = firstUnit; unit < plan.units * (slot + 1) / slots; unit++) {
      std::memset(work.bias, 0, biasFloats * sizeof(float));
      addUnit(plan, work, unit, unit == firstUnit, x, dy, sums, dbias != nullptr ? work.bias : nullptr,
              &ranges[2 * slot], &ranges[2 * slot + 1]);
      for (size_t i = 0; i < biasFloats; i++) bias[i] += work.bias[i];
    }
  });
  for (size_t slot = 0; slot < slots; slot++) {
    for (size_t side = 0; side < 2; side++) {
      ranges[side].finite &= ranges[2 * slot + side].finite;
      ranges[side].largest = std::max(ranges[side].largest, ranges[2 * slot + side].largest);
    }
  }
  if (!ranges[0].usable() || !ranges[1].usable()) return false;
  context.pool.range(tiles, kParallel / 256, 1, [&](size_t lo, size_t hi) {
    for (size_t tile = lo; tile < hi; tile++) {
      const size_t out = tile / all, channel = tile % all / plan.taps.size(), tap = tile % plan.taps.size();
      amxReduceTile(parts + tile * 256, slots, stride, std::min(16, s.outChannels - static_cast<int>(out) * 16),
                    std::min(16, s.inChannels - static_cast<int>(channel) * 16),
                    dw + (tap * s.inChannels + channel * 16) * s.outChannels + out * 16,
                    static_cast<size_t>(s.outChannels));
    }
  });
  if (dbias != nullptr) {
    for (int k = 0; k < s.outChannels; k++) {
      float sum = 0;
      for (size_t slot = 0; slot < slots; slot++) sum += parts[slot * stride + tiles * 256 + k];
      dbias[k] = sum;
    }
  }
  amxPasses().filterGradients++;
  return true;
}

}  // namespace convbook
#endif
