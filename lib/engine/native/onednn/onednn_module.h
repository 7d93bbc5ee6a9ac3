// What the module of oneDNN offers the engine. The module is a file of its own (onednn.node), so that the
// engine neither needs nor loads the other library where nobody asks for it. Nothing here throws.
#pragma once
#include <cstddef>

#include "conv/conv_shape.h"

namespace convbook {

enum class ConvDirection : int { Forward, InputGrad, FilterGrad };

// A convolution of one shape, made ready to run on one thread. Filters and their gradients have a layout of the other
// library's choice, `filterBytes` long; images are the engine's own. All memory is 64-byte aligned.
class ConvPlan {
 public:
  virtual ~ConvPlan() = default;
  virtual size_t filterBytes() const = 0;
  virtual size_t scratchBytes() const = 0;
  // Filters [KH, KW, C/groups, K] into the plan's layout, and their gradients back.
  virtual bool pack(const float* w, void* packed) const = 0;
  virtual bool unpack(const void* packed, float* dw) const = 0;
  // Forward: x, packed filters, bias (or null) -> y, to which what is there is added when the plan was made to.
  // InputGrad: dy, packed filters -> dx. Several threads may run one plan, each with scratch memory of its own. Like
  // the others, false when the library failed.
  virtual bool run(const float* from, const void* packed, const float* bias, float* to, void* scratch) const = 0;
  // FilterGrad: x, dy -> packed gradient, dbias (when the plan was made with a bias).
  virtual bool runFilterGrad(const float* x, const float* dy, void* packed, float* dbias, void* scratch) const = 0;
};

constexpr int kModuleVersion = 1;

struct Module {
  int version;          // kModuleVersion
  const char* name;     // of the library
  const char* release;  // its version, as it is loaded
  // Null when the library has nothing for the shape but its slow reference code. `adds`: forward, onto what y holds.
  ConvPlan* (*plan)(ConvDirection direction, const ConvShape& shape, bool bias, bool adds);
};

constexpr const char* kModuleFunction = "convbookModule";
using ModuleFunction = const Module* (*)();

}  // namespace convbook
