/** The options of ModelCheckpoint and what they may be. */
import { refuseUnknownOptions, requireOption, requireSwitches } from "../errors.ts";

export interface ModelCheckpointOptions {
  /** Where to save; default: `checkpoints` in the first logger's folder, else below the Trainer's `defaultRootDir`. */
  dirPath?: string;
  /**
   * Name pattern, for example `{epoch:02d}-{val_acc:.3f}`, which gives `epoch=02-val_acc=0.913`; default `{epoch}-{step}`. A metric that is not
   * logged counts as 0, as in Lightning, and is warned of.
   */
  filename?: string;
  /** The metric that says which is best; without it the newest is. */
  monitor?: string;
  /** Whether smaller or larger is better; default `min`. */
  mode?: "min" | "max";
  /** How many of the best to keep; -1 for all, 0 for none; default 1. */
  saveTopK?: number;
  /**
   * Also keep the newest state as `last`, a file of its own, or `last-v1` where another run has left one; default false. With `"link"`, as in Lightning, `last` is a symbolic link to the newest
   * of the checkpoints that are kept (a copy where the system has no links), which may be older: what was not among the best was not saved.
   */
  saveLast?: boolean | "link";
  /** Save weights without the state of training, from which fit cannot go on; default false. */
  saveWeightsOnly?: boolean;
  /** Every so many epochs; default 1 unless one of the next two is given. */
  everyNEpochs?: number;
  /** Every so many optimizer steps. */
  everyNTrainSteps?: number;
  /** Whenever so much time has passed: seconds, or `{ minutes: 10 }`. */
  trainTimeInterval?: number | { days?: number; hours?: number; minutes?: number; seconds?: number };
  /** Save at the end of the training epoch rather than after validation; default: unless validation comes at other times. */
  saveOnTrainEpochEnd?: boolean;
  /** Save `last` when somebody interrupts training; default true. */
  saveOnInterrupt?: boolean;
  /** Write `epoch=02` rather than `02` for `{epoch:02d}`; default true. */
  autoInsertMetricName?: boolean;
  /** Our own `safetensors` (default), or `ckpt`, which PyTorch and Lightning load. */
  format?: "safetensors" | "ckpt";
  /** Print each save; default false. */
  verbose?: boolean;
}

const optionNames: Readonly<Record<keyof ModelCheckpointOptions, true>> = {
  dirPath: true,
  filename: true,
  monitor: true,
  mode: true,
  saveTopK: true,
  saveLast: true,
  saveWeightsOnly: true,
  everyNEpochs: true,
  everyNTrainSteps: true,
  trainTimeInterval: true,
  saveOnTrainEpochEnd: true,
  saveOnInterrupt: true,
  autoInsertMetricName: true,
  format: true,
  verbose: true,
};

const switches = [
  ...(["saveWeightsOnly", "saveOnTrainEpochEnd", "saveOnInterrupt", "autoInsertMetricName", "verbose"] as const),
];

/** @throws UnknownOptionError with the nearest name, or ConfigurationError */
export function checkModelCheckpointOptions(options: ModelCheckpointOptions): void {
  const owner = "ModelCheckpoint";
  refuseUnknownOptions(owner, options, Object.keys(optionNames));
  const { monitor, filename, mode = "min", saveTopK = 1, saveLast, format = "safetensors" } = options;
  for (const key of ["dirPath", "filename", "monitor"] as const) {
    const value = options[key];
    const isText = typeof value === "string" && value !== "";
    requireOption(value === undefined || isText, `${owner}.${key}`, value, "a string");
  }
  // A zero byte ends a name for the system, a slash for people.
  const isName = filename === undefined || !(filename.includes("\0") || /[/\\]$/.test(filename));
  requireOption(isName, `${owner}.filename`, filename, "the name of a file");
  requireOption(["min", "max"].includes(mode), `${owner}.mode`, mode, '"min" or "max"');
  const isCount = Number.isInteger(saveTopK) && saveTopK >= -1;
  requireOption(isCount, `${owner}.saveTopK`, saveTopK, "a whole number of at least -1");
  requireOption(
    monitor !== undefined || [-1, 0, 1].includes(saveTopK),
    `${owner}.saveTopK`,
    saveTopK,
    "-1, 0 or 1 when no metric is monitored",
  );
  const isLast = saveLast === undefined || typeof saveLast === "boolean" || saveLast === "link";
  requireOption(isLast, `${owner}.saveLast`, saveLast, 'true, false or "link"');
  requireSwitches(owner, options, switches);
  for (const key of ["everyNEpochs", "everyNTrainSteps"] as const) {
    const value = options[key];
    const fits = value === undefined || (Number.isInteger(value) && value >= 0);
    requireOption(fits, `${owner}.${key}`, value, "a whole number of at least 0");
  }
  const { everyNEpochs, everyNTrainSteps, trainTimeInterval } = options;
  const triggers = [everyNEpochs, everyNTrainSteps, trainTimeInterval].filter(
    (value) => value !== undefined && value !== 0,
  );
  requireOption(
    triggers.length <= 1,
    owner,
    options,
    "given one of everyNEpochs, everyNTrainSteps and trainTimeInterval",
  );
  requireOption(["safetensors", "ckpt"].includes(format), `${owner}.format`, format, '"safetensors" or "ckpt"');
}
