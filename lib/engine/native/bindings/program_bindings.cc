// Blocks, as JavaScript sees them.
#include "bindings/bindings.h"
#include "program/program.h"

namespace convbook {
namespace {

// (mode, batch, program, numbers) -> [phases, floats of state, floats of workspace, operations], or why it cannot be. The block is kept in hand.
napi_value blockPlan(const Arguments& args, State& state) {
  napi_value result;
  state.dropBlock();
  napi_typedarray_type type;
  size_t length = 0, count = 0;
  void* data = nullptr;
  const int32_t* program = args.array<int32_t>(2, 1);
  napi_get_typedarray_info(args.env(), args.value(2), &type, &length, &data, nullptr, nullptr);
  const float* numbers = args.floats(3, 0);
  napi_get_typedarray_info(args.env(), args.value(3), &type, &count, &data, nullptr, nullptr);
  const auto mode = args.choice<BlockMode>(0, static_cast<int>(BlockMode::Count));
  const size_t batch = args.size(1);
  try {
    state.block.reset(new BlockInHand{args.env(), mode, Block(program, length, numbers, count, mode, batch, state.pool->threads())});
    const Block& block = state.block->block;
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

// (parameters[], x, y, state, workspace, dy?, dx?, gradients[]?, rounds): what the block that was planned last is run on. All of it stays alive
// until blockEnd.
napi_value blockBegin(const Arguments& args, State& state) {
  if (state.block == nullptr) throw BadArgument("No block is planned");
  BlockInHand& hand = *state.block;
  const Block& block = hand.block;
  BlockArrays arrays;
  arrays.params = arraysIn(args, 0, nullptr);
  arrays.x = args.floats(1, block.inputFloats());
  arrays.y = args.output(2, block.outputFloats());
  if (hand.mode != BlockMode::Infer) arrays.state = args.output(3, block.stateFloats());
  arrays.workspace = args.output(4, block.workspaceFloats());
  if (hand.mode == BlockMode::Backward) {
    arrays.dy = args.floats(5, block.outputFloats());
    arrays.dx = args.optionalOutput(6, block.inputFloats());
    arrays.grads = arraysIn(args, 7, nullptr);
  }
  try {
    block.check(arrays);
  } catch (const std::invalid_argument& error) {
    throw BadArgument(error.what());
  }
  hand.begin(std::move(arrays), hand.mode == BlockMode::Infer && args.flag(8));
  hand.letGo();
  for (size_t i = 0; i < 8; i++) {
    if (args.given(i)) hand.hold(args.value(i));
  }
  return nullptr;
}

napi_value blockPhase(const Arguments& args, State& state) {
  if (state.block == nullptr || !state.block->isBegun()) throw BadArgument("No block is begun");
  const BlockInHand& hand = *state.block;
  const size_t phase = args.size(0);
  if (phase >= hand.block.phases()) throw BadArgument("There is no such phase");
  hand.block.run(state.context().rounding(hand.rounds), state.singles, phase, hand.arrays);
  return nullptr;
}

napi_value blockEnd(const Arguments&, State& state) {
  state.dropBlock();
  return nullptr;
}

}  // namespace

void defineBlockBindings(napi_env env, napi_value exports, State* state) {
  define(env, exports, state, {
      {"blockPlan", call<blockPlan>},
      {"blockBegin", call<blockBegin>},
      {"blockPhase", call<blockPhase>},
      {"blockEnd", call<blockEnd>},
  });
}

}  // namespace convbook
