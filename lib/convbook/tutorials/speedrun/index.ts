/**
 * CIFAR-10 to 94 % in minutes, on a processor: network, recipe, training, and what was measured.
 *
 * @module
 */
export { type Ablation, ablationsOf, shortened } from "./ablations.ts";
export { SpeedrunNet, type SpeedrunNetOptions } from "./network.ts";
export { type Recipe, recipe, type Stage, trainingOperations } from "./recipe.ts";
export { addResult, type Measured, type Results, readResults, type Summary, summarize } from "./results.ts";
export { type EpochReport, type SpeedrunOptions, type SpeedrunResult, train } from "./train.ts";
