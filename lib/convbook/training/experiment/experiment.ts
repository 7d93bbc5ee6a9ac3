/** From a configuration to data, module and Trainer. */
import { join, resolve } from "node:path";
import { mpi } from "@convbook/mpi";
import * as tf from "@tensorflow/tfjs-core";
import { checkList, checkText } from "../../arguments/check.ts";
import { found } from "../../arguments/found.ts";
import { checkObject } from "../../arguments/options.ts";
import {
  type ArrayDataset,
  channelStatistics,
  cifar10,
  cifar100,
  DataLoader,
  fashionMnist,
  type LabelledBatch,
  mnist,
  randomSplit,
  transforms,
} from "../../data/index.ts";
import { Generator, manualSeed } from "../../random/index.ts";
import { DeviceStatsMonitor, type DeviceStatsMonitorOptions } from "../callbacks/device-stats-monitor.ts";
import { EarlyStopping, type EarlyStoppingOptions } from "../callbacks/early-stopping.ts";
import { LearningRateMonitor } from "../callbacks/learning-rate-monitor.ts";
import { ModelCheckpoint } from "../callbacks/model-checkpoint.ts";
import { EMAWeightAveraging, type EMAWeightAveragingOptions } from "../callbacks/weight-averaging.ts";
import { ClassificationModule } from "../classification-module.ts";
import type { HyperParameters } from "../core/json.ts";
import type { Logger } from "../core/logger.ts";
import type { TrainerOptions } from "../core/trainer-options.ts";
import type { Loader } from "../loaders.ts";
import { CSVLogger, TensorBoardLogger } from "../loggers/index.ts";
import { PatternModule, patternModelName } from "../pattern-module.ts";
import { Trainer } from "../trainer.ts";
import { ConfigKeeper } from "./checkpoint-config.ts";
import { requireConfig } from "./config.ts";
import { type DatasetName, type ExperimentConfig, ownValidationNames } from "./experiment-config.ts";
import { loadFolders } from "./folders.ts";
import { PatternLog } from "./pattern-log.ts";
import { loadPatternFiles } from "./patterns.ts";
import { loadPets } from "./pets.ts";
import { mixing, pipelines } from "./pipelines.ts";
import { ConfigError } from "./settings.ts";

/** Images of one data set, normalised by the training images' statistics, or patterns as they are. */
export interface ExperimentData {
  readonly train: Loader<LabelledBatch>;
  /** Held-out training images; undefined when none are held out. */
  readonly val: Loader<LabelledBatch> | undefined;
  readonly test: Loader<LabelledBatch>;
  /** What predicting needs to know: saved with the model. */
  readonly description: HyperParameters;
}

type FolderName = "imageFolder" | "imagenet" | "imagenette";
type FetchedName = Exclude<DatasetName, FolderName | "oxfordIIITPet" | "diffraction">;

const loaders: Readonly<Record<FetchedName, (options: { train: boolean; transform: null }) => Promise<ArrayDataset>>> =
  {
    cifar10,
    cifar100,
    mnist,
    fashionMnist,
  };

/** Whether a data set's images are files in folders of classes, of many sizes. */
function inClassFolders(name: DatasetName): name is FolderName {
  return name === "imageFolder" || name === "imagenet" || name === "imagenette";
}

