/**
 * Optimizers with PyTorch's names, options and steps; Muon and Lookahead.
 *
 * @module
 */
export { Adam, type AdamOptions, AdamW } from "./adam.ts";
export { Lookahead, type LookaheadOptions } from "./lookahead.ts";
export { Muon, type MuonOptions, orthogonalize } from "./muon.ts";
export {
  type BaseOptions,
  type Gradients,
  Optimizer,
  type OptimizerParameter,
  type OptimizerState,
  type ParameterGroup,
  type ParametersOrGroups,
} from "./optimizer.ts";
export { createOptimizer, type OptimizerName, optimizerNames } from "./registry.ts";
export { RMSprop, type RMSpropOptions } from "./rmsprop.ts";
export { SGD, type SGDOptions } from "./sgd.ts";
