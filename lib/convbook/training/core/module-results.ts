/** What the methods of a module may return. */
import type * as tf from "@tensorflow/tfjs-core";
import type { Optimizer } from "../optimizers/optimizer.ts";
import type { Scheduler } from "../schedulers/scheduler.ts";

/** A scheduler and when it steps. */
export interface SchedulerConfig {
  readonly scheduler: Scheduler;
  /** After each `epoch` (default) or each `step` of the optimizer. */
  readonly interval?: "epoch" | "step";
  /** Every how many of them; default 1. */
  readonly frequency?: number;
  /** The metric that `ReduceLROnPlateau` watches, for example `val_loss`. */
  readonly monitor?: string;
  /** Fail when that metric is missing, rather than warn and leave the rates as they are; default true. */
  readonly strict?: boolean;
  /** The name that `LearningRateMonitor` logs it under. */
  readonly name?: string;
}

/** What `configureOptimizers` may return. */
export type OptimizerConfig =
  | Optimizer
  | readonly Optimizer[]
  | readonly [optimizers: readonly Optimizer[], schedulers: readonly (Scheduler | SchedulerConfig)[]]
  | { readonly optimizer: Optimizer; readonly lrScheduler?: Scheduler | SchedulerConfig };

/** What `trainingStep` may return: the loss, or the loss among other tensors, or nothing to skip the batch. */
export type StepOutput =
  | tf.Tensor
  | ({ readonly loss: tf.Tensor } & { readonly [name: string]: tf.Tensor })
  | undefined;

/** Called with the trainer's data; may return a promise. */
export type HookResult = void | Promise<void>;
