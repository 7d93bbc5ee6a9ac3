// What the machine can do at most, measured: multiply-adds of floats a second in registers with one instruction set, products of
// bfloat16 in the matrix unit where there is one, and bytes a second through memory. Prints a line of JSON.
//
// Arguments: the number of threads, seconds for each measurement.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif
#if defined(__AMX_BF16__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Runs body(thread) on all threads at once again and again for `seconds`; returns the most units a second that a round gave.
template <class Body>
double best(int threads, double seconds, double unitsEach, const Body& body) {
  double rate = 0;
  const double end = now() + seconds;
  do {
    std::vector<double> took(threads);
    std::atomic<int> ready{0};
    auto run = [&](int t) {
      ready++;
      while (ready.load() < threads) {}
      const double start = now();
      body(t);
      took[t] = now() - start;
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; t++) others.emplace_back(run, t);
    run(0);
    for (auto& other : others) other.join();
    double longest = 0;
    for (double each : took) longest = each > longest ? each : longest;
    const double reached = unitsEach * threads / longest;
    rate = reached > rate ? reached : rate;
  } while (now() < end);
  return rate;
}

#if defined(__AVX512F__)
typedef float Vector __attribute__((vector_size(64)));
#elif defined(__AVX2__)
typedef float Vector __attribute__((vector_size(32)));
#else
typedef float Vector __attribute__((vector_size(16)));
#endif
#if defined(__x86_64__)
#define CONVBOOK_OPAQUE(x) asm volatile("" : "+v"(x))
#elif defined(__aarch64__)
#define CONVBOOK_OPAQUE(x) asm volatile("" : "+w"(x))
#else
#define CONVBOOK_OPAQUE(x) asm volatile("" : "+m"(x))
#endif
constexpr long kRounds = 2000000;
constexpr int kChains = 12;
volatile float sink;

void multiplyAdds(int) {
  Vector sums[kChains], a = {}, b = {};
  // The compiler may not know that all chains are the same, or it would work out one of them.
  for (int j = 0; j < kChains; j++) {
    sums[j] = Vector{};
    CONVBOOK_OPAQUE(sums[j]);
  }
  CONVBOOK_OPAQUE(a);
  CONVBOOK_OPAQUE(b);
  for (long i = 0; i < kRounds; i++) {
    for (int j = 0; j < kChains; j++) sums[j] = a * sums[j] + b;
  }
  Vector total = {};
  for (int j = 0; j < kChains; j++) total += sums[j];
  sink = total[0];
}

#if defined(__AMX_BF16__)
bool hasMatrixUnit() {
  unsigned a, b, c, d;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & (1u << 22)) == 0 || (d & (1u << 24)) == 0) return false;
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

struct __attribute__((packed)) Tiles {
  uint8_t palette = 1, start = 0, unused[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr long kTileRounds = 100000;

void tileProducts(int) {
  alignas(64) static thread_local uint8_t from[4096];
  alignas(64) float to[256];
  Tiles tiles;
  _tile_loadconfig(&tiles);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (long i = 0; i < kTileRounds; i++) {
    _tile_loadd(4, from, 64);
    _tile_loadd(5, from + 1024, 64);
    _tile_loadd(6, from + 2048, 64);
    _tile_loadd(7, from + 3072, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, to, 64);
  sink = to[0];
  _tile_release();
}
#endif

}  // namespace

int main(int count, char** values) {
  const int threads = count > 1 ? std::atoi(values[1]) : 1;
  const double seconds = count > 2 ? std::atof(values[2]) : 0.3;
  const double flops = best(threads, seconds, 2.0 * kRounds * kChains * (sizeof(Vector) / sizeof(float)), multiplyAdds);
  double matrix = 0;
#if defined(__AMX_BF16__)
  if (hasMatrixUnit()) matrix = best(threads, seconds, kTileRounds * 4.0 * 2 * 16 * 16 * 32, tileProducts);
#endif
  // a = b + c * s over three arrays that together are as large as what a training step touches.
  const size_t n = (size_t{96} << 20) / 12 / threads;
  std::vector<std::vector<float>> arrays(3 * threads, std::vector<float>(n, 1.f));
  const double bytes = best(threads, seconds, 12.0 * n, [&](int t) {
    float* a = arrays[3 * t].data();
    const float *b = arrays[3 * t + 1].data(), *c = arrays[3 * t + 2].data();
#pragma GCC ivdep
    for (size_t i = 0; i < n; i++) a[i] = b[i] + c[i] * 3.f;
  });
  std::printf("{\"flops\": %.4g, \"matrixFlops\": %.4g, \"bytes\": %.4g}\n", flops, matrix, bytes);
}
