#include "amx/amx_filter_tiles.h"
#include "amx/isa_amx_split.h"

namespace convbook {
namespace {

// Pairs of bfloat16 from two pixels, still as the upper halves of words.
inline __m512i pairUp(__m512i even, __m512i odd) {
  return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(even, 16), odd);
}

// Gathers what SplitRange tells: cheaper than SplitWatch, and all that `usable` asks for.
struct Watch {
  __m512i bits = _mm512_setzero_si512();  // of all values together
  __m512 broken = _mm512_setzero_ps();    // not finite where a value was infinite, not a number or too large

  void addTo(SplitRange* range) const {
    // A bit of an exponent that is set in any value: a power of two that the largest reaches. 2^-95 is bit 5 alone.
    const unsigned magnitude = static_cast<unsigned>(_mm512_reduce_or_epi32(bits)) & 0x7fffffffu;
    const float largest = magnitude >> 23 >= 32 ? 1.f : magnitude > 0 ? 1e-35f : 0.f;
    if (largest > range->largest) range->largest = largest;
    const __m512 zero = _mm512_sub_ps(broken, broken);
    if (_mm512_cmp_ps_mask(zero, zero, _CMP_UNORD_Q) != 0) range->finite = false;
  }
};

struct Halves {
  __m512i hi, lo;  // bfloat16 in the upper halves of words; below hi are zeros
};

inline Halves halvesOf(__m512 x, __m512* rest) {
  const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  const __m512i hi = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(x), half), upper);
  *rest = _mm512_sub_ps(x, _mm512_castsi512_ps(hi));
  return {hi, _mm512_add_epi32(_mm512_castps_si512(*rest), half)};
}

// Two pixels at a time, so that one instruction watches both: the rest of infinity is not a number, that of a value
// that was rounded to infinity is infinite, and so is their product with any other rest.
inline void halvesOf(__m512 x, __m512 y, Halves* a, Halves* b, Watch* watch) {
  __m512 restX, restY;
  *a = halvesOf(x, &restX);
  *b = halvesOf(y, &restY);
  watch->bits = _mm512_ternarylogic_epi32(watch->bits, _mm512_castps_si512(x), _mm512_castps_si512(y), 0xfe);
  watch->broken = _mm512_fmadd_ps(restX, restY, watch->broken);
}

// The 16 channels from c on, as a PixelLine says.
template <bool Affine>
struct Channels {
  int c;
  __mmask16 mask;
  const float* zeros;
  __m512 scale, shift, floor;

  Channels(const PixelLine& line, int at, int channels)
      : c(at), mask(firstOf16(static_cast<size_t>(channels - at))), zeros(line.zeros) {
    if (!Affine) return;
    scale = _mm512_maskz_loadu_ps(mask, line.scale + c);
    shift = _mm512_maskz_loadu_ps(mask, line.shift + c);
    floor = line.relu ? _mm512_setzero_ps() : _mm512_set1_ps(-__builtin_inff());
  }
  __m512 of(const float* pixel) const {
    const __m512 x = _mm512_maskz_loadu_ps(mask, pixel + c);
    if (!Affine) return x;
    // The second operand comes back when one is not a number.
    return _mm512_maskz_max_ps(pixel == zeros ? 0 : 0xffff, floor, _mm512_fmadd_ps(x, scale, shift));
  }
};

