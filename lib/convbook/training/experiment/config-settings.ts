/** Every setting of a configuration: what it may be, and what it is where it is left out. */
import type { TransformSpec } from "../../data/transforms/transform.ts";
import { expandHome, unsafePathReason } from "../../files/index.ts";
import { modelNames } from "../../models/index.ts";
import { nearestNames } from "../../nn/errors.ts";
import { removedOption } from "../core/removed-names.ts";
import { trainerOptionNames } from "../core/trainer-options.ts";
import { optimizerNames } from "../optimizers/registry.ts";
import { patternModelName } from "../pattern-module.ts";
import { schedulerNames } from "../schedulers/registry.ts";
import {
  datasetNames,
  type ExperimentConfig,
  inFolders,
  ownFolderNames,
  ownValidationNames,
} from "./experiment-config.ts";
import type { Reader } from "./settings.ts";

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

/** Networks of the library that a configuration of images cannot train, and what does. */
const trainedOtherwise: Readonly<Record<string, string>> = {
  [patternModelName]: "is the network of powder patterns: data.name must be diffraction, with data.folder and tag.",
  ResNet1d: `is a part of ${patternModelName}, the network of powder patterns, which data.name: diffraction trains.`,
  Fots:
    "finds text, and convbook train trains classifiers. detection.FotsLoss trains it in a program of your own; " +
    "in the repository npx nbconvert-ts-runner notebooks/07-text-detection-fots.ipynb does.",
};

/** The network's name. A name that none has is answered with the nearest; one that is trained otherwise, with how. */
function modelName(model: Reader, isPatterns: boolean): string {
  const usual = isPatterns ? patternModelName : "ResNet";
  const given = model.text("name", usual);
  const names: readonly string[] = isPatterns ? [patternModelName, ...modelNames()] : modelNames();
  const advice = Object.hasOwn(trainedOtherwise, given) ? trainedOtherwise[given] : undefined;
  if (advice !== undefined && !names.includes(given)) {
    return model.fail("name", `${given} ${advice}`);
  }
  const further = Object.keys(trainedOtherwise).filter((name) => !names.includes(name));
  if (!names.includes(given)) {
    const [nearest] = nearestNames(given, [...names, ...further], 1);
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    return model.fail("name", `must be one of ${names.join(", ")}, got "${given}".${hint}${ownModels}`);
  }
  return given;
}

/**
 * Takes all settings of a configuration.
 *
 * @throws ConfigError naming the setting, its value and what was expected
 */
export function checkConfig(root: Reader): ExperimentConfig {
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
  const data = checkData(root);
  const isPatterns = data.name === "diffraction";
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
      name: modelName(model, isPatterns),
      hparams: model.section("hparams").all(),
      plugins: model.texts("plugins"),
    },
    data,
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

/** A fifth of the 3,680 images to train and validate on. */
const PETS_VALIDATION = 736;

function checkData(root: Reader): ExperimentConfig["data"] {
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
  const isPets = dataName === "oxfordIIITPet";
  if (!ownFolder && !isPets && data.has("folder")) {
    const names = [...inFolders, "oxfordIIITPet"].join(", ");
    data.fail("folder", `is a setting of ${names} only; the data set is ${dataName}.`);
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
  const whole = "a whole number of at least";
  return {
    name: dataName,
    folder: data.has("folder") ? expandHome(data.text("folder", "")) : undefined,
    mean: data.numbers("mean"),
    std: data.numbers("std"),
    batchSize: data.number("batchSize", 128, `${whole} 1`, isWhole(1)),
    validation: ownValidationNames.includes(dataName)
      ? data.number(
          "validation",
          0,
          isPatterns ? "left out: TAG_Validation.pt has them" : "left out: the folder val holds the validation images",
          (value) => value === 0,
        )
      : data.number("validation", isPets ? PETS_VALIDATION : 5000, `${whole} 0`, isWhole(0)),
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
