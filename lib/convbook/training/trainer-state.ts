/**
 * What a Trainer knows and what its parts ask it for: options, callbacks, loggers, how far it has come. What it does with them is in
 * `Trainer`.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { ImageLike } from "../display/index.ts";
import { arrangeCallbacks, defaultCallbacks } from "./callbacks/defaults.ts";
import { ModelCheckpoint } from "./callbacks/model-checkpoint.ts";
import { ProgressBar } from "./callbacks/progress-bar.ts";
import { saveCheckpointFile } from "./checkpointing/checkpoint-file.ts";
import { collectCheckpoint } from "./checkpointing/checkpoint-state.ts";
import type { Callback } from "./core/callback.ts";
import type { Checkpoint, FitProgress } from "./core/checkpoint.ts";
import { FitData } from "./core/fit-data.ts";
import { Hooks } from "./core/hooks.ts";
import type { InterruptionListener } from "./core/interruption.ts";
import type { Logger } from "./core/logger.ts";
import { type BackwardOptions, type ManualBatch, offTape } from "./core/manual-optimization.ts";
import type { SchedulerEntry } from "./core/scheduling.ts";
import type { Strategy } from "./core/strategy.ts";
import type { RunningStage, TrainerContext } from "./core/trainer-context.ts";
import { type ResolvedOptions, resolveOptions, type TrainerOptions } from "./core/trainer-options.ts";
import type { AnyTrainingModule } from "./core/training-module.ts";
import { requireOption } from "./errors.ts";
import { GradientStore } from "./gradients/gradient-store.ts";
import type { Loader } from "./loaders.ts";
import { defaultLoggers } from "./loggers/defaults.ts";
import { MetricLog } from "./logging/metric-log.ts";
import type { LogOptions, Metrics } from "./logging/results.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import type { Run } from "./run.ts";
import { makeStrategy, ranksToStart, SingleProcess } from "./strategies/index.ts";

/** How far a fit has come before its first batch. */
export const progressAtTheStart: FitProgress = {
  epoch: 0,
  batch: 0,
  totalBatch: 0,
  globalStep: 0,
  phase: "batch",
  isLast: false,
};

/** Base of `Trainer`. */
export abstract class TrainerState implements TrainerContext {
  readonly options: ResolvedOptions;
  readonly strategy: Strategy;
  /** All callbacks: ordinary ones in their order, then those that judge, then those that save. */
  callbacks: readonly Callback[];
  readonly loggers: readonly Logger[];
  /** Batches whose gradients are averaged for one optimizer step; GradientAccumulationScheduler changes it. */
  accumulateGradBatches: number;
  /** How far fitting has come. */
  readonly progress: FitProgress = { ...progressAtTheStart };
  /** Calls hooks; for the loops. */
  readonly hooks: Hooks = new Hooks(this);
  /** Where logged values go; for the loops. */
  readonly metrics: MetricLog = new MetricLog(this);
  /** Where gradients wait for the optimizer; for the loops. */
  readonly gradientStore: GradientStore = new GradientStore();
  /** The backward passes of the step under way of a module that optimizes by itself. */
  manual: ManualBatch | undefined;
  /** The loaders of the latest fit. */
  data: FitData = new FitData(this);
  /** Names that validation logs, when it has run. */
  validationNames: ReadonlySet<string> | undefined;
  /** Whether validation comes between the batch that has just ended and the next. */
  isValidationNext: () => boolean = () => false;
  optimizers: readonly Optimizer[] = [];
  schedulers: readonly SchedulerEntry[] = [];
  /** Batches of the validation, test or prediction under way, over all loaders; infinite where unknown. */
  numEvaluationBatches = 0;
  runningStage: RunningStage | undefined;
  /** Set it to stop after the current batch (and its validation). */
  shouldStop = false;
  /** Why {@link shouldStop} was set. */
  stopReason = "trainer.shouldStop was set";
  /** The checkpoint that this fit went on from. */
  ckptPath: string | undefined;
  /** State of the default generator when the epoch began. */
  epochStartRandom: Uint8Array | undefined;
  /** The module of the latest run, for those that are given none. */
  latestModule: AnyTrainingModule | undefined;
  /** What runs at the moment. */
  currentRun: Run | undefined;
  /** Processes that a fit starts, in a notebook. */
  protected readonly ranks: number | undefined;
  /** The callbacks that were given, and the default ones; a module may replace some of them. */
  readonly ownCallbacks: readonly Callback[];

