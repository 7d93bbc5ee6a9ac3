// float32 into two or three bfloat16, for translation units named isa_amx*.cc.
#pragma once
#include <immintrin.h>

#include "amx/amx.h"

namespace {

// The processor puts its 512-bit units to sleep when tile products are all it sees for about 2000 cycles, and the next
// store of a tile then waits some 900 cycles for them to wake up: one vector operation a step keeps them awake.
inline void keepAwake() {
  __m512 zero = _mm512_setzero_ps();
  asm volatile("vaddps %0, %0, %0" : "+v"(zero));
}

// Gathers what SplitRange tells, a vector at a time.
struct SplitWatch {
  __m512 largest = _mm512_setzero_ps();
  __m512 broken = _mm512_setzero_ps();  // not a number where a value was infinite, not a number or too large

  void addTo(convbook::SplitRange* range) const {
    alignas(64) float most[16];
    _mm512_store_ps(most, largest);
    for (float value : most) {
      if (value > range->largest) range->largest = value;
    }
    // Larger ones may round to infinity.
    if (range->largest >= 3.3e38f) range->finite = false;
    if (_mm512_cmp_ps_mask(broken, broken, _CMP_UNORD_Q) != 0) range->finite = false;
  }
};

struct Split16 {
  __m512i hi;  // bfloat16 in the upper half of each word, zeros below: the same value as float32
  __m512 lo;   // what is left, still float32
};

inline Split16 split16(__m512 x, SplitWatch* watch) {
  // To the nearest bfloat16; of two equally near, either leaves a rest that has no error.
  const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  Split16 s;
  s.hi = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(x), half), upper);
  s.lo = _mm512_sub_ps(x, _mm512_castsi512_ps(s.hi));
  // The larger magnitude of the two.
  watch->largest = _mm512_range_ps(watch->largest, x, 0x0b);
  // 0 * lo is zero or not a number.
  watch->broken = _mm512_fmadd_ps(s.lo, _mm512_setzero_ps(), watch->broken);
  return s;
}

// Three parts: hi + mid + lo, to float32's own precision.
struct Split16x3 {
  __m512i hi, mid;  // as Split16::hi
  __m512 lo;
};

inline Split16x3 split16x3(__m512 x, SplitWatch* watch) {
  const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  const Split16 s = split16(x, watch);
  const __m512i mid = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(s.lo), half), upper);
  return {s.hi, mid, _mm512_sub_ps(s.lo, _mm512_castsi512_ps(mid))};
}

// The upper halves of 32 words in their order.
inline __m512i upperHalves(__m512i first, __m512i second) {
  const __m512i odd = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27, 25,
                                       23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  return _mm512_permutex2var_epi16(first, odd, second);
}

// 32 values in their order.
struct Split32 {
  __m512i hi, lo;
};

inline Split32 split32(__m512 first, __m512 second, SplitWatch* watch) {
  const Split16 a = split16(first, watch), b = split16(second, watch);
  return {upperHalves(a.hi, b.hi), (__m512i)_mm512_cvtne2ps_pbh(b.lo, a.lo)};
}

// 32 values to the nearest bfloat16, of two equally near the even one: what conversions to bfloat16 do everywhere.
inline __m512i round32(__m512 first, __m512 second, SplitWatch* watch) {
  watch->largest = _mm512_range_ps(_mm512_range_ps(watch->largest, first, 0x0b), second, 0x0b);
  // 0 * x is zero or not a number.
  watch->broken = _mm512_fmadd_ps(first, _mm512_setzero_ps(), watch->broken);
  watch->broken = _mm512_fmadd_ps(second, _mm512_setzero_ps(), watch->broken);
  return (__m512i)_mm512_cvtne2ps_pbh(second, first);
}

// The lower and the upper half of 32 values, a pair of each.
inline __m512i zip(__m512i values) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, values);
}

inline __m512i roundPairs(__m512 even, __m512 odd, SplitWatch* watch) { return zip(round32(even, odd, watch)); }

