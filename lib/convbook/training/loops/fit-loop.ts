/**
 * The loop of training: epochs, batches, and validation among them. It can begin at any {@link Phase}, so that a resumed run does exactly what
 * the interrupted one would have done next.
 */

import { found } from "../../arguments/found.ts";
import { defaultGenerator } from "../../random/index.ts";
import type { ResumePoint } from "../checkpointing/checkpoint-state.ts";
import { disposeTensors } from "../core/containers.ts";
import { Interruption, yieldToEventLoop } from "../core/interruption.ts";
import { stepSchedulers } from "../core/scheduling.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import { ConfigurationError } from "../errors.ts";
import { iterate, type Loader } from "../loaders.ts";
import { nextBatch, noBatches, runEvaluation } from "./evaluation-loop.ts";
import { isValidationDue, mayStop, reachedSteps, stopReason, valCheckBatch } from "./limits.ts";
import { checkMonitors } from "./monitors.ts";
import { runTrainingBatch } from "./training-step.ts";

/**
 * Runs a few validation batches before training, so that what is wrong with validation shows before an epoch is lost.
 *
 * @param isFresh whether training begins, rather than goes on
 */
export async function runSanityCheck(trainer: TrainerContext, isFresh: boolean): Promise<void> {
  const { numSanityValSteps: steps, limitValBatches } = trainer.options;
  if (steps === 0 || !isFresh || !trainer.data.mayValidate || limitValBatches === 0) {
    await trainer.data.requestValidation();
    return;
  }
  trainer.runningStage = "sanityCheck";
  const random = defaultGenerator.getState();
  try {
    await trainer.hooks.callCallbacks("onSanityCheckStart");
    const loaders = await trainer.data.requestValidation();
    if (loaders.length > 0) {
      await runEvaluation(trainer, "validation", loaders, steps === -1 ? {} : { limit: steps });
      trainer.validationNames = new Set(trainer.metrics.evaluation?.names() ?? []);
    }
    await trainer.hooks.callCallbacks("onSanityCheckEnd");
    trainer.metrics.clear();
  } finally {
    defaultGenerator.setState(random);
    trainer.runningStage = undefined;
  }
}

/**
 * Trains until something says stop.
 *
 * @returns why it ended
 * @throws Interruption when somebody asked to stop
 */
export async function runFitLoop(trainer: TrainerContext, point: ResumePoint | undefined): Promise<string> {
  if (trainer.numTrainingBatches === 0) {
    if (trainer.options.limitTrainBatches !== 0) {
      throw noBatches("The training loader", "which has none");
    }
    return "there are no training batches";
  }
  trainer.runningStage = "training";
  const interval = valCheckBatch(trainer);
  if (point === undefined) {
    trainer.metrics.training.reset();
  }
  await trainer.hooks.call("onTrainStart");
  if (point !== undefined) {
    defaultGenerator.setState(point.random.now);
  }
  let resumed = point;
  let reason = stopReason(trainer);
  while (reason === undefined || (resumed !== undefined && trainer.progress.phase !== "batch")) {
    const isOver = await runEpoch(trainer, interval, resumed);
    resumed = undefined;
    if (isOver) {
      Object.assign(trainer.progress, { epoch: trainer.progress.epoch + 1, batch: 0, phase: "batch", isLast: false });
    }
    reason = stopReason(trainer);
    if (!isOver && reason === undefined) {
      reason = trainer.stopReason;
    }
  }
  await trainer.hooks.call("onTrainEnd");
  return reason;
}

/** @returns whether the epoch ran to its end */
async function runEpoch(trainer: TrainerContext, interval: number, point: ResumePoint | undefined): Promise<boolean> {
  const { progress } = trainer;
  const loader = found(trainer.trainLoader, "The training loader");
  if (progress.phase === "epochEnd") {
    await finishEpoch(trainer);
    return true;
  }
  const isFresh = progress.phase === "batch" && progress.batch === 0;
  if (isFresh) {
    loader.setEpoch?.(progress.epoch);
    await trainer.hooks.call("onTrainEpochStart");
    await trainer.strategy.agree(trainer);
    trainer.epochStartRandom = defaultGenerator.getState();
  } else {
    trainer.epochStartRandom = point?.random.epochStart;
  }
  const iterator = isFresh || point === undefined ? iterate(loader) : await iterateOn(loader, progress.batch, point);
  const batches = new Batches(trainer, trainer.run.openIterator(iterator), progress.batch);
  let skipsRest = false;
  trainer.isValidationNext = () => isValidationDue(trainer, interval, batches.wasLast);
  try {
    if (isFresh && (await batches.isOver())) {
      const { epoch } = progress;
      throw noBatches(
        "The training loader",
        epoch === 0 ? "which gave none" : `which gave none in epoch ${epoch}: a generator gives its batches once only`,
      );
    }
    while (true) {
      if (progress.phase === "batch") {
        if (skipsRest || (await batches.isOver()) || mayStop(trainer) || reachedSteps(trainer)) {
          break;
        }
        const batch = await batches.take();
        const isLast = await batches.isOver();
        batches.wasLast = isLast;
        if (progress.totalBatch === 0 || point !== undefined) {
          await checkMonitors(trainer, batch);
        }
        point = undefined;
        const run = () => runTrainingBatch(trainer, batch, progress.batch, isLast);
        skipsRest = await (trainer.options.profiler?.measureBatch("training", run) ?? run());
        if (skipsRest) {
          break;
        }
      }
      // The batch is over and its hooks have run; a checkpoint from here goes on with validation.
      const isLast = await batches.isOver();
      if (progress.phase === "afterBatch") {
        await trainer.strategy.agree(trainer);
        await trainer.strategy.checkEquality(trainer);
        if (trainer.listener.requested) {
          throw new Interruption();
        }
        if (isValidationDue(trainer, interval, isLast)) {
          await validateWithin(trainer);
          await trainer.strategy.agree(trainer);
        }
        progress.phase = "afterValidation";
      }
      await stepSchedulers(trainer, "step", progress.batch, true);
      progress.phase = "batch";
      await yieldToEventLoop();
      if (trainer.listener.urgent) {
        throw new Interruption();
      }
    }
    const isOver = skipsRest || (await batches.isOver());
    if (isOver) {
      progress.phase = "epochEnd";
    }
    await endEpoch(trainer);
    await trainer.strategy.agree(trainer);
    if (isOver) {
      await finishEpoch(trainer);
    }
    return isOver;
  } finally {
    await batches.end();
  }
}

