#include "amx_filter.h"
#include "isa_amx_split.h"

namespace convbook {
namespace {

// Pairs of bfloat16 from two pixels, still as the upper halves of words.
inline __m512i pairUp(__m512i even, __m512i odd) {
  return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(even, 16), odd);
}

struct Halves {
  __m512i hi, lo;  // bfloat16 in the upper halves of words
};

inline Halves halvesOf(const float* pixel, __mmask16 mask, SplitWatch* watch) {
  const Split16 s = split16(_mm512_maskz_loadu_ps(mask, pixel), watch);
  return {s.hi, _mm512_add_epi32(_mm512_castps_si512(s.lo), _mm512_set1_epi32(0x8000))};
}

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

// Reads ahead, line after line in the order of memory, which the processor's own prefetchers then follow: the loops here
// pass over 32 pixels once for each 16 channels.
constexpr int kAhead = 48;  // pixels

struct ReadAhead {
  const float* const* pixels;
  const float* const* end;
  int channels, c = 0;

  void next() {
    if (pixels >= end) return;
    _mm_prefetch(reinterpret_cast<const char*>(*pixels + c), _MM_HINT_T0);
    c += 16;
    if (c >= channels) {
      c = 0;
      pixels++;
    }
  }
};

template <bool Even, bool Odd>
void packPairs(const PixelPairs& p, SplitWatch* watch) {
  constexpr size_t kBlock = 16;  // pairs: their pixels are read through before the next ones
  ReadAhead ahead = {p.pixels + kAhead, p.pixels + 2 * p.pairs, p.channels};
  for (size_t first = 0; first < p.pairs; first += kBlock) {
    const size_t count = p.pairs - first < kBlock ? p.pairs - first : kBlock;
    const float* const* pixels = p.pixels + 2 * first;
    for (int c = 0; c < p.channels; c += 16) {
      const __mmask16 mask = firstOf16(static_cast<size_t>(p.channels - c));
      Bfloat16* to = p.to + static_cast<size_t>(c / 16) * p.tileStride + first * 32;
      Halves a = halvesOf(pixels[0] + c, mask, watch);
      for (size_t i = 0; i < count; i++, to += 32) {
        ahead.next();
        ahead.next();
        const Halves b = halvesOf(pixels[2 * i + 1] + c, mask, watch);
        Bfloat16* part = to;
        if (Even) {
          _mm512_store_si512(part, pairUp(a.hi, b.hi));
          _mm512_store_si512(part + p.partStride, pairUp(a.lo, b.lo));
          part += 2 * p.partStride;
        }
        if (Odd || i + 1 < count) a = halvesOf(pixels[2 * i + 2] + c, mask, watch);
        if (Odd) {
          _mm512_store_si512(part, pairUp(b.hi, a.hi));
          _mm512_store_si512(part + p.partStride, pairUp(b.lo, a.lo));
        }
      }
    }
  }
}

template <int N>
void tileSums(const TileSums& t) {
  // A tile's number must be a constant; sums are tiles 0 to 4, the left-hand factor 5 and 6, the right-hand one 7.
  _tile_zero(0);
  if (N > 1) _tile_zero(1);
  if (N > 2) _tile_zero(2);
  if (N > 3) _tile_zero(3);
  if (N > 4) _tile_zero(4);
  const Bfloat16* left = t.left;
  const size_t low = t.lowOffset;
  size_t at = 0;
  for (size_t step = 0; step < t.steps; step++, left += 1024, at += 512) {
    _tile_loadd(5, left, 64);
    _tile_loadd(6, left + 512, 64);
#define CONVBOOK_PRODUCT(i)                 \
  if (N > i) {                              \
    _tile_loadd(7, t.right[i] + at, 64);    \
    _tile_dpbf16ps(i, 5, 7);                \
    _tile_dpbf16ps(i, 6, 7);                \
    _tile_loadd(7, t.right[i] + low + at, 64); \
    _tile_dpbf16ps(i, 5, 7);                \
  }
    CONVBOOK_PRODUCT(0)
    CONVBOOK_PRODUCT(1)
    CONVBOOK_PRODUCT(2)
    CONVBOOK_PRODUCT(3)
    CONVBOOK_PRODUCT(4)
#undef CONVBOOK_PRODUCT
  }
  alignas(64) float fresh[N][256];
  float* to = t.add ? fresh[0] : t.sums;
  _tile_stored(0, to, 64);
  if (N > 1) _tile_stored(1, to + 256, 64);
  if (N > 2) _tile_stored(2, to + 512, 64);
  if (N > 3) _tile_stored(3, to + 768, 64);
  if (N > 4) _tile_stored(4, to + 1024, 64);
  if (!t.add) return;
  for (int i = 0; i < N * 256; i += 16) {
    _mm512_store_ps(t.sums + i, _mm512_add_ps(_mm512_load_ps(t.sums + i), _mm512_load_ps(to + i)));
  }
}

}  // namespace

