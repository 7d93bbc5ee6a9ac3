/** What `log()` does: it knows from the hook and the batch what a value means, and makes it known to callbacks, loggers and progress bar. */
import type * as tf from "@tensorflow/tfjs-core";
import { ConfigurationError, requireOption } from "../errors.ts";
import { batchSizeOf } from "../loaders.ts";
import { type LogOptions, type MetricSets, type Metrics, ResultCollection } from "./results.ts";

/** Hooks in which `log` makes no sense. */
const silentHooks: ReadonlySet<string> = new Set([
  "prepareData",
  "setup",
  "teardown",
  "configureModel",
  "configureOptimizers",
  "onFitStart",
  "onFitEnd",
  "onSanityCheckStart",
  "onSanityCheckEnd",
  "onTrainEnd",
  "onValidationEnd",
  "onTestEnd",
  "onSaveCheckpoint",
  "onLoadCheckpoint",
  "onException",
]);

/** Hooks of a training batch, where values are logged by step unless something else is said. */
const stepHooks: ReadonlySet<string> = new Set([
  "trainingStep",
  "onTrainBatchStart",
  "onTrainBatchEnd",
  "onBeforeZeroGrad",
  "onBeforeBackward",
  "onAfterBackward",
  "onBeforeOptimizerStep",
]);

const reductions: readonly NonNullable<LogOptions["reduce"]>[] = ["mean", "sum", "min", "max"];

/** What logging needs to know of a Trainer. */
interface LogOwner {
  readonly hooks: { readonly current: string };
  readonly runningStage: string | undefined;
  readonly progress: { readonly epoch: number };
  readonly loggers: readonly { logMetrics(metrics: Metrics, step: number): void | Promise<void> }[];
}

/** The logging part of a Trainer. */
export class MetricLog {
  /** The latest value of every logged metric, for callbacks. */
  readonly callback: Metrics = {};
  /** The latest values that went to the loggers. */
  readonly logged: Metrics = {};
  /** The latest values for the progress bar. */
  readonly progressBar: Metrics = {};
  /** The values that training logs in this epoch. */
  training = new ResultCollection();
  /** Values that validation or test log, while it runs. */
  evaluation: ResultCollection | undefined;
  readonly #trainer: LogOwner;
  #batchSize = 1;
  #loader = { index: 0, count: 1 };

  constructor(trainer: LogOwner) {
    this.#trainer = trainer;
  }

  /** Says what `log` belongs to from now on. */
  enterBatch(batch: unknown, loader = { index: 0, count: 1 }): void {
    this.#batchSize = batchSizeOf(batch);
    this.#loader = loader;
  }

  /** Leaves the batch: values that are logged now weigh one. */
  leaveBatch(): void {
    this.#batchSize = 1;
    this.#loader = { index: 0, count: 1 };
  }

  /** Logs a value of the hook that runs. */
  log(name: string, value: number | tf.Tensor, options: LogOptions): void {
    requireOption(typeof name === "string" && name !== "", "log(name)", name, "the name of a metric");
    requireOption(typeof options === "object" && options !== null, `log("${name}").options`, options, "an object");
    const hook = this.#trainer.hooks.current;
    if (hook === "" || silentHooks.has(hook)) {
      throw new ConfigurationError(
        `log("${name}")`,
        hook === "" ? "outside of a hook" : `in ${hook}`,
        "called in a step or an epoch hook",
      );
    }
    const { runningStage } = this.#trainer;
    if (runningStage === "prediction") {
      throw new ConfigurationError(`log("${name}")`, "in predict", "called while fitting, validating or testing");
    }
    const isStep = stepHooks.has(hook);
    const { onStep = isStep, onEpoch = !isStep, progressBar = false, logger = true, reduce = "mean" } = options;
    requireOption(reductions.includes(reduce), `log("${name}").reduce`, reduce, `one of ${reductions.join(", ")}`);
    requireOption(onStep || onEpoch, `log("${name}")`, options, "logged onStep or onEpoch");
    requireOption(
      !onStep || isStep || hook.endsWith("Step") || hook.includes("Batch"),
      `log("${name}").onStep`,
      true,
      `false in ${hook}`,
    );
    const { batchSize = this.#batchSize, addDataloaderIdx = true, syncDist = false } = options;
    const number = typeof value === "number" ? value : scalarOf(name, value);
    const results = runningStage === "training" ? this.training : this.evaluation;
    results?.log(
      hook,
      name,
      number,
      { onStep, onEpoch, progressBar, logger, reduce, batchSize, syncDist },
      { ...this.#loader, add: addDataloaderIdx },
    );
  }

  /** Makes metrics known to callbacks and the progress bar. */
  publish(sets: MetricSets): void {
    Object.assign(this.callback, sets.callback);
    Object.assign(this.progressBar, sets.progressBar);
  }

  /** Sends metrics to the loggers. */
  async send(metrics: Metrics, step: number): Promise<void> {
    if (Object.keys(metrics).length === 0) {
      return;
    }
    const complete = { epoch: this.#trainer.progress.epoch, ...metrics };
    Object.assign(this.logged, complete);
    for (const logger of this.#trainer.loggers) {
      await logger.logMetrics(complete, step);
    }
  }

  /** Forgets the latest values. */
  clear(): void {
    for (const metrics of [this.callback, this.logged, this.progressBar]) {
      for (const key of Object.keys(metrics)) {
        delete metrics[key];
      }
    }
  }
}

function scalarOf(name: string, value: tf.Tensor): number {
  requireOption(typeof value?.dataSync === "function", `log("${name}")`, value, "a number or a tensor of one element");
  requireOption(
    value.size === 1,
    `log("${name}")`,
    `a tensor of shape [${value.shape.join(", ")}]`,
    "a number or a tensor of one element",
  );
  return value.dataSync()[0] ?? Number.NaN;
}
