/** The file that `convbook train` reads: everything that can be changed, checked before anything is touched. */
import { readFile } from "node:fs/promises";
import { parseDocument } from "yaml";
import type { TransformSpec } from "../../data/transforms/transform.ts";
import { expandHome } from "../../files/index.ts";
import { modelNames } from "../../models/index.ts";
import { nearestNames } from "../../nn/errors.ts";
import { trainerOptionNames } from "../core/trainer-options.ts";
import type { HyperParameters } from "../core/training-module.ts";
import { optimizerNames } from "../optimizers/registry.ts";
import { schedulerNames } from "../schedulers/registry.ts";

/** The data sets that a configuration can name; `imageFolder` is a folder of one's own, laid out as ImageNet is. */
export const datasetNames = ["cifar10", "cifar100", "mnist", "fashionMnist", "imageFolder"] as const;
export type DatasetName = (typeof datasetNames)[number];

/** An experiment: what to train, on what, how. */
export interface ExperimentConfig {
  /** Seed of initialisation, shuffling and augmentation; default 42. */
  readonly seed: number;
  /** The folder of the run: logs, checkpoints, a copy of the configuration. A `~` at its beginning is the home folder. */
  readonly output: string;
  readonly model: { readonly name: string; readonly hparams: HyperParameters };
  readonly data: {
    readonly name: DatasetName;
    /** Of `imageFolder`: the folder with `train/CLASS/…` and `val/CLASS/…`, seen from the working directory. */
    readonly folder: string | undefined;
    /** Means and deviations of the channels, of 255; of the training images where they are left out, of `imageFolder` ImageNet's. */
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
    /** MixUp or CutMix over whole batches. */
    readonly mix: TransformSpec | undefined;
  };
  readonly optimizer: HyperParameters & { readonly name: string };
  readonly scheduler: (HyperParameters & { readonly name: string; readonly interval?: "epoch" | "step" }) | null;
  readonly labelSmoothing: number;
  /** Options of the Trainer. */
  readonly trainer: HyperParameters;
  /** Options of ModelCheckpoint. */
  readonly checkpoint: HyperParameters;
  /** Options of EarlyStopping, where there is to be any. */
  readonly earlyStopping: HyperParameters | undefined;
}

/** A configuration with a mistake; the message names the place. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** The file. */
  readonly file: string;
  /** The dotted path of the setting. */
  readonly path: string;

  constructor(file: string, path: string, message: string) {
    super(`${file}: ${path === "" ? "" : `${path} `}${message}`);
    this.file = file;
    this.path = path;
  }
}

type Plain = { [key: string]: unknown };

/**
 * Reads and checks a configuration.
 *
 * @param path a YAML (or JSON) file
 * @param changes settings to change, as `trainer.maxEpochs=10`; values are YAML
 * @throws ConfigError naming file, setting, value, what was expected and the nearest name
 */
export async function loadConfig(path: string, changes: readonly string[] = []): Promise<ExperimentConfig> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new ConfigError(path, "", `cannot be read: ${(error as Error).message}`);
  }
  return parseConfig(text, path, changes);
}

/** As {@link loadConfig}, from text. */
export function parseConfig(text: string, file = "config", changes: readonly string[] = []): ExperimentConfig {
  const document = parseDocument(text, { maxAliasCount: 100 } as never);
  const [problem] = document.errors;
  if (problem !== undefined) throw new ConfigError(file, "", `is not valid YAML: ${problem.message}`);
  const root: unknown = document.toJS() ?? {};
  if (!isPlain(root)) throw new ConfigError(file, "", "must hold settings by name");
  for (const change of changes) applyChange(root, change);
  return checkConfig(new Reader(root, file));
}

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function applyChange(root: Plain, change: string): void {
  const at = change.indexOf("=");
  if (at <= 0) throw new ConfigError("--set", change, "must be written as name.of.setting=value");
  const path = change.slice(0, at).split(".");
  if (path.some((part) => part === "" || ["__proto__", "constructor", "prototype"].includes(part))) {
    throw new ConfigError("--set", change, "does not name a setting");
  }
  const value: unknown = parseDocument(change.slice(at + 1)).toJS();
  let place = root;
  for (const part of path.slice(0, -1)) {
    if (!isPlain(place[part])) place[part] = {};
    place = place[part] as Plain;
  }
  place[path.at(-1) as string] = value;
}

/** Takes settings out of an object and complains about what nobody took. */
class Reader {
  private readonly values: Plain;
  readonly file: string;
  private readonly prefix: string;

  constructor(values: Plain, file: string, prefix = "") {
    this.values = values;
    this.file = file;
    this.prefix = prefix;
  }

  fail(key: string, message: string): never {
    throw new ConfigError(this.file, this.prefix + key, message);
  }

  /** Refuses names that are not among these. */
  only(known: readonly string[]): void {
    for (const key of Object.keys(this.values)) {
      if (known.includes(key)) continue;
      const [nearest] = nearestNames(key, known, 1);
      const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
      this.fail(key, `is not a setting.${hint} Settings: ${known.join(", ")}.`);
    }
  }

  has(key: string): boolean {
    return this.values[key] !== undefined;
  }

  section(key: string): Reader {
    const value = this.values[key] ?? {};
    if (!isPlain(value)) this.fail(key, `must hold settings by name, got ${JSON.stringify(value)}.`);
    return new Reader(value, this.file, `${this.prefix}${key}.`);
  }

  number(key: string, fallback: number, expected: string, fits: (value: number) => boolean): number {
    const value = this.values[key] ?? fallback;
    if (typeof value !== "number" || !fits(value))
      return this.fail(key, `must be ${expected}, got ${JSON.stringify(value)}.`);
    return value;
  }

