/**
 * Runs training, validation, test and prediction: PyTorch Lightning's Trainer. The order of hooks is Lightning's, and a golden-sequence test
 * (`hook-order.test.ts`) holds it to that.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { ImageLike } from "../display/index.ts";
import { arrangeCallbacks, defaultCallbacks } from "./callbacks/defaults.ts";
import { ModelCheckpoint } from "./callbacks/model-checkpoint.ts";
import { ProgressBar } from "./callbacks/progress-bar.ts";
import { saveCheckpointFile } from "./checkpointing/checkpoint-file.ts";
import { resolveCheckpointPath } from "./checkpointing/checkpoint-path.ts";
import {
  collectCheckpoint,
  loadWeights,
  type ResumePoint,
  restoreGradients,
  resumeOptimizers,
  resumeProgress,
} from "./checkpointing/checkpoint-state.ts";
import type { Callback } from "./core/callback.ts";
import type { Checkpoint, FitProgress } from "./core/checkpoint.ts";
import { FitData } from "./core/fit-data.ts";
import { Hooks } from "./core/hooks.ts";
import { Interruption, type InterruptionListener } from "./core/interruption.ts";
import type { Logger } from "./core/logger.ts";
import { type BackwardOptions, type ManualBatch, offTape } from "./core/manual-optimization.ts";
import { requireAutomatic, warnOfEvaluationMode } from "./core/module-checks.ts";
import { normalizeOptimizers, type SchedulerEntry } from "./core/scheduling.ts";
import type { Strategy } from "./core/strategy.ts";
import type { RunningStage, Stage, TrainerContext } from "./core/trainer-context.ts";
import { type ResolvedOptions, resolveOptions, type TrainerOptions } from "./core/trainer-options.ts";
import type { AnyTrainingModule, TrainingModuleOn } from "./core/training-module.ts";
import { requireOption } from "./errors.ts";
import { moduleToRun } from "./evaluated-module.ts";
import { GradientStore } from "./gradients/gradient-store.ts";
import { type Loader, type Loaders, toLoaders } from "./loaders.ts";
import { defaultLoggers } from "./loggers/defaults.ts";
import { MetricLog } from "./logging/metric-log.ts";
import type { LogOptions, Metrics } from "./logging/results.ts";
import { runEvaluation } from "./loops/evaluation-loop.ts";
import { runFitLoop, runSanityCheck } from "./loops/fit-loop.ts";
import { runPrediction } from "./loops/prediction-loop.ts";
import { summarize } from "./model-summary.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import { type Run, runVerb } from "./run.ts";
import { makeStrategy, ranksToStart, SingleProcess } from "./strategies/index.ts";

/** How a fit ended. */
export interface FitResult {
  /** `completed` also when a callback stopped it; `interrupted` when somebody asked to stop. */
  readonly status: "completed" | "interrupted";
  /** Why it ended, in words. */
  readonly reason: string;
  /** Epochs that are over. */
  readonly epochs: number;
  readonly globalStep: number;
  /** The latest value of every metric. */
  readonly metrics: Readonly<Metrics>;
  /** The best checkpoint of the first ModelCheckpoint, where there is one. */
  readonly bestModelPath: string | undefined;
  /** The newest checkpoint to go on from, where there is one. */
  readonly lastModelPath: string | undefined;
}

/** Options of one run. */
export interface RunOptions {
  /** A checkpoint to go on from (fit) or to take the weights from: a path, `"last"`, or for evaluation `"best"`. */
  readonly ckptPath?: string | undefined;
  /** Stops this run at the end of its batch when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Whether validate and test print their results; default true. */
  readonly verbose?: boolean;
}

const atTheStart: FitProgress = { epoch: 0, batch: 0, totalBatch: 0, globalStep: 0, phase: "batch", isLast: false };

/**
 * @example
 * const trainer = new Trainer({ maxEpochs: 10, callbacks: [new ModelCheckpoint({ monitor: "val_acc", mode: "max" })] });
 * const { status, bestModelPath } = await trainer.fit(module, trainLoader, valLoader);
 * const [metrics] = await trainer.test(module, testLoader);
 */
