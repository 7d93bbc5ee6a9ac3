// The functions that JavaScript sees: each reads its arguments, checks every length against the shapes given, and calls
// one driver. All state hangs on the environment, so that every worker thread has an engine of its own.
#pragma once
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/arguments.h"
#include "conv/implementation.h"
#include "conv/kept.h"
#include "program/program.h"
#include "runtime/context.h"
#include "winograd/winograd.h"

namespace convbook {

// The program that is being run, phase by phase: it is read and its arrays are looked up once, not in every phase.
class ProgramInHand {
 public:
  const ProgramMode mode;
  const Program program;
  ProgramArrays arrays;
  bool rounds = false;

  ProgramInHand(napi_env env, ProgramMode m, Program b) : mode(m), program(std::move(b)), env_(env) {}
  ProgramInHand(const ProgramInHand&) = delete;
  ProgramInHand& operator=(const ProgramInHand&) = delete;

  void begin(ProgramArrays a, bool r) {
    arrays = std::move(a);
    rounds = r;
    begun_ = true;
  }
  bool isBegun() const { return begun_; }
  // Keeps what the arrays point into alive, until it is let go: not in a destructor, which may run when the environment
  // has freed all references.
  void hold(napi_value value) {
    napi_ref reference;
    if (napi_create_reference(env_, value, 1, &reference) == napi_ok) held_.push_back(reference);
  }
  void letGo() {
    for (napi_ref reference : held_) napi_delete_reference(env_, reference);
    held_.clear();
  }

 private:
  napi_env env_;
  std::vector<napi_ref> held_;
  bool begun_ = false;
};

struct State {
  std::unique_ptr<ThreadPool> pool;
  SingleThreads singles;  // for each thread a pool of itself alone, for tasks that run whole operations
  const Kernels* kernels = nullptr;
  std::unique_ptr<ConvImplementation> onednn;  // a OneDnn, where JavaScript asked for one
  ConvImplementation* winograd = &winogradWhereFaster();
  bool reproducible = false;
  std::unique_ptr<ProgramInHand> program;
  KeptConvs kept;
  void dropProgram() {
    if (program != nullptr) program->letGo();
    program.reset();
  }
  // In reproducible mode neither another library nor a choice that was fitted to a processor has a say.
  Context context() const {
    if (reproducible) return {*kernels, *pool, false, nullptr, &winogradByFixedCosts(), true};
    return {*kernels, *pool, false, onednn.get(), winograd};
  }
};

// Calls body(arguments, context), or body(arguments, state).
template <auto body>
napi_value call(napi_env env, napi_callback_info info) {
  Arguments args(env, info);
  State& state = *static_cast<State*>(args.data());
  return answer(env, [&] {
    if constexpr (std::is_invocable_v<decltype(body), const Arguments&, State&>) {
      return body(args, state);
    } else {
      return body(args, state.context());
    }
  });
}

struct Binding {
  const char* name;
  napi_callback function;
};
inline void define(napi_env env, napi_value exports, State* state, std::initializer_list<Binding> bindings) {
  for (const Binding& binding : bindings) {
    napi_value function;
    napi_create_function(env, binding.name, NAPI_AUTO_LENGTH, binding.function, state, &function);
    napi_set_named_property(env, exports, binding.name, function);
  }
}

void defineConvBindings(napi_env, napi_value exports, State*);
void defineArrayBindings(napi_env, napi_value exports, State*);
void defineIntegerBindings(napi_env, napi_value exports, State*);
void defineLayerBindings(napi_env, napi_value exports, State*);
void defineOperationBindings(napi_env, napi_value exports, State*);
void defineOptimizerBindings(napi_env, napi_value exports, State*);
void defineProgramBindings(napi_env, napi_value exports, State*);
void defineTableBindings(napi_env, napi_value exports, State*);
void defineOneDnnBindings(napi_env, napi_value exports, State*);
void defineMemoryBindings(napi_env, napi_value exports, State*);

}  // namespace convbook
