#include "amx/amx_strip.h"
#include "amx/isa_amx_split.h"
#include "simd/kernels.h"

namespace convbook {
namespace {

// One row of 16 sums on its way out.
inline void finishRow(const AmxStrip& s, const float* sums, ptrdiff_t at, __mmask16 mask) {
  __m512 v = _mm512_load_ps(sums);
  if (s.residual != nullptr) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, s.residual + at));
  // The second operand comes back when one is not a number, so NaN passes through.
  if (s.activation != kLinear) v = _mm512_max_ps(_mm512_setzero_ps(), v);
  if (s.activation == kRelu6) v = _mm512_min_ps(_mm512_set1_ps(6.f), v);
  _mm512_mask_storeu_ps(s.y + at, mask, v);
}

void finish(const AmxStrip& s, const AmxTilePlace& place, int column, const float* sums) {
  const int left = s.columns - column;
  const __mmask16 mask = firstOf16(static_cast<size_t>(left));
  for (int p = 0; p < kTileRows; p++) {
    if (place.y[p] >= 0) finishRow(s, sums + p * 16, place.y[p] + column, mask);
  }
}

// Whether tiles of sums can be stored where they belong as they are.
inline bool plain(const AmxStrip& s) {
  return s.residual == nullptr && s.activation == kLinear && s.columns == 16 * s.wide;
}

// What one tile of sums is, by number: the compiler must see it in the instruction.
#define CONVBOOK_START(tile, bias) \
  if ((bias) != nullptr) {         \
    _tile_loadd(tile, bias, 0);    \
  } else {                         \
    _tile_zero(tile);              \
  }

#define CONVBOOK_STORE(tile, place, column)                \
  if (asIs && (place).even) {                              \
    _tile_stored(tile, s.y + (place).y[0] + (column), ys); \
  } else {                                                 \
    alignas(64) float sums[256];                           \
    _tile_stored(tile, sums, 64);                          \
    finish(s, place, column, sums);                        \
  }

// M tiles of pixels by one of columns: tiles 0 to 3 hold sums.
template <int M, int Parts>
void narrow(const AmxStrip& s) {
  const long xs = s.pixelBytes;
  CONVBOOK_START(0, s.bias)
  if (M > 1) {
    CONVBOOK_START(1, s.bias)
  }
  if (M > 2) {
    CONVBOOK_START(2, s.bias)
  }
  if (M > 3) {
    CONVBOOK_START(3, s.bias)
  }
  const char* x0 = s.x + s.tiles[0].x;
  const char* x1 = s.x + s.tiles[M > 1 ? 1 : 0].x;
  const char* x2 = s.x + s.tiles[M > 2 ? 2 : 0].x;
  const char* x3 = s.x + s.tiles[M > 3 ? 3 : 0].x;
  const char* w = s.w;
  const ptrdiff_t plane = s.plane;
  for (int i = 0; i < s.stepCount; i++, w += Parts * kTileBytes) {
    const ptrdiff_t at = s.steps[i];
    keepAwake();
    if (Parts == 3) {
      _tile_loadd(4, w, 64);
      _tile_loadd(5, w + kTileBytes, 64);
      _tile_loadd(6, w + 2 * kTileBytes, 64);
#define CONVBOOK_SIX(tile, x)               \
  _tile_loadd(7, (x) + at + 2 * plane, xs); \
  _tile_dpbf16ps(tile, 7, 4);               \
  _tile_loadd(7, (x) + at + plane, xs);     \
  _tile_dpbf16ps(tile, 7, 5);               \
  _tile_dpbf16ps(tile, 7, 4);               \
  _tile_loadd(7, (x) + at, xs);             \
  _tile_dpbf16ps(tile, 7, 6);               \
  _tile_dpbf16ps(tile, 7, 5);               \
  _tile_dpbf16ps(tile, 7, 4);
      CONVBOOK_SIX(0, x0)
      if (M > 1) {
        CONVBOOK_SIX(1, x1)
      }
      if (M > 2) {
        CONVBOOK_SIX(2, x2)
      }
      if (M > 3) {
        CONVBOOK_SIX(3, x3)
      }
#undef CONVBOOK_SIX
      continue;
    }
    _tile_loadd(4, w, 64);
    _tile_loadd(6, x0 + at, xs);
    _tile_dpbf16ps(0, 6, 4);
    if (M > 1) {
      _tile_loadd(7, x1 + at, xs);
      _tile_dpbf16ps(1, 7, 4);
    }
    if (Parts == 2) {
      _tile_loadd(5, w + kTileBytes, 64);
      _tile_dpbf16ps(0, 6, 5);
      if (M > 1) _tile_dpbf16ps(1, 7, 5);
    }
    if (M > 2) {
      _tile_loadd(6, x2 + at, xs);
      _tile_dpbf16ps(2, 6, 4);
      if (M > 3) {
        _tile_loadd(7, x3 + at, xs);
        _tile_dpbf16ps(3, 7, 4);
      }
      if (Parts == 2) {
        _tile_dpbf16ps(2, 6, 5);
        if (M > 3) _tile_dpbf16ps(3, 7, 5);
      }
    }
    if (Parts == 1) continue;
    _tile_loadd(6, x0 + at + plane, xs);
    _tile_dpbf16ps(0, 6, 4);
    if (M > 1) {
      _tile_loadd(7, x1 + at + plane, xs);
      _tile_dpbf16ps(1, 7, 4);
    }
    if (M > 2) {
      _tile_loadd(6, x2 + at + plane, xs);
      _tile_dpbf16ps(2, 6, 4);
    }
    if (M > 3) {
      _tile_loadd(7, x3 + at + plane, xs);
      _tile_dpbf16ps(3, 7, 4);
    }
  }
  const bool asIs = plain(s);
  const long ys = s.ys * static_cast<long>(sizeof(float));
  CONVBOOK_STORE(0, s.tiles[0], 0)
  if (M > 1) {
    CONVBOOK_STORE(1, s.tiles[1], 0)
  }
  if (M > 2) {
    CONVBOOK_STORE(2, s.tiles[2], 0)
  }
  if (M > 3) {
    CONVBOOK_STORE(3, s.tiles[3], 0)
  }
}

