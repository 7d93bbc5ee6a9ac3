/** The file that `convbook train` reads: everything that can be changed, checked before anything is touched. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseDocument } from "yaml";
import { checkFunction, checkNames, checkText } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import type { DiffractionCategory } from "../../data/diffraction/index.ts";
import type { TransformSpec } from "../../data/transforms/transform.ts";
import { expandHome, messageOf, unsafePathReason } from "../../files/index.ts";
import { modelNames } from "../../models/index.ts";
import { removedOption } from "../core/removed-names.ts";
import { trainerOptionNames } from "../core/trainer-options.ts";
import type { HyperParameters } from "../core/training-module.ts";
import { optimizerNames } from "../optimizers/registry.ts";
import { patternModelName } from "../pattern-module.ts";
import { schedulerNames } from "../schedulers/registry.ts";
import { isOutside, loadPlugin } from "./plugins.ts";
import { ConfigError, isPlain, type Plain, Reader } from "./settings.ts";

export { ConfigError };

/** Data sets that lie in a folder of one's own, with their own validation images. */
const inFolders = ["imageFolder", "imagenet", "diffraction"] as const;

/**
 * The data sets that a configuration can name; `imageFolder` is a folder of one's own, laid out as ImageNet is, `imagenet` one with ImageNet's
 * archives or what they were unpacked to, `diffraction` a folder with the files that `diffraction.createTrainAndValidation` writes.
 */
export const datasetNames = ["cifar10", "cifar100", "mnist", "fashionMnist", "imagenette", ...inFolders] as const;
export type DatasetName = (typeof datasetNames)[number];

/** Names among {@link datasetNames} whose data lies in `data.folder`. */
export const ownFolderNames: readonly DatasetName[] = inFolders;

/** Names among {@link datasetNames} that have validation images of their own, and of which none are held out. */
export const ownValidationNames: readonly DatasetName[] = ["imagenette", ...inFolders];

/** An experiment: what to train, on what, how. */
export interface ExperimentConfig {
  /** Seed of initialisation, shuffling and augmentation; default 42. */
  readonly seed: number;
  /** The folder of the run: logs, checkpoints, a copy of the configuration. A `~` at its beginning is the home folder. */
  readonly output: string;
  /** Trainings that belong together: a folder in `output`, and of `diffraction` what the files' names begin with. */
  readonly tag: string | undefined;
  /** One of several trainings: a folder in the tag's, or in `output`. */
  readonly experiment: string | undefined;
  readonly model: {
    readonly name: string;
    readonly hparams: HyperParameters;
    /** Files that register models and blocks of one's own, as absolute paths once they are loaded. */
    readonly plugins: readonly string[];
  };
  readonly data: {
    readonly name: DatasetName;
    /**
     * Of `imageFolder`: the folder with `train/CLASS/…` and `val/CLASS/…`; of `imagenet`: with its archives, or with `train`, `val` and `meta.bin`
     * that are made of them; of `diffraction`: with `TAG_Train.pt`, `TAG_Validation.pt` and, where
     * there is one, `TAG_Test.pt`. Seen from the working directory.
     */
    readonly folder: string | undefined;
    /** Means and deviations of the channels, of 255; of the training images where they are left out, of `imageFolder` and `imagenet` ImageNet's. */
    readonly mean: readonly number[] | undefined;
    readonly std: readonly number[] | undefined;
    readonly batchSize: number;
    /** Training images held out for validation; 0 validates on nothing. A folder has its own and holds out none. */
    readonly validation: number;
    /** Seed of the split into training and validation images. */
    readonly splitSeed: number;
    /** Threads that prepare batches. */
    readonly numWorkers: number;
    readonly dropLast: boolean;
    /** Transforms of training images, before they become tensors and are normalised. */
    readonly augment: readonly TransformSpec[];
    /** Transforms of normalised training images, for example RandomErasing. */
    readonly augmentTensor: readonly TransformSpec[];
    /** Transforms of validation and test images, before they become tensors, for example Resize and CenterCrop. */
    readonly prepare: readonly TransformSpec[];
    /** MixUp or CutMix over whole batches, or a RandomMix of several; those that do not say `numClasses` get the data set's. */
    readonly mix: TransformSpec | undefined;
    /** Of `diffraction`: what is added to each pattern, as a part of its strongest peak; default 0. */
    readonly background?: number;
    /** Of `diffraction`: what the labels are. */
    readonly cat?: DiffractionCategory;
  };
  readonly optimizer: HyperParameters & { readonly name: string };
  readonly scheduler:
    | (HyperParameters & {
        readonly name: string;
        readonly interval?: "epoch" | "step";
        /** What ReduceLROnPlateau watches; default `val_loss`. */
        readonly monitor?: string;
      })
    | null;
  readonly labelSmoothing: number;
  /** Options of the Trainer. */
  readonly trainer: HyperParameters;
  /** Options of ModelCheckpoint. */
  readonly checkpoint: HyperParameters;
  /** Options of EarlyStopping, where there is to be any. */
  readonly earlyStopping: HyperParameters | undefined;
  /** Options of EMAWeightAveraging, where the weights are to be averaged. */
  readonly ema?: HyperParameters;
  /** Options of DeviceStatsMonitor, where it is to look. */
  readonly deviceStats?: HyperParameters;
}

