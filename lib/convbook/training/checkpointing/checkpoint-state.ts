/** From the Trainer to a checkpoint and back. */
import * as tf from "@tensorflow/tfjs-core";
import { defaultGenerator } from "../../random/index.ts";
import type { StateDict } from "../../tensor-data.ts";
import type { Checkpoint, RankState, TrainingState } from "../core/checkpoint.ts";
import type { Stage, TrainerContext } from "../core/trainer-context.ts";
import { ResumeError } from "../errors.ts";
import { toTorchLayout } from "../optimizers/optimizer.ts";
import { loadCheckpointFile } from "./checkpoint-file.ts";
import { gatherGradients, gradientsOf } from "./rank-gradients.ts";

/** Where a resumed fit goes on. */
export interface ResumePoint {
  readonly path: string;
  readonly training: TrainingState;
  readonly loader: unknown;
  readonly random: { readonly now: Uint8Array; readonly epochStart: Uint8Array };
}

const toBase64 = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
const fromBase64 = (text: string) => new Uint8Array(Buffer.from(text, "base64"));

/** Copies the state of this moment; with several processes, of all of them. */
export async function collectCheckpoint(trainer: TrainerContext, weightsOnly: boolean): Promise<Checkpoint> {
  const { strategy, metrics } = trainer;
  // Before anybody is waited for: the caller goes on meanwhile.
  const own = collectOwn(trainer, weightsOnly);
  const { training } = own;
  if (training === undefined || strategy.size === 1) {
    return own;
  }
  const { random, loader } = training;
  const isPending = hasPendingGradients(trainer);
  const results = (await strategy.mergeResults(metrics.training)).stateDict();
  const ranks = await strategy.gather({ random, loader });
  const gradients = isPending ? await gatherGradients(trainer, training.gradients) : training.gradients;
  return { ...own, training: { ...training, results, ranks, gradients } };
}

function collectOwn(trainer: TrainerContext, weightsOnly: boolean): Checkpoint {
  const { module, progress } = trainer;
  const weights = {
    epoch: progress.epoch,
    globalStep: progress.globalStep,
    stateDict: module.stateDict(),
    moduleName: module.typeName,
    hyperParameters: structuredClone(module.hparams),
    callbacks: {},
    extra: {},
  };
  if (weightsOnly) {
    return weights;
  }
  const callbacks: Checkpoint["callbacks"] = {};
  for (const callback of trainer.callbacks) {
    const state = callback.stateDict();
    if (Object.keys(state).length > 0) {
      callbacks[callback.stateKey] = structuredClone(state);
    }
  }
  const now = defaultGenerator.getState();
  return {
    ...weights,
    callbacks,
    training: {
      progress: { ...progress },
      optimizers: trainer.optimizers.map((optimizer) => optimizer.stateDict()),
      schedulers: trainer.schedulers.map(({ scheduler }) => structuredClone(scheduler.stateDict())),
      gradients: collectGradients(trainer),
      random: { now: toBase64(now), epochStart: toBase64(trainer.epochStartRandom ?? now) },
      loader: progress.phase === "epochEnd" ? null : (trainer.trainLoader?.getState?.() ?? null),
      results: trainer.metrics.training.stateDict(),
      metrics: { ...trainer.callbackMetrics },
    },
  };
}

/** Gradients that wait for more batches; those of a step that was taken are done with. Of a module that optimizes by itself, all. */
function collectGradients(trainer: TrainerContext): StateDict {
  const gradients: StateDict = new Map();
  if (!hasPendingGradients(trainer)) {
    return gradients;
  }
  for (const [name, parameter] of trainer.module.namedParameters()) {
    const gradient = trainer.gradients.get(parameter.variable);
    if (gradient !== undefined) {
      gradients.set(name, toTorchLayout(parameter, gradient));
    }
  }
  return gradients;
}

/**
 * Loads a checkpoint's weights and, for fit, callback states; the rest follows in {@link resume}, when there are optimizers.
 *
 * @throws StateDictError when the weights do not fit, ResumeError when the file holds no state of training but fit wants to go on from it
 */
