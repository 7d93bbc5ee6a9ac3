/**
 * The base of learning-rate schedulers, with the recursions of `torch.optim.lr_scheduler`: each step computes the next rates from the ones
 * that the groups have, so that schedulers can be combined.
 */
import { ConfigurationError, requireOption } from "../errors.ts";
import type { BaseOptions, Optimizer, ParameterGroup } from "../optimizers/optimizer.ts";

type AnyOptimizer = Pick<Optimizer, "paramGroups">;

/** A scheduler's position as plain JSON. */
export type SchedulerState = Readonly<Record<string, unknown>>;

/** Something that {@link LRScheduler.step} moves. */
export interface Scheduler {
  /** Moves to the next epoch or step. `ReduceLROnPlateau` takes the monitored value. */
  step(metric?: number): void;
  /** The rates that the last step set, one a group. */
  getLastLr(): readonly number[];
  stateDict(): SchedulerState;
  loadStateDict(state: SchedulerState): void;
}

/** Base of the schedulers whose rates depend on the number of steps alone. */
export abstract class LRScheduler implements Scheduler {
  readonly optimizer: AnyOptimizer;
  /** The groups' rates before any scheduling. */
  readonly baseLrs: number[];
  /** Steps taken; -1 before the first, which the constructor takes. */
  lastEpoch = -1;
  protected lastLr: number[] = [];

  constructor(optimizer: AnyOptimizer) {
    requireOptimizer(new.target.name, optimizer);
    this.optimizer = optimizer;
    for (const group of optimizer.paramGroups) {
      group.initialLr ??= group.lr;
    }
    this.baseLrs = optimizer.paramGroups.map(({ initialLr, lr }) => initialLr ?? lr);
  }

  protected get groups(): ParameterGroup<BaseOptions>[] {
    return this.optimizer.paramGroups;
  }

  /** The rates at {@link lastEpoch}, from the groups' present ones. */
  protected abstract getLr(): number[];

  /** The rates at {@link lastEpoch} from {@link baseLrs} alone, where there is a formula. */
  protected closedFormLr(): number[] {
    return this.getLr();
  }

  step(): void {
    this.lastEpoch++;
    this.write(this.getLr());
  }

  /** Goes back to the start, as {@link SequentialLR} does when a scheduler's turn comes. */
  restart(): void {
    this.lastEpoch = 0;
    this.write(this.closedFormLr());
  }

  /** Takes the step of the constructor back, without the rates. */
  undoStep(): void {
    this.lastEpoch--;
  }

  protected write(rates: readonly number[]): void {
    // A rate that falls to 0 may be rounded to a little less, which no optimizer takes, not even from its own checkpoint.
    this.lastLr = rates.map((lr, i) => (lr < 0 && lr > -1e-9 * (this.baseLrs[i] ?? 0) ? 0 : lr));
    for (const [i, group] of this.groups.entries()) {
      group.lr = this.lastLr[i] ?? group.lr;
    }
  }

  getLastLr(): readonly number[] {
    return this.lastLr;
  }

  stateDict(): SchedulerState {
    return { lastEpoch: this.lastEpoch, lastLr: [...this.lastLr], baseLrs: [...this.baseLrs] };
  }

  loadStateDict(state: SchedulerState): void {
    this.lastEpoch = expectNumber(state, "lastEpoch");
    this.lastLr = expectNumbers(state, "lastLr");
    this.baseLrs.splice(0, this.baseLrs.length, ...expectNumbers(state, "baseLrs"));
  }
}

/** Refuses what is no optimizer. */
export function requireOptimizer(owner: string, optimizer: AnyOptimizer): void {
  requireOption(Array.isArray(optimizer?.paramGroups), `${owner}.optimizer`, optimizer, "an optimizer");
}

/** A number of a state that came from a file. */
export function expectNumber(state: SchedulerState, key: string): number {
  const value = state[key];
  if (typeof value !== "number") {
    throw new ConfigurationError(`Scheduler state ${key}`, value, "a number");
  }
  return value;
}

/** A list of numbers of a state that came from a file. */
export function expectNumbers(state: SchedulerState, key: string): number[] {
  const value = state[key];
  if (Array.isArray(value) && value.every((entry) => typeof entry === "number")) {
    return value;
  }
  throw new ConfigurationError(`Scheduler state ${key}`, value, "a list of numbers");
}
