// Shapes and strides as JavaScript describes them.
#pragma once
#include "bindings/arguments.h"
#include "ops/arrays.h"

namespace convbook {

// The product of sizes, none of which may be negative.
inline size_t positive(const int32_t* values, int count) {
  size_t product = 1;
  for (int i = 0; i < count; i++) {
    if (values[i] < 0) throw BadArgument("A shape has the negative size " + std::to_string(values[i]));
    product *= static_cast<size_t>(values[i]);
  }
  return product;
}

// A description [rank, shape..., strides of each operand...]; tells the elements that an operand must have at least.
struct Described {
  Strided strided;
  size_t size;
  size_t reach[3];
};

inline Described describe(const Arguments& args, size_t i, int operands) {
  const int32_t* d = args.array<int32_t>(i, 1);
  const int rank = d[0];
  if (rank < 0 || rank > kMaxRank) throw BadArgument("A shape of rank " + std::to_string(rank) + " is not handled");
  d = args.array<int32_t>(i, 1 + static_cast<size_t>(rank) * (1 + operands));
  Described result = {};
  result.strided.rank = rank;
  result.size = positive(d + 1, rank);
  for (int k = 0; k < operands; k++) {
    size_t last = 0;
    for (int r = 0; r < rank; r++) {
      const int32_t stride = d[1 + rank * (k + 1) + r];
      if (stride < 0) throw BadArgument("A stride is negative");
      result.strided.shape[r] = static_cast<size_t>(d[1 + r]);
      result.strided.strides[k][r] = stride;
      if (d[1 + r] > 0) last += static_cast<size_t>(d[1 + r] - 1) * static_cast<size_t>(stride);
    }
    result.reach[k] = result.size == 0 ? 0 : last + 1;
  }
  return result;
}

}  // namespace convbook
