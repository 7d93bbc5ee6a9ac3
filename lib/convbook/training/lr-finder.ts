/**
 * The learning-rate range test (L. Smith 2017, arXiv:1506.01186): the rate grows from step to step, and the loss tells where learning begins
 * and where it breaks down.
 */
import * as tf from "@tensorflow/tfjs-core";
import { isNumber } from "../arguments/check.ts";
import { curves, displaySymbol, type MimeBundle, type MimeMetadata, metadataSymbol } from "../display/index.ts";
import { defaultGenerator } from "../random/index.ts";
import { disposeTensors } from "./core/containers.ts";
import { yieldToEventLoop } from "./core/interruption.ts";
import { rememberModes } from "./core/modes.ts";
import { normalizeOptimizers } from "./core/scheduling.ts";
import { type AnyTrainingModule, TrainingModule } from "./core/training-module.ts";
import { refuseUnknownOptions, requireOption } from "./errors.ts";
import { record } from "./gradients/gradients.ts";
import { batchSizeOf, isLoader, iterate, type Loader, toLoaders } from "./loaders.ts";
import { Trainer } from "./trainer.ts";

export interface LrFinderOptions {
  /** First and last rate; default 1e-6 and 1. */
  minLr?: number;
  maxLr?: number;
  /** Steps between them; default 100. */
  steps?: number;
  /** Let the rate grow by a factor (`exponential`, default) or by a summand (`linear`). */
  mode?: "exponential" | "linear";
  /** Stop when the smoothed loss is so many times the best; default 4. */
  earlyStopThreshold?: number;
  signal?: AbortSignal;
}

/** Rates and losses, and what they suggest. */
export class LrFinderResult {
  readonly lrs: readonly number[];
  /** The losses, smoothed as in the paper's successors (exponential mean of 0.98 with its bias taken out). */
  readonly losses: readonly number[];

  constructor(lrs: readonly number[], losses: readonly number[]) {
    this.lrs = lrs;
    this.losses = losses;
  }

  /**
   * The rate at which the loss falls most steeply; undefined when there are too few steps.
   *
   * @param skipBegin, skipEnd steps to leave out
   */
  suggestion({ skipBegin = 10, skipEnd = 1 }: { skipBegin?: number; skipEnd?: number } = {}): number | undefined {
    let best: number | undefined;
    let steepest = 0;
    for (let i = Math.max(1, skipBegin); i < this.losses.length - 1 - skipEnd; i++) {
      const [before, after] = [this.losses[i - 1] ?? 0, this.losses[i + 1] ?? 0];
      const slope = (after - before) / Math.log((this.lrs[i + 1] ?? 0) / (this.lrs[i - 1] ?? 0));
      if (slope >= steepest) {
        continue;
      }
      steepest = slope;
      best = this.lrs[i];
    }
    return best;
  }

  /** Loss over rate. */
  figure(): ReturnType<typeof curves> {
    const suggestion = this.suggestion();
    const title =
      suggestion === undefined
        ? "Learning-rate range test"
        : `Learning-rate range test: try ${suggestion.toPrecision(2)}`;
    return curves({
      series: { loss: { x: [...this.lrs], y: [...this.losses] } },
      title,
      xLabel: "learning rate",
      yLabel: "loss",
      logX: true,
    });
  }

  [displaySymbol](): MimeBundle {
    return this.figure()[displaySymbol]();
  }

  [metadataSymbol](): MimeMetadata {
    return this.figure()[metadataSymbol]();
  }
}

/**
 * Tries rates on a module and puts everything back: weights, buffers and random numbers are as before. Processes that a launcher started try them
 * together, as `fit` would train, and get the same losses: the means over all.
 *
 * @example
 * const found = await findLr(module, trainLoader, { maxLr: 2 });
 * display(found);
 * const lr = found.suggestion();
 */
