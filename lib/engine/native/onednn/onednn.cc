#include "onednn/onednn.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>

#include "conv/conv.h"
#include "runtime/memory.h"
#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace convbook {
namespace {

// Below this many multiplications a choice costs more than it brings.
constexpr double kWorthChoosing = 1e6;
// Bytes of images in and out that a task takes at a time: they stay in the second-level cache until the activation.
constexpr size_t kTaskBytes = size_t{1} << 20;
// Plans are some kilobytes each; a program that meets ever new shapes starts over from here.
constexpr size_t kMostPlans = 1000;
constexpr int kScratchSlot = 2;

size_t imageFloats(const ConvShape& s) { return static_cast<size_t>(s.height) * s.width * s.inChannels; }
size_t resultFloats(const ConvShape& s) { return static_cast<size_t>(s.outHeight) * s.outWidth * s.outChannels; }
size_t filterFloats(const ConvShape& s) {
  return static_cast<size_t>(s.filterHeight) * s.filterWidth * (s.inChannels / s.groups) * s.outChannels;
}

std::string describe(const char* direction, const ConvShape& s, const char* with, int threads) {
  char text[240];
  std::snprintf(
      text, sizeof text,
      "%s %dx%dx%dx%d filter %dx%dx%dx%d to %dx%d strides %dx%d padding %dx%d dilations %dx%d groups %d%s threads %d",
      direction, s.batch, s.height, s.width, s.inChannels, s.filterHeight, s.filterWidth, s.inChannels / s.groups,
      s.outChannels, s.outHeight, s.outWidth, s.strideHeight, s.strideWidth, s.padTop, s.padLeft, s.dilationHeight,
      s.dilationWidth, s.groups, with, threads);
  return text;
}

// Images dealt out in tasks of equal size, the last one perhaps smaller.
struct Deal {
  int images, tasks;

  Deal(int batch, int wanted) : images((batch + wanted - 1) / wanted), tasks((batch + images - 1) / images) {}
  int last(int batch) const { return batch - (tasks - 1) * images; }
};

Deal dealImages(const Context& context, const ConvShape& s) {
  const size_t bytes = (imageFloats(s) + resultFloats(s)) * sizeof(float);
  const int fit =
      static_cast<int>(std::max<size_t>(1, std::min<size_t>(kTaskBytes / bytes, static_cast<size_t>(s.batch))));
  const int threads = context.pool.threads(), tasks = (s.batch + fit - 1) / fit;
  return Deal(s.batch, std::min(s.batch, (tasks + threads - 1) / threads * threads));
}

using Bytes = std::unique_ptr<char, void (*)(void*)>;
Bytes bytes(size_t count) { return Bytes(static_cast<char*>(alignedAlloc(count)), alignedFree); }

void* scratchOf(const Context& context, int thread, const ConvPlan& plan) {
  return context.pool.scratch(thread, kScratchSlot, plan.scratchBytes() / sizeof(float) + 16);
}

}  // namespace

#if defined(_WIN32)
const Module* loadModule(const char*, std::string* reason) {
  *reason = "it is not built for this system";
  return nullptr;
}
#else
const Module* loadModule(const char* path, std::string* reason) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  void* function = library != nullptr ? dlsym(library, kModuleFunction) : nullptr;
  if (function == nullptr) {
    const char* error = dlerror();
    *reason = error != nullptr ? error : "it does not load";
    return nullptr;
  }
  const Module* module = reinterpret_cast<ModuleFunction>(function)();
  if (module->version == kModuleVersion) return module;
  *reason = "it was built for another version of the engine";
  return nullptr;
}
#endif

OneDnn::SharedPlan OneDnn::planFor(ConvDirection direction, ConvShape shape, int images, bool bias, bool adds) {
  shape.batch = images;
  const char* with = direction == ConvDirection::Forward ? (bias ? (adds ? " ba" : " b") : (adds ? " a" : ""))
                     : bias                              ? " b"
                                                         : "";
  const std::string key = describe(with, shape, "", static_cast<int>(direction));
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = plans_.find(key);
  if (found != plans_.end()) return found->second;
  if (plans_.size() >= kMostPlans) plans_.clear();
  return plans_.emplace(key, SharedPlan(module_.plan(direction, shape, bias, adds))).first->second;
}

