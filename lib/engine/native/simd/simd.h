// Vectors of floats for one instruction set, chosen by the macros that the translation unit's compiler flags define.
// Only translation units named isa_*.cc include this file; everything is in an unnamed namespace, so that no function
// compiled for a newer processor can be linked into code that runs on an older one.
#pragma once
#include <cstddef>
#include <cstdint>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

namespace {

// Asks for what lies there, which is never looked at: any address will do.
inline void prefetch(const void* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p);
#else
  (void)p;
#endif
}

inline void prefetchToWrite(const void* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p, 1);
#else
  (void)p;
#endif
}

// Whether x > best; with Nan also whether x is not a number.
template <bool Nan>
inline bool isLarger(float x, float best) {
  return x > best || (Nan && x != x);
}

// A byte for each of four floats, where there are no vectors of so few.
struct FourBytes {
  struct bytes {
    uint8_t b[4];
  };
  static inline bytes bytesOf(uint8_t value) { return {{value, value, value, value}}; }
  static inline bytes loadBytes(const uint8_t* p) { return {{p[0], p[1], p[2], p[3]}}; }
  static inline void storeBytes(uint8_t* to, bytes x) {
    for (int i = 0; i < 4; i++) to[i] = x.b[i];
  }
  static inline bytes add(bytes a, bytes b) {
    for (int i = 0; i < 4; i++) a.b[i] = static_cast<uint8_t>(a.b[i] + b.b[i]);
    return a;
  }
};