export async function findLr(
  module: AnyTrainingModule,
  loader: Loader,
  options: LrFinderOptions = {},
): Promise<LrFinderResult> {
  requireOption(module instanceof TrainingModule, "findLr.module", module, "a TrainingModule");
  if (!isLoader(loader)) {
    toLoaders("findLr.loader", loader);
  }
  refuseUnknownOptions("findLr", options, ["minLr", "maxLr", "steps", "mode", "earlyStopThreshold", "signal"]);
  const { minLr = 1e-6, maxLr = 1, steps = 100, mode = "exponential", earlyStopThreshold = 4, signal } = options;
  requireOption(isNumber(minLr) && minLr > 0, "findLr.minLr", minLr, "a rate above 0");
  requireOption(["exponential", "linear"].includes(mode), "findLr.mode", mode, '"exponential" or "linear"');
  const isThreshold = isNumber(earlyStopThreshold) && earlyStopThreshold > 0;
  requireOption(isThreshold, "findLr.earlyStopThreshold", earlyStopThreshold, "a number above 0");
  requireOption(isNumber(maxLr) && maxLr > minLr, "findLr.maxLr", maxLr, `a rate above minLr (${minLr})`);
  requireOption(Number.isInteger(steps) && steps >= 3, "findLr.steps", steps, "a whole number of at least 3");
  const { automaticOptimization, typeName } = module;
  requireOption(
    automaticOptimization,
    `${typeName}.automaticOptimization`,
    automaticOptimization,
    "true for findLr, which steps the optimizer itself",
  );
  const state = module.stateDict();
  const random = defaultGenerator.getState();
  const loaderState = loader.getState?.();
  const restoreModes = rememberModes(module);
  const trainer = new Trainer({
    maxSteps: steps,
    logger: false,
    enableCheckpointing: false,
    enableProgressBar: false,
    enableModelSummary: false,
  });
  const lrs: number[] = [];
  const losses: number[] = [];
  module.attachTrainer(trainer);
  trainer.runningStage = "training";
  trainer.data.trainingBatches = steps;
  module.train();
  const { optimizers } = normalizeOptimizers(module.configureOptimizers());
  trainer.optimizers = optimizers;
  const { strategy } = trainer;
  let batches: EndlessBatches | undefined;
  try {
    await strategy.setUp(module);
    batches = new EndlessBatches(strategy.share(loader, "training"));
    let mean = 0;
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < steps; i++) {
      const next = await batches.next();
      if (next.done) {
        break;
      }
      const share = i / (steps - 1);
      const lr = mode === "linear" ? minLr + (maxLr - minLr) * share : minLr * (maxLr / minLr) ** share;
      for (const { paramGroups } of optimizers) {
        for (const group of paramGroups) {
          group.lr = lr;
        }
      }
      const value = await stepTogether(trainer, module, next.value, signal?.aborted === true);
      if (value === undefined) {
        break;
      }
      mean = 0.98 * mean + 0.02 * value;
      const smooth = mean / (1 - 0.98 ** (i + 1));
      if (!Number.isFinite(smooth) || (i > 10 && smooth > earlyStopThreshold * best)) {
        break;
      }
      lrs.push(lr);
      losses.push(smooth);
      best = Math.min(best, smooth);
      await yieldToEventLoop();
    }
    await strategy.tearDown(module);
  } catch (error) {
    strategy.fail(error);
    throw error;
  } finally {
    await batches?.end();
    for (const optimizer of optimizers) {
      optimizer.dispose();
    }
    module.attachTrainer(undefined);
    module.loadStateDict(state);
    restoreModes();
    defaultGenerator.setState(random);
    if (loaderState !== undefined) {
      loader.setState?.(fromTheStart(loaderState));
    }
  }
  return new LrFinderResult(lrs, losses);
}

/**
 * A loader's state tells where its latest epoch stands, also one that was left before its end, as by a limit on batches. Whoever takes batches next begins
 * anew all the same; only the random numbers go back.
 */
function fromTheStart(state: unknown): unknown {
  return typeof state === "object" && state !== null && "position" in state ? { ...state, position: 0 } : state;
}

/** A loader's batches, from its beginning again when it is over. */
class EndlessBatches {
  readonly #loader: Loader;
  #iterator: AsyncIterator<unknown>;
  #passes = 0;

  constructor(loader: Loader) {
    this.#loader = loader;
    this.#iterator = iterate(loader);
  }

  /** The next batch; none where the loader gives none. */
  async next(): Promise<IteratorResult<unknown>> {
    const next = await this.#iterator.next();
    if (!next.done) {
      return next;
    }
    this.#loader.setEpoch?.(++this.#passes);
    this.#iterator = iterate(this.#loader);
    return this.#iterator.next();
  }

  async end(): Promise<void> {
    await this.#iterator.return?.();
  }
}

/** A step of all processes. @returns the mean of their losses; undefined, and nothing done, when one of them was asked to stop */
async function stepTogether(
  trainer: Trainer,
  module: AnyTrainingModule,
  batch: unknown,
  isAborted: boolean,
): Promise<number | undefined> {
  if ((await trainer.strategy.gather(isAborted)).includes(true)) {
    disposeTensors(batch);
    return undefined;
  }
  const values = await trainer.strategy.gather(await step(trainer, module, batch));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function step(trainer: Trainer, module: AnyTrainingModule, batch: unknown): Promise<number> {
  const { gradientStore, hooks, metrics, optimizers, strategy } = trainer;
  metrics.enterBatch({ size: batchSizeOf(batch) });
  const recording = record(() => hooks.enter("trainingStep", () => module.trainingStep(batch, 0)));
  const { outputs } = recording;
  if (outputs === undefined || outputs === null) {
    recording.dispose();
  } else {
    const loss = outputs instanceof tf.Tensor ? outputs : outputs.loss;
    const variables = optimizers.flatMap((optimizer) => optimizer.variables());
    gradientStore.add(recording.backward(loss, variables), 1);
  }
  await strategy.reduceGradients(trainer);
  for (const optimizer of optimizers) {
    optimizer.step(gradientStore.gradients);
  }
  gradientStore.clear();
  const loss = outputs instanceof tf.Tensor ? outputs : outputs?.loss;
  const value = loss?.dataSync()[0] ?? Number.NaN;
  disposeTensors(outputs ?? undefined, batch);
  return value;
}
