/** The loop of validation and test. */
import * as tf from "@tensorflow/tfjs-core";
import { UnregisteredModuleError } from "../../nn/errors.ts";
import { requireOwn } from "../../nn/usage.ts";
import { defaultGenerator } from "../../random/index.ts";
import { containerOf, disposeTensors } from "../core/containers.ts";
import { Interruption, yieldToEventLoop } from "../core/interruption.ts";
import { rememberModes } from "../core/modes.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import { BatchError, ConfigurationError, NonFiniteError, UnknownOptionError } from "../errors.ts";
import { countBatches, describeBatch, iterate, type Loader, longestLengths } from "../loaders.ts";
import { type Metrics, ResultCollection } from "../logging/results.ts";

/** What differs between the two. */
export interface EvaluationOptions {
  /** Batches at most of each loader, in place of the Trainer's limit. */
  readonly limit?: number;
  /** Called when the metrics are there, before `onValidationEnd`. */
  readonly beforeEnd?: () => void;
}

/**
 * Runs one validation or test.
 *
 * @returns the epoch's metrics, an object a loader (with one loader: one object)
 * @throws Interruption when somebody asks to stop; random numbers are then as they were before
 */
export async function runEvaluation(
  trainer: TrainerContext,
  stage: "validation" | "test",
  loaders: readonly Loader[],
  options: EvaluationOptions = {},
): Promise<Metrics[]> {
  const { module } = trainer;
  const noun = stage === "validation" ? "Validation" : "Test";
  const isSanity = trainer.runningStage === "sanityCheck";
  const stageBefore = trainer.runningStage;
  if (!isSanity) {
    trainer.runningStage = stage;
  }
  const given = stage === "validation" ? trainer.options.limitValBatches : trainer.options.limitTestBatches;
  const limits = trainer.options.overfitBatches === 0 ? "Trainer.limitValBatches" : "Trainer.overfitBatches";
  const option = stage === "validation" ? limits : "Trainer.limitTestBatches";
  // Limits, shares among them, are of the process that has most batches: it says how many rounds there are.
  const rounds = (await longestLengths(trainer.strategy, loaders)).map((length) =>
    Math.min(options.limit ?? Number.POSITIVE_INFINITY, countBatches(option, given, length)),
  );
  if (rounds.every((count) => count === 0)) {
    return [];
  }
  const counts = loaders.map(({ length = Number.POSITIVE_INFINITY }, i) => Math.min(length, rounds[i] ?? 0));
  await trainer.strategy.shareBuffers(module);
  trainer.numEvaluationBatches = counts.reduce((sum, count) => sum + count, 0);
  const restoreModes = rememberModes(module);
  const random = defaultGenerator.getState();
  const results = new ResultCollection();
  trainer.metrics.evaluation = results;
  try {
    await trainer.hooks.callModule(`on${noun}ModelEval`);
    await trainer.hooks.call(`on${noun}Start`);
    await trainer.hooks.call(`on${noun}EpochStart`);
    for (const [index, loader] of loaders.entries()) {
      const batches = { own: counts[index] ?? 0, rounds: rounds[index] ?? 0 };
      await evaluateLoader(trainer, stage, loader, batches, { index, count: loaders.length });
    }
    trainer.metrics.leaveBatch();
    trainer.metrics.publish((await trainer.strategy.mergeResults(results)).epochMetrics());
    await trainer.hooks.call(`on${noun}EpochEnd`);
    const metrics = (await trainer.strategy.mergeResults(results)).epochMetrics();
    trainer.metrics.publish(metrics);
    if (!isSanity) {
      await trainer.sendToLoggers(metrics.log, trainer.evaluationStep);
    }
    await trainer.hooks.callThen(`on${noun}End`, options.beforeEnd);
    return splitByLoader(metrics.callback, loaders.length);
  } catch (error) {
    if (error instanceof Interruption) {
      defaultGenerator.setState(random);
    }
    throw error;
  } finally {
    const overridden = stage === "validation" ? module.onValidationModelTrain : module.onTestModelTrain;
    if (overridden === undefined) {
      restoreModes();
    } else {
      await trainer.hooks.callModule(`on${noun}ModelTrain`);
    }
    trainer.runningStage = stageBefore;
  }
}

