/**
 * Layers, containers and losses with PyTorch's names and options; initialization, summaries, diagrams.
 *
 * @module
 */
import * as init from "./init.ts";

export {
  Activation,
  ELU,
  GELU,
  type GELUOptions,
  Hardsigmoid,
  Hardswish,
  Identity,
  LeakyReLU,
  Mish,
  ReLU,
  ReLU6,
  Sigmoid,
  SiLU,
  Tanh,
} from "./activations.ts";
export { AdaptiveMaxPool2d, type CellCount } from "./adaptive-max-pool.ts";
export {
  BatchNorm,
  BatchNorm1d,
  BatchNorm2d,
  type BatchNormOptions,
  convertSyncBatchnorm,
  SyncBatchNorm,
} from "./batch-norm.ts";
export { eagerly } from "./compile/tracing.ts";
export { ModuleList, Sequential } from "./containers.ts";
export { Conv1d, Conv2d, type ConvOptions } from "./conv.ts";
export { ConvTranspose2d, type ConvTransposeOptions } from "./conv-transpose.ts";
export { type DiagramOptions, diagram } from "./diagram/diagram.ts";
export { DropPath, type DropPathOptions } from "./drop-path.ts";
export { Dropout, type DropoutOptions } from "./dropout.ts";
export {
  BCELoss,
  BCEWithLogitsLoss,
  type BCEWithLogitsOptions,
  HuberLoss,
  type HuberOptions,
  L1Loss,
  MSELoss,
  SmoothL1Loss,
  type SmoothL1Options,
} from "./elementwise-losses.ts";
export {
  type MisshapenEntry,
  nearestNames,
  OptionError,
  ShapeError,
  StateDictError,
  UnknownNameError,
  UnknownOptionError,
  UnregisteredModuleError,
} from "./errors.ts";
export { Flatten, Unflatten } from "./flatten.ts";
export { type ActivationName, activation, activationNames, parseActivationName } from "./functional/activation.ts";
export type { ProcessGroup } from "./functional/sync-batch-norm.ts";
export { GroupNorm, LayerNorm, type NormOptions } from "./group-norm.ts";
export { InstanceNorm, InstanceNorm1d, InstanceNorm2d, type InstanceNormOptions } from "./instance-norm.ts";
export { KLDivLoss, type KLDivOptions, type KLDivReduction } from "./kl-div-loss.ts";
export { Linear, type LinearOptions } from "./linear.ts";
export type { LossOptions } from "./loss-options.ts";
export { type ClassLossOptions, CrossEntropyLoss, type CrossEntropyOptions, NLLLoss } from "./losses.ts";
export { type AnyModule, type ForwardHook, type LoadResult, Module } from "./module.ts";
export {
  Buffer,
  CounterBuffer,
  type Layout,
  Parameter,
  type StateEntry,
  withParameterBudget,
} from "./parameter.ts";
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AvgPool1d,
  AvgPool2d,
  type AvgPoolOptions,
  MaxPool1d,
  MaxPool2d,
  type PoolOptions,
} from "./pooling.ts";
export { PReLU, type PReLUOptions } from "./prelu.ts";
export type { Shape, Size2d } from "./shapes.ts";
export { Softmax } from "./softmax.ts";
export { StochasticDepth, type StochasticDepthOptions } from "./stochastic-depth.ts";
export { type MemoryOptions, ModelSummary, type SummaryOptions, type SummaryRow, summary } from "./summary.ts";
export { updateBn } from "./update-bn.ts";
export { Upsample, type UpsampleOptions } from "./upsample.ts";
export { ZeroPad2d, type ZeroPadding } from "./zero-pad.ts";
export { init };