/** Loads the data of an experiment. Nothing random is drawn from the default generator. */
export async function loadData(config: ExperimentConfig, file = "config"): Promise<ExperimentData> {
  requireConfig("loadData", config);
  checkText("loadData", "file", file);
  const { data } = config;
  if (inClassFolders(data.name)) {
    return loadFolders(data, file);
  }
  if (data.name === "oxfordIIITPet") {
    return loadPets(data, file);
  }
  if (data.name === "diffraction") {
    return loadPatternFiles(config, file);
  }
  const load = loaders[data.name];
  const raw = await load({ train: true, transform: null });
  const { mean, std } = data.mean && data.std ? { mean: data.mean, std: data.std } : channelStatistics(raw);
  const toTensor = [new transforms.ToTensor(), new transforms.Normalize(mean, std)];
  const { training, evaluation: plain } = pipelines(data, toTensor, file);
  const augmented = raw.withTransform(training);
  if (data.validation >= raw.length) {
    throw new ConfigError(
      file,
      "data.validation",
      `must be below the ${raw.length} training images, got ${data.validation}.`,
    );
  }
  const lengths = [raw.length - data.validation, data.validation];
  // The same seed splits both views of the images in the same way.
  const [train] = randomSplit(augmented, lengths, { generator: new Generator(data.splitSeed) });
  const [, val] = randomSplit(raw.withTransform(plain), lengths, { generator: new Generator(data.splitSeed) });
  const common = { batchSize: data.batchSize, numWorkers: data.numWorkers };
  const mix = mixing(data, raw.classes.length, file);
  const shape = raw.raw(0).shape;
  const test = (await load({ train: false, transform: null })).withTransform(plain);
  return {
    train: new DataLoader(found(train, "The training images"), {
      ...common,
      ...mix,
      shuffle: true,
      dropLast: data.dropLast,
    }),
    val: data.validation === 0 ? undefined : new DataLoader(found(val, "The images held out"), common),
    test: new DataLoader(test, common),
    description: {
      name: data.name,
      mean: [...mean],
      std: [...std],
      size: [...shape],
      classes: [...raw.classes],
      prepare: data.prepare as never,
    },
  };
}

/** The class of the modules that train a model of this name. */
function moduleClass(name: string): typeof ClassificationModule {
  return name === patternModelName ? PatternModule : ClassificationModule;
}

/** The module that a checkpoint of an experiment holds. @throws what loading it throws */
export async function loadModule(config: ExperimentConfig, checkpoint: string): Promise<ClassificationModule> {
  requireConfig("loadModule", config);
  checkText("loadModule", "checkpoint", checkpoint, "the path of a checkpoint");
  return moduleClass(config.model.name).loadFromCheckpoint(checkpoint);
}

/** Makes the module of an experiment; its initialisation follows from the default generator, which is seeded here. */
export function makeModule(config: ExperimentConfig, description: HyperParameters): ClassificationModule {
  requireConfig("makeModule", config);
  checkObject("makeModule", "description", description);
  manualSeed(config.seed);
  if (knowsShape(config)) {
    checkList("makeModule", "description.size", description.size, "the size of an image, as loadData says it");
  }
  const { name, hparams } = config.model;
  const { classes } = description;
  // A folder's classes are not known before it is read.
  const countName = name === patternModelName ? "outputDim" : "numClasses";
  const isOwn = ownValidationNames.includes(config.data.name) || config.data.name === "oxfordIIITPet";
  const fromFolder = isOwn && Array.isArray(classes) && hparams[countName] === undefined;
  const { name: optimizerName, ...optimizerHparams } = config.optimizer;
  const { name: schedulerName, interval, monitor, ...schedulerHparams } = config.scheduler ?? { name: null };
  const Kind = moduleClass(name);
  const module = new Kind({
    modelName: name,
    modelHparams: fromFolder ? { ...hparams, [countName]: classes.length } : hparams,
    optimizerName,
    optimizerHparams,
    schedulerName: schedulerName ?? null,
    schedulerHparams: schedulerHparams as HyperParameters,
    schedulerInterval: interval === "step" ? "step" : "epoch",
    ...(monitor !== undefined && { schedulerMonitor: monitor }),
    labelSmoothing: config.labelSmoothing,
    ...(config.data.name === "diffraction" && { topK: 3 }),
    data: description,
  } as never);
  // For the shapes in the summary and the graph in TensorBoard.
  if (knowsShape(config)) {
    module.exampleInput = tf.zeros([1, ...(description.size as number[])]);
  }
  return module;
}

/** Whether the network sees images of the data set's own size; those of a folder have many. */
function knowsShape({ data }: ExperimentConfig): boolean {
  return !inClassFolders(data.name) && data.name !== "oxfordIIITPet" && data.prepare.length === 0;
}

