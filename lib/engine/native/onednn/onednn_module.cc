// Convolutions by oneDNN (2.6 or later, or 3), behind the interface of onednn_module.h. Every call works on the calling
// thread alone: the engine deals images out to its own threads, and OpenMP's would fight with them for the processors.
#include <oneapi/dnnl/dnnl.hpp>

#include <memory>
#include <string>
#include <unordered_map>

#include "onednn/onednn_module.h"

// OpenMP's, where oneDNN was built with it; null elsewhere.
extern "C" {
__attribute__((weak)) void omp_set_num_threads(int threads);
__attribute__((weak)) int omp_get_max_threads(void);
}

namespace convbook {
namespace {

using dnnl::memory;

// OpenMP keeps the number of threads for each thread that asks: what others set on this one comes back.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads != nullptr ? omp_get_max_threads() : 1) { set(1); }
  ~OneThread() { set(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  static void set(int threads) {
    if (omp_set_num_threads != nullptr) omp_set_num_threads(threads);
  }
  const int before_;
};

const dnnl::engine& processor() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

// A convolution in oneDNN's words. Its images are [N, C, H, W] by name and NHWC in memory; its filters [G, O, I, H, W]
// (no G without groups).
struct Described {
  memory::desc image, filter, anyFilter, bias, result;
  memory::dims strides, dilations, padBefore, padAfter;

  Described(const ConvShape& s, bool withBias)
      : image({s.batch, s.inChannels, s.height, s.width}, memory::data_type::f32, memory::format_tag::nhwc),
        result({s.batch, s.outChannels, s.outHeight, s.outWidth}, memory::data_type::f32, memory::format_tag::nhwc),
        strides{s.strideHeight, s.strideWidth},
        dilations{s.dilationHeight - 1, s.dilationWidth - 1},
        padBefore{s.padTop, s.padLeft},
        padAfter{after(s.height, s.outHeight, s.filterHeight, s.strideHeight, s.dilationHeight, s.padTop),
                 after(s.width, s.outWidth, s.filterWidth, s.strideWidth, s.dilationWidth, s.padLeft)} {
    const memory::dim in = s.inChannels / s.groups, out = s.outChannels / s.groups, all = s.outChannels;
    memory::dims sizes = {out, in, s.filterHeight, s.filterWidth};
    memory::dims steps = {1, all, s.filterWidth * in * all, in * all};
    if (s.groups > 1) {
      sizes.insert(sizes.begin(), s.groups);
      steps.insert(steps.begin(), out);
    }
    filter = memory::desc(sizes, memory::data_type::f32, steps);
    anyFilter = memory::desc(sizes, memory::data_type::f32, memory::format_tag::any);
    if (withBias) bias = memory::desc({s.outChannels}, memory::data_type::f32, memory::format_tag::x);
  }

  // Whether some window lies in the padding as a whole.
  static bool windowsOutside(const ConvShape& s) {
    const int high = (s.filterHeight - 1) * s.dilationHeight + 1, wide = (s.filterWidth - 1) * s.dilationWidth + 1;
    return s.padTop >= high || s.padLeft >= wide || (s.outHeight - 1) * s.strideHeight - s.padTop >= s.height ||
           (s.outWidth - 1) * s.strideWidth - s.padLeft >= s.width;
  }

  // Pixels of padding behind the last one: what the last window reaches over.
  static memory::dim after(int size, int outSize, int filter, int stride, int dilation, int before) {
    const int reach = (outSize - 1) * stride + (filter - 1) * dilation + 1 - size - before;
    return reach > 0 ? reach : 0;
  }
};

dnnl::primitive_attr attributes(bool adds) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);
  if (adds) {
    dnnl::post_ops then;
    then.append_sum(1.f);
    attributes.set_post_ops(then);
  }
  return attributes;
}

using Forward = dnnl::convolution_forward;
using InputGrad = dnnl::convolution_backward_data;
using FilterGrad = dnnl::convolution_backward_weights;
constexpr auto kDirect = dnnl::algorithm::convolution_direct;

Forward::primitive_desc describeForward(const Described& d, bool bias, const dnnl::primitive_attr& attributes) {
  constexpr auto kind = dnnl::prop_kind::forward_training;
#if DNNL_VERSION_MAJOR >= 3
  return bias ? Forward::primitive_desc(processor(), kind, kDirect, d.image, d.anyFilter, d.bias, d.result, d.strides,
                                        d.dilations, d.padBefore, d.padAfter, attributes)
              : Forward::primitive_desc(processor(), kind, kDirect, d.image, d.anyFilter, d.result, d.strides,
                                        d.dilations, d.padBefore, d.padAfter, attributes);
#else
  return Forward::primitive_desc(bias ? Forward::desc(kind, kDirect, d.image, d.anyFilter, d.bias, d.result, d.strides,
                                                      d.dilations, d.padBefore, d.padAfter)
                                      : Forward::desc(kind, kDirect, d.image, d.anyFilter, d.result, d.strides,
                                                      d.dilations, d.padBefore, d.padAfter),
                                 attributes, processor());
#endif
}

InputGrad::primitive_desc describeInputGrad(const Described& d, const Forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return InputGrad::primitive_desc(processor(), kDirect, d.image, d.anyFilter, d.result, d.strides, d.dilations,
                                   d.padBefore, d.padAfter, forward, attributes(false));
#else
  return InputGrad::primitive_desc(
      InputGrad::desc(kDirect, d.image, d.anyFilter, d.result, d.strides, d.dilations, d.padBefore, d.padAfter),
      attributes(false), processor(), forward);
#endif
}

FilterGrad::primitive_desc describeFilterGrad(const Described& d, bool bias, const Forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return bias ? FilterGrad::primitive_desc(processor(), kDirect, d.image, d.anyFilter, d.bias, d.result, d.strides,
                                           d.dilations, d.padBefore, d.padAfter, forward, attributes(false))
              : FilterGrad::primitive_desc(processor(), kDirect, d.image, d.anyFilter, d.result, d.strides, d.dilations,
                                           d.padBefore, d.padAfter, forward, attributes(false));
#else
  return FilterGrad::primitive_desc(
      bias ? FilterGrad::desc(kDirect, d.image, d.anyFilter, d.bias, d.result, d.strides, d.dilations, d.padBefore,
                              d.padAfter)
           : FilterGrad::desc(kDirect, d.image, d.anyFilter, d.result, d.strides, d.dilations, d.padBefore, d.padAfter),
      attributes(false), processor(), forward);
#endif
}

// What the three directions share: a primitive, and filters reordered.
class Plan : public ConvPlan {
 public:
  size_t filterBytes() const override { return packed_.get_size(); }
  size_t scratchBytes() const override { return scratch_.get_size(); }
  bool pack(const float* w, void* packed) const override {
    return execute(reorder_, {{DNNL_ARG_FROM, wrap(filter_, w)}, {DNNL_ARG_TO, wrap(packed_, packed)}});
  }
  bool unpack(const void* packed, float* dw) const override {
    return execute(reorder_, {{DNNL_ARG_FROM, wrap(packed_, packed)}, {DNNL_ARG_TO, wrap(filter_, dw)}});
  }
  bool run(const float*, const void*, const float*, float*, void*) const override { return false; }
  bool runFilterGrad(const float*, const float*, void*, float*, void*) const override { return false; }

