/** The one-cycle policy (Smith & Topin 2018), as `torch.optim.lr_scheduler.OneCycleLR`; steps once a batch. */
import { isNumber } from "../../arguments/check.ts";
import { ConfigurationError, refuseUnknownOptions, requireOption } from "../errors.ts";
import type { BaseOptions, Optimizer, ParameterGroup } from "../optimizers/optimizer.ts";
import { LRScheduler } from "./scheduler.ts";

type CycledGroup = ParameterGroup<BaseOptions> & { momentum?: number; betas?: readonly [number, number] };

export interface OneCycleOptions {
  /** The highest rate, one for all groups or one a group. */
  maxLr: number | readonly number[];
  /** Steps of the whole cycle; or give `epochs` and `stepsPerEpoch`. */
  totalSteps?: number;
  epochs?: number;
  stepsPerEpoch?: number;
  /** Share of the cycle in which the rate rises; default 0.3. */
  pctStart?: number;
  /** Default `cos`. */
  annealStrategy?: "cos" | "linear";
  /** Whether momentum (or Adam's first beta) moves the other way; default true. */
  cycleMomentum?: boolean;
  /** Momentum at the highest rate; default 0.85. */
  baseMomentum?: number;
  /** Momentum at the start and the end; default 0.95. */
  maxMomentum?: number;
  /** First rate = maxLr / divFactor; default 25. */
  divFactor?: number;
  /** Last rate = first rate / finalDivFactor; default 1e4. */
  finalDivFactor?: number;
  /** A third phase that goes from the first rate to the last; default false. */
  threePhase?: boolean;
}

const optionNames = [
  "maxLr",
  "totalSteps",
  "epochs",
  "stepsPerEpoch",
  "pctStart",
  "annealStrategy",
  "cycleMomentum",
  "baseMomentum",
  "maxMomentum",
  "divFactor",
  "finalDivFactor",
  "threePhase",
];

interface Phase {
  readonly end: number;
  readonly rates: (group: number) => readonly [from: number, to: number];
  readonly momenta: readonly [from: number, to: number];
}

export class OneCycleLR extends LRScheduler {
  readonly totalSteps: number;
  readonly #phases: readonly [Phase, ...Phase[]];
  readonly #anneal: (from: number, to: number, share: number) => number;
  readonly #cycleMomentum: boolean;

  constructor(optimizer: Pick<Optimizer, "paramGroups">, options: OneCycleOptions) {
    super(optimizer);
    refuseUnknownOptions("OneCycleLR", options, optionNames);
    const {
      pctStart = 0.3,
      annealStrategy = "cos",
      cycleMomentum = true,
      baseMomentum = 0.85,
      maxMomentum = 0.95,
      divFactor = 25,
      finalDivFactor = 1e4,
      threePhase = false,
    } = options;
    const total = options.totalSteps ?? (options.epochs ?? Number.NaN) * (options.stepsPerEpoch ?? Number.NaN);
    requireOption(
      Number.isInteger(total) && total > 0,
      "OneCycleLR.totalSteps",
      options.totalSteps,
      "a whole number above 0, or epochs and stepsPerEpoch given",
    );
    requireOption(isNumber(pctStart, 0, 1), "OneCycleLR.pctStart", pctStart, "a number in [0, 1]");
    requireOption(
      ["cos", "linear"].includes(annealStrategy),
      "OneCycleLR.annealStrategy",
      annealStrategy,
      '"cos" or "linear"',
    );
    for (const [name, value] of Object.entries({ baseMomentum, maxMomentum })) {
      requireOption(isNumber(value, 0, 1), `OneCycleLR.${name}`, value, "a number in [0, 1]");
    }
    for (const [name, value] of Object.entries({ divFactor, finalDivFactor })) {
      requireOption(isNumber(value) && value > 0, `OneCycleLR.${name}`, value, "a number above 0");
    }
    const highest: readonly number[] = Array.isArray(options.maxLr)
      ? options.maxLr
      : this.groups.map(() => options.maxLr as number);
    requireOption(
      highest.length === this.groups.length && highest.every((rate) => isNumber(rate, 0)),
      "OneCycleLR.maxLr",
      options.maxLr,
      `one rate or ${this.groups.length}`,
    );
    this.totalSteps = total;
    this.#cycleMomentum = cycleMomentum;
    this.#anneal =
      annealStrategy === "cos"
        ? (from, to, share) => to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share))
        : (from, to, share) => from + (to - from) * share;
    for (const [i, group] of this.groups.entries()) {
      const first = (highest[i] ?? 0) / divFactor;
      // PyTorch's groups have these too, and its scheduler reads them there.
      const minLr = first / finalDivFactor;
      Object.assign(group, { initialLr: first, maxLr: highest[i], minLr });
      this.baseLrs[i] = first;
      if (!cycleMomentum) {
        continue;
      }
      const cycled = group as CycledGroup;
      if (cycled.betas === undefined && cycled.momentum === undefined) {
        throw new ConfigurationError(
          "OneCycleLR.cycleMomentum",
          true,
          "false for an optimizer without momentum or betas",
        );
      }
      Object.assign(group, { maxMomentum, baseMomentum });
      setMomentum(cycled, maxMomentum);
    }
    const initial = (i: number) => this.baseLrs[i] ?? 0;
    const last = (i: number) => initial(i) / finalDivFactor;
    const peak = (i: number) => highest[i] ?? 0;
    const up: Phase = {
      end: pctStart * total - 1,
      rates: (i) => [initial(i), peak(i)],
      momenta: [maxMomentum, baseMomentum],
    };
    this.#phases = threePhase
      ? [
          up,
          { end: 2 * pctStart * total - 2, rates: (i) => [peak(i), initial(i)], momenta: [baseMomentum, maxMomentum] },
          { end: total - 1, rates: (i) => [initial(i), last(i)], momenta: [maxMomentum, maxMomentum] },
        ]
      : [up, { end: total - 1, rates: (i) => [peak(i), last(i)], momenta: [baseMomentum, maxMomentum] }];
    this.step();
  }

  protected getLr(): number[] {
    const step = this.lastEpoch;
    if (step > this.totalSteps) {
      throw new RangeError(`OneCycleLR was stepped ${step} times, but its cycle has ${this.totalSteps} steps.`);
    }
    let start = 0;
    let [phase] = this.#phases;
    for (const [i, each] of this.#phases.entries()) {
      phase = each;
      if (step <= each.end || i === this.#phases.length - 1) {
        break;
      }
      start = each.end;
    }
    const share = (step - start) / (phase.end - start);
    // Groups that the optimizer was given later have no highest rate: theirs are left alone.
    const groups = this.groups.slice(0, this.baseLrs.length);
    if (this.#cycleMomentum) {
      const momentum = this.#anneal(...phase.momenta, share);
      for (const group of groups) {
        setMomentum(group as CycledGroup, momentum);
      }
    }
    return groups.map((_, i) => this.#anneal(...phase.rates(i), share));
  }
}

function setMomentum(group: CycledGroup, momentum: number): void {
  if (group.betas !== undefined) {
    group.betas = [momentum, group.betas[1]];
  } else {
    group.momentum = momentum;
  }
}