  /** @throws UnknownOptionError or ConfigurationError when an option is wrong; nothing has been touched then */
  constructor(options: TrainerOptions = {}) {
    this.options = resolveOptions(options);
    const { accumulateGradBatches = 1, callbacks = [] } = options;
    requireOption(
      Number.isInteger(accumulateGradBatches) && accumulateGradBatches >= 1,
      "Trainer.accumulateGradBatches",
      accumulateGradBatches,
      "a whole number of at least 1",
    );
    this.accumulateGradBatches = accumulateGradBatches;
    this.ranks = ranksToStart(options);
    this.strategy = this.ranks === undefined ? makeStrategy(options) : new SingleProcess();
    const own = [callbacks].flat();
    const quiet = this.isGlobalZero ? own : own.filter((callback) => !(callback instanceof ProgressBar));
    const { enableProgressBar } = this.options;
    const shows = { ...this.options, enableProgressBar: enableProgressBar && this.isGlobalZero };
    this.ownCallbacks = defaultCallbacks(quiet, shows);
    this.callbacks = arrangeCallbacks(this.ownCallbacks);
    this.loggers = this.isGlobalZero && this.ranks === undefined ? defaultLoggers(options.logger, this.options) : [];
    const { fastDevRun } = this.options;
    if (fastDevRun > 0 && this.isGlobalZero) {
      console.log(
        `Running in fastDevRun mode: every loop takes ${fastDevRun} batch${fastDevRun === 1 ? "" : "es"}, and neither logs nor checkpoints are written.`,
      );
    }
  }

  /** Whether this process is the one that prints, logs and saves: rank 0. */
  get isGlobalZero(): boolean {
    return this.strategy.isRoot;
  }

  /** The number of this process among all, from 0. */
  get globalRank(): number {
    return this.strategy.rank;
  }

  /** Processes that train together. */
  get worldSize(): number {
    return this.strategy.size;
  }

  /** Whether what runs is part of a fit, validations in it included, rather than an evaluation by itself. */
  get isFitting(): boolean {
    return this.currentRun?.stage === "fit";
  }

  /** Epochs that are over; within an epoch its number, from 0. */
  get currentEpoch(): number {
    return this.progress.epoch;
  }

  /** Steps that the optimizer has taken. */
  get globalStep(): number {
    return this.progress.globalStep;
  }

  /** Batches after which parameters were changed; where a module optimizes by itself, all batches. Logging goes by it. */
  get batchesThatStepped(): number {
    const { globalStep, totalBatch } = this.progress;
    return this.currentRun?.module.automaticOptimization === false ? totalBatch : globalStep;
  }

  /** The step that loggers are told: the number of {@link batchesThatStepped} before the last one. */
  get loggerStep(): number {
    return Math.max(0, this.batchesThatStepped - 1);
  }

  /** The step that loggers are told of an evaluation; between the batches of one optimizer step it is the one that is being prepared. */
  get evaluationStep(): number {
    const { batch, isLast } = this.progress;
    const isPending = batch % this.accumulateGradBatches !== 0 && !isLast;
    return isPending ? this.batchesThatStepped : this.loggerStep;
  }

  /**
   * Optimizer steps that the whole fit will take, as far as limits and the loader's length tell; for schedules that need to know.
   *
   * @throws ConfigurationError when it has no end
   */
  get estimatedSteps(): number {
    const { maxSteps, maxEpochs } = this.options;
    const perEpoch = Math.ceil(this.numTrainingBatches / this.accumulateGradBatches);
    const byEpochs = maxEpochs === -1 ? Number.POSITIVE_INFINITY : maxEpochs * perEpoch;
    const steps = Math.min(maxSteps === -1 ? Number.POSITIVE_INFINITY : maxSteps, byEpochs);
    requireOption(
      Number.isFinite(steps),
      "Trainer.maxEpochs",
      maxEpochs,
      "given, with a loader of known length, or maxSteps, for a schedule over the whole training",
    );
    return steps;
  }