 protected:
  using Arguments = std::unordered_map<int, memory>;

  Plan(const Described& d, const dnnl::primitive& primitive, const memory::desc& packed, const memory::desc& scratch,
       bool unpacks)
      : image_(d.image),
        result_(d.result),
        bias_(d.bias),
        packed_(packed),
        scratch_(scratch),
        filter_(d.filter),
        primitive_(primitive),
        reorder_(dnnl::reorder(dnnl::reorder::primitive_desc(processor(), unpacks ? packed_ : filter_, processor(),
                                                             unpacks ? filter_ : packed_))) {}

  static memory wrap(const memory::desc& desc, const void* data) {
    return memory(desc, processor(), const_cast<void*>(data));
  }
  bool execute(const Arguments& arguments) const { return execute(primitive_, arguments); }

  const memory::desc image_, result_, bias_, packed_, scratch_;

 private:
  static bool execute(const dnnl::primitive& primitive, const Arguments& arguments) {
    try {
      const OneThread one;
      dnnl::stream stream(processor());
      primitive.execute(stream, arguments);
      stream.wait();
      return true;
    } catch (const dnnl::error&) {
      return false;
    }
  }

  const memory::desc filter_;
  const dnnl::primitive primitive_, reorder_;
};

class ForwardPlan : public Plan {
 public:
  ForwardPlan(const Described& d, const Forward::primitive_desc& p)
      : Plan(d, Forward(p), p.weights_desc(), p.scratchpad_desc(), false) {}
  bool run(const float* from, const void* packed, const float* bias, float* to, void* scratch) const override {
    Arguments arguments = {{DNNL_ARG_SRC, wrap(image_, from)},
                           {DNNL_ARG_WEIGHTS, wrap(packed_, packed)},
                           {DNNL_ARG_DST, wrap(result_, to)},
                           {DNNL_ARG_SCRATCHPAD, wrap(scratch_, scratch)}};
    if (bias != nullptr) arguments.emplace(DNNL_ARG_BIAS, wrap(bias_, bias));
    return execute(arguments);
  }
};

class InputGradPlan : public Plan {
 public:
  InputGradPlan(const Described& d, const InputGrad::primitive_desc& p)
      : Plan(d, InputGrad(p), p.weights_desc(), p.scratchpad_desc(), false) {}
  bool run(const float* from, const void* packed, const float*, float* to, void* scratch) const override {
    return execute({{DNNL_ARG_DIFF_DST, wrap(result_, from)},
                    {DNNL_ARG_WEIGHTS, wrap(packed_, packed)},
                    {DNNL_ARG_DIFF_SRC, wrap(image_, to)},
                    {DNNL_ARG_SCRATCHPAD, wrap(scratch_, scratch)}});
  }
};

class FilterGradPlan : public Plan {
 public:
  FilterGradPlan(const Described& d, const FilterGrad::primitive_desc& p)
      : Plan(d, FilterGrad(p), p.diff_weights_desc(), p.scratchpad_desc(), true) {}
  bool runFilterGrad(const float* x, const float* dy, void* packed, float* dbias, void* scratch) const override {
    Arguments arguments = {{DNNL_ARG_SRC, wrap(image_, x)},
                           {DNNL_ARG_DIFF_DST, wrap(result_, dy)},
                           {DNNL_ARG_DIFF_WEIGHTS, wrap(packed_, packed)},
                           {DNNL_ARG_SCRATCHPAD, wrap(scratch_, scratch)}};
    if (dbias != nullptr) arguments.emplace(DNNL_ARG_DIFF_BIAS, wrap(bias_, dbias));
    return execute(arguments);
  }
};

// Reference code is for checking results; it is hundreds of times slower than anything else.
bool isReference(const char* name) { return std::string(name).rfind("ref", 0) == 0; }

ConvPlan* plan(ConvDirection direction, const ConvShape& shape, bool bias, bool adds) {
  // There, 2.6 forgets to add.
  if (adds && Described::windowsOutside(shape)) return nullptr;
  try {
    const OneThread one;
    const Described d(shape, bias);
    const Forward::primitive_desc forward =
        describeForward(d, direction != ConvDirection::InputGrad && bias, attributes(adds));
    if (direction == ConvDirection::Forward) {
      return isReference(forward.impl_info_str()) ? nullptr : new ForwardPlan(d, forward);
    }
    if (direction == ConvDirection::InputGrad) {
      const InputGrad::primitive_desc described = describeInputGrad(d, forward);
      return isReference(described.impl_info_str()) ? nullptr : new InputGradPlan(d, described);
    }
    const FilterGrad::primitive_desc described = describeFilterGrad(d, bias, forward);
    return isReference(described.impl_info_str()) ? nullptr : new FilterGradPlan(d, described);
  } catch (const dnnl::error&) {
    return nullptr;
  }
}

}  // namespace
}  // namespace convbook

extern "C" __attribute__((visibility("default"))) const convbook::Module* convbookModule() {
  const dnnl_version_t* version = dnnl_version();
  static const std::string release =
      std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
  static const convbook::Module module = {convbook::kModuleVersion, "oneDNN", release.c_str(), convbook::plan};
  return &module;
}
