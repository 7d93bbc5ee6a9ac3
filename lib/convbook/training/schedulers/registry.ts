/** Schedulers by name, for hyper-parameters and configuration files. */
import { UnknownNameError } from "../../nn/errors.ts";
import { refuseUnknownOptions } from "../errors.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { CosineAnnealingLR, CosineAnnealingWarmRestarts } from "./cosine.ts";
import { OneCycleLR } from "./one-cycle.ts";
import { ReduceLROnPlateau } from "./plateau.ts";
import type { Scheduler } from "./scheduler.ts";
import { ExponentialLR, LinearLR, MultiStepLR, StepLR } from "./step.ts";

// biome-ignore lint/suspicious/noExplicitAny: options are checked by name here and by value in each constructor
type Factory = (optimizer: Pick<Optimizer, "paramGroups">, options: any) => Scheduler;

const linear = {
  create: ((o, options) => new LinearLR(o, options)) as Factory,
  options: ["startFactor", "endFactor", "totalIters"],
};
const registry: Readonly<Record<string, { create: Factory; options: readonly string[] }>> = {
  StepLR: { create: (o, options) => new StepLR(o, options), options: ["stepSize", "gamma"] },
  MultiStepLR: { create: (o, options) => new MultiStepLR(o, options), options: ["milestones", "gamma"] },
  ExponentialLR: { create: (o, options) => new ExponentialLR(o, options), options: ["gamma"] },
  LinearLR: linear,
  LinearWarmup: linear,
  CosineAnnealingLR: { create: (o, options) => new CosineAnnealingLR(o, options), options: ["tMax", "etaMin"] },
  CosineAnnealingWarmRestarts: {
    create: (o, options) => new CosineAnnealingWarmRestarts(o, options),
    options: ["t0", "tMult", "etaMin"],
  },
  OneCycleLR: {
    create: (o, options) => new OneCycleLR(o, options),
    options: [
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
    ],
  },
  ReduceLROnPlateau: {
    create: (o, options) => new ReduceLROnPlateau(o, options),
    options: ["mode", "factor", "patience", "threshold", "thresholdMode", "cooldown", "minLr", "eps"],
  },
};

export type SchedulerName =
  | "StepLR"
  | "MultiStepLR"
  | "ExponentialLR"
  | "LinearLR"
  | "LinearWarmup"
  | "CosineAnnealingLR"
  | "CosineAnnealingWarmRestarts"
  | "OneCycleLR"
  | "ReduceLROnPlateau";
/** The names that {@link createScheduler} knows. */
export const schedulerNames = Object.keys(registry) as readonly SchedulerName[];

/**
 * Makes a scheduler by name.
 *
 * @throws UnknownNameError and UnknownOptionError with the nearest names
 */
export function createScheduler(
  name: string,
  optimizer: Pick<Optimizer, "paramGroups">,
  options: Readonly<Record<string, unknown>> = {},
): Scheduler {
  const entry = Object.hasOwn(registry, name) ? registry[name] : undefined;
  if (entry === undefined) throw new UnknownNameError("scheduler", name, schedulerNames);
  refuseUnknownOptions(name, options, entry.options);
  return entry.create(optimizer, options);
}
