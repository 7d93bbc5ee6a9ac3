/** Stops training when a metric does not improve any more. As PyTorch Lightning's EarlyStopping. */
import { isNumber } from "../../arguments/check.ts";
import { Callback } from "../core/callback.ts";
import { rankZeroLog } from "../core/rank-zero.ts";
import { metricOfRoot } from "../core/root-metric.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import { MonitorError, refuseUnknownOptions, requireOption, requireSwitches } from "../errors.ts";

export interface EarlyStoppingOptions {
  /** The metric to watch, for example `val_loss`. */
  monitor: string;
  /** Smallest change that counts as an improvement; default 0. */
  minDelta?: number;
  /** Checks without improvement before stopping; default 3. */
  patience?: number;
  /** Whether smaller or larger is better; default `min`. */
  mode?: "min" | "max";
  /** Fail when the metric is missing, rather than wait for it; default true. */
  strict?: boolean;
  /** Stop when the metric is NaN or infinite; default true. */
  checkFinite?: boolean;
  /** Stop as soon as the metric is this good. */
  stoppingThreshold?: number;
  /** Stop as soon as the metric is worse than this. */
  divergenceThreshold?: number;
  /** Check at the end of the training epoch rather than after validation; default: unless validation comes at other times. */
  checkOnTrainEpochEnd?: boolean;
  /** Print improvements; default false. */
  verbose?: boolean;
}

const optionNames: readonly (keyof EarlyStoppingOptions)[] = [
  "monitor",
  "minDelta",
  "patience",
  "mode",
  "strict",
  "checkFinite",
  "stoppingThreshold",
  "divergenceThreshold",
  "checkOnTrainEpochEnd",
  "verbose",
];

export class EarlyStopping extends Callback {
  readonly options: EarlyStoppingOptions;
  /** Checks since the last improvement. */
  waitCount = 0;
  /** The epoch at which it stopped training; 0 until then. */
  stoppedEpoch = 0;
  bestScore: number;

  constructor(options: EarlyStoppingOptions) {
    super();
    refuseUnknownOptions("EarlyStopping", options, optionNames);
    requireSwitches("EarlyStopping", options, ["strict", "checkFinite", "checkOnTrainEpochEnd", "verbose"]);
    const { monitor, mode = "min", patience = 3, minDelta = 0 } = options;
    requireOption(Number.isFinite(minDelta), "EarlyStopping.minDelta", minDelta, "a number");
    for (const key of ["stoppingThreshold", "divergenceThreshold"] as const) {
      const value = options[key];
      requireOption(value === undefined || isNumber(value), `EarlyStopping.${key}`, value, "a number");
    }
    requireOption(
      typeof monitor === "string" && monitor !== "",
      "EarlyStopping.monitor",
      monitor,
      "the name of a metric",
    );
    requireOption(["min", "max"].includes(mode), "EarlyStopping.mode", mode, '"min" or "max"');
    requireOption(
      Number.isInteger(patience) && patience >= 0,
      "EarlyStopping.patience",
      patience,
      "a whole number of at least 0",
    );
    this.options = options;
    this.bestScore = mode === "min" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  override get runsLast(): boolean {
    return true;
  }

  override get monitors(): readonly string[] {
    return this.options.strict === false ? [] : [this.options.monitor];
  }

  override get stateKey(): string {
    return `EarlyStopping${JSON.stringify({ monitor: this.options.monitor, mode: this.options.mode ?? "min" })}`;
  }

  #checksOnTrainEpochEnd(trainer: TrainerContext): boolean {
    if (this.options.checkOnTrainEpochEnd !== undefined) {
      return this.options.checkOnTrainEpochEnd;
    }
    if (trainer.valLoaders.length === 0) {
      return true;
    }
    return trainer.options.checkValEveryNEpoch === 1 && trainer.options.valCheckInterval === undefined;
  }

  override async onTrainEpochEnd(trainer: TrainerContext): Promise<void> {
    if (this.#checksOnTrainEpochEnd(trainer)) {
      await this.#check(trainer);
    }
  }

  override async onValidationEnd(trainer: TrainerContext): Promise<void> {
    if (trainer.isFitting && !trainer.isSanityChecking && !this.#checksOnTrainEpochEnd(trainer)) {
      await this.#check(trainer);
    }
  }

  async #check(trainer: TrainerContext): Promise<void> {
    const { monitor, strict = true } = this.options;
    // A trial of a few batches, in which nothing is judged, and not all metrics need be there.
    if (trainer.options.fastDevRun > 0) {
      return;
    }
    const current = await metricOfRoot(trainer, monitor);
    if (current === undefined) {
      if (strict) {
        throw new MonitorError("EarlyStopping", monitor, Object.keys(trainer.callbackMetrics));
      }
      return;
    }
    const reason = this.#judge(current);
    if (reason === undefined) {
      return;
    }
    trainer.shouldStop = true;
    trainer.stopReason = `EarlyStopping: ${reason}`;
    this.stoppedEpoch = trainer.currentEpoch;
  }

  /** Why to stop, if so. */
  #judge(current: number): string | undefined {
    const { monitor, mode = "min", minDelta = 0, patience = 3, checkFinite = true } = this.options;
    const { stoppingThreshold, divergenceThreshold, verbose = false } = this.options;
    const isBetter = (a: number, b: number) => (mode === "min" ? a < b : a > b);
    if (checkFinite && !Number.isFinite(current)) {
      return `${monitor} is ${current}`;
    }
    if (stoppingThreshold !== undefined && isBetter(current, stoppingThreshold)) {
      return `${monitor} ${current} is better than ${stoppingThreshold}`;
    }
    if (divergenceThreshold !== undefined && isBetter(divergenceThreshold, current)) {
      return `${monitor} ${current} is worse than ${divergenceThreshold}`;
    }
    const delta = Math.abs(minDelta) * (mode === "min" ? -1 : 1);
    if (isBetter(current, this.bestScore + delta)) {
      if (verbose) {
        rankZeroLog(`${monitor} improved from ${this.bestScore} to ${current}.`);
      }
      this.bestScore = current;
      this.waitCount = 0;
      return undefined;
    }
    this.waitCount++;
    if (this.waitCount < patience) {
      return undefined;
    }
    return `${monitor} did not improve in the last ${this.waitCount} checks; its best was ${this.bestScore}`;
  }

  override stateDict(): Readonly<Record<string, unknown>> {
    const bestScore = Number.isFinite(this.bestScore) ? this.bestScore : null;
    return { waitCount: this.waitCount, stoppedEpoch: this.stoppedEpoch, bestScore };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    if (typeof state.waitCount === "number") {
      this.waitCount = state.waitCount;
    }
    if (typeof state.stoppedEpoch === "number") {
      this.stoppedEpoch = state.stoppedEpoch;
    }
    if (typeof state.bestScore === "number") {
      this.bestScore = state.bestScore;
    }
  }
}
