/** One scheduler after another, as `torch.optim.lr_scheduler.SequentialLR`. */
import { isNumber } from "../../arguments/check.ts";
import { found } from "../../arguments/found.ts";
import { ConfigurationError, refuseUnknownOptions, requireOption } from "../errors.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import {
  expectNumber,
  expectNumbers,
  LRScheduler,
  requireOptimizer,
  type Scheduler,
  type SchedulerState,
} from "./scheduler.ts";

export interface SequentialOptions {
  readonly schedulers: readonly LRScheduler[];
  /** The step at which each scheduler but the first takes over. */
  readonly milestones: readonly number[];
}

/**
 * @example
 * const warmUp = new LinearLR(optimizer, { startFactor: 0.01, totalIters: 500 });
 * const descent = new CosineAnnealingLR(optimizer, { tMax: 10_000 });
 * const scheduler = new SequentialLR(optimizer, { schedulers: [warmUp, descent], milestones: [500] });
 */
export class SequentialLR implements Scheduler {
  readonly optimizer: Pick<Optimizer, "paramGroups">;
  readonly schedulers: readonly LRScheduler[];
  readonly milestones: readonly number[];
  lastEpoch = 0;
  #lastLr: readonly number[];

  constructor(optimizer: Pick<Optimizer, "paramGroups">, options: SequentialOptions) {
    requireOptimizer("SequentialLR", optimizer);
    refuseUnknownOptions("SequentialLR", options, ["schedulers", "milestones"]);
    const { schedulers, milestones } = options;
    const areSchedulers =
      Array.isArray(schedulers) && schedulers.length > 0 && schedulers.every((each) => each instanceof LRScheduler);
    requireOption(areSchedulers, "SequentialLR.schedulers", schedulers, "a list of at least one scheduler");
    requireOption(
      Array.isArray(milestones) &&
        milestones.length === schedulers.length - 1 &&
        milestones.every((milestone) => isNumber(milestone)),
      "SequentialLR.milestones",
      milestones,
      `${schedulers.length - 1} steps, one less than there are schedulers`,
    );
    for (const scheduler of schedulers) {
      if (scheduler.optimizer !== optimizer) {
        throw new ConfigurationError(
          "SequentialLR.schedulers",
          "a scheduler of another optimizer",
          "schedulers of one optimizer",
        );
      }
    }
    this.optimizer = optimizer;
    this.schedulers = schedulers;
    this.milestones = milestones;
    // Each constructor took the first step; only the first scheduler's counts.
    for (const group of optimizer.paramGroups) {
      group.lr = group.initialLr ?? group.lr;
    }
    for (const scheduler of schedulers) {
      scheduler.undoStep();
    }
    const first = found(schedulers[0], "The first scheduler");
    first.step();
    this.#lastLr = first.getLastLr();
  }

  step(): void {
    this.lastEpoch++;
    const turn = this.milestones.filter((milestone) => milestone <= this.lastEpoch).length;
    const scheduler = found(this.schedulers[turn], `Scheduler ${turn}`);
    if (turn > 0 && this.milestones[turn - 1] === this.lastEpoch) {
      scheduler.restart();
    } else {
      scheduler.step();
    }
    this.#lastLr = scheduler.getLastLr();
  }

  getLastLr(): readonly number[] {
    return this.#lastLr;
  }

  stateDict(): SchedulerState {
    return {
      lastEpoch: this.lastEpoch,
      lastLr: [...this.#lastLr],
      schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()),
    };
  }

  loadStateDict(state: SchedulerState): void {
    const { schedulers } = state;
    if (!Array.isArray(schedulers) || schedulers.length !== this.schedulers.length) {
      throw new ConfigurationError(
        "Scheduler state schedulers",
        schedulers,
        `a list of ${this.schedulers.length} states`,
      );
    }
    this.lastEpoch = expectNumber(state, "lastEpoch");
    this.#lastLr = expectNumbers(state, "lastLr");
    for (const [i, scheduler] of this.schedulers.entries()) {
      scheduler.loadStateDict(schedulers[i] as SchedulerState);
    }
  }
}