  numbers(key: string): number[] | undefined {
    const value = this.values[key];
    if (value === undefined) return undefined;
    const fits = Array.isArray(value) && value.length > 0 && value.every((each) => Number.isFinite(each));
    if (!fits) return this.fail(key, `must be a list of numbers, got ${JSON.stringify(value)}.`);
    return value;
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.values[key] ?? fallback;
    if (typeof value !== "boolean") return this.fail(key, `must be true or false, got ${JSON.stringify(value)}.`);
    return value;
  }

  text(key: string, fallback: string): string {
    const value = this.values[key] ?? fallback;
    if (typeof value !== "string" || value === "") return this.fail(key, `must be text, got ${JSON.stringify(value)}.`);
    return value;
  }

  name<N extends string>(key: string, known: readonly N[], fallback: N): N {
    const value = this.text(key, fallback);
    if (known.includes(value as N)) return value as N;
    const [nearest] = nearestNames(value, known, 1);
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    return this.fail(key, `must be one of ${known.join(", ")}, got "${value}".${hint}`);
  }

  transforms(key: string): TransformSpec[] {
    const value = this.values[key] ?? [];
    if (!Array.isArray(value)) return this.fail(key, `must be a list of transforms, got ${JSON.stringify(value)}.`);
    return value.map((entry, i) => this.transform(`${key}[${i}]`, entry));
  }

  /** `RandomHorizontalFlip`, or `RandomCrop: [32, { padding: 4 }]`; in the copy of a configuration `{ name: RandomCrop, args: [32, { padding: 4 }] }`. */
  transform(key: string, entry: unknown): TransformSpec {
    if (typeof entry === "string") return { name: entry, args: [] };
    if (isPlain(entry) && typeof entry.name === "string" && Array.isArray(entry.args)) {
      return { name: entry.name, args: entry.args };
    }
    const [pair, ...more] = isPlain(entry) ? Object.entries(entry) : [];
    if (pair === undefined || more.length > 0) {
      return this.fail(key, `must be a transform's name, or its name with arguments, got ${JSON.stringify(entry)}.`);
    }
    return { name: pair[0], args: Array.isArray(pair[1]) ? pair[1] : [pair[1]] };
  }

  raw(key: string): unknown {
    return this.values[key];
  }

  /** Everything in here, as it is. */
  all(): HyperParameters {
    return this.values as HyperParameters;
  }
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

function checkConfig(root: Reader): ExperimentConfig {
  root.only([
    "seed",
    "output",
    "model",
    "data",
    "optimizer",
    "scheduler",
    "labelSmoothing",
    "trainer",
    "checkpoint",
    "earlyStopping",
  ]);
  const model = root.section("model");
  model.only(["name", "hparams"]);
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
  ]);
  const dataName = data.name("name", datasetNames, "cifar10");
  const ownFolder = dataName === "imageFolder";
  if (!ownFolder && data.has("folder"))
    data.fail("folder", `is a setting of imageFolder only; the data set is ${dataName}.`);
  if (ownFolder && !data.has("folder")) data.fail("folder", "must name the folder that holds train and val.");
  if (data.has("mean") !== data.has("std")) data.fail("mean", "and std must be given together.");
  const optimizer = root.section("optimizer");
  const trainer = root.section("trainer");
  trainer.only(trainerSettings);
  const checkpoint = root.section("checkpoint");
  checkpoint.only(checkpointSettings);
  const earlyStopping = root.section("earlyStopping");
  earlyStopping.only(earlyStoppingSettings);
  const scheduler = root.section("scheduler");
  const whole = "a whole number of at least";
  return {
    seed: root.number("seed", 42, `${whole} 0`, isWhole(0)),
    output: expandHome(root.text("output", "runs/default")),
    model: { name: model.name("name", modelNames, "ResNet"), hparams: model.section("hparams").all() },
    data: {
      name: dataName,
      folder: ownFolder ? expandHome(data.text("folder", "")) : undefined,
      mean: data.numbers("mean"),
      std: data.numbers("std"),
      batchSize: data.number("batchSize", 128, `${whole} 1`, isWhole(1)),
      validation: ownFolder
        ? data.number("validation", 0, "left out: the folder val holds the validation images", (value) => value === 0)
        : data.number("validation", 5000, `${whole} 0`, isWhole(0)),
      splitSeed: data.number("splitSeed", 42, `${whole} 0`, isWhole(0)),
      numWorkers: data.number("numWorkers", 1, `${whole} 0`, isWhole(0)),
      dropLast: data.boolean("dropLast", true),
      augment: data.transforms("augment"),
      augmentTensor: data.transforms("augmentTensor"),
      prepare: data.transforms("prepare"),
      mix: data.has("mix") ? data.transform("mix", data.raw("mix")) : undefined,
    },
    optimizer: { ...optimizer.all(), name: optimizer.name("name", optimizerNames, "SGD") },
    scheduler: root.raw("scheduler") === null || !root.has("scheduler") ? null : checkScheduler(scheduler),
    labelSmoothing: root.number("labelSmoothing", 0, "a number in [0, 1)", (value) => value >= 0 && value < 1),
    trainer: trainer.all(),
    checkpoint: checkpoint.all(),
    earlyStopping: root.has("earlyStopping") ? earlyStopping.all() : undefined,
  };
}

function checkScheduler(scheduler: Reader): NonNullable<ExperimentConfig["scheduler"]> {
  const interval = scheduler.name("interval", ["epoch", "step"], "epoch");
  return { ...scheduler.all(), name: scheduler.name("name", schedulerNames, "MultiStepLR"), interval };
}
