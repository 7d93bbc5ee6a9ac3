export {
  BackboneFinetuning,
  type BackboneFinetuningOptions,
  BaseFinetuning,
  Callback,
  ConfusedLogit,
  type ConfusedLogitOptions,
  DeviceStatsMonitor,
  type DeviceStatsMonitorOptions,
  EarlyStopping,
  type EarlyStoppingOptions,
  EMAWeightAveraging,
  type EMAWeightAveragingOptions,
  FilterVisualizer,
  type FilterVisualizerOptions,
  GradientAccumulationScheduler,
  HistogramMonitor,
  type HistogramMonitorOptions,
  LearningRateMonitor,
  type LearningRateMonitorOptions,
  LivePlot,
  type LivePlotOptions,
  ModelCheckpoint,
  type ModelCheckpointOptions,
  ProgressBar,
  type ProgressBarOptions,
  StochasticWeightAveraging,
  type StochasticWeightAveragingOptions,
  Timer,
  type TimerOptions,
  type UnfreezeOptions,
  WeightAveraging,
  type WeightAveragingOptions,
} from "./callbacks/index.ts";
export {
  CIFARModule,
  type ClassificationBatch,
  type ClassificationHyperParameters,
  ClassificationModule,
} from "./classification-module.ts";
export type { Checkpoint, FitProgress, TrainingState } from "./core/checkpoint.ts";
export { Interruption } from "./core/interruption.ts";
export type { HyperParameters, Json } from "./core/json.ts";
export type { BackwardOptions, ManualOptimizer, ManualOptimizers } from "./core/manual-optimization.ts";
export type { OptimizerConfig, SchedulerConfig, StepOutput } from "./core/module-results.ts";
export type { Strategy } from "./core/strategy.ts";
export type { DataParallelOptions, StrategyOptions } from "./core/strategy-options.ts";
export type { Stage, TrainerContext } from "./core/trainer-context.ts";
export type { TrainerOptions } from "./core/trainer-options.ts";
export { type AnyTrainingModule, TrainingModule } from "./core/training-module.ts";
export {
  BatchError,
  ConfigurationError,
  LogFileError,
  MonitorError,
  NonFiniteError,
  ResumeError,
  SaveError,
  UnknownOptionError,
} from "./errors.ts";
export { clipGradNorm, clipGradValue, gradientNorm } from "./gradients/gradient-clipping.ts";
export { Recording, record, valueAndGrads } from "./gradients/gradients.ts";
export type { BatchLimit, Loader, Loaders } from "./loaders.ts";
export {
  CSVLogger,
  type FileLoggerOptions,
  type Logger,
  TensorBoardLogger,
  type TensorBoardLoggerOptions,
  WandbLogger,
  type WandbLoggerOptions,
} from "./loggers/index.ts";
export type { LogOptions, Metrics } from "./logging/results.ts";
export { findLr, type LrFinderOptions, LrFinderResult } from "./lr-finder.ts";
export { ModelSummary, summarize } from "./model-summary.ts";
export {
  Adam,
  type AdamOptions,
  AdamW,
  createOptimizer,
  type Gradients,
  Lookahead,
  type LookaheadOptions,
  Optimizer,
  type OptimizerName,
  type OptimizerState,
  optimizerNames,
  RMSprop,
  type RMSpropOptions,
  SGD,
  type SGDOptions,
} from "./optimizers/index.ts";
export { PatternModule } from "./pattern-module.ts";
export { KernelProfiler, type KernelRow, Profiler, type ProfilerRow } from "./profilers/index.ts";
export {
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  createScheduler,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  LinearWarmup,
  LRScheduler,
  MultiStepLR,
  OneCycleLR,
  type OneCycleOptions,
  type PlateauOptions,
  ReduceLROnPlateau,
  type Scheduler,
  type SchedulerName,
  SequentialLR,
  StepLR,
  schedulerNames,
} from "./schedulers/index.ts";
export { Trainer } from "./trainer.ts";
export type { FitResult, RunOptions } from "./trainer-results.ts";