#if defined(__AVX512F__) && defined(__AVX512VL__)
struct V {
  using v = __m512;
  using mask = __mmask16;
  static constexpr int L = 16;
  // Rows of a register tile for 1 to 4 vectors of columns: rows * vectors <= 28 of the 32 registers.
  static constexpr int rows1 = 28, rows2 = 14, rows3 = 8, rows4 = 6;
  static inline mask first(unsigned n) { return static_cast<mask>((1u << n) - 1u); }
  static inline v zero() { return _mm512_setzero_ps(); }
  static inline v load(const float* p) { return _mm512_loadu_ps(p); }
  static inline v load(const float* p, mask m) { return _mm512_maskz_loadu_ps(m, p); }
  static inline void store(float* p, v x) { _mm512_storeu_ps(p, x); }
  static inline void store(float* p, v x, mask m) { _mm512_mask_storeu_ps(p, m, x); }
  static inline v broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static inline v fma(v a, v b, v c) { return _mm512_fmadd_ps(a, b, c); }
  static inline v add(v a, v b) { return _mm512_add_ps(a, b); }
  static inline v sub(v a, v b) { return _mm512_sub_ps(a, b); }
  // a, or 0 where b <= 0: what is not a number lets a through, as in PyTorch.
  static inline v open(v a, v b) { return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(b, zero(), _CMP_NLE_UQ), a); }
  // A byte for each lane.
  using bytes = __m128i;
  static inline bytes bytesOf(uint8_t value) { return _mm_set1_epi8(static_cast<char>(value)); }
  static inline bytes loadBytes(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
  static inline void storeBytes(uint8_t* to, bytes x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), x); }
  static inline bytes add(bytes a, bytes b) { return _mm_add_epi8(a, b); }
  static inline v max(v a, v b) { return _mm512_max_ps(a, b); }
  // Lanes in which something is not a number.
  using lanes = __mmask16;
  static inline lanes noLanes() { return 0; }
  static inline lanes nanIn(v a, v b) { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); }
  static inline lanes either(lanes a, lanes b) { return static_cast<lanes>(a | b); }
  static inline bool any(lanes a) { return a != 0; }
  // Where x > best; with Nan also where x is not a number.
  template <bool Nan>
  static inline mask larger(v x, v best) {
    const mask more = _mm512_cmp_ps_mask(x, best, _CMP_GT_OQ);
    return Nan ? static_cast<mask>(more | _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q)) : more;
  }
  // Where x is larger: best = x.
  template <bool Nan>
  static inline void keepLarger(v x, v* best) {
    *best = _mm512_mask_mov_ps(*best, larger<Nan>(x, *best), x);
  }
  // The same, and at = own.
  template <bool Nan>
  static inline void keepLarger(v x, bytes own, v* best, bytes* at) {
    const mask where = larger<Nan>(x, *best);
    *best = _mm512_mask_mov_ps(*best, where, x);
    *at = _mm_mask_mov_epi8(*at, where, own);
  }
  // a where the bytes are `wanted`, else 0
  static inline v whereByte(v a, const uint8_t* bytes, uint8_t wanted) {
    const __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)),
                                        _mm_set1_epi8(static_cast<char>(wanted)));
    return _mm512_maskz_mov_ps(_mm_movepi8_mask(same), a);
  }
  // The second operand comes back when one is not a number, so NaN passes through.
  static inline v relu(v a) { return _mm512_max_ps(_mm512_setzero_ps(), a); }
  static inline v relu6(v a) { return _mm512_min_ps(_mm512_set1_ps(6.f), relu(a)); }
};
#elif defined(__AVX2__) && defined(__FMA__)
struct V {
  using v = __m256;
  using mask = __m256i;
  static constexpr int L = 8;
  static constexpr int rows1 = 12, rows2 = 6, rows3 = 4, rows4 = 3;
  static inline mask first(unsigned n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static inline v zero() { return _mm256_setzero_ps(); }
  static inline v load(const float* p) { return _mm256_loadu_ps(p); }
  static inline v load(const float* p, mask m) { return _mm256_maskload_ps(p, m); }
  static inline void store(float* p, v x) { _mm256_storeu_ps(p, x); }
  static inline void store(float* p, v x, mask m) { _mm256_maskstore_ps(p, m, x); }
  static inline v broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static inline v fma(v a, v b, v c) { return _mm256_fmadd_ps(a, b, c); }
  static inline v add(v a, v b) { return _mm256_add_ps(a, b); }
  static inline v sub(v a, v b) { return _mm256_sub_ps(a, b); }
  static inline v open(v a, v b) { return _mm256_and_ps(a, _mm256_cmp_ps(b, zero(), _CMP_NLE_UQ)); }
  using bytes = __m128i;  // the lower half of it
  static inline bytes bytesOf(uint8_t value) { return _mm_set1_epi8(static_cast<char>(value)); }
  static inline bytes loadBytes(const uint8_t* p) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)); }
  static inline void storeBytes(uint8_t* to, bytes x) { _mm_storel_epi64(reinterpret_cast<__m128i*>(to), x); }
  static inline bytes add(bytes a, bytes b) { return _mm_add_epi8(a, b); }
  static inline v max(v a, v b) { return _mm256_max_ps(a, b); }
  using lanes = __m256;
  static inline lanes noLanes() { return _mm256_setzero_ps(); }
  static inline lanes nanIn(v a, v b) { return _mm256_cmp_ps(a, b, _CMP_UNORD_Q); }
  static inline lanes either(lanes a, lanes b) { return _mm256_or_ps(a, b); }
  static inline bool any(lanes a) { return _mm256_movemask_ps(a) != 0; }
  template <bool Nan>
  static inline v larger(v x, v best) {
    const v more = _mm256_cmp_ps(x, best, _CMP_GT_OQ);
    return Nan ? _mm256_or_ps(more, _mm256_cmp_ps(x, x, _CMP_UNORD_Q)) : more;
  }
  template <bool Nan>
  static inline void keepLarger(v x, v* best) {
    *best = _mm256_blendv_ps(*best, x, larger<Nan>(x, *best));
  }
  template <bool Nan>
  static inline void keepLarger(v x, bytes own, v* best, bytes* at) {
    const v where = larger<Nan>(x, *best);
    *best = _mm256_blendv_ps(*best, x, where);
    const __m256i whole = _mm256_castps_si256(where);
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    *at = _mm_blendv_epi8(*at, own, _mm_packs_epi16(words, words));
  }
  static inline v whereByte(v a, const uint8_t* bytes, uint8_t wanted) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
    const __m256i same = _mm256_cmpeq_epi32(_mm256_cvtepu8_epi32(eight), _mm256_set1_epi32(wanted));
    return _mm256_and_ps(a, _mm256_castsi256_ps(same));
  }
  static inline v relu(v a) { return _mm256_max_ps(_mm256_setzero_ps(), a); }
  static inline v relu6(v a) { return _mm256_min_ps(_mm256_set1_ps(6.f), relu(a)); }
};
#elif defined(__wasm_simd128__)
// WebAssembly's vectors; with "relaxed" ones its multiplication and addition in one, where the processor has that.
struct V : FourBytes {
  using v = v128_t;
  using mask = unsigned;
  static constexpr int L = 4;
  // V8 keeps fifteen of x86's registers for values and loads a step's values before it multiplies: sums, columns and
  // values must fit together. Tiles of 6 x 2, whose sums and columns alone would fit, are half as fast as these.
  static constexpr int rows1 = 7, rows2 = 4, rows3 = 3, rows4 = 2;
  static inline mask first(unsigned n) { return n; }
  static inline v zero() { return wasm_f32x4_const_splat(0.f); }
  static inline v load(const float* p) { return wasm_v128_load(p); }
  // Parts of vectors stand at the ends of rows alone, and would be most of the code if they were written out there.
  __attribute__((noinline)) static v load(const float* p, mask n) {
    return wasm_f32x4_make(n > 0 ? p[0] : 0.f, n > 1 ? p[1] : 0.f, n > 2 ? p[2] : 0.f, n > 3 ? p[3] : 0.f);
  }
  static inline void store(float* p, v x) { wasm_v128_store(p, x); }
  __attribute__((noinline)) static void store(float* p, v x, mask n) {
    if (n > 0) wasm_v128_store32_lane(p, x, 0);
    if (n > 1) wasm_v128_store32_lane(p + 1, x, 1);
    if (n > 2) wasm_v128_store32_lane(p + 2, x, 2);
    if (n > 3) wasm_v128_store32_lane(p + 3, x, 3);
  }
  static inline v broadcast(const float* p) { return wasm_v128_load32_splat(p); }
#if defined(__wasm_relaxed_simd__)
  static inline v fma(v a, v b, v c) {
    typedef float f __attribute__((vector_size(16)));
    return (v)__builtin_wasm_relaxed_madd_f32x4((f)a, (f)b, (f)c);
  }
#else
  static inline v fma(v a, v b, v c) { return wasm_f32x4_add(wasm_f32x4_mul(a, b), c); }
#endif
  using FourBytes::add;
  static inline v add(v a, v b) { return wasm_f32x4_add(a, b); }
  static inline v sub(v a, v b) { return wasm_f32x4_sub(a, b); }
  static inline v open(v a, v b) { return wasm_v128_andnot(a, wasm_f32x4_le(b, zero())); }
  static inline v max(v a, v b) { return wasm_f32x4_pmax(b, a); }
  using lanes = v128_t;
  static inline lanes noLanes() { return zero(); }
  static inline lanes nanIn(v a, v b) { return wasm_v128_or(wasm_f32x4_ne(a, a), wasm_f32x4_ne(b, b)); }
  static inline lanes either(lanes a, lanes b) { return wasm_v128_or(a, b); }
  static inline bool any(lanes a) { return wasm_v128_any_true(a); }
  template <bool Nan>
  static inline v larger(v x, v best) {
    const v more = wasm_f32x4_gt(x, best);
    return Nan ? wasm_v128_or(more, wasm_f32x4_ne(x, x)) : more;
  }
  template <bool Nan>
  static inline void keepLarger(v x, v* best) {
    *best = wasm_v128_bitselect(x, *best, larger<Nan>(x, *best));
  }
  template <bool Nan>
  static inline void keepLarger(v x, bytes own, v* best, bytes* at) {
    for (int i = 0; i < 4; i++) {
      float now[4], then[4];
      wasm_v128_store(now, x);
      wasm_v128_store(then, *best);
      at->b[i] = isLarger<Nan>(now[i], then[i]) ? own.b[i] : at->b[i];
    }
    keepLarger<Nan>(x, best);
  }
  static inline v whereByte(v a, const uint8_t* bytes, uint8_t wanted) {
    const v four = wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(bytes)));
    return wasm_v128_and(a, wasm_i32x4_eq(four, wasm_i32x4_splat(wanted)));
  }
  // Pseudo-maxima: b where a < b, else a, and so what is not a number stays.
  static inline v relu(v a) { return wasm_f32x4_pmax(a, zero()); }
  static inline v relu6(v a) { return wasm_f32x4_pmin(relu(a), wasm_f32x4_const_splat(6.f)); }
};
#elif defined(__GNUC__)
// Four floats as GCC and Clang know them on every processor: SSE2, NEON, ...
struct V : FourBytes {
  typedef float v __attribute__((vector_size(16), aligned(4)));
  using mask = unsigned;
  static constexpr int L = 4;
#if defined(__aarch64__)
  static constexpr int rows1 = 24, rows2 = 12, rows3 = 8, rows4 = 6;
#else
  static constexpr int rows1 = 12, rows2 = 6, rows3 = 4, rows4 = 3;
#endif
  static inline mask first(unsigned n) { return n; }
  static inline v zero() { return v{0, 0, 0, 0}; }
  static inline v load(const float* p) { return *reinterpret_cast<const v*>(p); }
  static inline v load(const float* p, mask n) {
    return v{n > 0 ? p[0] : 0.f, n > 1 ? p[1] : 0.f, n > 2 ? p[2] : 0.f, n > 3 ? p[3] : 0.f};
  }
  static inline void store(float* p, v x) { *reinterpret_cast<v*>(p) = x; }
  static inline void store(float* p, v x, mask n) {
    for (unsigned i = 0; i < n; i++) p[i] = x[i];
  }
  static inline v broadcast(const float* p) { return v{*p, *p, *p, *p}; }
  static inline v fma(v a, v b, v c) { return a * b + c; }
  using FourBytes::add;
  static inline v add(v a, v b) { return a + b; }
  static inline v sub(v a, v b) { return a - b; }
  static inline v open(v a, v b) {
    for (int i = 0; i < 4; i++) a[i] = b[i] <= 0.f ? 0.f : a[i];
    return a;
  }
  static inline v max(v a, v b) {
    for (int i = 0; i < 4; i++) a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
  }
  typedef int lanes __attribute__((vector_size(16)));
  static inline lanes noLanes() { return lanes{0, 0, 0, 0}; }
  static inline lanes nanIn(v a, v b) { return (a != a) | (b != b); }
  static inline lanes either(lanes a, lanes b) { return a | b; }
  static inline bool any(lanes a) { return (a[0] | a[1] | a[2] | a[3]) != 0; }
  template <bool Nan>
  static inline void keepLarger(v x, v* best) {
    for (int i = 0; i < 4; i++) (*best)[i] = isLarger<Nan>(x[i], (*best)[i]) ? x[i] : (*best)[i];
  }
  template <bool Nan>
  static inline void keepLarger(v x, bytes own, v* best, bytes* at) {
    for (int i = 0; i < 4; i++) at->b[i] = isLarger<Nan>(x[i], (*best)[i]) ? own.b[i] : at->b[i];
    keepLarger<Nan>(x, best);
  }
  static inline v whereByte(v a, const uint8_t* bytes, uint8_t wanted) {
    for (int i = 0; i < 4; i++) a[i] = bytes[i] == wanted ? a[i] : 0.f;
    return a;
  }
  static inline v relu(v a) {
    for (int i = 0; i < 4; i++) a[i] = a[i] < 0.f ? 0.f : a[i];
    return a;
  }
  static inline v relu6(v a) {
    for (int i = 0; i < 4; i++) a[i] = a[i] < 0.f ? 0.f : a[i] > 6.f ? 6.f : a[i];
    return a;
  }
};
#else
// Plain C++ for compilers without vector types.
struct V : FourBytes {
  struct v {
    float f[4];
  };
  using mask = unsigned;
  static constexpr int L = 4;
  static constexpr int rows1 = 8, rows2 = 4, rows3 = 2, rows4 = 2;
  static inline mask first(unsigned n) { return n; }
  static inline v zero() { return v{{0, 0, 0, 0}}; }
  static inline v load(const float* p) { return v{{p[0], p[1], p[2], p[3]}}; }
  static inline v load(const float* p, mask n) {
    v r = zero();
    for (unsigned i = 0; i < n; i++) r.f[i] = p[i];
    return r;
  }
  static inline void store(float* p, v x) { store(p, x, 4); }
  static inline void store(float* p, v x, mask n) {
    for (unsigned i = 0; i < n; i++) p[i] = x.f[i];
  }
  static inline v broadcast(const float* p) { return v{{*p, *p, *p, *p}}; }
  static inline v fma(v a, v b, v c) {
    for (int i = 0; i < 4; i++) c.f[i] += a.f[i] * b.f[i];
    return c;
  }
  using FourBytes::add;
  static inline v add(v a, v b) {
    for (int i = 0; i < 4; i++) a.f[i] += b.f[i];
    return a;
  }
  static inline v sub(v a, v b) {
    for (int i = 0; i < 4; i++) a.f[i] -= b.f[i];
    return a;
  }
  static inline v open(v a, v b) {
    for (int i = 0; i < 4; i++) a.f[i] = b.f[i] <= 0.f ? 0.f : a.f[i];
    return a;
  }
  static inline v max(v a, v b) {
    for (int i = 0; i < 4; i++) a.f[i] = a.f[i] > b.f[i] ? a.f[i] : b.f[i];
    return a;
  }
  using lanes = bool;
  static inline lanes noLanes() { return false; }
  static inline lanes nanIn(v a, v b) {
    bool found = false;
    for (int i = 0; i < 4; i++) found |= a.f[i] != a.f[i] || b.f[i] != b.f[i];
    return found;
  }
  static inline lanes either(lanes a, lanes b) { return a || b; }
  static inline bool any(lanes a) { return a; }
  template <bool Nan>
  static inline void keepLarger(v x, v* best) {
    for (int i = 0; i < 4; i++) best->f[i] = isLarger<Nan>(x.f[i], best->f[i]) ? x.f[i] : best->f[i];
  }
  template <bool Nan>
  static inline void keepLarger(v x, bytes own, v* best, bytes* at) {
    for (int i = 0; i < 4; i++) at->b[i] = isLarger<Nan>(x.f[i], best->f[i]) ? own.b[i] : at->b[i];
    keepLarger<Nan>(x, best);
  }
  static inline v whereByte(v a, const uint8_t* bytes, uint8_t wanted) {
    for (int i = 0; i < 4; i++) a.f[i] = bytes[i] == wanted ? a.f[i] : 0.f;
    return a;
  }
  static inline v relu(v a) {
    for (int i = 0; i < 4; i++) a.f[i] = a.f[i] < 0.f ? 0.f : a.f[i];
    return a;
  }
  static inline v relu6(v a) {
    for (int i = 0; i < 4; i++) a.f[i] = a.f[i] < 0.f ? 0.f : a.f[i] > 6.f ? 6.f : a.f[i];
    return a;
  }
};
#endif

}  // namespace