bool OneDnn::takes(const Context& context, const ConvShape& s, const char* direction, const char* with,
                   const std::function<void()>& own, const std::function<bool()>& onednn) {
  if (use_ == Use::WhereItCan) return true;
  if (static_cast<double>(s.batch) * s.outHeight * s.outWidth * static_cast<double>(filterFloats(s)) < kWorthChoosing)
    return false;
  return choices_.takesOneDnn(describe(direction, s, with, context.pool.threads()), own, onednn);
}

// The weights and the bias stay where they are: they are packed anew for each run, by plans that are kept.
class OneDnn::Prepared : public PreparedPass {
 public:
  Prepared(OneDnn& onednn, ConvDirection direction, const ConvShape& shape, const float* w, const float* bias)
      : onednn_(onednn), direction_(direction), shape_(shape), w_(w), bias_(bias) {}

  bool run(const Context& context, size_t images, const ConvSource&, float* y, const float* residual, int activation,
           const OwnWay& own) const override {
    ConvShape s = shape_;
    s.batch = static_cast<int>(images);
    return onednn_.forwardOrBack(context, s, {direction_, nullptr, w_, bias_, residual, activation, y}, own);
  }

 private:
  OneDnn& onednn_;
  const ConvDirection direction_;
  const ConvShape shape_;
  const float *w_, *bias_;
};

std::unique_ptr<PreparedPass> OneDnn::forward(const Context&, const ConvShape& s, const float* w, const float* bias,
                                              ptrdiff_t targetStride, bool) {
  if (targetStride != s.outChannels) return nullptr;
  return std::make_unique<Prepared>(*this, ConvDirection::Forward, s, w, bias);
}

std::unique_ptr<PreparedPass> OneDnn::inputGrad(const Context&, const ConvShape& s, const float* w, bool) {
  return std::make_unique<Prepared>(*this, ConvDirection::InputGrad, s, w, nullptr);
}

bool OneDnn::forwardOrBack(const Context& context, const ConvShape& s, const Pass& pass, const OwnWay& own) {
  char with[60];
  std::snprintf(with, sizeof with, "%s%s%s%s", own.gathers ? " gathered" : "", pass.bias != nullptr ? " bias" : "",
                pass.residual != nullptr ? " residual" : "",
                pass.activation == kRelu    ? " relu"
                : pass.activation == kRelu6 ? " relu6"
                                            : "");
  const auto onednn = [&] {
    Pass ready = pass;
    ready.from = own.x();
    return overImages(context, s, ready);
  };
  const char* direction = pass.direction == ConvDirection::Forward ? "forward" : "input gradient";
  return takes(context, s, direction, with, own.run, onednn) && onednn();
}

bool OneDnn::filterGrad(const Context& context, const ConvShape& s, const ConvSource& x, const float* dy, float* dw,
                        float* dbias) {
  if (x.stride != s.inChannels || x.scale != nullptr) return false;
  const auto own = [&] { convFilterGrad(context.nativeOnly(), s, x.x, dy, dw, dbias); };
  const auto onednn = [&] { return sumOverImages(context, s, x.x, dy, dw, dbias); };
  return takes(context, s, "filter gradient", dbias != nullptr ? " bias" : "", own, onednn) && onednn();
}