// Column i of the result is the pair (even[i], odd[i]): rows 2r and 2r + 1 of a right-hand factor, as tiles want them.
inline Split32 splitPairs(__m512 even, __m512 odd, SplitWatch* watch) {
  const Split16 a = split16(even, watch), b = split16(odd, watch);
  const __m512i hi = _mm512_or_si512(_mm512_srli_epi32(a.hi, 16), b.hi);
  return {hi, zip((__m512i)_mm512_cvtne2ps_pbh(b.lo, a.lo))};
}

// The same in three parts.
inline void splitPairs3(__m512 even, __m512 odd, SplitWatch* watch, __m512i parts[3]) {
  const Split16x3 a = split16x3(even, watch), b = split16x3(odd, watch);
  parts[0] = _mm512_or_si512(_mm512_srli_epi32(a.hi, 16), b.hi);
  parts[1] = _mm512_or_si512(_mm512_srli_epi32(a.mid, 16), b.mid);
  const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  const __m512i low = _mm512_add_epi32(_mm512_castps_si512(a.lo), half);
  const __m512i high = _mm512_add_epi32(_mm512_castps_si512(b.lo), half);
  parts[2] = _mm512_or_si512(_mm512_srli_epi32(low, 16), _mm512_and_si512(high, upper));
}

// The first n of 16 lanes.
inline __mmask16 firstOf16(size_t n) { return static_cast<__mmask16>(n >= 16 ? 0xffffu : (1u << n) - 1u); }
inline __mmask32 firstOf32(size_t n) { return static_cast<__mmask32>(n >= 32 ? 0xffffffffu : (1u << n) - 1u); }

// 32 values in their order into three parts of 8 bits each, which together are exact. Parts are cut off instead of
// rounded: what products leave out (the last parts of one factor times the later ones of the other) is below 2^-23 of
// the whole.
inline void splitExact(__m512 first, __m512 second, SplitWatch* watch, __m512i parts[3]) {
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  const __m512i evens = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  const __m512i odds = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  const __m512 even = _mm512_permutex2var_ps(first, evens, second), odd = _mm512_permutex2var_ps(first, odds, second);
  const __m512i evenHi = _mm512_and_si512(_mm512_castps_si512(even), upper);
  const __m512i oddHi = _mm512_and_si512(_mm512_castps_si512(odd), upper);
  const __m512 evenRest = _mm512_sub_ps(even, _mm512_castsi512_ps(evenHi));
  const __m512 oddRest = _mm512_sub_ps(odd, _mm512_castsi512_ps(oddHi));
  const __m512i evenMid = _mm512_and_si512(_mm512_castps_si512(evenRest), upper);
  const __m512i oddMid = _mm512_and_si512(_mm512_castps_si512(oddRest), upper);
  const __m512i evenLow = _mm512_castps_si512(_mm512_sub_ps(evenRest, _mm512_castsi512_ps(evenMid)));
  const __m512i oddLow = _mm512_castps_si512(_mm512_sub_ps(oddRest, _mm512_castsi512_ps(oddMid)));
  parts[0] = _mm512_or_si512(_mm512_srli_epi32(evenHi, 16), oddHi);
  parts[1] = _mm512_or_si512(_mm512_srli_epi32(evenMid, 16), oddMid);
  parts[2] = _mm512_or_si512(_mm512_srli_epi32(evenLow, 16), oddLow);
  watch->largest = _mm512_range_ps(watch->largest, even, 0x0b);
  watch->largest = _mm512_range_ps(watch->largest, odd, 0x0b);
  // What is left of infinity is not a number, and so is its product with anything.
  watch->broken = _mm512_fmadd_ps(evenRest, oddRest, watch->broken);
}

// 32 values in their order into 1, 2 or 3 parts.
template <int Parts>
inline void splitParts(__m512 first, __m512 second, SplitWatch* watch, __m512i parts[3]) {
  if (Parts == 1) {
    parts[0] = round32(first, second, watch);
  } else if (Parts == 3) {
    splitExact(first, second, watch, parts);
  } else {
    const Split32 s = split32(first, second, watch);
    parts[0] = s.hi;
    parts[1] = s.lo;
  }
}