// M tiles of pixels by two of columns: tiles 0 and 1 hold the first pixels' sums, 2 and 3 the others'; 4 and 5 are
// left-hand parts, 6 and 7 right-hand ones.
template <int M, int Parts>
void broad(const AmxStrip& s) {
  const long xs = s.pixelBytes;
  const float* bias1 = s.bias != nullptr ? s.bias + 16 : nullptr;
  CONVBOOK_START(0, s.bias)
  CONVBOOK_START(1, bias1)
  if (M > 1) {
    CONVBOOK_START(2, s.bias)
    CONVBOOK_START(3, bias1)
  }
  const char* x0 = s.x + s.tiles[0].x;
  const char* x1 = s.x + s.tiles[M > 1 ? 1 : 0].x;
  const char* w = s.w;
  const ptrdiff_t plane = s.plane;
#define CONVBOOK_LEFT(part)                     \
  _tile_loadd(4, x0 + at + (part) * plane, xs); \
  if (M > 1) _tile_loadd(5, x1 + at + (part) * plane, xs);
#define CONVBOOK_RIGHT(part)                   \
  _tile_loadd(6, w + (part) * kTileBytes, 64); \
  _tile_loadd(7, w + (Parts + (part)) * kTileBytes, 64);
#define CONVBOOK_PRODUCTS    \
  _tile_dpbf16ps(0, 4, 6);   \
  _tile_dpbf16ps(1, 4, 7);   \
  if (M > 1) {               \
    _tile_dpbf16ps(2, 5, 6); \
    _tile_dpbf16ps(3, 5, 7); \
  }
  for (int i = 0; i < s.stepCount; i++, w += 2 * Parts * kTileBytes) {
    const ptrdiff_t at = s.steps[i];
    keepAwake();
    CONVBOOK_RIGHT(0)
    if (Parts == 3) {
      CONVBOOK_LEFT(2)
      CONVBOOK_PRODUCTS
    }
    if (Parts >= 2) {
      CONVBOOK_LEFT(1)
      CONVBOOK_PRODUCTS
    }
    CONVBOOK_LEFT(0)
    CONVBOOK_PRODUCTS
    if (Parts == 3) {
      CONVBOOK_RIGHT(2)
      CONVBOOK_PRODUCTS
    }
    if (Parts >= 2) {
      CONVBOOK_RIGHT(1)
      CONVBOOK_PRODUCTS
    }
    if (Parts == 3) {
      CONVBOOK_LEFT(1)
      CONVBOOK_PRODUCTS
    }
  }
#undef CONVBOOK_LEFT
#undef CONVBOOK_RIGHT
#undef CONVBOOK_PRODUCTS
  const bool asIs = plain(s);
  const long ys = s.ys * static_cast<long>(sizeof(float));
  CONVBOOK_STORE(0, s.tiles[0], 0)
  CONVBOOK_STORE(1, s.tiles[0], 16)
  if (M > 1) {
    CONVBOOK_STORE(2, s.tiles[1], 0)
    CONVBOOK_STORE(3, s.tiles[1], 16)
  }
}