// Images dealt out to the pool's threads, each in the order and the sizes that the shape and the number of threads
// alone say.
bool OneDnn::overImages(const Context& context, const ConvShape& s, const Pass& pass) {
  const Deal deal = dealImages(context, s);
  const bool bias = pass.bias != nullptr, adds = pass.residual != nullptr;
  const SharedPlan most = planFor(pass.direction, s, deal.images, bias, adds);
  const SharedPlan last = planFor(pass.direction, s, deal.last(s.batch), bias, adds);
  if (most == nullptr || last == nullptr) return false;
  const Bytes packed = bytes(most->filterBytes()), lastPacked = bytes(last == most ? 0 : last->filterBytes());
  if (!most->pack(pass.w, packed.get()) || (last != most && !last->pack(pass.w, lastPacked.get()))) return false;
  const bool isForward = pass.direction == ConvDirection::Forward;
  const size_t fromFloats = isForward ? imageFloats(s) : resultFloats(s),
               toFloats = isForward ? resultFloats(s) : imageFloats(s);
  std::atomic<bool> good{true};
  context.pool.run(static_cast<size_t>(deal.tasks), [&](size_t task, int thread) {
    const size_t first = task * deal.images, count = std::min<size_t>(deal.images, s.batch - first) * toFloats;
    const bool isLast = last != most && task + 1 == static_cast<size_t>(deal.tasks);
    const ConvPlan& plan = isLast ? *last : *most;
    float* to = pass.to + first * toFloats;
    if (adds) std::memcpy(to, pass.residual + first * toFloats, count * sizeof(float));
    if (!plan.run(pass.from + first * fromFloats, isLast ? lastPacked.get() : packed.get(), pass.bias, to,
                  scratchOf(context, thread, plan))) {
      good.store(false);
    }
    // The library's own ReLU makes zero of what is not a number.
    if (pass.activation == kRelu) context.kernels.unary(Unary::Relu, to, to, count, 0, 0);
    if (pass.activation == kRelu6) context.kernels.unary(Unary::Relu6, to, to, count, 0, 0);
  });
  if (good) runs_++;
  return good;
}

// Every task sums over its own images; the tasks' sums are added in their order.
bool OneDnn::sumOverImages(const Context& context, const ConvShape& s, const float* x, const float* dy, float* dw,
                           float* dbias) {
  const Deal deal(s.batch, std::min(s.batch, context.pool.threads()));
  const SharedPlan most = planFor(ConvDirection::FilterGrad, s, deal.images, dbias != nullptr, false);
  const SharedPlan last = planFor(ConvDirection::FilterGrad, s, deal.last(s.batch), dbias != nullptr, false);
  if (most == nullptr || last == nullptr) return false;
  const size_t count = filterFloats(s), biasCount = dbias != nullptr ? static_cast<size_t>(s.outChannels) : 0;
  const size_t packedFloats = (std::max(most->filterBytes(), last->filterBytes()) + 63) / 64 * 16;
  const size_t stride = (count + biasCount + 15) / 16 * 16 + packedFloats;
  const Bytes memory = bytes(stride * deal.tasks * sizeof(float));
  float* parts = reinterpret_cast<float*>(memory.get());
  std::atomic<bool> good{true};
  context.pool.run(static_cast<size_t>(deal.tasks), [&](size_t task, int thread) {
    const size_t first = task * deal.images;
    const ConvPlan& plan = task + 1 == static_cast<size_t>(deal.tasks) ? *last : *most;
    float* packed = parts + task * stride;
    float* sum = task == 0 ? dw : packed + packedFloats;
    float* biasSum = dbias == nullptr ? nullptr : task == 0 ? dbias : sum + count;
    if (!plan.runFilterGrad(x + first * imageFloats(s), dy + first * resultFloats(s), packed, biasSum,
                            scratchOf(context, thread, plan)) ||
        !plan.unpack(packed, sum)) {
      good.store(false);
    }
  });
  if (!good) return false;
  runs_++;
  for (int task = 1; task < deal.tasks; task++) {
    const float* sum = parts + task * stride + packedFloats;
    context.kernels.binary(Binary::Add, dw, 1, sum, 1, dw, count);
    if (dbias != nullptr) context.kernels.binary(Binary::Add, dbias, 1, sum + count, 1, dbias, biasCount);
  }
  return true;
}

}  // namespace convbook
