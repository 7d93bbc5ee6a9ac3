/** Schedulers by name, for hyper-parameters and configuration files. */
import type { NameLike } from "../../arguments/names.ts";
import { UnknownNameError } from "../../nn/errors.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { CosineAnnealingLR, CosineAnnealingWarmRestarts } from "./cosine.ts";
import { OneCycleLR } from "./one-cycle.ts";
import { ReduceLROnPlateau } from "./plateau.ts";
import type { Scheduler } from "./scheduler.ts";
import { ExponentialLR, LinearLR, MultiStepLR, StepLR } from "./step.ts";

// biome-ignore lint/suspicious/noExplicitAny: each constructor checks its options
type Factory = (optimizer: Pick<Optimizer, "paramGroups">, options: any) => Scheduler;

const registry: Readonly<Record<string, Factory>> = {
  StepLR: (optimizer, options) => new StepLR(optimizer, options),
  MultiStepLR: (optimizer, options) => new MultiStepLR(optimizer, options),
  ExponentialLR: (optimizer, options) => new ExponentialLR(optimizer, options),
  LinearLR: (optimizer, options) => new LinearLR(optimizer, options),
  LinearWarmup: (optimizer, options) => new LinearLR(optimizer, options),
  CosineAnnealingLR: (optimizer, options) => new CosineAnnealingLR(optimizer, options),
  CosineAnnealingWarmRestarts: (optimizer, options) => new CosineAnnealingWarmRestarts(optimizer, options),
  OneCycleLR: (optimizer, options) => new OneCycleLR(optimizer, options),
  ReduceLROnPlateau: (optimizer, options) => new ReduceLROnPlateau(optimizer, options),
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
  name: NameLike<SchedulerName>,
  optimizer: Pick<Optimizer, "paramGroups">,
  options: Readonly<Record<string, unknown>> = {},
): Scheduler {
  const create = Object.hasOwn(registry, name) ? registry[name] : undefined;
  if (create === undefined) {
    throw new UnknownNameError("scheduler", name, schedulerNames);
  }
  return create(optimizer, options);
}
