// Passes of Fourier transforms and rows of resized images, as plain loops that the compiler turns into vectors.
#pragma once
#include "simd/kernels.h"

namespace {

using convbook::FourierPass;
using convbook::ResizeSource;

template <class T>
struct Complex {
  T re, im;
};
template <class T>
inline Complex<T> operator+(Complex<T> a, Complex<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
inline Complex<T> operator-(Complex<T> a, Complex<T> b) {
  return {a.re - b.re, a.im - b.im};
}
template <class T>
inline Complex<T> operator*(Complex<T> a, T b) {
  return {a.re * b, a.im * b};
}
template <class T>
inline Complex<T> operator*(Complex<T> a, Complex<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
// a * -i
template <class T>
inline Complex<T> quarter(Complex<T> a) {
  return {a.im, -a.re};
}

// Transforms of a few numbers, in place.
template <class T>
inline void butterfly(Complex<T> (&a)[2]) {
  const Complex<T> d = a[0] - a[1];
  a[0] = a[0] + a[1];
  a[1] = d;
}
template <class T>
inline void butterfly(Complex<T> (&a)[3]) {
  constexpr T kSin60 = static_cast<T>(0.86602540378443864676);
  const Complex<T> sum = a[1] + a[2], turned = quarter((a[1] - a[2]) * kSin60),
                   middle = a[0] - sum * static_cast<T>(0.5);
  a[0] = a[0] + sum;
  a[1] = middle + turned;
  a[2] = middle - turned;
}
template <class T>
inline void butterfly(Complex<T> (&a)[4]) {
  const Complex<T> even = a[0] + a[2], odd = a[1] + a[3], low = a[0] - a[2], turned = quarter(a[1] - a[3]);
  a[0] = even + odd;
  a[1] = low + turned;
  a[2] = even - odd;
  a[3] = low - turned;
}
template <class T>
inline void butterfly(Complex<T> (&a)[5]) {
  constexpr T kCos72 = static_cast<T>(0.30901699437494742410), kCos144 = static_cast<T>(-0.80901699437494742410);
  constexpr T kSin72 = static_cast<T>(0.95105651629515357212), kSin144 = static_cast<T>(0.58778525229247312917);
  const Complex<T> outer = a[1] + a[4], inner = a[2] + a[3], outerTurn = quarter(a[1] - a[4]),
                   innerTurn = quarter(a[2] - a[3]);
  const Complex<T> p = a[0] + outer * kCos72 + inner * kCos144, q = a[0] + outer * kCos144 + inner * kCos72;
  const Complex<T> r = outerTurn * kSin72 + innerTurn * kSin144, s = outerTurn * kSin144 - innerTurn * kSin72;
  a[0] = a[0] + outer + inner;
  a[1] = p + r;
  a[4] = p - r;
  a[2] = q + s;
  a[3] = q - s;
}

template <int R, class T>
inline void fourierPassOf(const FourierPass<T>& t) {
  const T *CONVBOOK_RESTRICT re = t.re, *CONVBOOK_RESTRICT im = t.im;
  T *CONVBOOK_RESTRICT toRe = t.toRe, *CONVBOOK_RESTRICT toIm = t.toIm;
  const size_t parts = t.parts, stride = t.stride, distance = parts * stride;
  if (stride == 1) {
    for (size_t p = 0; p < parts; p++) {
      Complex<T> a[R];
      for (int k = 0; k < R; k++) a[k] = {re[p + k * parts], im[p + k * parts]};
      butterfly(a);
      toRe[p * R] = a[0].re;
      toIm[p * R] = a[0].im;
      for (int j = 1; j < R; j++) {
        const size_t at = static_cast<size_t>(j - 1) * parts + p;
        const Complex<T> turned = a[j] * Complex<T>{t.turnRe[at], t.turnIm[at]};
        toRe[p * R + j] = turned.re;
        toIm[p * R + j] = turned.im;
      }
    }
    return;
  }
  for (size_t p = 0; p < parts; p++) {
    Complex<T> turn[R];
    for (int j = 1; j < R; j++) {
      const size_t at = static_cast<size_t>(j - 1) * parts + p;
      turn[j] = {t.turnRe[at], t.turnIm[at]};
    }
    const size_t from = p * stride, to = p * stride * R;
    for (size_t q = 0; q < stride; q++) {
      Complex<T> a[R];
      for (int k = 0; k < R; k++) a[k] = {re[from + k * distance + q], im[from + k * distance + q]};
      butterfly(a);
      toRe[to + q] = a[0].re;
      toIm[to + q] = a[0].im;
      for (int j = 1; j < R; j++) {
        const Complex<T> turned = a[j] * turn[j];
        toRe[to + j * stride + q] = turned.re;
        toIm[to + j * stride + q] = turned.im;
      }
    }
  }
}

// Of any radix: each output is the sum of all inputs, turned.
template <class T>
inline void fourierPassOfAny(const FourierPass<T>& t) {
  const T *CONVBOOK_RESTRICT re = t.re, *CONVBOOK_RESTRICT im = t.im;
  T *CONVBOOK_RESTRICT toRe = t.toRe, *CONVBOOK_RESTRICT toIm = t.toIm;
  const size_t parts = t.parts, stride = t.stride, distance = parts * stride, radix = static_cast<size_t>(t.radix);
  for (size_t p = 0; p < parts; p++) {
    for (size_t j = 0; j < radix; j++) {
      const Complex<T> turn =
          j == 0 ? Complex<T>{1, 0} : Complex<T>{t.turnRe[(j - 1) * parts + p], t.turnIm[(j - 1) * parts + p]};
      T* outRe = toRe + (p * radix + j) * stride;
      T* outIm = toIm + (p * radix + j) * stride;
      for (size_t q = 0; q < stride; q++) {
        outRe[q] = re[p * stride + q];
        outIm[q] = im[p * stride + q];
      }
      for (size_t k = 1; k < radix; k++) {
        const T rootRe = t.rootRe[j * k % radix], rootIm = t.rootIm[j * k % radix];
        const T *inRe = re + p * stride + k * distance, *inIm = im + p * stride + k * distance;
        for (size_t q = 0; q < stride; q++) {
          const Complex<T> turned = Complex<T>{inRe[q], inIm[q]} * Complex<T>{rootRe, rootIm};
          outRe[q] += turned.re;
          outIm[q] += turned.im;
        }
      }
      for (size_t q = 0; q < stride; q++) {
        const Complex<T> turned = Complex<T>{outRe[q], outIm[q]} * turn;
        outRe[q] = turned.re;
        outIm[q] = turned.im;
      }
    }
  }
}

template <class T>
void fourierPass(const FourierPass<T>& t) {
  if (t.radix == 2) return fourierPassOf<2>(t);
  if (t.radix == 3) return fourierPassOf<3>(t);
  if (t.radix == 4) return fourierPassOf<4>(t);
  if (t.radix == 5) return fourierPassOf<5>(t);
  fourierPassOfAny(t);
}

inline void mixPixel(const float* low, const float* high, float weight, size_t channels, float* CONVBOOK_RESTRICT y) {
  for (size_t c = 0; c < channels; c++) y[c] = low[c] + (high[c] - low[c]) * weight;
}

void resizeRow(const float* x, size_t width, const ResizeSource* columns, size_t count, size_t channels, float* y) {
  size_t j = 0;
  if (channels == 1) {
    for (; j < count; j++) {
      const float low = x[columns[j].low];
      y[j] = low + (x[columns[j].high] - low) * columns[j].weight;
    }
    return;
  }
#if defined(__GNUC__)
  if (channels == 3 || channels == 4) {
    // Four floats at a time, of which the fourth may be the next pixel's: it comes later.
    typedef float Pixel __attribute__((vector_size(16), aligned(4)));
    const size_t end = channels == 4 ? count : count - (count > 0);
    for (; j < end; j++) {
      const ResizeSource& s = columns[j];
      if (channels == 3 && static_cast<size_t>(s.high > s.low ? s.high : s.low) + 1 >= width) {
        mixPixel(x + s.low * 3, x + s.high * 3, s.weight, 3, y + j * 3);
        continue;
      }
      const Pixel low = *reinterpret_cast<const Pixel*>(x + s.low * channels);
      const Pixel high = *reinterpret_cast<const Pixel*>(x + s.high * channels);
      *reinterpret_cast<Pixel*>(y + j * channels) = low + (high - low) * s.weight;
    }
  }
#endif
  for (; j < count; j++) {
    const ResizeSource& s = columns[j];
    mixPixel(x + s.low * channels, x + s.high * channels, s.weight, channels, y + j * channels);
  }
}

void mixRows(const float* a, const float* b, float weight, float* CONVBOOK_RESTRICT y, size_t n) {
  mixPixel(a, b, weight, n, y);
}

}  // namespace
