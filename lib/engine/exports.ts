/** What the engine is in Node and in pages alike. Models in files, and the engine that starts by itself, are added in Node. */
export { ArgumentError } from "./arguments.ts";
export { type AveragePoolOptions, averagePool } from "./average-pool.ts";
export { isNested } from "./differentiation/tape.ts";
export type { Engine, EngineInfo } from "./engine-interface.ts";
export {
  type BatchNormTrainingOptions,
  batchNormTraining,
  type ConvolutionOptions,
  convolution,
  gelu,
  groupNorm,
  type MaxPoolOptions,
  maxPool,
  randomNormal,
  randomUniform,
  silu,
  softmaxCrossEntropy,
} from "./fused.ts";
export { type ValueAndGrads, valueAndGrads } from "./gradients.ts";
export {
  type ImplementationChoice,
  type ImplementationName,
  type ImplementationsInfo,
  implementationNames,
} from "./implementations.ts";
export { beforeInPlaceChange } from "./in-place.ts";
export { type ProgramUse, refusalOf } from "./kernels/program.ts";
export {
  type AdamOptions,
  adamStep,
  type RmspropOptions,
  rmspropStep,
  type SgdOptions,
  sgdStep,
} from "./optimizers.ts";
export { type Precision, precisions, UnsupportedPrecisionError } from "./precision.ts";
export { Profile, type ProfileRow } from "./profiler.ts";
export type {
  Program,
  ProgramBuffer,
  ProgramNorm,
  ProgramOperation,
  ProgramWindow,
} from "./program/description.ts";
export { type GradientListener, Recording, record } from "./recording.ts";
export type { Reproducibility } from "./reproducible.ts";