template <int Parts>
inline void storeParts(const __m512i parts[3], size_t n, convbook::Bfloat16* to, ptrdiff_t plane) {
  for (int p = 0; p < Parts; p++) {
    if (n >= 32) {
      _mm512_storeu_si512(to + p * plane, parts[p]);
    } else {
      _mm512_mask_storeu_epi16(to + p * plane, firstOf32(n), parts[p]);
    }
  }
}

// n values into 1, 2 or 3 parts, that follow one another `plane` values apart.
template <int Parts>
inline void splitRun(const float* x, size_t n, convbook::Bfloat16* to, ptrdiff_t plane, SplitWatch* watch) {
  __m512i parts[3];
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    splitParts<Parts>(_mm512_loadu_ps(x + i), _mm512_loadu_ps(x + i + 16), watch, parts);
    storeParts<Parts>(parts, 32, to + i, plane);
  }
  const size_t rest = n - i;
  if (rest == 0) return;
  splitParts<Parts>(_mm512_maskz_loadu_ps(firstOf16(rest), x + i),
                    _mm512_maskz_loadu_ps(firstOf16(rest > 16 ? rest - 16 : 0), x + i + 16), watch, parts);
  storeParts<Parts>(parts, rest, to + i, plane);
}

// So far ahead are channels of pixels asked for: slices of wider pixels are more than the processor sees coming.
constexpr ptrdiff_t kFloatsAhead = 1024;

// The same of `pixels` runs of n values that lie `stride` apart, each value scaled and shifted before if Affine, and
// packed densely.
template <int Parts, bool Affine>
inline void splitPixels(const convbook::AmxPixels& p, convbook::Bfloat16* to, ptrdiff_t plane, SplitWatch* watch) {
  const size_t channels = static_cast<size_t>(p.channels);
  const __m512 floor = p.relu ? _mm512_setzero_ps() : _mm512_set1_ps(-__builtin_inff());
  const float *scale = p.scale, *shift = p.shift;
  auto load = [](const float* from, __mmask16 mask) {
    return mask == 0xffff ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(mask, from);
  };
  auto value = [&](const float* x, __mmask16 mask, size_t c) {
    const __m512 v = load(x + c, mask);
    if (!Affine) return v;
    // The second operand comes back when one is not a number.
    return _mm512_max_ps(floor, _mm512_fmadd_ps(v, load(scale + c, mask), load(shift + c, mask)));
  };
  const ptrdiff_t ahead = (kFloatsAhead + p.stride - 1) / p.stride * p.stride;
  auto readAhead = [&](const float* x) { _mm_prefetch(reinterpret_cast<const char*>(x + ahead), _MM_HINT_T0); };
  if (channels == 16) {
    // Two pixels at a time.
    for (size_t i = 0; i < p.count; i += 2, to += 32) {
      const bool two = i + 1 < p.count;
      const float* x = p.x + static_cast<ptrdiff_t>(i) * p.stride;
      readAhead(x);
      readAhead(x + p.stride);
      __m512i parts[3];
      splitParts<Parts>(value(x, 0xffff, 0), value(two ? x + p.stride : x, 0xffff, 0), watch, parts);
      storeParts<Parts>(parts, two ? 32 : 16, to, plane);
    }
    return;
  }
  const size_t whole = channels / 32 * 32, rest = channels - whole;
  const __mmask16 restFirst = firstOf16(rest), restSecond = firstOf16(rest > 16 ? rest - 16 : 0);
  const float* x = p.x;
  for (size_t i = 0; i < p.count; i++, x += p.stride, to += channels) {
    __m512i parts[3];
    for (size_t c = 0; c < channels; c += 16) readAhead(x + c);
    for (size_t c = 0; c < whole; c += 32) {
      splitParts<Parts>(value(x, 0xffff, c), value(x, 0xffff, c + 16), watch, parts);
      storeParts<Parts>(parts, 32, to + c, plane);
    }
    if (rest == 0) continue;
    splitParts<Parts>(value(x, restFirst, whole), value(x, restSecond, whole + 16), watch, parts);
    storeParts<Parts>(parts, rest, to + whole, plane);
  }
}

}  // namespace
