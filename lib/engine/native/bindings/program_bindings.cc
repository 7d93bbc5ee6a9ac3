// Programs, as JavaScript sees them.
#include "bindings/bindings.h"
#include "program/program.h"

namespace convbook {
namespace {

// (mode, batch, program, numbers) -> [phases, floats of state, floats of workspace, operations], or why it cannot be.
// The program is kept in hand.
napi_value programPlan(const Arguments& args, State& state) {
  napi_value result;
  state.dropProgram();
  napi_typedarray_type type;
  size_t length = 0, count = 0;
  void* data = nullptr;
  const int32_t* program = args.array<int32_t>(2, 1);
  napi_get_typedarray_info(args.env(), args.value(2), &type, &length, &data, nullptr, nullptr);
  const float* numbers = args.floats(3, 0);
  napi_get_typedarray_info(args.env(), args.value(3), &type, &count, &data, nullptr, nullptr);
  const auto mode = args.choice<ProgramMode>(0, static_cast<int>(ProgramMode::Count));
  const size_t batch = args.size(1);
  try {
    state.program.reset(
        new ProgramInHand{args.env(), mode, Program(program, length, numbers, count, mode, batch, state.context())});
    const Program& program = state.program->program;
    const double facts[] = {static_cast<double>(program.phases()), static_cast<double>(program.stateFloats()),
                            static_cast<double>(program.workspaceFloats()), program.operations()};
    napi_create_array_with_length(args.env(), 4, &result);
    for (uint32_t k = 0; k < 4; k++) {
      napi_value number;
      napi_create_double(args.env(), facts[k], &number);
      napi_set_element(args.env(), result, k, number);
    }
  } catch (const std::invalid_argument& error) {
    napi_create_string_utf8(args.env(), error.what(), NAPI_AUTO_LENGTH, &result);
  }
  return result;
}

// (parameters[], x, y, state, workspace, dy?, dx?, gradients[]?, rounds): what the program that was planned last is run
// on. All of it stays alive until programEnd.
napi_value programBegin(const Arguments& args, State& state) {
  if (state.program == nullptr) throw BadArgument("No program is planned");
  ProgramInHand& hand = *state.program;
  const Program& program = hand.program;
  ProgramArrays arrays;
  arrays.params = arraysIn(args, 0, nullptr);
  arrays.x = args.floats(1, program.inputFloats());
  arrays.y = args.output(2, program.outputFloats());
  if (hand.mode != ProgramMode::Infer) arrays.state = args.output(3, program.stateFloats());
  arrays.workspace = args.output(4, program.workspaceFloats());
  if (hand.mode == ProgramMode::Backward) {
    arrays.dy = args.floats(5, program.outputFloats());
    arrays.dx = args.optionalOutput(6, program.inputFloats());
    arrays.grads = arraysIn(args, 7, nullptr);
  }
  try {
    program.check(arrays);
  } catch (const std::invalid_argument& error) {
    throw BadArgument(error.what());
  }
  hand.begin(std::move(arrays), hand.mode == ProgramMode::Infer && args.flag(8));
  hand.letGo();
  for (size_t i = 0; i < 8; i++) {
    if (args.given(i)) hand.hold(args.value(i));
  }
  return nullptr;
}

napi_value programPhase(const Arguments& args, State& state) {
  if (state.program == nullptr || !state.program->isBegun()) throw BadArgument("No program is begun");
  const ProgramInHand& hand = *state.program;
  const size_t phase = args.size(0);
  if (phase >= hand.program.phases()) throw BadArgument("There is no such phase");
  hand.program.run(state.context().rounding(hand.rounds), state.singles, phase, hand.arrays);
  return nullptr;
}

napi_value programEnd(const Arguments&, State& state) {
  state.dropProgram();
  return nullptr;
}

}  // namespace

void defineProgramBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state,
         {
             {"programPlan", call<programPlan>},
             {"programBegin", call<programBegin>},
             {"programPhase", call<programPhase>},
             {"programEnd", call<programEnd>},
         });
}

}  // namespace convbook