/** The hooks at an epoch's end; its means are known to the callbacks that judge and save. */
async function endEpoch(trainer: TrainerContext): Promise<void> {
  trainer.metrics.leaveBatch();
  const results = await trainer.strategy.mergeResults(trainer.metrics.training);
  trainer.metrics.publish(results.epochMetrics());
  await trainer.hooks.callThen("onTrainEpochEnd", async () => {
    const metrics = (await trainer.strategy.mergeResults(trainer.metrics.training)).epochMetrics();
    trainer.metrics.publish(metrics);
    await trainer.sendToLoggers(metrics.log);
  });
}

/** What comes after a whole epoch's hooks. */
async function finishEpoch(trainer: TrainerContext): Promise<void> {
  await stepSchedulers(trainer, "epoch", trainer.progress.epoch + 1, true);
  trainer.metrics.training.reset();
}

/** Validates between batches. A request to stop leaves the state as it was before. */
async function validateWithin(trainer: TrainerContext): Promise<void> {
  if (trainer.gradients.size === 0 || trainer.progress.batch % trainer.accumulateGradBatches === 0) {
    await trainer.hooks.callModule("onValidationModelZeroGrad");
  }
  await runEvaluation(trainer, "validation", trainer.valLoaders, {
    beforeEnd: () => {
      trainer.validationNames = new Set(trainer.metrics.evaluation?.names() ?? []);
      trainer.progress.phase = "afterValidation";
    },
  });
}

/** Goes on in the middle of an epoch. */
async function iterateOn(loader: Loader, batch: number, point: ResumePoint): Promise<AsyncIterator<unknown>> {
  if (loader.setState !== undefined && point.loader !== undefined && point.loader !== null) {
    loader.setState(point.loader);
    return iterate(loader);
  }
  defaultGenerator.setState(point.random.epochStart);
  const iterator = iterate(loader);
  for (let i = 0; i < batch; i++) {
    const { done, value } = await iterator.next();
    if (done) {
      break;
    }
    disposeTensors(value);
  }
  defaultGenerator.setState(point.random.now);
  return iterator;
}

/** Takes batches up to a limit. Where the number is unknown it looks one batch ahead, to know which is the last. */
class Batches {
  readonly #iterator: AsyncIterator<unknown>;
  readonly #limit: number;
  readonly #trainer: TrainerContext;
  #taken: number;
  #ahead: { readonly batch: unknown } | undefined;
  #isExhausted = false;
  /** Whether the batch that was taken last is the epoch's last. */
  wasLast = false;

  constructor(trainer: TrainerContext, iterator: AsyncIterator<unknown>, taken: number) {
    this.#trainer = trainer;
    this.#iterator = iterator;
    this.#limit = trainer.numTrainingBatches;
    this.#taken = taken;
  }

  /** Whether there is no batch left. */
  async isOver(): Promise<boolean> {
    if (this.#ahead !== undefined) {
      return false;
    }
    if (this.#isExhausted || this.#taken >= this.#limit) {
      return true;
    }
    if (Number.isFinite(this.#limit)) {
      return false;
    }
    await this.#look();
    return this.#ahead === undefined;
  }

  /** The next batch. */
  async take(): Promise<unknown> {
    if (this.#ahead === undefined) {
      await this.#look();
    }
    const batch = this.#ahead?.batch;
    if (this.#ahead === undefined) {
      throw new ConfigurationError(
        "The training loader's length",
        this.#limit,
        `the number of its batches, which ended after ${this.#taken}`,
      );
    }
    this.#ahead = undefined;
    this.#taken++;
    return batch;
  }

  async #look(): Promise<void> {
    const { done, value } = await nextBatch(this.#trainer, this.#iterator, "training", this.#taken);
    if (done) {
      this.#isExhausted = true;
    } else {
      this.#ahead = { batch: value };
    }
  }

  /** Lets the loader finish: naturally when all of it was taken, else by breaking it off. */
  async end(): Promise<void> {
    disposeTensors(this.#ahead?.batch);
    this.#ahead = undefined;
    if (!this.#isExhausted) {
      await this.#trainer.run.close(this.#iterator);
    }
  }
}
