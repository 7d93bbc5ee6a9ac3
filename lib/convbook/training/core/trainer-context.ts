/**
 * The Trainer as its parts see it: callbacks, loggers, modules and loops. {@link Trainer} implements it; nothing below this folder knows the
 * Trainer itself.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { ImageLike } from "../../display/index.ts";
import type { GradientStore } from "../gradients/gradient-store.ts";
import type { Loader } from "../loaders.ts";
import type { MetricLog } from "../logging/metric-log.ts";
import type { LogOptions, Metrics } from "../logging/results.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import type { Callback } from "./callback.ts";
import type { Checkpoint, FitProgress } from "./checkpoint.ts";
import type { FitData } from "./fit-data.ts";
import type { Hooks } from "./hooks.ts";
import type { InterruptionListener } from "./interruption.ts";
import type { Logger } from "./logger.ts";
import type { BackwardOptions, ManualBatch } from "./manual-optimization.ts";
import type { SchedulerEntry } from "./scheduling.ts";
import type { Strategy } from "./strategy.ts";
import type { ResolvedOptions } from "./trainer-options.ts";
import type { AnyTrainingModule } from "./training-module.ts";

/** What a hook is called for. */
export type Stage = "fit" | "validate" | "test" | "predict";
/** Which data is being worked on. */
export type RunningStage = "training" | "validation" | "test" | "prediction" | "sanityCheck";

/** A verb of a Trainer while it runs, as loops see it. */
export interface RunContext {
  /** What was asked of the Trainer. */
  readonly stage: Stage;
  /** What a promise gives, as long as this run is the Trainer's. */
  wait<T>(promise: Promise<T>): Promise<T>;
  /** Takes note of a loader that gives batches, to be closed should the run be abandoned. */
  openIterator<I extends AsyncIterator<unknown>>(iterator: I): I;
  /** Lets a loader end, before its last batch perhaps. */
  close(iterator: AsyncIterator<unknown>): Promise<void>;
}

export interface TrainerContext {
  readonly options: ResolvedOptions;
  /** All callbacks: ordinary ones in their order, then those that judge, then those that save. */
  readonly callbacks: readonly Callback[];
  readonly loggers: readonly Logger[];
  /** The first logger. */
  readonly logger: Logger | undefined;
  /** The module of the run under way. */
  readonly module: AnyTrainingModule;
  readonly optimizers: readonly Optimizer[];
  readonly schedulers: readonly SchedulerEntry[];

  /** How far fitting has come. */
  readonly progress: FitProgress;
  /** Epochs that are over; within an epoch its number, from 0. */
  readonly currentEpoch: number;
  /** Steps that the optimizer has taken. */
  readonly globalStep: number;
  /** Batches after which parameters were changed; where a module optimizes by itself, all batches. Logging goes by it. */
  readonly batchesThatStepped: number;
  /** The step that loggers are told: the number of {@link batchesThatStepped} before the last one. */
  readonly loggerStep: number;
  /** The step that loggers are told of an evaluation; between the batches of one optimizer step it is the one that is being prepared. */
  readonly evaluationStep: number;
  /** Optimizer steps that the whole fit will take, as far as limits and the loader's length tell. */
  readonly estimatedSteps: number;
  runningStage: RunningStage | undefined;
  /** Whether what runs is part of a fit, validations in it included, rather than an evaluation by itself. */
  readonly isFitting: boolean;
  readonly isSanityChecking: boolean;

  /** Batches whose gradients are averaged for one optimizer step. */
  accumulateGradBatches: number;
  /** Set it to stop after the current batch (and its validation). */
  shouldStop: boolean;
  /** Why {@link shouldStop} was set. */
  stopReason: string;
  /** The checkpoint that this fit went on from. */
  readonly ckptPath: string | undefined;

  /** The training loader of the fit under way. */
  readonly trainLoader: Loader | undefined;
  /** The validation loaders of the fit under way. */
  readonly valLoaders: readonly Loader[];
  /** Batches of a training epoch; infinite where unknown. */
  readonly numTrainingBatches: number;
  /** Batches of the validation, test or prediction under way, over all loaders; infinite where unknown. */
  numEvaluationBatches: number;
  /** Names that validation logs, when it has run. */
  validationNames: ReadonlySet<string> | undefined;
  /** Whether validation comes between the batch that has just ended and the next. */
  isValidationNext: () => boolean;

  /** The latest value of every logged metric. */
  readonly callbackMetrics: Metrics;
  /** The latest values that went to the loggers. */
  readonly loggedMetrics: Metrics;
  /** The latest values for the progress bar. */
  readonly progressBarMetrics: Metrics;

  /** Logs a value; see `TrainingModule.log`. */
  log(name: string, value: number | tf.Tensor, options?: LogOptions): void;
  /** Has the loggers that can record a picture; see `TrainingModule.logImage`. */
  logImage(name: string, image: ImageLike, step?: number): void;
  /** Has the loggers that can record a distribution of values; see `TrainingModule.logHistogram`. */
  logHistogram(name: string, values: tf.Tensor | ArrayLike<number>, step?: number): void;
  /** Sends metrics to the loggers. */
  sendToLoggers(metrics: Metrics, step?: number): Promise<void>;
  /** Gradients that the next optimizer step will use. */
  readonly gradients: Map<tf.Variable, tf.Tensor>;
  /** Forgets the gradients. */
  zeroGrad(): void;
  /** Runs the backward pass of the batch under way and adds its gradients to {@link gradients}. */
  backward(loss: tf.Tensor, options?: BackwardOptions): void;
  /** Limits {@link gradients}, or those of one optimizer. */
  clipGradients(value: number | undefined, algorithm: "norm" | "value", optimizer?: Optimizer): void;
  /** Saves a checkpoint. */
  saveCheckpoint(path: string, options?: { weightsOnly?: boolean }): Promise<void>;
  /** Copies the state of this moment, as {@link saveCheckpoint} would write it. */
  captureCheckpoint(options?: { weightsOnly?: boolean }): Promise<Checkpoint>;

  /** How the processes of the program train together. */
  readonly strategy: Strategy;
  /** Whether this process is the one that prints, logs and saves: rank 0. */
  readonly isGlobalZero: boolean;
  /** The number of this process among all, from 0. */
  readonly globalRank: number;
  /** Processes that train together. */
  readonly worldSize: number;

  // For the loops.

  readonly hooks: Hooks;
  readonly metrics: MetricLog;
  readonly gradientStore: GradientStore;
  readonly data: FitData;
  readonly run: RunContext;
  /** Requests to stop the run under way. */
  readonly listener: InterruptionListener;
  /** The backward passes of the step under way of a module that optimizes by itself. */
  manual: ManualBatch | undefined;
  /** State of the default generator when the epoch began. */
  epochStartRandom: Uint8Array | undefined;
}
