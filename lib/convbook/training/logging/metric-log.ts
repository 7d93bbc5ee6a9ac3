/** What `log()` does: it knows from the hook and the batch what a value means, and makes it known to callbacks, loggers and progress bar. */
import * as tf from "@tensorflow/tfjs-core";
import type { ImageLike } from "../../display/index.ts";
import { ConfigurationError, refuseUnknownOptions, requireOption } from "../errors.ts";
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

const logOptionNames: readonly (keyof LogOptions)[] = [
  "onStep",
  "onEpoch",
  "progressBar",
  "logger",
  "reduce",
  "syncDist",
  "batchSize",
  "addDataloaderIdx",
];

const reductions: readonly NonNullable<LogOptions["reduce"]>[] = ["mean", "sum", "min", "max"];

/** What logging needs of a logger. */
interface LogTarget {
  logMetrics(metrics: Metrics, step: number): void | Promise<void>;
  logHistogram?(name: string, values: Float32Array, step: number): void | Promise<void>;
  logImage?(name: string, image: ImageLike, step: number): void | Promise<void>;
}

/** What logging needs to know of a Trainer. */
interface LogOwner {
  readonly hooks: { readonly current: string };
  readonly runningStage: string | undefined;
  readonly progress: { readonly epoch: number };
  readonly loggers: readonly LogTarget[];
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
  /** Batches of each evaluation loader that were evaluated. */
  readonly seenBatches = new Map<number, number>();
  /** Values that validation or test log, while it runs. */
  evaluation: ResultCollection | undefined;
  readonly #trainer: LogOwner;
  #batchSize = 1;
  #loader = { index: 0, count: 1 };
  /** Pictures and histograms on their way to loggers that take their time. */
  readonly #pending = new Set<Promise<void>>();
  /** What no logger can record, and was told of. */
  readonly #told = new Set<string>();

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
    refuseUnknownOptions(`log("${name}")`, options, logOptionNames);
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
    const isSize = Number.isFinite(batchSize) && batchSize >= 0;
    requireOption(isSize, `log("${name}").batchSize`, batchSize, "a number of at least 0");
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

  /**
   * Sends metrics to the loggers.
   *
   * @param step where they belong, unless one of them is named `step`: then its value, whole, as in Lightning
   */
  async send({ step: own, ...metrics }: Metrics, step: number): Promise<void> {
    if (Object.keys(metrics).length === 0) {
      return;
    }
    await this.settle();
    const complete = { epoch: this.#trainer.progress.epoch, ...metrics };
    Object.assign(this.logged, complete);
    const at = own !== undefined && Number.isFinite(own) ? Math.trunc(own) : step;
    for (const logger of this.#trainer.loggers) {
      await logger.logMetrics(complete, at);
    }
  }

  /** Has the loggers that can record a picture. It is read now, and may be disposed of afterwards. */
  sendImage(name: string, image: ImageLike, step: number): void {
    requireOption(typeof name === "string" && name !== "", "logImage(name)", name, "the name of a picture");
    const isImage = image instanceof tf.Tensor || (typeof image === "object" && image !== null && "data" in image);
    requireOption(isImage, `logImage("${name}")`, image, "a picture: a tensor, or an object with shape and data");
    const kept = image instanceof tf.Tensor ? { shape: [...image.shape], data: image.dataSync().slice() } : image;
    this.#record("pictures", "logImage", (logger) => logger.logImage?.(name, kept as ImageLike, step));
  }

  /** Has the loggers that can record a distribution of values. */
  sendHistogram(name: string, values: tf.Tensor | ArrayLike<number>, step: number): void {
    requireOption(typeof name === "string" && name !== "", "logHistogram(name)", name, "the name of a distribution");
    const numbers: unknown = values instanceof tf.Tensor ? values.dataSync() : values;
    const isList = Array.isArray(numbers) || (ArrayBuffer.isView(numbers) && "length" in numbers);
    requireOption(isList, `logHistogram("${name}")`, values, "a tensor or a list of numbers");
    const kept = Float32Array.from(numbers as ArrayLike<number>);
    this.#record("histograms", "logHistogram", (logger) => logger.logHistogram?.(name, kept, step));
  }

  #record(
    what: string,
    method: "logImage" | "logHistogram",
    record: (logger: LogTarget) => void | Promise<void>,
  ): void {
    const able = this.#trainer.loggers.filter((logger) => logger[method] !== undefined);
    if (able.length === 0 && this.#trainer.loggers.length > 0 && !this.#told.has(what)) {
      this.#told.add(what);
      console.warn(`None of the loggers records ${what}; TensorBoardLogger does.`);
    }
    for (const logger of able) {
      const done = record(logger);
      if (done instanceof Promise) {
        this.#pending.add(done);
        // Told of by settle.
        done.catch(() => {});
      }
    }
  }

  /** Waits for the loggers that take their time. @throws what one of them throws */
  async settle(): Promise<void> {
    const pending = [...this.#pending];
    this.#pending.clear();
    await Promise.all(pending);
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
  requireOption(
    ["float32", "int32", "bool"].includes(value.dtype),
    `log("${name}")`,
    `a tensor of ${value.dtype}`,
    "a number or a tensor of one number",
  );
  return value.dataSync()[0] ?? Number.NaN;
}