export async function loadWeights(
  trainer: TrainerContext,
  path: string,
  stage: Stage,
): Promise<ResumePoint | undefined> {
  const checkpoint = await loadCheckpointFile(path);
  const { module } = trainer;
  await trainer.hooks.callModule("onLoadCheckpoint", checkpoint);
  module.loadStateDict(checkpoint.stateDict);
  if (stage !== "fit") {
    return undefined;
  }
  await trainer.hooks.callCallbacks("onLoadCheckpoint", checkpoint);
  const { training } = checkpoint;
  if (training === undefined) {
    throw new ResumeError(
      path,
      "it holds weights only; fit can go on from a checkpoint that was saved with weightsOnly false.",
    );
  }
  for (const callback of trainer.callbacks) {
    const state = checkpoint.callbacks[callback.stateKey];
    if (state !== undefined) {
      callback.loadStateDict(state);
    }
  }
  const { random: saved, loader } = ownState(trainer, training, path);
  const random = { now: fromBase64(saved.now), epochStart: fromBase64(saved.epochStart) };
  return { path, training, loader, random };
}

/** What this process goes on with: what it had itself, or with another number of processes what fits best. */
function ownState(trainer: TrainerContext, training: TrainingState, path: string): RankState {
  const { strategy } = trainer;
  const ranks = training.ranks ?? [training];
  const own = ranks[strategy.rank % ranks.length] ?? training;
  if (ranks.length === strategy.size) {
    return own;
  }
  const { batch, phase } = training.progress;
  const isWithin = batch > 0 && phase !== "epochEnd";
  if (isWithin) {
    throw new ResumeError(
      path,
      `it was saved on ${ranks.length} processes after ${batch} batches of an epoch, and there are ${strategy.size} now; ` +
        "go on with as many, or from a checkpoint of an epoch's end.",
    );
  }
  if (strategy.isRoot) {
    console.warn(
      `${path} was saved on ${ranks.length} processes, and there are ${strategy.size} now: batches are of other samples from here on, ` +
        "and so are random numbers.",
    );
  }
  return own;
}

/** Puts counters and metrics back. */
export function resumeProgress(trainer: TrainerContext, { training }: ResumePoint): void {
  const { progress, results, metrics } = training;
  Object.assign(trainer.progress, progress);
  // The sums are of all processes; they are to be counted once.
  trainer.metrics.training.loadStateDict(trainer.strategy.isRoot ? results : []);
  trainer.metrics.clear();
  Object.assign(trainer.callbackMetrics, metrics);
}

/** Puts the state of optimizers and schedulers back, to which `onFitStart` may have added parameters. */
export function resumeOptimizers(trainer: TrainerContext, { path, training }: ResumePoint): void {
  const { optimizers, schedulers } = training;
  const fits = optimizers.length === trainer.optimizers.length && schedulers.length === trainer.schedulers.length;
  if (!fits) {
    const got = `${optimizers.length} optimizers and ${schedulers.length} schedulers`;
    const own = `${trainer.optimizers.length} and ${trainer.schedulers.length}`;
    throw new ResumeError(path, `it holds the state of ${got}; the module configures ${own}.`);
  }
  try {
    for (const [i, state] of optimizers.entries()) {
      trainer.optimizers[i]?.loadStateDict(state);
    }
    for (const [i, state] of schedulers.entries()) {
      trainer.schedulers[i]?.scheduler.loadStateDict(state);
    }
  } catch (error) {
    throw new ResumeError(path, error instanceof Error ? error.message : String(error), error);
  }
}

function hasPendingGradients({ module, progress, accumulateGradBatches, numTrainingBatches }: TrainerContext): boolean {
  const { batch } = progress;
  return !module.automaticOptimization || !(batch % accumulateGradBatches === 0 || batch >= numTrainingBatches);
}

/** Puts gradients back that waited for more batches. */
export function restoreGradients(trainer: TrainerContext, { training }: ResumePoint): void {
  const gradients = gradientsOf(training.gradients, trainer.strategy.rank);
  for (const [name, parameter] of trainer.module.namedParameters()) {
    const gradient = gradients.get(name);
    if (gradient === undefined) {
      continue;
    }
    const before = parameter.toTensorData();
    // The parameter knows the way from PyTorch's layout to its own.
    parameter.load(gradient);
    trainer.gradients.set(parameter.variable, tf.clone(parameter.variable));
    parameter.load(before);
  }
}