void amxPackPairs(const PixelPairs& p, SplitRange* range) {
  SplitWatch watch;
  if (p.even && p.odd) {
    packPairs<true, true>(p, &watch);
  } else if (p.even) {
    packPairs<true, false>(p, &watch);
  } else {
    packPairs<false, true>(p, &watch);
  }
  watch.addTo(range);
}

void amxPackRows(const PixelRows& p, SplitRange* range) {
  SplitWatch watch;
  ReadAhead ahead = {p.pixels + kAhead, p.pixels + 32 * p.steps, p.channels};
  for (size_t step = 0; step < p.steps; step++) {
    const float* const* pixels = p.pixels + 32 * step;
    for (int c = 0; c < p.channels; c += 16) {
      const __mmask16 mask = firstOf16(static_cast<size_t>(p.channels - c));
      Bfloat16* to = p.to + static_cast<size_t>(c / 16) * p.tileStride + step * 1024;
      __m512i hi[16], lo[16];
      __m512 sum = _mm512_setzero_ps();
      for (int i = 0; i < 16; i++) {
        ahead.next();
        ahead.next();
        const __m512 even = _mm512_maskz_loadu_ps(mask, pixels[2 * i] + c);
        const __m512 odd = _mm512_maskz_loadu_ps(mask, pixels[2 * i + 1] + c);
        sum = _mm512_add_ps(sum, _mm512_add_ps(even, odd));
        const Split16 a = split16(even, &watch), b = split16(odd, &watch);
        const __m512i half = _mm512_set1_epi32(0x8000);
        hi[i] = pairUp(a.hi, b.hi);
        lo[i] = pairUp(_mm512_add_epi32(_mm512_castps_si512(a.lo), half),
                       _mm512_add_epi32(_mm512_castps_si512(b.lo), half));
      }
      if (p.sums != nullptr) _mm512_storeu_ps(p.sums + c, _mm512_add_ps(_mm512_loadu_ps(p.sums + c), sum));
      transpose16(hi);
      for (int i = 0; i < 16; i++) _mm512_store_si512(to + 32 * i, hi[i]);
      transpose16(lo);
      for (int i = 0; i < 16; i++) _mm512_store_si512(to + 512 + 32 * i, lo[i]);
    }
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

void amxReduceTile(const float* from, size_t parts, size_t partStride, int rows, int columns, float* to, size_t stride) {
  __m512i sums[16];
  for (int r = 0; r < 16; r++) {
    __m512 sum = _mm512_load_ps(from + 16 * r);
    for (size_t part = 1; part < parts; part++) sum = _mm512_add_ps(sum, _mm512_load_ps(from + part * partStride + 16 * r));
    sums[r] = _mm512_castps_si512(sum);
  }
  transpose16(sums);
  const __mmask16 mask = firstOf16(static_cast<size_t>(rows));
  for (int c = 0; c < columns; c++) {
    _mm512_mask_storeu_ps(to + static_cast<size_t>(c) * stride, mask, _mm512_castsi512_ps(sums[c]));
  }
}

}  // namespace convbook