async function evaluateLoader(
  trainer: TrainerContext,
  stage: "validation" | "test",
  loader: Loader,
  { own, rounds }: { readonly own: number; readonly rounds: number },
  which: { index: number; count: number },
): Promise<void> {
  const iterator = trainer.run.openIterator(iterate(loader));
  try {
    for (let i = 0; i < rounds; i++) {
      if (i >= own) {
        // Others have a batch still; this process takes part in what is decided.
        await agree(trainer, rounds);
        continue;
      }
      const { done, value } = await nextBatch(trainer, iterator, stage, i);
      if (done && i === 0) {
        throw noBatches(`The ${stage} loader`, "which gave none: a generator gives its batches once only");
      }
      if (done) {
        break;
      }
      const run = () => evaluateBatch(trainer, stage, value, i, which);
      await (trainer.options.profiler?.measureBatch(stage, run) ?? run());
      await yieldToEventLoop();
      await agree(trainer, rounds);
    }
  } finally {
    await trainer.run.close(iterator);
  }
}

/** Leaves the loop when somebody asked to, on all processes after the same batch. */
async function agree(trainer: TrainerContext, rounds: number): Promise<void> {
  if (Number.isFinite(rounds)) {
    await trainer.strategy.agree(trainer);
  }
  if (trainer.listener.requested) {
    throw new Interruption();
  }
}

async function evaluateBatch(
  trainer: TrainerContext,
  stage: "validation" | "test",
  given: unknown,
  i: number,
  which: { index: number; count: number },
): Promise<void> {
  const { module } = trainer;
  const noun = stage === "validation" ? "Validation" : "Test";
  let batch = trainer.hooks.callModule("onBeforeBatchTransfer", given, which.index);
  batch = trainer.hooks.callModule("transferBatchToDevice", batch, which.index);
  batch = trainer.hooks.callModule("onAfterBatchTransfer", batch, which.index);
  trainer.metrics.enterBatch(batch, which);
  await trainer.hooks.call(`on${noun}BatchStart`, batch, i, which.index);
  const step = stage === "validation" ? "validationStep" : "testStep";
  let outputs: tf.TensorContainer;
  try {
    const run = () => containerOf(module[step](batch, i, which.index));
    outputs = trainer.hooks.enter(step, () => tf.tidy(() => (i === 0 ? requireOwn(module, run) : run())));
  } catch (error) {
    throw wrapBatchError(stage, i, batch, error);
  }
  await trainer.hooks.call(`on${noun}BatchEnd`, outputs ?? undefined, batch, i, which.index);
  disposeTensors(outputs, batch);
  if (trainer.runningStage !== "sanityCheck") {
    await publishStep(trainer, which.index);
  }
}

/** Makes known what was logged by step; loggers are told the number of the loader's batch, counted over all evaluations, as Lightning does. */
async function publishStep(trainer: TrainerContext, index: number): Promise<void> {
  const results = trainer.metrics.evaluation;
  const steps = results?.stepMetrics();
  results?.forgetStep();
  if (steps === undefined) {
    return;
  }
  trainer.metrics.publish(steps);
  const seen = trainer.metrics.seenBatches.get(index) ?? 0;
  trainer.metrics.seenBatches.set(index, seen + 1);
  await trainer.sendToLoggers(steps.log, seen);
}

/** Epochs of nothing, or a validation of nothing, would look like one that went well. */
export function noBatches(loader: string, found: string): ConfigurationError {
  return new ConfigurationError(
    loader,
    found,
    "something that gives at least one batch, each time that it is iterated over",
  );
}

/** The next batch of a loader; what goes wrong names the batch. */
export async function nextBatch(
  trainer: TrainerContext,
  iterator: AsyncIterator<unknown>,
  stage: string,
  index: number,
): Promise<IteratorResult<unknown>> {
  const { profiler } = trainer.options;
  const next = () => trainer.hooks.onStack(() => iterator.next());
  try {
    return await trainer.run.wait(
      profiler === undefined ? next() : profiler.measure(`waiting for ${stage} data`, next),
    );
  } catch (error) {
    throw new BatchError(stage, index, "while it was loaded", error);
  }
}

/** Names the batch on which a step failed. */
export function wrapBatchError(stage: string, index: number, batch: unknown, error: unknown): unknown {
  const speaksForItself = [ConfigurationError, NonFiniteError, UnknownOptionError, UnregisteredModuleError];
  if (speaksForItself.some((type) => error instanceof type)) {
    return error;
  }
  return new BatchError(stage, index, describeBatch(batch), error);
}

function splitByLoader(metrics: Metrics, count: number): Metrics[] {
  if (count === 1) {
    return [metrics];
  }
  return Array.from({ length: count }, (_, index) => {
    const suffix = `/dataloader_idx_${index}`;
    return Object.fromEntries(
      Object.entries(metrics).filter(([name]) => name.endsWith(suffix) || !name.includes("/dataloader_idx_")),
    );
  });
}
