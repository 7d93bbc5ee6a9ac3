/**
 * Runs training, validation, test and prediction: PyTorch Lightning's Trainer. The order of hooks is Lightning's, and a golden-sequence test
 * (`hook-order.test.ts`) holds it to that.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { resolveCheckpointPath } from "./checkpointing/checkpoint-path.ts";
import {
  loadWeights,
  type ResumePoint,
  restoreGradients,
  resumeOptimizers,
  resumeProgress,
} from "./checkpointing/checkpoint-state.ts";
import { FitData } from "./core/fit-data.ts";
import { Interruption } from "./core/interruption.ts";
import { requireAutomatic, warnOfEvaluationMode } from "./core/module-checks.ts";
import { normalizeOptimizers } from "./core/scheduling.ts";
import type { Stage } from "./core/trainer-context.ts";
import type { TrainerOptions } from "./core/trainer-options.ts";
import type { AnyTrainingModule, TrainingModuleOn } from "./core/training-module.ts";
import { moduleToRun } from "./evaluated-module.ts";
import { type Loader, type Loaders, toLoaders } from "./loaders.ts";
import type { Metrics } from "./logging/results.ts";
import { runEvaluation } from "./loops/evaluation-loop.ts";
import { runFitLoop, runSanityCheck } from "./loops/fit-loop.ts";
import { runPrediction } from "./loops/prediction-loop.ts";
import { summarize } from "./model-summary.ts";
import { runVerb } from "./run.ts";
import { type FitResult, printMetrics, type RunOptions } from "./trainer-results.ts";
import { progressAtTheStart, TrainerState } from "./trainer-state.ts";

/**
 * Trains, validates, tests and predicts: loops over batches and epochs, with callbacks, loggers and checkpoints, as Lightning's Trainer does.
 *
 * @example
 * const trainer = new Trainer({ maxEpochs: 10, callbacks: [new ModelCheckpoint({ monitor: "val_acc", mode: "max" })] });
 * const { status, bestModelPath } = await trainer.fit(module, trainLoader, valLoader);
 * const [metrics] = await trainer.test(module, testLoader);
 */
export class Trainer extends TrainerState {
  readonly #given: TrainerOptions;

  /** @throws UnknownOptionError or ConfigurationError when an option is wrong; nothing has been touched then */
  constructor(options: TrainerOptions = {}) {
    super(options);
    this.#given = options;
  }

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
    if (this.ranks !== undefined) {
      const { fitOnRanks } = await import("./launched/fit.ts");
      this.latestModule = module;
      return fitOnRanks(this, this.#given, this.ranks, { module, train, val, run: options });
    }
    return runVerb(this, module, "fit", options.signal, async () => {
      requireAutomatic(module, this);
      const point = await this.#prepare(options.ckptPath, "fit");
      this.data = new FitData(this, train, val);
      this.#setOptimizers();
      if (point !== undefined) {
        resumeProgress(this, point);
      } else {
        Object.assign(this.progress, progressAtTheStart);
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
}