export class Trainer implements TrainerContext {
  readonly options: ResolvedOptions;
  readonly strategy: Strategy;
  /** All callbacks: ordinary ones in their order, then those that judge, then those that save. */
  callbacks: readonly Callback[];
  readonly loggers: readonly Logger[];
  /** Batches whose gradients are averaged for one optimizer step; GradientAccumulationScheduler changes it. */
  accumulateGradBatches: number;
  /** How far fitting has come. */
  readonly progress: FitProgress = { ...atTheStart };
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
  readonly #given: TrainerOptions;
  /** Processes that a fit starts, in a notebook. */
  readonly #ranks: number | undefined;
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
    this.#given = options;
    this.#ranks = ranksToStart(options);
    this.strategy = this.#ranks === undefined ? makeStrategy(options) : new SingleProcess();
    const own = [callbacks].flat();
    const quiet = this.isGlobalZero ? own : own.filter((callback) => !(callback instanceof ProgressBar));
    const { enableProgressBar } = this.options;
    const shows = { ...this.options, enableProgressBar: enableProgressBar && this.isGlobalZero };
    this.ownCallbacks = defaultCallbacks(quiet, shows);
    this.callbacks = arrangeCallbacks(this.ownCallbacks);
    this.loggers = this.isGlobalZero && this.#ranks === undefined ? defaultLoggers(options.logger, this.options) : [];
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

  // The four verbs.

  /**
   * Trains a module. In a notebook, with `devices` above 1, it does so on processes that it starts, for a module whose class stands in a file: they
   * show their progress in the cell, and the module has the trained weights in the end.
   *
   * @param module what to train
   * @param train the training batches, or an object with `trainDataloader()` and its like; default: the module's own
   * @param val the validation batches, one loader or several; default: the module's own, or none
   * @returns how it ended; an interruption is no error
   * @throws what a step or hook throws, after the callbacks' `onException`; NonFiniteError, MonitorError, BatchError, ConfigurationError
   */
  async fit<Batch>(
    module: TrainingModuleOn<Batch>,
    train?: Loader<Batch>,
    val?: Loaders<Batch>,
    options: RunOptions = {},
  ): Promise<FitResult> {
    if (this.#ranks !== undefined) {
      const { fitOnRanks } = await import("./launched/fit.ts");
      this.latestModule = module;
      return fitOnRanks(this, this.#given, this.#ranks, { module, train, val, run: options });
    }
    return runVerb(this, module, "fit", options.signal, async () => {
      requireAutomatic(module, this);
      const point = await this.#prepare(options.ckptPath, "fit");
      this.data = new FitData(this, train, val);
      this.#setOptimizers();
      if (point !== undefined) {
        resumeProgress(this, point);
      } else {
        Object.assign(this.progress, atTheStart);
      }
      this.shouldStop = false;
      await this.#startLoggers();
      await this.hooks.call("onFitStart");
      module.zeroGrad();
      if (point !== undefined) {
        resumeOptimizers(this, point);
        restoreGradients(this, point);
      }
      if (this.options.enableModelSummary && this.isGlobalZero) {
        console.log(summarize(module, { exampleInput: module.exampleInput }).toString());
      }
      try {
        // What some processes were asked while they started, all hear of before they train.
        await this.strategy.agree(this);
        if (this.listener.isShared && this.listener.requested) {
          throw new Interruption();
        }
        warnOfEvaluationMode(module);
        await runSanityCheck(this, point === undefined);
        await this.data.requestTraining();
        const reason = await runFitLoop(this, point);
        await this.strategy.shareBuffers(module);
        await this.hooks.call("onFitEnd");
        return this.#fitResult("completed", reason);
      } catch (error) {
        if (!(error instanceof Interruption)) {
          throw error;
        }
        await this.hooks.callCallbacks("onException", error);
        return this.#fitResult("interrupted", "somebody asked to stop");
      } finally {
        this.zeroGrad();
        await this.data.dispose();
      }
    });
  }

  /**
   * Runs the validation loop.
   *
   * @param module what to evaluate; left out: the module of the run before, with the best weights that this Trainer has saved, where it has
   * @param loaders the batches; default: the module's own
   * @returns the metrics, an object a loader
   */
  async validate<Batch>(
    module?: TrainingModuleOn<Batch>,
    loaders?: Loaders<Batch>,
    options: RunOptions = {},
  ): Promise<Metrics[]> {
    return this.#evaluate(module, "validate", loaders, options);
  }

  /** Runs the test loop, as {@link validate} does its own. @returns the metrics, an object a loader */
  async test<Batch>(
    module?: TrainingModuleOn<Batch>,
    loaders?: Loaders<Batch>,
    options: RunOptions = {},
  ): Promise<Metrics[]> {
    return this.#evaluate(module, "test", loaders, options);
  }

  /** Runs `predictStep` over batches, of the module of the run before where none is given. @returns what it returned, a list for one loader, a list of lists for several; the caller's to dispose of */
  async predict<Batch>(
    given?: TrainingModuleOn<Batch>,
    loaders?: Loaders<Batch>,
    options: RunOptions = {},
  ): Promise<tf.TensorContainer[]> {
    const { module, ckptPath } = moduleToRun(this, given, "predict", options);
    return runVerb(this, module, "predict", options.signal, async () => {
      await this.#prepare(ckptPath, "predict");
      module.zeroGrad();
      const list = toLoaders("The loader of predict", loaders ?? module.predictDataloader());
      return runPrediction(this, list);
    });
  }

  async #evaluate(
    givenModule: AnyTrainingModule | undefined,
    stage: "validate" | "test",
    loaders: Loaders | undefined,
    options: RunOptions,
  ): Promise<Metrics[]> {
    const { module, ckptPath } = moduleToRun(this, givenModule, stage, options);
    return runVerb(this, module, stage, options.signal, async () => {
      await this.#prepare(ckptPath, stage);
      module.zeroGrad();
      await this.#startLoggers();
      const limit = stage === "test" ? this.options.limitTestBatches : this.options.limitValBatches;
      if (limit === 0) {
        return [];
      }
      const given = loaders ?? module[stage === "test" ? "testDataloader" : "valDataloader"]();
      const list = toLoaders(`The loader of ${stage}`, given).map((loader) =>
        this.strategy.share(loader, "evaluation"),
      );
      const metrics = await runEvaluation(this, stage === "test" ? "test" : "validation", list);
      if ((options.verbose ?? true) && this.isGlobalZero) {
        console.log(printMetrics(stage, metrics));
      }
      return metrics;
    });
  }