/** Options of {@link loadConfig}. */
export interface LoadConfigOptions {
  /** Is told of each plugin outside of the configuration's folder; by default it is written to standard error. */
  readonly onMessage?: (message: string) => void;
}

/**
 * Reads and checks a configuration, and runs the files that it names as `model.plugins`, seen from its own folder. They are programs: look at a
 * stranger's before.
 *
 * @param path a YAML (or JSON) file
 * @param changes settings to change, as `trainer.maxEpochs=10`; values are YAML
 * @throws ConfigError naming file, setting, value, what was expected and the nearest name
 */
export async function loadConfig(
  path: string,
  changes: readonly string[] = [],
  options: LoadConfigOptions = {},
): Promise<ExperimentConfig> {
  checkText("loadConfig", "path", path, "the path of a YAML file");
  checkNames("loadConfig", "changes", changes);
  refuseUnknownOptions("loadConfig", options, ["onMessage"]);
  const { onMessage = console.error } = options;
  checkFunction("loadConfig", "onMessage", onMessage);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new ConfigError(path, "", `cannot be read: ${messageOf(error)}`);
  }
  const root = parseSettings(text, path, changes);
  const folder = dirname(resolve(path));
  const model = root.section("model");
  const plugins: string[] = [];
  for (const [i, name] of model.texts("plugins").entries()) {
    const file = await loadPlugin(name, folder).catch((error: Error) =>
      model.fail(`plugins[${i}]`, `is ${JSON.stringify(name)}, but ${error.message}.`),
    );
    if (isOutside(file, folder)) {
      onMessage(`${path}: the plugin ${file} lies outside of its folder; it was run.`);
    }
    plugins.push(file);
  }
  const config = checkConfig(root);
  return { ...config, model: { ...config.model, plugins } };
}

/** As {@link loadConfig}, from text; its plugins are listed, but not run. */
export function parseConfig(text: string, file = "config", changes: readonly string[] = []): ExperimentConfig {
  if (typeof text !== "string") {
    throw new OptionError("parseConfig", "text", text, "YAML in a string");
  }
  checkText("parseConfig", "file", file);
  checkNames("parseConfig", "changes", changes);
  return checkConfig(parseSettings(text, file, changes));
}

/**
 * Requires a whole configuration.
 *
 * @throws {OptionError} where it is none that {@link parseConfig} or {@link loadConfig} gave
 */
export function requireConfig(owner: string, config: ExperimentConfig): void {
  const isConfig =
    isPlain(config) && typeof config.output === "string" && isPlain(config.model) && isPlain(config.data);
  if (!isConfig) {
    throw new OptionError(owner, "config", config, "a configuration, as loadConfig and parseConfig give it");
  }
}

function parseSettings(text: string, file: string, changes: readonly string[]): Reader {
  const document = parseDocument(text, { maxAliasCount: 100 } as never);
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new ConfigError(file, "", `is not valid YAML: ${problem.message}`);
  }
  const root: unknown = document.toJS() ?? {};
  if (!isPlain(root)) {
    throw new ConfigError(file, "", "must hold settings by name");
  }
  for (const change of changes) {
    applyChange(root, change);
  }
  return new Reader(root, file);
}

