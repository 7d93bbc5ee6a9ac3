/**
 * Trainings from configurations: read, checked, run, and their checkpoints used.
 *
 * @module
 */
export { checkExperiment } from "./check.ts";
export { configOfCheckpoint } from "./checkpoint-config.ts";
export { type LoadConfigOptions, loadConfig, parseConfig } from "./config.ts";
export {
  checkpointFolder,
  copiedConfig,
  type ExperimentData,
  isFast,
  loadData,
  loadModule,
  makeModule,
  makeTrainer,
  runFolder,
} from "./experiment.ts";
export { type DatasetName, datasetNames, type ExperimentConfig } from "./experiment-config.ts";
export { loadPlugin } from "./plugins.ts";
export { bestCheckpoint, type FilePrediction, predictImages } from "./predict.ts";
export { ConfigError } from "./settings.ts";