// Rows become columns, of 32-bit words.
inline void transpose16(__m512i* r) {
  __m512i t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

// Reads ahead, line after line in the order of memory, which the processor's own prefetchers then follow: the loops
// here pass over 16 pixels once for each 16 channels.
struct ReadAhead {
  const float* const* pixels;
  int channels, c = 0;

  void next() {
    _mm_prefetch(reinterpret_cast<const char*>(*pixels + c), _MM_HINT_T0);
    c += 16;
    if (c >= channels) {
      c = 0;
      pixels++;
    }
  }
};

template <bool Affine>
void packPairs(const PixelPairs& p, Watch* watch) {
  const float *const *first = p.pixels, *const *second = p.pixels + p.distance;
  ReadAhead ahead = {first + kReadAhead, p.channels}, farAhead = {second + kReadAhead, p.channels};
  for (size_t row = 0; row < p.pairs; row += 16, first += 16, second += 16) {
    const size_t count = p.pairs - row < 16 ? p.pairs - row : 16;
    for (int c = 0; c < p.channels; c += 16) {
      const Channels<Affine> channels(p.line, c, p.channels);
      Bfloat16* to = p.to + static_cast<size_t>(c / 16) * p.tileStride + row * 32;
      for (size_t i = 0; i < count; i++, to += 32) {
        ahead.next();
        farAhead.next();
        Halves a, b;
        halvesOf(channels.of(first[i]), channels.of(second[i]), &a, &b, watch);
        _mm512_store_si512(to, pairUp(a.hi, b.hi));
        _mm512_store_si512(to + p.lowOffset, pairUp(a.lo, b.lo));
      }
    }
  }
}

// A pass over pixels for up to six combinations of 16 channels and 16 output channels, each with a tile of sums.
struct Pass {
  const PointSums& p;
  int c;  // the first channel
  Bfloat16* scratch;
  Watch watch;
  const float *const *first, *const *second;  // pixels of the pairs
};

// One product of the step before: of its upper halves first, then lower * upper, then upper * lower. A product waits
// for the one before it that goes to the same tile, so that they go round all tiles; few combinations have a tile for
// each half.
template <int Outs, int Tiles, int N>
inline void product(const Bfloat16* left, size_t leftTile, const Bfloat16* right) {
  constexpr int kAll = Outs * Tiles, kHalf = N / kAll, kTile = N % kAll / Outs, kOut = N % Outs;
  constexpr int kSums = 3 * kAll <= 6 ? N : N % kAll;
  if (N % Outs == 0) _tile_loadd(7, right + kTile * 1024 + (kHalf == 2 ? 512 : 0), 64);
  if (Outs > 1 || N % kAll == 0) _tile_loadd(6, left + kOut * leftTile + (kHalf == 1 ? 512 : 0), 64);
  if (kSums == 0) _tile_dpbf16ps(0, 6, 7);
  if (kSums == 1) _tile_dpbf16ps(1, 6, 7);
  if (kSums == 2) _tile_dpbf16ps(2, 6, 7);
  if (kSums == 3) _tile_dpbf16ps(3, 6, 7);
  if (kSums == 4) _tile_dpbf16ps(4, 6, 7);
  if (kSums == 5) _tile_dpbf16ps(5, 6, 7);
}

template <int Outs, int Tiles, int N, int End>
inline void products(const Bfloat16* left, size_t leftTile, const Bfloat16* right) {
  product<Outs, Tiles, N>(left, leftTile, right);
  if constexpr (N + 1 < End) products<Outs, Tiles, N + 1, End>(left, leftTile, right);
}

// Packs right-hand factors of 32 pixels, 16 channels after 16, while the tiles are at work on the step before.
template <int Outs, int Tiles, bool Affine, bool Before, int T = 0>
inline void passStep(Pass& pass, size_t step) {
  const int c = pass.c + 16 * T;
  const Channels<Affine> channels(pass.p.line, c, pass.p.channels);
  Bfloat16* to = pass.scratch + step % 2 * Tiles * 1024;
  for (int i = 0; i < 16; i++) {
    _mm_prefetch(reinterpret_cast<const char*>(pass.first[i + 16] + c), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(pass.second[i + 16] + c), _MM_HINT_T0);
    Halves a, b;
    halvesOf(channels.of(pass.first[i]), channels.of(pass.second[i]), &a, &b, &pass.watch);
    _mm512_store_si512(to + T * 1024 + 32 * i, pairUp(a.hi, b.hi));
    _mm512_store_si512(to + T * 1024 + 512 + 32 * i, pairUp(a.lo, b.lo));
  }
  if constexpr (Before) {
    products<Outs, Tiles, 3 * Outs * T, 3 * Outs*(T + 1)>(pass.p.left + (step - 1) * 1024, pass.p.leftTile,
                                                          pass.scratch + (step + 1) % 2 * Tiles * 1024);
  }
  if constexpr (T + 1 < Tiles) passStep<Outs, Tiles, Affine, Before, T + 1>(pass, step);
}

template <int Count>
inline void zeroTiles() {
  _tile_zero(0);
  if (Count > 1) _tile_zero(1);
  if (Count > 2) _tile_zero(2);
  if (Count > 3) _tile_zero(3);
  if (Count > 4) _tile_zero(4);
  if (Count > 5) _tile_zero(5);
}

template <int Count>
inline void storeTiles(float* to) {
  _tile_stored(0, to, 64);
  if (Count > 1) _tile_stored(1, to + 256, 64);
  if (Count > 2) _tile_stored(2, to + 512, 64);
  if (Count > 3) _tile_stored(3, to + 768, 64);
  if (Count > 4) _tile_stored(4, to + 1024, 64);
  if (Count > 5) _tile_stored(5, to + 1280, 64);
}

inline void addTile(const float* from, float* to, bool add) {
  for (int i = 0; i < 256; i += 16) {
    const __m512 value = _mm512_load_ps(from + i);
    _mm512_store_ps(to + i, add ? _mm512_add_ps(_mm512_load_ps(to + i), value) : value);
  }
}

template <int Outs, int Tiles, bool Affine>
void pass(const PointSums& p, int c, Watch* watch) {
  constexpr int kAll = Outs * Tiles, kCopies = 3 * kAll <= 6 ? 3 : 1;
  alignas(64) Bfloat16 scratch[2 * Tiles * 1024];
  Pass pass = {p, c, scratch, *watch, p.pixels, p.pixels + p.steps * 16};
  zeroTiles<kAll * kCopies>();
  passStep<Outs, Tiles, Affine, false>(pass, 0);
  for (size_t step = 1; step < p.steps; step++) {
    pass.first += 16;
    pass.second += 16;
    passStep<Outs, Tiles, Affine, true>(pass, step);
  }
  products<Outs, Tiles, 0, 3 * kAll>(p.left + (p.steps - 1) * 1024, p.leftTile,
                                     scratch + (p.steps - 1) % 2 * Tiles * 1024);
  *watch = pass.watch;
  alignas(64) float fresh[kAll * kCopies * 256];
  storeTiles<kAll * kCopies>(fresh);
  for (int copy = 0; copy < kCopies; copy++) {
    for (int t = 0; t < Tiles; t++) {
      for (int out = 0; out < Outs; out++) {
        addTile(fresh + (copy * kAll + t * Outs + out) * 256,
                p.sums + static_cast<size_t>(out) * p.outStride + (c / 16 + t) * 256, p.add || copy > 0);
      }
    }
  }
}

// All channels, as many at a time as there are tiles for.
template <int Outs, int Most, bool Affine>
void passes(const PointSums& p, Watch* watch) {
  const int all = (p.channels + 15) / 16, rounds = (all + Most - 1) / Most;
  for (int round = 0, t = 0; round < rounds; round++) {
    const int end = all * (round + 1) / rounds, c = t * 16;
    switch (end - t) {
      case 1: pass<Outs, 1, Affine>(p, c, watch); break;
      case 2: pass < Outs, Most<2 ? Most : 2, Affine>(p, c, watch); break;
      case 3: pass < Outs, Most<3 ? Most : 3, Affine>(p, c, watch); break;
      case 4: pass < Outs, Most<4 ? Most : 4, Affine>(p, c, watch); break;
      case 5: pass < Outs, Most<5 ? Most : 5, Affine>(p, c, watch); break;
      default: pass<Outs, Most, Affine>(p, c, watch);
    }
    t = end;
  }
}

template <bool Affine>
void passesOf(const PointSums& p, int outs, Watch* watch) {
  switch (outs) {
    case 1: return passes<1, 6, Affine>(p, watch);
    case 2: return passes<2, 3, Affine>(p, watch);
    case 3: return passes<3, 2, Affine>(p, watch);
    case 4: return passes<4, 1, Affine>(p, watch);
    case 5: return passes<5, 1, Affine>(p, watch);
    default: passes<6, 1, Affine>(p, watch);
  }
}

template <int N>
void tileSums(const TileSums& t) {
  // Sums are tiles 0 to 4, the left-hand factor 5 and 6, the right-hand one 7.
  zeroTiles<N>();
  const Bfloat16* left = t.left;
  const size_t low = t.lowOffset;
  size_t at = 0;
  for (size_t step = 0; step < t.steps; step++, left += 1024, at += 512) {
    _tile_loadd(5, left, 64);
    _tile_loadd(6, left + 512, 64);
#define CONVBOOK_PRODUCT(i)                    \
  if (N > i) {                                 \
    _tile_loadd(7, t.right[i] + at, 64);       \
    _tile_dpbf16ps(i, 5, 7);                   \
    _tile_dpbf16ps(i, 6, 7);                   \
    _tile_loadd(7, t.right[i] + low + at, 64); \
    _tile_dpbf16ps(i, 5, 7);                   \
  }
    CONVBOOK_PRODUCT(0)
    CONVBOOK_PRODUCT(1)
    CONVBOOK_PRODUCT(2)
    CONVBOOK_PRODUCT(3)
    CONVBOOK_PRODUCT(4)
#undef CONVBOOK_PRODUCT
  }
  alignas(64) float fresh[N * 256];
  storeTiles<N>(fresh);
  for (int i = 0; i < N; i++) addTile(fresh + i * 256, t.sums + i * 256, t.add);
}

template <bool Sums>
void packRows(const PixelRows& p, Watch* watch) {
  const float *const *first = p.pixels, *const *second = p.pixels + p.steps * 16;
  ReadAhead ahead = {first + kReadAhead, p.channels}, farAhead = {second + kReadAhead, p.channels};
  for (size_t step = 0; step < p.steps; step++, first += 16, second += 16) {
    for (int c = 0; c < p.channels; c += 16) {
      const __mmask16 mask = firstOf16(static_cast<size_t>(p.channels - c));
      Bfloat16* to = p.to + static_cast<size_t>(c / 16) * p.tileStride + step * 1024;
      __m512i rows[16];
      __m512 sum = _mm512_setzero_ps();
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++) {
        ahead.next();
        farAhead.next();
        const __m512 x = _mm512_maskz_loadu_ps(mask, first[i] + c), y = _mm512_maskz_loadu_ps(mask, second[i] + c);
        if (Sums) sum = _mm512_add_ps(sum, _mm512_add_ps(x, y));
        Halves a, b;
        halvesOf(x, y, &a, &b, watch);
        rows[i] = pairUp(a.hi, b.hi);
        _mm512_store_si512(to + 512 + 32 * i, pairUp(a.lo, b.lo));
      }
      if (Sums) _mm512_store_ps(p.sums + c, _mm512_add_ps(_mm512_load_ps(p.sums + c), sum));
      transpose16(rows);
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++) {
        _mm512_store_si512(to + 32 * i, rows[i]);
        rows[i] = _mm512_load_si512(to + 512 + 32 * i);
      }
      transpose16(rows);
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++) _mm512_store_si512(to + 512 + 32 * i, rows[i]);
    }
  }
}

}  // namespace