function applyChange(root: Plain, change: string): void {
  const at = change.indexOf("=");
  if (at <= 0) {
    throw new ConfigError("--set", change, "must be written as name.of.setting=value");
  }
  const path = change.slice(0, at).split(".");
  if (path.some((part) => part === "" || ["__proto__", "constructor", "prototype"].includes(part))) {
    throw new ConfigError("--set", change, "does not name a setting");
  }
  const value: unknown = parseDocument(change.slice(at + 1)).toJS();
  let place = root;
  for (const part of path.slice(0, -1)) {
    const inner = place[part];
    const next = isPlain(inner) ? inner : {};
    place[part] = next;
    place = next;
  }
  place[path.at(-1) ?? ""] = value;
}

const isWhole = (least: number) => (value: number) => Number.isInteger(value) && value >= least;

/** Trainer options that a file can hold. */
const trainerSettings = trainerOptionNames.filter(
  (name) => !["callbacks", "logger", "signal", "defaultRootDir"].includes(name),
);
const checkpointSettings = [
  ...["filename", "monitor", "mode", "saveTopK", "saveLast", "everyNEpochs", "everyNTrainSteps", "trainTimeInterval"],
  ...["saveOnTrainEpochEnd", "format", "saveWeightsOnly"],
];
const earlyStoppingSettings = [
  "monitor",
  "mode",
  "patience",
  "minDelta",
  "stoppingThreshold",
  "divergenceThreshold",
  "checkFinite",
];

const emaSettings = ["decay", "updateEveryNSteps", "updateStartingAtStep", "updateStartingAtEpoch", "useBuffers"];

/** Settings of patterns alone, and those that only images have. */
const patternSettings = ["background", "cat"];
const imageSettings = ["mean", "std", "augment", "augmentTensor", "prepare", "mix"];

function checkPatternSettings(root: Reader, data: Reader, isPatterns: boolean): void {
  // A run's copy of its configuration has all settings, lists among them empty.
  const isSaid = (name: string) => data.has(name) && !(Array.isArray(data.raw(name)) && `${data.raw(name)}` === "");
  const foreign = (isPatterns ? imageSettings : patternSettings).find(isSaid);
  if (foreign !== undefined) {
    data.fail(
      foreign,
      isPatterns ? "is a setting of images; the data set is diffraction." : "is a setting of diffraction only.",
    );
  }
  if (isPatterns && !root.has("tag")) {
    root.fail("tag", "must say which files of data.folder: TAG_Train.pt and TAG_Validation.pt.");
  }
}

/** The name of a folder within `output`. */
function folderName(root: Reader, key: string): string | undefined {
  if (!root.has(key)) {
    return undefined;
  }
  const name = root.text(key, "");
  const reason = name.includes("/") ? "it has a slash" : unsafePathReason(name);
  return reason === null
    ? name
    : root.fail(key, `must be the name of a folder, got ${JSON.stringify(name)}: ${reason}.`);
}

/** What to do about the name of a model of one's own. */
const ownModels = " A model of your own is registered by a file that model.plugins names.";

