/** Measures how long the stages take, and stops fitting when its time is up. */

import { Callback } from "../core/callback.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import { toSeconds } from "../core/trainer-options.ts";
import { refuseUnknownOptions, requireOption } from "../errors.ts";

export interface TimerOptions {
  /** Time that fitting may take, resumed runs included: seconds, or `{ hours: 2 }`; default: no limit. */
  duration?: number | { days?: number; hours?: number; minutes?: number; seconds?: number };
  /** Look at the clock after every `step` (default) or every `epoch`. */
  interval?: "step" | "epoch";
}

export class Timer extends Callback {
  /** Seconds that fitting may take. */
  readonly duration: number;
  readonly #interval: "step" | "epoch";
  #offset = 0;
  #started: number | undefined;
  #elapsed = 0;

  constructor(options: TimerOptions = {}) {
    super();
    refuseUnknownOptions("Timer", options, ["duration", "interval"]);
    this.duration =
      options.duration === undefined ? Number.POSITIVE_INFINITY : toSeconds("Timer.duration", options.duration);
    this.#interval = options.interval === undefined ? "step" : options.interval;
    requireOption(["step", "epoch"].includes(this.#interval), "Timer.interval", options.interval, '"step" or "epoch"');
  }

  /** Seconds of fitting so far. */
  timeElapsed(): number {
    return this.#offset + (this.#started === undefined ? this.#elapsed : (performance.now() - this.#started) / 1000);
  }

  /** Seconds that are left. */
  timeRemaining(): number {
    return Math.max(0, this.duration - this.timeElapsed());
  }

  override onTrainStart(): void {
    this.#started = performance.now();
  }

  override onTrainEnd(): void {
    this.#elapsed = this.timeElapsed() - this.#offset;
    this.#started = undefined;
  }

  override onTrainBatchEnd(trainer: TrainerContext): void {
    if (this.#interval === "step") {
      this.#check(trainer);
    }
  }

  override onTrainEpochEnd(trainer: TrainerContext): void {
    this.#check(trainer);
  }

  #check(trainer: TrainerContext): void {
    if (this.timeElapsed() < this.duration) {
      return;
    }
    trainer.shouldStop = true;
    trainer.stopReason = `the time of ${this.duration} s is up`;
  }

  override stateDict(): Readonly<Record<string, unknown>> {
    return { elapsed: this.timeElapsed() };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    if (typeof state.elapsed === "number") {
      this.#offset = state.elapsed;
    }
  }
}
