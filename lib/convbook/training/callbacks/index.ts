/**
 * What a Trainer calls at its events: checkpoints, early stopping, live plots, averages of the weights.
 *
 * @module
 */
export { Callback } from "../core/callback.ts";
export { ConfusedLogit, type ConfusedLogitOptions } from "./confused-logit.ts";
export { DeviceStatsMonitor, type DeviceStatsMonitorOptions } from "./device-stats-monitor.ts";
export { EarlyStopping, type EarlyStoppingOptions } from "./early-stopping.ts";
export { FilterVisualizer, type FilterVisualizerOptions } from "./filter-visualizer.ts";
export {
  BackboneFinetuning,
  type BackboneFinetuningOptions,
  BaseFinetuning,
  type Modules,
  type UnfreezeOptions,
} from "./finetuning.ts";
export { GradientAccumulationScheduler } from "./gradient-accumulation-scheduler.ts";
export { HistogramMonitor, type HistogramMonitorOptions } from "./histogram-monitor.ts";
export { LearningRateMonitor, type LearningRateMonitorOptions } from "./learning-rate-monitor.ts";
export { LivePlot, type LivePlotOptions } from "./live-plot.ts";
export { ModelCheckpoint } from "./model-checkpoint.ts";
export type { ModelCheckpointOptions } from "./model-checkpoint-options.ts";
export { ProgressBar, type ProgressBarOptions } from "./progress-bar.ts";
export { StochasticWeightAveraging, type StochasticWeightAveragingOptions } from "./stochastic-weight-averaging.ts";
export { Timer, type TimerOptions } from "./timer.ts";
export {
  EMAWeightAveraging,
  type EMAWeightAveragingOptions,
  WeightAveraging,
  type WeightAveragingOptions,
} from "./weight-averaging.ts";
