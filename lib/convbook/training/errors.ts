/** Errors of training: typed, with fields, so that callers may handle them; each message names the thing, what was got and what was expected. */
import { describeValue } from "../arguments/describe.ts";
import { nearestNames } from "../arguments/names.ts";
import { codeOf, messageOf } from "../files/index.ts";

export { refuseUnknownOptions, UnknownOptionError, withDefaults } from "../arguments/options.ts";

/** An option of the Trainer, a callback, an optimizer or a scheduler with a value that it cannot have. */
export class ConfigurationError extends Error {
  override readonly name: string = "ConfigurationError";
  /** The option, for example `Trainer.maxEpochs`. */
  readonly option: string;
  /** Its value. */
  readonly got: unknown;

  /** @param advice a sentence on what to do, where that is not plain */
  constructor(option: string, got: unknown, expected: string, advice = "") {
    super(`${option} must be ${expected}, got ${describeValue(got)}.${advice === "" ? "" : ` ${advice}`}`);
    this.option = option;
    this.got = got;
  }
}

/** A metric that a callback or a scheduler watches, but that nobody logs. */
export class MonitorError extends Error {
  override readonly name = "MonitorError";
  /** The metric's name. */
  readonly monitor: string;
  /** The names that are logged. */
  readonly available: readonly string[];

  constructor(owner: string, monitor: string, available: Iterable<string>) {
    const names = [...available].sort();
    const [nearest] = nearestNames(monitor, names, 1);
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    const known = names.length === 0 ? "Nothing is logged." : `Logged: ${names.join(", ")}.`;
    super(`${owner} monitors "${monitor}", which is not logged.${hint} ${known}`);
    this.monitor = monitor;
    this.available = names;
  }
}

/** A loss, gradient or parameter that is NaN or infinite. */
export class NonFiniteError extends Error {
  override readonly name = "NonFiniteError";
  /** What was not finite, for example `the loss` or `the gradient of "model.input_net.0.weight"`. */
  readonly what: string;
  readonly epoch: number;
  readonly batchIndex: number;
  readonly globalStep: number;

  constructor(what: string, value: number, at: { epoch: number; batchIndex: number; globalStep: number }) {
    super(
      `${capitalize(what)} became ${value} in epoch ${at.epoch}, batch ${at.batchIndex} (step ${at.globalStep}). ` +
        "A lower learning rate, a warm-up or gradient clipping (gradientClipValue) may help.",
    );
    this.what = what;
    this.epoch = at.epoch;
    this.batchIndex = at.batchIndex;
    this.globalStep = at.globalStep;
  }
}

/** A step that failed on one batch: names the stage, the batch and its shapes; the original error is the `cause`. */
export class BatchError extends Error {
  override readonly name = "BatchError";
  /** For example `training`. */
  readonly stage: string;
  readonly batchIndex: number;
  /** The batch's shapes, for example `[128, 32, 32, 3] float32, [128] int32`. */
  readonly shapes: string;

  constructor(stage: string, batchIndex: number, shapes: string, cause: unknown) {
    super(
      `${stage} failed on batch ${batchIndex} (${shapes}): ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
    this.stage = stage;
    this.batchIndex = batchIndex;
    this.shapes = shapes;
  }
}

/** A checkpoint that training cannot go on from: of another model, another optimizer, or without the state of training. */
export class ResumeError extends Error {
  override readonly name = "ResumeError";
  readonly path: string;

  constructor(path: string, reason: string, cause?: unknown) {
    super(`Checkpoint ${path}: ${reason}`, cause === undefined ? undefined : { cause });
    this.path = path;
  }
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Throws a {@link ConfigurationError} unless `condition` holds. */
export function requireOption(
  condition: boolean,
  option: string,
  got: unknown,
  expected: string,
  advice?: string,
): asserts condition {
  if (!condition) {
    throw new ConfigurationError(option, got, expected, advice);
  }
}

/** Requires each of the named options to be true or false, or left out: `"false"` and 0 would mean something else than they say. */
export function requireSwitches<T extends object>(
  owner: string,
  options: T,
  names: readonly (keyof T & string)[],
): void {
  for (const name of names) {
    const value = options[name];
    requireOption(value === undefined || typeof value === "boolean", `${owner}.${name}`, value, "true or false");
  }
}

/** A checkpoint that could not be saved, for example since the disk is full. What was there before is still there, whole. */
export class SaveError extends Error {
  override readonly name = "SaveError";
  /** The checkpoint's path. */
  readonly path: string;
  /** The system's code, for example `ENOSPC` for a full disk. */
  readonly code: string;

  constructor(path: string, cause: unknown) {
    const { code, reason } = explain(cause);
    super(`The checkpoint ${path} could not be saved: ${reason} (${code}). Checkpoints saved before are whole.`, {
      cause,
    });
    this.path = path;
    this.code = code;
  }
}

/** A file of a logger that could not be written. */
export class LogFileError extends Error {
  override readonly name = "LogFileError";
  readonly path: string;
  /** The system's code, for example `ENOSPC` for a full disk. */
  readonly code: string;

  constructor(path: string, cause: unknown) {
    const { code, reason } = explain(cause);
    super(`The log ${path} could not be written: ${reason} (${code}).`, { cause });
    this.path = path;
    this.code = code;
  }
}

/** What the system's code means. */
function explain(cause: unknown): { code: string; reason: string } {
  const code = codeOf(cause) ?? "unknown";
  return { code, reason: reasons[code] ?? messageOf(cause) };
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of disk space is used up",
  EFBIG: "the file would be larger than it may be",
  EACCES: "the folder cannot be written to",
  ENOTDIR: "its folder lies in a file",
  EROFS: "the disk is read-only",
  ENOENT: "the folder was removed",
};
