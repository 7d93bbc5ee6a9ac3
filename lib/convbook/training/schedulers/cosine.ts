/** Cosine schedules of SGDR (Loshchilov & Hutter 2017): one descent, and with warm restarts. */

import { isNumber } from "../../arguments/check.ts";
import { refuseUnknownOptions, requireOption } from "../errors.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { expectNumber, LRScheduler, type SchedulerState } from "./scheduler.ts";

type AnyOptimizer = Pick<Optimizer, "paramGroups">;

/** Lowers the rates along half a cosine over `tMax` steps to `etaMin` (0). */
export class CosineAnnealingLR extends LRScheduler {
  readonly tMax: number;
  readonly etaMin: number;

  constructor(optimizer: AnyOptimizer, options: { tMax: number; etaMin?: number }) {
    super(optimizer);
    refuseUnknownOptions("CosineAnnealingLR", options, ["tMax", "etaMin"]);
    const { tMax, etaMin = 0 } = options;
    requireOption(isNumber(tMax) && tMax > 0, "CosineAnnealingLR.tMax", tMax, "a number above 0");
    requireOption(Number.isFinite(etaMin), "CosineAnnealingLR.etaMin", etaMin, "a number");
    this.tMax = tMax;
    this.etaMin = etaMin;
    this.step();
  }

  protected getLr(): number[] {
    const { lastEpoch, tMax, etaMin } = this;
    if (lastEpoch === 0) {
      return this.groups.map(({ lr }) => lr);
    }
    // Where the cosine before was -1 the ratio below has no value: the first step up again, by the formula itself.
    if ((lastEpoch - 1 - tMax) % (2 * tMax) === 0) {
      const rise = (1 - Math.cos(Math.PI / tMax)) / 2;
      return this.groups.map(({ lr }, i) => lr + ((this.baseLrs[i] ?? lr) - etaMin) * rise);
    }
    const ratio = (1 + Math.cos((Math.PI * lastEpoch) / tMax)) / (1 + Math.cos((Math.PI * (lastEpoch - 1)) / tMax));
    return this.groups.map(({ lr }) => ratio * (lr - etaMin) + etaMin);
  }

  protected override closedFormLr(): number[] {
    const share = (1 + Math.cos((Math.PI * this.lastEpoch) / this.tMax)) / 2;
    return this.baseLrs.map((lr) => this.etaMin + (lr - this.etaMin) * share);
  }
}

/** Cosine descents of `t0` steps, then `t0 * tMult` and so on, each from the full rates. */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  readonly t0: number;
  readonly tMult: number;
  readonly etaMin: number;
  #length: number;
  #position = -1;

  constructor(optimizer: AnyOptimizer, options: { t0: number; tMult?: number; etaMin?: number }) {
    super(optimizer);
    refuseUnknownOptions("CosineAnnealingWarmRestarts", options, ["t0", "tMult", "etaMin"]);
    const { t0, tMult = 1, etaMin = 0 } = options;
    requireOption(Number.isInteger(t0) && t0 > 0, "CosineAnnealingWarmRestarts.t0", t0, "a whole number above 0");
    requireOption(
      Number.isInteger(tMult) && tMult > 0,
      "CosineAnnealingWarmRestarts.tMult",
      tMult,
      "a whole number above 0",
    );
    requireOption(Number.isFinite(etaMin), "CosineAnnealingWarmRestarts.etaMin", etaMin, "a number");
    this.t0 = t0;
    this.tMult = tMult;
    this.etaMin = etaMin;
    this.#length = t0;
    this.step();
  }

  override step(): void {
    this.#position++;
    if (this.#position >= this.#length) {
      this.#position -= this.#length;
      this.#length *= this.tMult;
    }
    super.step();
  }

  override restart(): void {
    this.#position = 0;
    this.#length = this.t0;
    super.restart();
  }

  override undoStep(): void {
    this.#position--;
    super.undoStep();
  }

  protected getLr(): number[] {
    const share = (1 + Math.cos((Math.PI * this.#position) / this.#length)) / 2;
    return this.baseLrs.map((lr) => this.etaMin + (lr - this.etaMin) * share);
  }

  override stateDict(): SchedulerState {
    return { ...super.stateDict(), length: this.#length, position: this.#position };
  }

  override loadStateDict(state: SchedulerState): void {
    super.loadStateDict(state);
    this.#length = expectNumber(state, "length");
    this.#position = expectNumber(state, "position");
  }
}
