// Blocks, as JavaScript sees them.
#include "bindings.h"
#include "block.h"

namespace convbook {
namespace {

// (mode, batch, program, numbers), from argument i on
Block blockOf(const Arguments& args, size_t i, State& state) {
  napi_typedarray_type type;
  size_t length = 0, count = 0;
  void* data = nullptr;
  const int32_t* program = args.array<int32_t>(i + 2, 1);
  napi_get_typedarray_info(args.env(), args.value(i + 2), &type, &length, &data, nullptr, nullptr);
  const float* numbers = args.floats(i + 3, 0);
  napi_get_typedarray_info(args.env(), args.value(i + 3), &type, &count, &data, nullptr, nullptr);
  const auto mode = args.choice<BlockMode>(i, static_cast<int>(BlockMode::Count));
  return Block(program, length, numbers, count, mode, args.size(i + 1), state.pool->threads());
}

// (mode, batch, program, numbers) -> [phases, floats of state, floats of workspace, operations], or why it cannot be
napi_value blockPlan(const Arguments& args, State& state) {
  napi_value result;
  try {
    const Block block = blockOf(args, 0, state);
    const double facts[] = {static_cast<double>(block.phases()), static_cast<double>(block.stateFloats()),
                            static_cast<double>(block.workspaceFloats()), block.operations()};
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

// (mode, batch, program, numbers, phase, parameters[], x, y, state, workspace, dy?, dx?, gradients[]?, rounds)
napi_value blockRun(const Arguments& args, State& state) {
  const Block block = blockOf(args, 0, state);
  const auto mode = args.choice<BlockMode>(0, static_cast<int>(BlockMode::Count));
  const size_t phase = args.size(4);
  if (phase >= block.phases()) throw BadArgument("There is no such phase");
  BlockArrays arrays;
  arrays.params = arraysIn(args, 5, nullptr);
  arrays.x = args.floats(6, block.inputFloats());
  arrays.y = args.output(7, block.outputFloats());
  if (mode != BlockMode::Infer) arrays.state = args.output(8, block.stateFloats());
  arrays.workspace = args.output(9, block.workspaceFloats());
  if (mode == BlockMode::Backward) {
    arrays.dy = args.floats(10, block.outputFloats());
    arrays.dx = args.optionalOutput(11, block.inputFloats());
    arrays.grads = arraysIn(args, 12, nullptr);
  }
  try {
    block.check(arrays);
  } catch (const std::invalid_argument& error) {
    throw BadArgument(error.what());
  }
  const bool rounds = mode == BlockMode::Infer && args.flag(13);
  block.run(state.context().rounding(rounds), state.singles, phase, arrays);
  return nullptr;
}

}  // namespace

void defineBlockBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state, {
      {"blockPlan", call<blockPlan>},
      {"block", call<blockRun>},
  });
}

}  // namespace convbook