  async #prepare(given: string | undefined, stage: Stage): Promise<ResumePoint | undefined> {
    // Rank 0 looks: what it has saved may not be seen on other machines yet, but is the same file.
    const found = this.isGlobalZero ? await resolveCheckpointPath(this, given, stage) : undefined;
    const path = (await this.strategy.fromRoot(found ?? null)) ?? undefined;
    this.ckptPath = path;
    return path === undefined ? undefined : loadWeights(this, path, stage);
  }

  #setOptimizers(): void {
    const config = this.hooks.enter("configureOptimizers", () => this.module.configureOptimizers());
    for (const optimizer of this.optimizers) {
      optimizer.dispose();
    }
    const { optimizers, schedulers } = normalizeOptimizers(config, !this.module.automaticOptimization);
    this.optimizers = optimizers;
    this.schedulers = schedulers;
  }

  async #startLoggers(): Promise<void> {
    for (const logger of this.loggers) {
      await logger.logHyperparams?.(this.module.hparams);
      await logger.logGraph?.(this.module);
    }
  }

  #fitResult(status: FitResult["status"], reason: string): FitResult {
    const checkpoint = this.checkpointCallback;
    return {
      status,
      reason,
      epochs: this.progress.epoch,
      globalStep: this.progress.globalStep,
      metrics: { ...this.callbackMetrics },
      bestModelPath: checkpoint?.bestModelPath,
      lastModelPath: checkpoint?.lastModelPath ?? checkpoint?.bestModelPath,
    };
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

function printMetrics(stage: string, metrics: readonly Metrics[]): string {
  const rows = metrics.flatMap((each) => Object.entries(each).map(([name, value]) => `  ${name.padEnd(32)} ${value}`));
  return [`${stage}:`, ...rows].join("\n");
}
