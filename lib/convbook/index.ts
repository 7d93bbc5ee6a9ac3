/**
 * Convbook: typed building blocks of convolutional networks, real PyTorch checkpoints, data, figures.
 *
 * Each group of names is a folder of its own; what a notebook needs every day stands at the top level, the rest in namespaces
 * (`nn`, `random`).
 */
export { type BackendInfo, selectBackend } from "./backend/index.ts";
export { CheckpointError, loadFromCheckpoint, loadTorch } from "./checkpoints/index.ts";
export {
  ArrayDataset,
  ConcatDataset,
  channelStatistics,
  cifar10,
  DataError,
  DataLoader,
  type Dataset,
  randomSplit,
  Subset,
} from "./data/index.ts";
export * as transforms from "./data/transforms/index.ts";
export {
  bars,
  clearOutput,
  confusionMatrixFigure,
  curves,
  display,
  heatmap,
  histogram,
  imageGrid,
  liveFigure,
  plotly,
  progress,
  scatter,
  table,
  vegaLite,
} from "./display/index.ts";
export { DownloadError, download, loadManifest } from "./download/index.ts";
export { type Evaluation, evaluate } from "./evaluation/index.ts";
export * as interpret from "./interpret/index.ts";
export * as metrics from "./metrics/index.ts";
export { createModel, DenseNet, GoogleNet, modelNames, ResNet } from "./models/index.ts";
export * as nn from "./nn/index.ts";
export { Generator, manualSeed, randperm } from "./random/index.ts";
export type { StateDict, TensorData } from "./tensor-data.ts";
export { readEvents, SummaryWriter, scalars, tensorBoardFigure } from "./tensorboard/index.ts";
export * as tutorial5 from "./tutorials/tutorial5/index.ts";
