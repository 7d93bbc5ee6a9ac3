// The checks, each of random shapes and of what the context says; what fails is printed and counted (see compare.h).
#pragma once
#include "conv/conv.h"
#include "onednn/onednn.h"

namespace convbook::testing {

// convolutions_test.cc
void convolutions(const Context&, bool wide);
void depthwiseConvolution(const Context&);
void winogradConvolution(const Context&);
void preparedConvolutions(const Context&);
void filterGradients(const Context&);
// Inputs that the tiles worked out themselves.
extern int takenByTiles;
#if defined(CONVBOOK_ONEDNN)
void choosing(const Kernels&, const Module&);
#endif

// operations_test.cc
void products(const Context&, int least = 1);
void normalization(const Context&);
void arrays(const Context&);
void pools(const Context&);
void integers(const Context&);
void places(const Context&);
void transforms(const Context&);
void resizing(const Context&);

// programs_test.cc
void programs(const Kernels&);
// The same bits with any number of threads, in reproducible mode.
void reproducible(const Kernels&);

// regions_test.cc
void regions();
void lent();

}  // namespace convbook::testing