void amxPackPairs(const PixelPairs& p, SplitRange* range) {
  Watch watch;
  if (p.line.scale != nullptr) {
    packPairs<true>(p, &watch);
  } else {
    packPairs<false>(p, &watch);
  }
  watch.addTo(range);
}

void amxPackRows(const PixelRows& p, SplitRange* range) {
  Watch watch;
  if (p.sums != nullptr) {
    packRows<true>(p, &watch);
  } else {
    packRows<false>(p, &watch);
  }
  watch.addTo(range);
}

void amxPointSums(const PointSums& p, int outs, SplitRange* range) {
  Watch watch;
  if (p.line.scale != nullptr) {
    passesOf<true>(p, outs, &watch);
  } else {
    passesOf<false>(p, outs, &watch);
  }
  watch.addTo(range);
}

void amxTileSums(const TileSums& t, int count) {
  switch (count) {
    case 1: return tileSums<1>(t);
    case 2: return tileSums<2>(t);
    case 3: return tileSums<3>(t);
    case 4: return tileSums<4>(t);
    default: return tileSums<5>(t);
  }
}

void amxReduceTile(const float* from, size_t parts, size_t partStride, int rows, int columns, float* to,
                   size_t stride) {
  __m512i sums[16];
  for (int r = 0; r < 16; r++) {
    __m512 sum = _mm512_load_ps(from + 16 * r);
    for (size_t part = 1; part < parts; part++)
      sum = _mm512_add_ps(sum, _mm512_load_ps(from + part * partStride + 16 * r));
    sums[r] = _mm512_castps_si512(sum);
  }
  transpose16(sums);
  const __mmask16 mask = firstOf16(static_cast<size_t>(rows));
  for (int c = 0; c < columns; c++) {
    _mm512_mask_storeu_ps(to + static_cast<size_t>(c) * stride, mask, _mm512_castsi512_ps(sums[c]));
  }
}

}  // namespace convbook
