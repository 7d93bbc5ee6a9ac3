export { Callback } from "./callback.ts";
export { EarlyStopping, type EarlyStoppingOptions } from "./early-stopping.ts";
export { GradientAccumulationScheduler } from "./gradient-accumulation-scheduler.ts";
export { LearningRateMonitor, type LearningRateMonitorOptions } from "./learning-rate-monitor.ts";
export { ModelCheckpoint, type ModelCheckpointOptions } from "./model-checkpoint.ts";
export { ProgressBar, type ProgressBarOptions } from "./progress-bar.ts";
export { StochasticWeightAveraging, type StochasticWeightAveragingOptions } from "./stochastic-weight-averaging.ts";
export { Timer, type TimerOptions } from "./timer.ts";
