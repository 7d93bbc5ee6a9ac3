/** Exports that the table of calls leaves out. A new export belongs into the table, unless the first of these lists fits it. */

/** Made by the library itself, or bases that nobody makes: errors, results, abstract classes, a list that has no forward pass. */
const madeInside: readonly string[] = [
  "CheckpointError",
  "DataError",
  "detection.BoxError",
  "DownloadError",
  "interpret.MaximizedInputs",
  "interpret.Attribution",
  "interpret.ConfusedLogits",
  "interpret.InterpretError",
  "interpret.FeatureMaps",
  "interpret.FilterPlots",
  "interpret.LayerStatistics",
  "interpret.LossSurface",
  "metrics.MetricError",
  "metrics.Metric",
  "ModelOutput",
  "NotDoneYet",
  "nn.BatchNorm",
  "nn.BatchNorm#forward",
  "nn.InstanceNorm",
  "nn.InstanceNorm#forward",
  "nn.ModuleList#forward",
  "nn.OptionError",
  "nn.ShapeError",
  "nn.StateDictError",
  "nn.UnknownNameError",
  "nn.UnknownOptionError",
  "nn.UnregisteredModuleError",
  "nn.Module",
  "nn.ModelSummary",
  "callbacks.BaseFinetuning",
  "callbacks.Callback",
  "experiment.ConfigError",
  "StagedNetwork",
  "TrainingModule",
  "optim.Optimizer",
  "schedulers.LRScheduler",
];

/** All names that the table leaves out. */
export const notTried: readonly string[] = madeInside;