function checkConfig(root: Reader): ExperimentConfig {
  root.only([
    "seed",
    "output",
    "tag",
    "experiment",
    "model",
    "data",
    "optimizer",
    "scheduler",
    "labelSmoothing",
    "trainer",
    "checkpoint",
    "earlyStopping",
    "ema",
    "deviceStats",
  ]);
  const model = root.section("model");
  model.only(["name", "hparams", "plugins"]);
  const data = root.section("data");
  data.only([
    "name",
    "folder",
    "mean",
    "std",
    "batchSize",
    "validation",
    "splitSeed",
    "numWorkers",
    "dropLast",
    "augment",
    "augmentTensor",
    "prepare",
    "mix",
    ...patternSettings,
  ]);
  const dataName = data.name("name", datasetNames, "cifar10");
  const isPatterns = dataName === "diffraction";
  const ownFolder = ownFolderNames.includes(dataName);
  if (!ownFolder && data.has("folder")) {
    data.fail("folder", `is a setting of ${inFolders.join(", ")} only; the data set is ${dataName}.`);
  }
  if (ownFolder && !data.has("folder")) {
    const holds = { imageFolder: "train and val", imagenet: "ImageNet's archives, or train, val and meta.bin" };
    const what = dataName in holds ? holds[dataName as keyof typeof holds] : "TAG_Train.pt and TAG_Validation.pt";
    data.fail("folder", `must name the folder that holds ${what}.`);
  }
  checkPatternSettings(root, data, isPatterns);
  if (data.has("mean") !== data.has("std")) {
    data.fail("mean", "and std must be given together.");
  }
  const optimizer = root.section("optimizer");
  const trainer = root.section("trainer");
  trainer.only(trainerSettings, removedOption);
  const checkpoint = root.section("checkpoint");
  checkpoint.only(checkpointSettings);
  const earlyStopping = root.section("earlyStopping");
  earlyStopping.only(earlyStoppingSettings);
  const ema = root.section("ema");
  ema.only(emaSettings);
  const deviceStats = root.section("deviceStats");
  deviceStats.only(["cpuStats", "filterKeys"]);
  const scheduler = root.section("scheduler");
  const whole = "a whole number of at least";
  return {
    seed: root.number("seed", 42, `${whole} 0`, isWhole(0)),
    output: expandHome(root.text("output", "runs/default")),
    tag: folderName(root, "tag"),
    experiment: folderName(root, "experiment"),
    model: {
      name: isPatterns
        ? model.name("name", [patternModelName, ...modelNames()], patternModelName, ownModels)
        : model.name("name", modelNames(), "ResNet", ownModels),
      hparams: model.section("hparams").all(),
      plugins: model.texts("plugins"),
    },
    data: {
      name: dataName,
      folder: ownFolder ? expandHome(data.text("folder", "")) : undefined,
      mean: data.numbers("mean"),
      std: data.numbers("std"),
      batchSize: data.number("batchSize", 128, `${whole} 1`, isWhole(1)),
      validation: ownValidationNames.includes(dataName)
        ? data.number(
            "validation",
            0,
            isPatterns
              ? "left out: TAG_Validation.pt has them"
              : "left out: the folder val holds the validation images",
            (value) => value === 0,
          )
        : data.number("validation", 5000, `${whole} 0`, isWhole(0)),
      splitSeed: data.number("splitSeed", 42, `${whole} 0`, isWhole(0)),
      numWorkers: data.number("numWorkers", 1, `${whole} 0`, isWhole(0)),
      dropLast: data.boolean("dropLast", true),
      augment: data.transforms("augment"),
      augmentTensor: data.transforms("augmentTensor"),
      prepare: data.transforms("prepare"),
      mix: data.has("mix") ? checkMix(data) : undefined,
      ...(isPatterns && {
        background: data.number("background", 0, "a number of at least 0", (value) => value >= 0),
        cat: data.name("cat", ["Bravais Lattice", "Space Group"], "Bravais Lattice"),
      }),
    },
    optimizer:
      isPatterns && !root.has("optimizer")
        ? { name: "Adam", lr: 0.5e-3, eps: 1e-5 }
        : { ...optimizer.all(), name: optimizer.name("name", optimizerNames, isPatterns ? "Adam" : "SGD") },
    scheduler: root.raw("scheduler") === null || !root.has("scheduler") ? null : checkScheduler(scheduler),
    labelSmoothing: root.number("labelSmoothing", 0, "a number in [0, 1)", (value) => value >= 0 && value < 1),
    trainer: trainer.all(),
    checkpoint: checkpoint.all(),
    earlyStopping: root.has("earlyStopping") ? earlyStopping.all() : undefined,
    ...(root.has("ema") && { ema: ema.all() }),
    ...(root.has("deviceStats") && { deviceStats: deviceStats.all() }),
  };
}

/** One mix, or a list of those to choose from for each batch. */
function checkMix(data: Reader): TransformSpec {
  const value = data.raw("mix");
  const each = (entries: readonly unknown[]) => entries.map((entry, i) => data.transform(`mix[${i}]`, entry));
  if (Array.isArray(value)) {
    return { name: "RandomMix", args: [each(value)] };
  }
  const { name, args } = data.transform("mix", value);
  const [first, ...rest] = args;
  return Array.isArray(first) ? { name, args: [each(first), ...rest] } : { name, args };
}

function checkScheduler(scheduler: Reader): NonNullable<ExperimentConfig["scheduler"]> {
  const interval = scheduler.name("interval", ["epoch", "step"], "epoch");
  const name = scheduler.name("name", schedulerNames, "MultiStepLR");
  if (scheduler.has("monitor") && name !== "ReduceLROnPlateau") {
    scheduler.fail("monitor", `is a setting of ReduceLROnPlateau only; the scheduler is ${name}.`);
  }
  return { ...scheduler.all(), name, interval };
}