template <int Parts>
void strip(const AmxStrip& s) {
  if (s.wide == 2) return s.tileCount == 1 ? broad<1, Parts>(s) : broad<2, Parts>(s);
  if (s.tileCount == 1) return narrow<1, Parts>(s);
  if (s.tileCount == 2) return narrow<2, Parts>(s);
  if (s.tileCount == 3) return narrow<3, Parts>(s);
  narrow<4, Parts>(s);
}

}  // namespace

void amxStrip(const AmxStrip& s) {
  if (s.parts == 3) return strip<3>(s);
  if (s.parts == 2) return strip<2>(s);
  strip<1>(s);
}

void amxTranspose(const float* from, ptrdiff_t stride, int rows, int columns, float* to, ptrdiff_t toStride) {
  for (int r = 0; r < rows; r += 16) {
    const int high = rows - r < 16 ? rows - r : 16;
    const __mmask16 out = firstOf16(static_cast<size_t>(high));
    for (int c = 0; c < columns; c += 16) {
      const int wide = columns - c < 16 ? columns - c : 16;
      const __mmask16 in = firstOf16(static_cast<size_t>(wide));
      __m512 a[16], b[16];
      for (int i = 0; i < 16; i++) {
        a[i] = i < high ? _mm512_maskz_loadu_ps(in, from + (r + i) * stride + c) : _mm512_setzero_ps();
      }
      for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
      }
      for (int i = 0; i < 16; i += 4) {
        for (int j = 0; j < 2; j++) {
          const __m512d lower = _mm512_castps_pd(b[i + j]), upper = _mm512_castps_pd(b[i + 2 + j]);
          a[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(lower, upper));
          a[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(lower, upper));
        }
      }
      // a[4 * i + j] holds columns j, j + 4, j + 8 and j + 12 of rows 4 * i to 4 * i + 3.
      for (int j = 0; j < 4; j++) {
        const __m512 even = _mm512_shuffle_f32x4(a[j], a[4 + j], 0x88),
                     odd = _mm512_shuffle_f32x4(a[j], a[4 + j], 0xdd);
        const __m512 even2 = _mm512_shuffle_f32x4(a[8 + j], a[12 + j], 0x88);
        const __m512 odd2 = _mm512_shuffle_f32x4(a[8 + j], a[12 + j], 0xdd);
        b[j] = _mm512_shuffle_f32x4(even, even2, 0x88);
        b[j + 8] = _mm512_shuffle_f32x4(even, even2, 0xdd);
        b[j + 4] = _mm512_shuffle_f32x4(odd, odd2, 0x88);
        b[j + 12] = _mm512_shuffle_f32x4(odd, odd2, 0xdd);
      }
      for (int i = 0; i < wide; i++) _mm512_mask_storeu_ps(to + (c + i) * toStride + r, out, b[i]);
    }
  }
}

void amxPack(const float* w, ptrdiff_t stride, int k, int n, int parts, char* to, SplitRange* range) {
  SplitWatch watch;
  const __mmask16 mask = firstOf16(static_cast<size_t>(n));
  for (int r = 0; r < kTileRows; r++, to += 64) {
    const __m512 even = 2 * r < k ? _mm512_maskz_loadu_ps(mask, w + 2 * r * stride) : _mm512_setzero_ps();
    const __m512 odd = 2 * r + 1 < k ? _mm512_maskz_loadu_ps(mask, w + (2 * r + 1) * stride) : _mm512_setzero_ps();
    __m512i part[3];
    if (parts == 3) {
      splitPairs3(even, odd, &watch, part);
    } else if (parts == 1) {
      part[0] = roundPairs(even, odd, &watch);
    } else {
      const Split32 s = splitPairs(even, odd, &watch);
      part[0] = s.hi;
      part[1] = s.lo;
    }
    for (int p = 0; p < parts; p++) _mm512_storeu_si512(to + p * kTileBytes, part[p]);
  }
  watch.addTo(range);
}

}  // namespace convbook
