/**
 * Convbook: typed building blocks of convolutional networks, real PyTorch checkpoints, data, training, figures.
 *
 * Each group of names is a folder of its own. What a notebook needs every day stands at the top level; the rest is in namespaces that are
 * named after their folders (`nn`, `blocks`, `optim`, `callbacks`, …).
 */
export { NotDoneYet, todo } from "@convbook/classroom/todo";
export { type BackendInfo, selectBackend } from "./backend/index.ts";
export {
  CheckpointError,
  createModel,
  type FeaturesOnlyOptions,
  loadCheckpoint,
  loadFromCheckpoint,
  loadSafetensors,
  loadTorch,
  loadWeights,
  type PretrainedOptions,
  saveCheckpoint,
  saveSafetensors,
  saveTorch,
} from "./checkpoints/index.ts";
export {
  AlternatingFlip,
  ArrayDataset,
  ConcatDataset,
  channelStatistics,
  cifar10,
  cifar100,
  DataError,
  DataLoader,
  type Dataset,
  DistributedSampler,
  fashionMnist,
  ImageFolder,
  ImageNet,
  imagenette,
  mnist,
  OxfordIIITPet,
  oxfordIIITPet,
  prepareImageNet,
  randomSplit,
  SceneTextDataset,
  Subset,
} from "./data/index.ts";
export * as transforms from "./data/transforms/index.ts";
export * as detection from "./detection/index.ts";
export * as diffraction from "./diffraction/index.ts";
export {
  bars,
  clearOutput,
  confusionMatrixFigure,
  curves,
  display,
  encodePng,
  flowchart,
  heatmap,
  histogram,
  imageGrid,
  linkedCurves,
  liveFigure,
  plotly,
  progress,
  scatter,
  table,
  vegaLite,
} from "./display/index.ts";
export { DownloadError, download, loadManifest } from "./download/index.ts";
export { type Evaluation, evaluate, type ImageBatch, MultiCrop, type View, views } from "./evaluation/index.ts";
export * as interpret from "./interpret/index.ts";
export * as metrics from "./metrics/index.ts";
export {
  Cifar100ResNet,
  createModelFrom,
  DenseNet,
  defaultResnetConfig,
  type FeatureInfo,
  type FeatureList,
  Fots,
  GoogleNet,
  hparam,
  ImageNetResNet,
  listModels,
  MobileNetV2,
  type MobileNetV2Hparams,
  type ModelHparams,
  type ModelName,
  type ModelNamed,
  ModelOutput,
  modelNames,
  type RegisteredBlocks,
  type RegisteredModels,
  ResNet,
  ResNet1d,
  type ResNetHparams,
  ResnetClassifier,
  type ResnetConfig,
  registerBlock,
  registerModel,
  type SomeModel,
  StagedNetwork,
} from "./models/index.ts";
export * as blocks from "./nn/blocks/index.ts";
export * as nn from "./nn/index.ts";
export { Generator, manualSeed, randperm } from "./random/index.ts";
export type { StateDict, TensorData } from "./tensor-data.ts";
export { readEvents, SummaryWriter, scalars, tensorBoard, tensorBoardFigure } from "./tensorboard/index.ts";
export * as callbacks from "./training/callbacks/index.ts";
export * as experiment from "./training/experiment/index.ts";
export {
  CIFARModule,
  ClassificationModule,
  findLr,
  PatternModule,
  Trainer,
  TrainingModule,
  valueAndGrads,
} from "./training/index.ts";
export * as loggers from "./training/loggers/index.ts";
export * as optim from "./training/optimizers/index.ts";
export * as schedulers from "./training/schedulers/index.ts";
export * as speedrun from "./tutorials/speedrun/index.ts";
export * as tutorial5 from "./tutorials/tutorial5/index.ts";
