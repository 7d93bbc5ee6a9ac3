// exp, log and what is made of them, written without branches or calls so that loops over them become vector code.
// Errors stay within 2 units in the last place; infinities and NaN come out as from the C library.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace {

inline float fromBits(int32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline int32_t toBits(float value) {
  int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// e^x = 2^n * e^r with |r| <= ln(2)/2; adding and taking away 1.5 * 2^23 rounds to the nearest integer and leaves n in
// the low bits. 2^n is applied in two factors, so that results below the smallest normal number come out right.
inline float expOf(float x) {
  float clamped = x > 90.f ? 90.f : x < -110.f ? -110.f : x;
  float shifted = clamped * 1.44269504088896341f + 12582912.f;
  float n = shifted - 12582912.f;
  float r = clamped - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.f;
  uint32_t scale = static_cast<uint32_t>(toBits(shifted)) - 0x4b400000u;
  int32_t whole = static_cast<int32_t>(scale);
  int32_t half = whole >> 1;
  float first = fromBits(static_cast<int32_t>(static_cast<uint32_t>(half + 127) << 23));
  float second = fromBits(static_cast<int32_t>(static_cast<uint32_t>(whole - half + 127) << 23));
  float y = p * first * second;
  return x != x ? x : y;
}

// ln(x) = e * ln(2) + ln(m), m in [sqrt(1/2), sqrt(2)).
inline float logOf(float x) {
  bool tiny = x < 1.17549435e-38f;
  float scaled = tiny ? x * 8388608.f : x;
  uint32_t bits = static_cast<uint32_t>(toBits(scaled)) - 0x3f3504f3u;
  int32_t exponent = static_cast<int32_t>(bits) >> 23;
  float m = fromBits(static_cast<int32_t>((bits & 0x007fffffu) + 0x3f3504f3u));
  float e = static_cast<float>(exponent) - (tiny ? 23.f : 0.f);
  float r = m - 1.f;
  float p = 7.0376836292e-2f;
  p = p * r - 1.1514610310e-1f;
  p = p * r + 1.1676998740e-1f;
  p = p * r - 1.2420140846e-1f;
  p = p * r + 1.4249322787e-1f;
  p = p * r - 1.6668057665e-1f;
  p = p * r + 2.0000714765e-1f;
  p = p * r - 2.4999993993e-1f;
  p = p * r + 3.3333331174e-1f;
  float z = r * r;
  float y = p * r * z;
  y = y - 2.12194440e-4f * e;
  y = y - 0.5f * z;
  float result = r + y + 0.693359375f * e;
  result = x == kInfinity ? x : result;
  result = x == 0.f ? -kInfinity : result;
  return x < 0.f || x != x ? std::numeric_limits<float>::quiet_NaN() : result;
}

inline float sigmoidOf(float x) {
  float t = expOf(x < 0.f ? x : -x);
  float y = 1.f / (1.f + t);
  return x < 0.f ? t * y : y;
}

// The share of the normal distribution below x, and e^(-x^2 / 2), which is sqrt(2 pi) times its density. Far below 0,
// too, the share has an error of at most 5e-7 of itself: erfc(z) = e^(-z^2) t P(t), t = 1 / (1 + 0.3 z), with a
// polynomial fitted to 2e-8 for z up to 10; x^2 is taken in two parts, of which the first is exact.
struct Normal {
  float below, bell;
};
inline Normal normalOf(float x) {
  float a = x < 0.f ? -x : x;
  a = a > 15.f ? 15.f : a;
  float high = fromBits(toBits(a) & -4096);
  float rest = -0.5f * (a - high) * (a + high);
  float more = 1.f + rest * (1.f + rest * (0.5f + rest * (1.6666667e-1f + rest * 4.1666668e-2f)));
  float bell = expOf(-0.5f * high * high) * more;
  float t = 1.f / (1.f + 0.21213203f * a);
  float p = -6.4770313803e-2f;
  p = p * t + 2.4282816304e-1f;
  p = p * t - 2.5624391124e-1f;
  p = p * t + 2.7399207419e-1f;
  p = p * t - 4.7426901663e-2f;
  p = p * t + 1.0751176295e-1f;
  p = p * t + 7.4155349446e-2f;
  p = p * t + 8.5359923962e-2f;
  p = p * t + 8.4593843303e-2f;
  float tail = p * t * bell;
  return {x < 0.f ? tail : 1.f - tail, bell};
}

inline float tanhOf(float x) {
  float a = x < 0.f ? -x : x;
  float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  float small = p * z * x + x;
  float t = 1.f - 2.f / (expOf(a + a) + 1.f);
  // The sign of -0 is lost in the sum of products.
  return std::copysign(a < 0.625f ? small : t, x);
}

}  // namespace
