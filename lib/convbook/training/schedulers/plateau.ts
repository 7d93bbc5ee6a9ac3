/** Lowers the rates when a metric stops improving, as `torch.optim.lr_scheduler.ReduceLROnPlateau`. */
import { isNumber } from "../../arguments/check.ts";
import { ConfigurationError, requireOption, withDefaults } from "../errors.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { expectNumber, expectNumbers, requireOptimizer, type Scheduler, type SchedulerState } from "./scheduler.ts";

export interface PlateauOptions {
  /** Whether smaller or larger values are better; default `min`. */
  mode?: "min" | "max";
  /** New rate = rate * factor; default 0.1. */
  factor?: number;
  /** Steps without improvement that are let pass; default 10. */
  patience?: number;
  /** What counts as an improvement; default 1e-4. */
  threshold?: number;
  /** Whether the threshold is a share of the best value or an absolute difference; default `rel`. */
  thresholdMode?: "rel" | "abs";
  /** Steps to wait after a reduction; default 0. */
  cooldown?: number;
  /** Lower bound of the rates, or of each group's; default 0. */
  minLr?: number | readonly number[];
  /** Smaller changes are left out; default 1e-8. */
  eps?: number;
}

export class ReduceLROnPlateau implements Scheduler {
  readonly optimizer: Pick<Optimizer, "paramGroups">;
  readonly options: Required<PlateauOptions>;
  best: number;
  #badSteps = 0;
  #cooldownLeft = 0;
  #lastLr: number[];

  constructor(optimizer: Pick<Optimizer, "paramGroups">, options: PlateauOptions = {}) {
    requireOptimizer("ReduceLROnPlateau", optimizer);
    this.optimizer = optimizer;
    this.options = withDefaults<Required<PlateauOptions>>("ReduceLROnPlateau", options, {
      mode: "min",
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: "rel",
      cooldown: 0,
      minLr: 0,
      eps: 1e-8,
    });
    const { mode, factor, thresholdMode } = this.options;
    requireOption(mode === "min" || mode === "max", "ReduceLROnPlateau.mode", mode, '"min" or "max"');
    requireOption(
      isNumber(factor, 0, 1) && factor > 0 && factor < 1,
      "ReduceLROnPlateau.factor",
      factor,
      "a number above 0 and below 1",
    );
    requireOption(
      ["rel", "abs"].includes(thresholdMode),
      "ReduceLROnPlateau.thresholdMode",
      thresholdMode,
      '"rel" or "abs"',
    );
    const { minLr } = this.options;
    const groups = optimizer.paramGroups.length;
    requireOption(
      Array.isArray(minLr) ? minLr.length === groups && minLr.every((lr) => isNumber(lr, 0)) : isNumber(minLr, 0),
      "ReduceLROnPlateau.minLr",
      minLr,
      `a number of at least 0, or one for each of ${groups} groups`,
    );
    for (const key of ["patience", "threshold", "cooldown", "eps"] as const) {
      const value = this.options[key];
      requireOption(isNumber(value, 0), `ReduceLROnPlateau.${key}`, value, "a number of at least 0");
    }
    this.best = mode === "min" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    this.#lastLr = optimizer.paramGroups.map(({ lr }) => lr);
  }

  step(metric?: number): void {
    if (typeof metric !== "number") {
      throw new ConfigurationError("ReduceLROnPlateau.step(metric)", metric, "a number");
    }
    const { factor, patience, cooldown, minLr, eps } = this.options;
    if (this.#improves(metric)) {
      this.best = metric;
      this.#badSteps = 0;
    } else {
      this.#badSteps++;
    }
    if (this.#cooldownLeft > 0) {
      this.#cooldownLeft--;
      this.#badSteps = 0;
    }
    if (this.#badSteps > patience) {
      for (const [i, group] of this.optimizer.paramGroups.entries()) {
        const lower = Math.max(group.lr * factor, typeof minLr === "number" ? minLr : (minLr[i] ?? 0));
        if (group.lr - lower > eps) {
          group.lr = lower;
        }
      }
      this.#cooldownLeft = cooldown;
      this.#badSteps = 0;
    }
    this.#lastLr = this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  #improves(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.options;
    const sign = mode === "min" ? -1 : 1;
    if (thresholdMode === "abs") {
      return sign * value > sign * (this.best + sign * threshold);
    }
    return sign * value > sign * this.best * (1 + sign * threshold);
  }

  getLastLr(): readonly number[] {
    return this.#lastLr;
  }

  stateDict(): SchedulerState {
    // JSON has no infinity.
    const best = Number.isFinite(this.best) ? this.best : null;
    return { best, badSteps: this.#badSteps, cooldownLeft: this.#cooldownLeft, lastLr: [...this.#lastLr] };
  }

  loadStateDict(state: SchedulerState): void {
    const none = this.options.mode === "min" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    this.best = state.best === null ? none : expectNumber(state, "best");
    this.#badSteps = expectNumber(state, "badSteps");
    this.#cooldownLeft = expectNumber(state, "cooldownLeft");
    this.#lastLr = expectNumbers(state, "lastLr");
  }
}