/** The folder of an experiment's run: `output`, in it the tag's, in that the experiment's. */
export function runFolder(config: ExperimentConfig): string {
  requireConfig("runFolder", config);
  const { output, tag, experiment } = config;
  return resolve(output, ...[tag, experiment].filter((name) => name !== undefined));
}

/** The folder of an experiment's checkpoints. */
export function checkpointFolder(config: ExperimentConfig): string {
  requireConfig("checkpointFolder", config);
  return join(runFolder(config), "checkpoints");
}

/** Whether an experiment has images to validate on. */
export function hasValidation(config: ExperimentConfig): boolean {
  return config.data.validation > 0 || ownValidationNames.includes(config.data.name);
}

/** What saves an experiment's checkpoints: the best by validation, and the last. */
export function makeCheckpoint(config: ExperimentConfig): ModelCheckpoint {
  const monitor = hasValidation(config) ? { monitor: "val_acc", mode: "max" as const } : {};
  return new ModelCheckpoint({ ...monitor, saveLast: true, ...config.checkpoint, dirPath: checkpointFolder(config) });
}

/** What stops an experiment early, where something is to. */
export function makeEarlyStopping({ earlyStopping }: ExperimentConfig): readonly EarlyStopping[] {
  if (earlyStopping === undefined) {
    return [];
  }
  return [new EarlyStopping({ monitor: "val_loss", ...earlyStopping } as EarlyStoppingOptions)];
}

/** What averages the weights, where they are to be averaged. */
export function makeAveraging({ ema }: ExperimentConfig): readonly EMAWeightAveraging[] {
  return ema === undefined ? [] : [new EMAWeightAveraging(ema as EMAWeightAveragingOptions)];
}

/** What looks at the machine, where something is to. */
export function makeDeviceStats({ deviceStats }: ExperimentConfig): readonly DeviceStatsMonitor[] {
  return deviceStats === undefined ? [] : [new DeviceStatsMonitor(deviceStats as DeviceStatsMonitorOptions)];
}

/** Whether a run is to find bugs only, and leaves nothing behind. */
export function isFast(config: ExperimentConfig): boolean {
  requireConfig("isFast", config);
  return Boolean(config.trainer.fastDevRun);
}

/** The loggers of an experiment; none for a fast run, since each makes its folder, and of several processes rank 0's alone. */
function makeLoggers(config: ExperimentConfig, rootDir: string): readonly Logger[] | false {
  if (isFast(config) || (mpi.launcher?.rank ?? 0) > 0) {
    return false;
  }
  const where = { rootDir, name: "logs" };
  const tensorboard = new TensorBoardLogger({ ...where, logGraph: knowsShape(config) });
  return [tensorboard, new CSVLogger({ ...where, version: tensorboard.version })];
}

/** Makes the Trainer of an experiment. Its files lie in the folder of the run. */
export function makeTrainer(config: ExperimentConfig, options: TrainerOptions = {}): Trainer {
  requireConfig("makeTrainer", config);
  checkObject("makeTrainer", "options", options);
  const rootDir = runFolder(config);
  return new Trainer({
    ...(config.trainer as TrainerOptions),
    callbacks: [
      makeCheckpoint(config),
      new ConfigKeeper(config),
      ...makeAveraging(config),
      ...makeDeviceStats(config),
      new LearningRateMonitor(),
      ...makeEarlyStopping(config),
      ...(config.data.name === "diffraction" ? [new PatternLog(rootDir, epochsOf(config))] : []),
    ],
    logger: makeLoggers(config, rootDir),
    defaultRootDir: rootDir,
    ...options,
  });
}

function epochsOf({ trainer }: ExperimentConfig): number | undefined {
  return typeof trainer.maxEpochs === "number" && trainer.maxEpochs > 0 ? trainer.maxEpochs : undefined;
}

/** The path of the configuration's copy in the folder of a run. */
export function copiedConfig(config: ExperimentConfig): string {
  requireConfig("copiedConfig", config);
  return join(runFolder(config), "config.yaml");
}