  /** The latest value of every logged metric. */
  get callbackMetrics(): Metrics {
    return this.metrics.callback;
  }

  /** The latest values that went to the loggers. */
  get loggedMetrics(): Metrics {
    return this.metrics.logged;
  }

  /** The latest values for the progress bar. */
  get progressBarMetrics(): Metrics {
    return this.metrics.progressBar;
  }

  /** Gradients that the next optimizer step will use. */
  get gradients(): Map<tf.Variable, tf.Tensor> {
    return this.gradientStore.gradients;
  }

  /** The training loader of the fit under way. */
  get trainLoader(): Loader | undefined {
    return this.data.train;
  }

  /** The validation loaders of the fit under way. */
  get valLoaders(): readonly Loader[] {
    return this.data.validation;
  }

  /** Batches of a training epoch; infinite where unknown. */
  get numTrainingBatches(): number {
    return this.data.trainingBatches;
  }

  get isSanityChecking(): boolean {
    return this.runningStage === "sanityCheck";
  }

  /** The first ModelCheckpoint. */
  get checkpointCallback(): ModelCheckpoint | undefined {
    return this.callbacks.find((callback) => callback instanceof ModelCheckpoint);
  }

  /** The first logger. */
  get logger(): Logger | undefined {
    return this.loggers[0];
  }

  /** The run under way. */
  get run(): Run {
    if (this.currentRun === undefined) {
      throw new Error("The Trainer runs nothing at the moment.");
    }
    return this.currentRun;
  }

  /** Requests to stop the run under way. */
  get listener(): InterruptionListener {
    return this.run.listener;
  }

  /** The module of the run under way. */
  get module(): AnyTrainingModule {
    return this.run.module;
  }

  // What modules, callbacks and loops use.

  /** Logs a value, as `log` of a module does. */
  log(name: string, value: number | tf.Tensor, options: LogOptions = {}): void {
    this.metrics.log(name, value, options);
  }

  /** Forgets the gradients. */
  zeroGrad(): void {
    this.gradientStore.clear();
  }

  /** Runs the backward pass of the batch under way and adds its gradients to {@link gradients}. */
  backward(loss: tf.Tensor, options: BackwardOptions = {}): void {
    if (this.manual !== undefined) {
      this.manual.backward(loss, options);
      return;
    }
    const variables = this.optimizers.flatMap((optimizer) => optimizer.variables());
    this.gradientStore.backward(loss, variables, 1 / this.accumulateGradBatches);
  }

  /** Limits {@link gradients}, or those of one optimizer. */
  clipGradients(value: number | undefined, algorithm: "norm" | "value", optimizer?: Optimizer): void {
    if (value === undefined) {
      return;
    }
    offTape(() => this.gradientStore.clip(value, algorithm, optimizer?.variables()));
  }

  /**
   * Saves a checkpoint: atomically, as safetensors with the rest as JSON in its header, or for a path that ends in `.ckpt` as a file that
   * PyTorch and Lightning read. What is saved is the state at the moment of the call; the promise settles when the file is there.
   */
  async saveCheckpoint(path: string, options: { weightsOnly?: boolean } = {}): Promise<void> {
    const checkpoint = await this.captureCheckpoint(options);
    if (this.isGlobalZero) {
      await saveCheckpointFile(path, checkpoint);
    }
  }

  /** Copies the state of this moment, as {@link saveCheckpoint} would write it. */
  async captureCheckpoint(options: { weightsOnly?: boolean } = {}): Promise<Checkpoint> {
    const checkpoint = await collectCheckpoint(this, options.weightsOnly ?? false);
    await this.hooks.call("onSaveCheckpoint", checkpoint);
    return checkpoint;
  }

  /** Records a picture, as `logImage` of a module does. */
  logImage(name: string, image: ImageLike, step = this.loggerStep): void {
    this.metrics.sendImage(name, image, step);
  }

  /** Records a distribution of values, as `logHistogram` of a module does. */
  logHistogram(name: string, values: tf.Tensor | ArrayLike<number>, step = this.loggerStep): void {
    this.metrics.sendHistogram(name, values, step);
  }

  /** Sends metrics to the loggers. */
  async sendToLoggers(metrics: Metrics, step = this.loggerStep): Promise<void> {
    await this.metrics.send(metrics, step);
  }
}
