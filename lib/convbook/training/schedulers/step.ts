/** Schedulers that multiply the rates at given times: StepLR, MultiStepLR, ExponentialLR, LambdaLR, LinearLR. */

import { isNumber } from "../../arguments/check.ts";
import { refuseUnknownOptions, requireOption } from "../errors.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { LRScheduler } from "./scheduler.ts";

type AnyOptimizer = Pick<Optimizer, "paramGroups">;

/** Multiplies the rates by `gamma` (0.1) every `stepSize` steps. */
export class StepLR extends LRScheduler {
  readonly stepSize: number;
  readonly gamma: number;

  constructor(optimizer: AnyOptimizer, options: { stepSize: number; gamma?: number }) {
    super(optimizer);
    refuseUnknownOptions("StepLR", options, ["stepSize", "gamma"]);
    requireOption(
      Number.isInteger(options.stepSize) && options.stepSize > 0,
      "StepLR.stepSize",
      options.stepSize,
      "a whole number above 0",
    );
    this.stepSize = options.stepSize;
    const { gamma = 0.1 } = options;
    requireOption(Number.isFinite(gamma), `${new.target.name}.gamma`, gamma, "a number");
    this.gamma = gamma;
    this.step();
  }

  protected getLr(): number[] {
    const factor = this.lastEpoch === 0 || this.lastEpoch % this.stepSize !== 0 ? 1 : this.gamma;
    return this.groups.map(({ lr }) => lr * factor);
  }

  protected override closedFormLr(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** Math.floor(this.lastEpoch / this.stepSize));
  }
}

/** Multiplies the rates by `gamma` (0.1) at each milestone; one that is listed twice counts twice. */
export class MultiStepLR extends LRScheduler {
  readonly milestones: readonly number[];
  readonly gamma: number;

  constructor(optimizer: AnyOptimizer, options: { milestones: readonly number[]; gamma?: number }) {
    super(optimizer);
    refuseUnknownOptions("MultiStepLR", options, ["milestones", "gamma"]);
    const { milestones } = options;
    const areEpochs = Array.isArray(milestones) && milestones.every((milestone) => isNumber(milestone));
    requireOption(areEpochs, "MultiStepLR.milestones", milestones, "a list of epochs");
    this.milestones = [...options.milestones].sort((a, b) => a - b);
    const { gamma = 0.1 } = options;
    requireOption(Number.isFinite(gamma), `${new.target.name}.gamma`, gamma, "a number");
    this.gamma = gamma;
    this.step();
  }

  protected getLr(): number[] {
    const times = this.milestones.filter((milestone) => milestone === this.lastEpoch).length;
    return this.groups.map(({ lr }) => lr * this.gamma ** times);
  }

  protected override closedFormLr(): number[] {
    const times = this.milestones.filter((milestone) => milestone <= this.lastEpoch).length;
    return this.baseLrs.map((lr) => lr * this.gamma ** times);
  }
}

/** Multiplies the rates by `gamma` every step. */
export class ExponentialLR extends LRScheduler {
  readonly gamma: number;

  constructor(optimizer: AnyOptimizer, options: { gamma: number }) {
    super(optimizer);
    refuseUnknownOptions("ExponentialLR", options, ["gamma"]);
    requireOption(
      isNumber(options.gamma) && options.gamma > 0,
      "ExponentialLR.gamma",
      options.gamma,
      "a number above 0",
    );
    this.gamma = options.gamma;
    this.step();
  }

  protected getLr(): number[] {
    return this.groups.map(({ lr }) => (this.lastEpoch === 0 ? lr : lr * this.gamma));
  }

  protected override closedFormLr(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** this.lastEpoch);
  }
}

type Factor = (step: number) => number;

/** Sets each rate to its start value times `lrLambda(step)`; of a list each group's own. */
export class LambdaLR extends LRScheduler {
  readonly lrLambda: Factor | readonly Factor[];
  readonly #factors: readonly Factor[];

  constructor(optimizer: AnyOptimizer, options: { lrLambda: Factor | readonly Factor[] }) {
    super(optimizer);
    refuseUnknownOptions("LambdaLR", options, ["lrLambda"]);
    const { lrLambda } = options;
    const groups = optimizer.paramGroups.length;
    this.#factors = typeof lrLambda === "function" ? Array(groups).fill(lrLambda) : lrLambda;
    requireOption(
      Array.isArray(this.#factors) &&
        this.#factors.length === groups &&
        this.#factors.every((each) => typeof each === "function"),
      "LambdaLR.lrLambda",
      lrLambda,
      `a function from steps to factors, or one for each of ${groups} groups`,
    );
    this.lrLambda = lrLambda;
    this.step();
  }

  protected getLr(): number[] {
    return this.baseLrs.map((lr, i) => lr * (this.#factors[i]?.(this.lastEpoch) ?? 1));
  }
}

/** Lets the rates grow linearly from `startFactor` (1/3) to `endFactor` (1) of theirs over `totalIters` (5) steps: a warm-up. */
export class LinearLR extends LRScheduler {
  readonly startFactor: number;
  readonly endFactor: number;
  readonly totalIters: number;

  constructor(
    optimizer: AnyOptimizer,
    options: { startFactor?: number; endFactor?: number; totalIters?: number } = {},
  ) {
    super(optimizer);
    refuseUnknownOptions("LinearLR", options, ["startFactor", "endFactor", "totalIters"]);
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options;
    requireOption(
      isNumber(startFactor, 0, 1) && startFactor > 0,
      "LinearLR.startFactor",
      startFactor,
      "a number above 0 and up to 1",
    );
    requireOption(isNumber(endFactor, 0, 1), "LinearLR.endFactor", endFactor, "a number in [0, 1]");
    requireOption(isNumber(totalIters, 1), "LinearLR.totalIters", totalIters, "a number of at least 1");
    this.startFactor = startFactor;
    this.endFactor = endFactor;
    this.totalIters = totalIters;
    this.step();
  }

  protected getLr(): number[] {
    const { startFactor, endFactor, totalIters, lastEpoch } = this;
    if (lastEpoch === 0) {
      return this.groups.map(({ lr }) => lr * startFactor);
    }
    if (lastEpoch > totalIters) {
      return this.groups.map(({ lr }) => lr);
    }
    const difference = endFactor - startFactor;
    const factor = 1 + difference / (totalIters * startFactor + (lastEpoch - 1) * difference);
    return this.groups.map(({ lr }) => lr * factor);
  }

  protected override closedFormLr(): number[] {
    const progress = Math.min(this.totalIters, this.lastEpoch) / this.totalIters;
    return this.baseLrs.map((lr) => lr * (this.startFactor + (this.endFactor - this.startFactor) * progress));
  }
}

/** The field's other name for {@link LinearLR}. */
export const LinearWarmup = LinearLR;
export type LinearWarmup = LinearLR;
