// Kernels and drivers against plain loops, on random shapes. Built with the address, undefined-behaviour and thread
// sanitizers by `npm run sanitize`; inputs and outputs are exactly as long as they must be, so that a step too far
// shows.
#include <cstdio>
#include <cstring>

#include "onednn/onednn.h"
#include "test/checks.h"
#include "test/compare.h"
#include "winograd/winograd.h"

using namespace convbook;
using namespace convbook::testing;

#if defined(CONVBOOK_ONEDNN)
extern "C" const convbook::Module* convbookModule();
#endif

int main() {
  regions();
  lent();
  for (const char* isa : {"amx", "avx512", "avx2", "generic"}) {
    const Kernels& kernels = chooseKernels(isa);
    // One that is not here is the next best, whose turn is its own.
    if (std::strcmp(kernels.name, isa) != 0) continue;
    for (int threads : {1, 2, 5}) {
      ThreadPool pool(threads);
      const Context context = {kernels, pool};
      const Context winograd = {kernels, pool, false, nullptr, &winogradInSmallTiles()};
      const Context largeTiles = {kernels, pool, false, nullptr, &winogradInLargeTiles()};
      for (int round = 0; round < 12; round++) {
        convolutions(context, round % 3 == 0);
        depthwiseConvolution(context);
        filterGradients(context);
        preparedConvolutions(context);
        winogradConvolution(winograd);
        preparedConvolutions(winograd);
        winogradConvolution(largeTiles);
        preparedConvolutions(largeTiles);
        products(context);
        normalization(context);
        arrays(context);
        pools(context);
        integers(context);
        places(context);
        transforms(context);
        resizing(context);
      }
      pool.releaseScratch();
    }
    for (int round = 0; round < 24; round++) programs(kernels);
    for (int round = 0; round < 6; round++) reproducible(kernels);
    std::printf("%s: done\n", kernels.name);
  }
  const WinogradPasses& passes = winogradPasses();
  if (passes.forward == 0 || passes.inputGradients == 0 || passes.filterGradients == 0) {
    std::printf("no convolution was by Winograd's algorithm\n");
    failures++;
  }
  const Kernels& best = chooseKernels(nullptr);
  if (best.tiles != nullptr && takenByTiles == 0) {
    std::printf("no filter gradient was for the tiles\n");
    failures++;
  }
  for (int threads : {1, 3}) {
    ThreadPool pool(threads);
    coarse = true;
    for (int round = 0; round < 24; round++) {
      convolutions(Context{best, pool}.rounding(true), true);
      products(Context{best, pool}.rounding(true), pick(60, 90));
    }
    coarse = false;
  }
  std::printf("bf16: %s\n", best.tiles != nullptr ? "done" : "not there");
#if defined(CONVBOOK_ONEDNN)
  for (int threads : {1, 3}) {
    ThreadPool pool(threads);
    OneDnn onednn(*convbookModule(), OneDnn::Use::WhereItCan, "");
    for (int round = 0; round < 24; round++) {
      convolutions({best, pool, false, &onednn}, round % 2 == 0);
      filterGradients({best, pool, false, &onednn});
    }
  }
  choosing(best, *convbookModule());
  std::printf("oneDNN: done\n");
#endif
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
