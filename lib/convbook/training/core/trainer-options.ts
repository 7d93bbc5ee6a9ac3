/** The Trainer's options and what they may be. */
import { isNumber } from "../../arguments/check.ts";
import {
  ConfigurationError,
  refuseUnknownOptions,
  requireOption,
  requireSwitches,
  UnknownOptionError,
} from "../errors.ts";
import { type BatchLimit, countBatches } from "../loaders.ts";
import { KernelProfiler, Profiler } from "../profilers/index.ts";
import type { Callback } from "./callback.ts";
import type { Logger } from "./logger.ts";
import { type Precision, type PrecisionName, resolvePrecision } from "./precision.ts";
import { removedOption } from "./removed-names.ts";
import type { StrategyOptions } from "./strategy-options.ts";

/** Options of the Trainer, with PyTorch Lightning's names and defaults. */
export interface TrainerOptions extends StrategyOptions {
  /** Epochs at most; default 1000 unless `maxSteps` is given; -1 for no limit. */
  maxEpochs?: number;
  /** Epochs at least, even when a callback wants to stop; default 0, and 1 where `minSteps` is given. */
  minEpochs?: number;
  /** Optimizer steps at most; default -1, no limit. */
  maxSteps?: number;
  /** Optimizer steps at least, even when a callback wants to stop. */
  minSteps?: number;
  /** Time at most: seconds, or `{ days, hours, minutes, seconds }`. */
  maxTime?: number | { days?: number; hours?: number; minutes?: number; seconds?: number };
  /** Validate after every so many epochs; default 1. `null`: `valCheckInterval` counts batches over all epochs. */
  checkValEveryNEpoch?: number | null;
  /** Validate within an epoch: after every so many batches, or after every such share (below 1) of the epoch, of at least a batch; default once at its end. */
  valCheckInterval?: BatchLimit;
  /** Validation batches to run before training, as a check; default 2, -1 for all, 0 for none. */
  numSanityValSteps?: number;
  /** Use only so many training batches an epoch: a whole number, a share below 1, or a percentage as `"10%"`. */
  limitTrainBatches?: BatchLimit;
  limitValBatches?: BatchLimit;
  limitTestBatches?: BatchLimit;
  limitPredictBatches?: BatchLimit;
  /**
   * Train on the same few batches again and again, to see whether the model can learn at all, and validate on as many of validation's; a
   * number, share or percentage as for the limits; default 0, off.
   */
  overfitBatches?: BatchLimit;
  /** Run one batch (or so many) of everything, without checkpoints and loggers, to find bugs; default false. */
  fastDevRun?: boolean | number;
  /** Log training metrics every so many optimizer steps; default 50. */
  logEveryNSteps?: number;
  /** Limit on the gradients; default none. */
  gradientClipValue?: number;
  /** What the limit is on: the `norm` of all together (default) or the `value` of each element. */
  gradientClipAlgorithm?: "norm" | "value";
  /** Batches whose gradients are averaged for one optimizer step; default 1. */
  accumulateGradBatches?: number;
  /** Stop with an error when the loss, a gradient or a parameter is NaN or infinite; default false. The loss alone is always checked. */
  detectNonFinite?: boolean;
  /** Refuse backends whose sums depend on thread timing; ours do not. Default false. */
  deterministic?: boolean;
  /**
   * `"32-true"` (default), or `"bf16-mixed"`: on the native engine, on processors with AMX, validation, test and prediction multiply in bfloat16 and sum in
   * float32, while training stays float32; other processors go on in float32 and say so. Lightning's other names are refused.
   */
  precision?: PrecisionName;
  /**
   * Try the implementations that there are of each convolution and take the fastest: on the native engine oneDNN beside its own, where it is installed. Holds for the
   * program from this run on, false takes it back; default: as it is.
   */
  benchmark?: boolean;
  callbacks?: readonly Callback[] | Callback;
  /** One logger, several, or none with `false`; default: metrics as CSV and TensorBoard files below `defaultRootDir`. */
  logger?: Logger | readonly Logger[] | boolean;
  /** Folder of logs and checkpoints; default: the working directory. */
  defaultRootDir?: string;
  /** Save a checkpoint each epoch, unless `callbacks` have a ModelCheckpoint; default true. */
  enableCheckpointing?: boolean;
  /** Show progress in the notebook or terminal; default true. */
  enableProgressBar?: boolean;
  /** Print the table of layers before fitting; default true. */
  enableModelSummary?: boolean;
  /**
   * Measure where the time goes, and show it when a run is over: hooks and steps with `"simple"` or `true`, also the kernels of each
   * stage's first batches with `"advanced"`, or a profiler of your own.
   */
  profiler?: boolean | "simple" | "advanced" | Profiler;
  /** Stops the run at the end of its batch when it aborts. */
  signal?: AbortSignal;
  /** React to SIGINT and SIGTERM while running: once stops at the batch's end, twice at once; default true. */
  handleSignals?: boolean;
}

