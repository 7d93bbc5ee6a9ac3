/**
 * Learning-rate schedules with PyTorch's names and values.
 *
 * @module
 */
export { CosineAnnealingLR, CosineAnnealingWarmRestarts } from "./cosine.ts";
export { OneCycleLR, type OneCycleOptions } from "./one-cycle.ts";
export { type PlateauOptions, ReduceLROnPlateau } from "./plateau.ts";
export { createScheduler, type SchedulerName, schedulerNames } from "./registry.ts";
export { LRScheduler, type Scheduler, type SchedulerState } from "./scheduler.ts";
export { SequentialLR, type SequentialOptions } from "./sequential.ts";
export { ExponentialLR, LambdaLR, LinearLR, LinearWarmup, MultiStepLR, StepLR } from "./step.ts";