/** Options after checking, with defaults. */
export interface ResolvedOptions {
  readonly maxEpochs: number;
  readonly minEpochs: number;
  readonly maxSteps: number;
  readonly minSteps: number;
  readonly maxSeconds: number | undefined;
  readonly checkValEveryNEpoch: number | null;
  readonly valCheckInterval: BatchLimit | undefined;
  readonly numSanityValSteps: number;
  readonly limitTrainBatches: BatchLimit | undefined;
  readonly limitValBatches: BatchLimit | undefined;
  readonly limitTestBatches: BatchLimit | undefined;
  readonly limitPredictBatches: BatchLimit | undefined;
  readonly overfitBatches: BatchLimit;
  readonly fastDevRun: number;
  readonly logEveryNSteps: number;
  readonly gradientClipValue: number | undefined;
  readonly gradientClipAlgorithm: "norm" | "value";
  readonly detectNonFinite: boolean;
  readonly deterministic: boolean;
  readonly precision: Precision;
  readonly benchmark: boolean | undefined;
  readonly defaultRootDir: string;
  readonly enableCheckpointing: boolean;
  readonly enableProgressBar: boolean;
  readonly enableModelSummary: boolean;
  readonly profiler: Profiler | undefined;
  readonly signal: AbortSignal | undefined;
  readonly handleSignals: boolean;
  readonly syncBatchnorm: boolean;
}

/** The names of all options; the type makes sure that none is missing. */
const names: Readonly<Record<keyof TrainerOptions, true>> = {
  maxEpochs: true,
  minEpochs: true,
  maxSteps: true,
  minSteps: true,
  maxTime: true,
  checkValEveryNEpoch: true,
  valCheckInterval: true,
  numSanityValSteps: true,
  limitTrainBatches: true,
  limitValBatches: true,
  limitTestBatches: true,
  limitPredictBatches: true,
  overfitBatches: true,
  fastDevRun: true,
  logEveryNSteps: true,
  gradientClipValue: true,
  gradientClipAlgorithm: true,
  accumulateGradBatches: true,
  detectNonFinite: true,
  deterministic: true,
  precision: true,
  benchmark: true,
  callbacks: true,
  logger: true,
  defaultRootDir: true,
  enableCheckpointing: true,
  enableProgressBar: true,
  enableModelSummary: true,
  profiler: true,
  signal: true,
  handleSignals: true,
  strategy: true,
  devices: true,
  numNodes: true,
  accelerator: true,
  useDistributedSampler: true,
  syncBatchnorm: true,
};

/** All option names of the Trainer. */
export const trainerOptionNames = Object.keys(names) as readonly (keyof TrainerOptions)[];

/** Seconds of a duration. */
export function toSeconds(option: string, time: NonNullable<TrainerOptions["maxTime"]>): number {
  const isTime = typeof time === "number" || (typeof time === "object" && time !== null);
  requireOption(isTime, option, time, "a time above 0, in seconds or as { hours, minutes, seconds }");
  if (typeof time === "object") {
    refuseUnknownOptions(option, time, ["days", "hours", "minutes", "seconds"]);
  }
  const seconds =
    typeof time === "number"
      ? time
      : (time.days ?? 0) * 86_400 + (time.hours ?? 0) * 3_600 + (time.minutes ?? 0) * 60 + (time.seconds ?? 0);
  requireOption(
    Number.isFinite(seconds) && seconds > 0,
    option,
    time,
    "a time above 0, in seconds or as { hours, minutes, seconds }",
  );
  return seconds;
}

function requireCount(option: keyof TrainerOptions, value: number, least: number): number {
  requireOption(
    Number.isInteger(value) && value >= least,
    `Trainer.${option}`,
    value,
    `a whole number of at least ${least}`,
  );
  return value;
}

const switches = [
  "detectNonFinite",
  "deterministic",
  "benchmark",
  "enableCheckpointing",
  "enableProgressBar",
  "enableModelSummary",
  "handleSignals",
  "useDistributedSampler",
  "syncBatchnorm",
] as const satisfies readonly (keyof TrainerOptions)[];

const limits = [
  "limitTrainBatches",
  "limitValBatches",
  "limitTestBatches",
  "limitPredictBatches",
  "overfitBatches",
  "valCheckInterval",
] as const satisfies readonly (keyof TrainerOptions)[];

function resolveProfiler(given: NonNullable<TrainerOptions["profiler"]>): Profiler | undefined {
  if (given === false || given instanceof Profiler) {
    return given || undefined;
  }
  requireOption(
    [true, "simple", "advanced"].includes(given),
    "Trainer.profiler",
    given,
    'true, "simple", "advanced" or a Profiler',
  );
  return given === "advanced" ? new KernelProfiler() : new Profiler();
}

/** Options that PyTorch Lightning had or has, and what is to be written for them. */
function refuseRemoved(options: object): void {
  for (const name of Object.keys(options ?? {})) {
    const advice = trainerOptionNames.some((own) => own === name) ? undefined : removedOption(name);
    if (advice !== undefined) {
      throw new UnknownOptionError("Trainer", name, trainerOptionNames, advice);
    }
  }
}

/**
 * Checks options and fills in defaults.
 *
 * @throws UnknownOptionError with the nearest name, or ConfigurationError
 */
export function resolveOptions(options: TrainerOptions): ResolvedOptions {
  refuseRemoved(options);
  refuseUnknownOptions("Trainer", options, trainerOptionNames);
  requireSwitches("Trainer", options, switches);
  // How many batches they let through depends on the loaders; whether they are limits at all does not.
  for (const name of limits) {
    countBatches(`Trainer.${name}`, options[name], Number.MAX_SAFE_INTEGER);
  }
  const fast = options.fastDevRun === true ? 1 : options.fastDevRun === false ? 0 : (options.fastDevRun ?? 0);
  requireCount("fastDevRun", fast, 0);
  const { gradientClipAlgorithm = "norm", gradientClipValue } = options;
  requireOption(
    ["norm", "value"].includes(gradientClipAlgorithm),
    "Trainer.gradientClipAlgorithm",
    gradientClipAlgorithm,
    '"norm" or "value"',
  );
  requireOption(
    gradientClipValue === undefined || isNumber(gradientClipValue, 0),
    "Trainer.gradientClipValue",
    gradientClipValue,
    "a number of at least 0",
  );
  const { defaultRootDir } = options;
  const isFolder = defaultRootDir === undefined || (typeof defaultRootDir === "string" && defaultRootDir !== "");
  requireOption(isFolder, "Trainer.defaultRootDir", defaultRootDir, "the path of a folder");
  const { signal } = options;
  const isSignal = signal === undefined || typeof signal?.addEventListener === "function";
  requireOption(isSignal, "Trainer.signal", signal, "an AbortSignal");
  const maxSteps = requireCount("maxSteps", options.maxSteps ?? -1, -1);
  const unlimited = maxSteps !== -1 || options.maxTime !== undefined;
  const checkVal = options.checkValEveryNEpoch === undefined ? 1 : options.checkValEveryNEpoch;
  if (checkVal !== null) {
    requireCount("checkValEveryNEpoch", checkVal, 1);
  }
  if (checkVal === null && (options.valCheckInterval === undefined || !Number.isInteger(options.valCheckInterval))) {
    throw new ConfigurationError(
      "Trainer.valCheckInterval",
      options.valCheckInterval,
      "a whole number of batches when checkValEveryNEpoch is null",
    );
  }
  const limit = (given: BatchLimit | undefined) => (fast > 0 ? fast : given);
  const { overfitBatches = 0 } = options;
  const fitLimit = (given: BatchLimit | undefined) => limit(overfitBatches === 0 ? given : overfitBatches);
  return {
    maxEpochs: fast > 0 ? 1 : requireCount("maxEpochs", options.maxEpochs ?? (unlimited ? -1 : 1000), -1),
    // Who asks for steps does not mean to stop within the first epoch, says Lightning.
    minEpochs: requireCount("minEpochs", options.minEpochs ?? (options.minSteps === undefined ? 0 : 1), 0),
    maxSteps: fast > 0 ? fast : maxSteps,
    minSteps: requireCount("minSteps", options.minSteps ?? 0, 0),
    maxSeconds: options.maxTime === undefined ? undefined : toSeconds("Trainer.maxTime", options.maxTime),
    checkValEveryNEpoch: fast > 0 ? 1 : checkVal,
    valCheckInterval: fast > 0 || options.valCheckInterval === "100%" ? undefined : options.valCheckInterval,
    numSanityValSteps: fast > 0 ? 0 : requireCount("numSanityValSteps", options.numSanityValSteps ?? 2, -1),
    limitTrainBatches: fitLimit(options.limitTrainBatches),
    limitValBatches: fitLimit(options.limitValBatches),
    limitTestBatches: limit(options.limitTestBatches),
    limitPredictBatches: limit(options.limitPredictBatches),
    overfitBatches,
    fastDevRun: fast,
    logEveryNSteps: requireCount("logEveryNSteps", options.logEveryNSteps ?? 50, 0),
    gradientClipValue,
    gradientClipAlgorithm,
    detectNonFinite: options.detectNonFinite ?? false,
    deterministic: options.deterministic ?? false,
    precision: resolvePrecision(options.precision === undefined ? "32-true" : options.precision),
    benchmark: options.benchmark ?? (options.deterministic ? false : undefined),
    defaultRootDir: options.defaultRootDir ?? process.cwd(),
    enableCheckpointing: fast > 0 ? false : (options.enableCheckpointing ?? true),
    enableProgressBar: options.enableProgressBar ?? true,
    enableModelSummary: options.enableModelSummary ?? true,
    profiler: resolveProfiler(options.profiler ?? false),
    signal: options.signal,
    handleSignals: options.handleSignals ?? true,
    syncBatchnorm: options.syncBatchnorm ?? false,
  };
}
