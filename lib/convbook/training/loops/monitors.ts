/** Finds metrics that somebody monitors and nobody logs, before the first step is taken. */

import * as tf from "@tensorflow/tfjs-core";
import { classNameOf } from "../../arguments/class-name.ts";
import { defaultGenerator } from "../../random/index.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import { TrainingModule } from "../core/training-module.ts";
import { MonitorError } from "../errors.ts";
import { ResultCollection } from "../logging/results.ts";

/** Hooks in which a module may log what no step logs. */
const loggingHooks = [
  "onTrainEpochEnd",
  "onTrainEpochStart",
  "onTrainBatchStart",
  "onTrainBatchEnd",
  "onTrainStart",
] as const;

/**
 * Compares what is monitored with what validation logged in the sanity check and with what `trainingStep` logs. To know the latter the step
 * is run once without consequences: no gradient, and buffers and random numbers put back.
 *
 * @param batch the first training batch; it is not disposed of
 * @throws MonitorError with the names that exist
 */
export async function checkMonitors(trainer: TrainerContext, batch: unknown): Promise<void> {
  const { module } = trainer;
  const monitored: { owner: string; name: string }[] = [];
  for (const callback of trainer.callbacks) {
    for (const name of callback.monitors) {
      monitored.push({ owner: classNameOf(callback), name });
    }
  }
  for (const { scheduler, monitor, isPlateau } of trainer.schedulers) {
    if (isPlateau && monitor !== undefined) {
      monitored.push({ owner: classNameOf(scheduler), name: monitor });
    }
  }
  const known = new Set(["epoch", "step", ...(trainer.validationNames ?? [])]);
  if (monitored.every(({ name }) => known.has(name))) {
    return;
  }
  // Without a sanity check nobody knows what validation will log; and hooks may log anything.
  const validates = trainer.valLoaders.length > 0;
  if (validates && trainer.validationNames === undefined) {
    return;
  }
  if (loggingHooks.some((hook) => module[hook] !== TrainingModule.prototype[hook])) {
    return;
  }
  if (trainer.callbacks.some((callback) => callback.logsMetrics)) {
    return;
  }
  for (const name of namesOfTrainingStep(trainer, batch)) {
    known.add(name);
  }
  const missing = monitored.find(({ name }) => !known.has(name));
  if (missing === undefined) {
    return;
  }
  known.delete("epoch");
  known.delete("step");
  throw new MonitorError(missing.owner, missing.name, known);
}

function namesOfTrainingStep(trainer: TrainerContext, batch: unknown): string[] {
  const { module } = trainer;
  const buffers = module.buffers().map((buffer) => [buffer, buffer.toTensorData()] as const);
  const random = defaultGenerator.getState();
  const before = trainer.metrics.training;
  const probe = new ResultCollection();
  trainer.metrics.training = probe;
  trainer.metrics.enterBatch(batch);
  try {
    trainer.hooks.enter("trainingStep", () => {
      tf.tidy(() => {
        module.trainingStep(batch, 0);
      });
    });
  } catch {
    // The step itself will report it, with the batch.
  } finally {
    trainer.metrics.leaveBatch();
    trainer.metrics.training = before;
    for (const [buffer, value] of buffers) {
      buffer.load(value);
    }
    defaultGenerator.setState(random);
  }
  return probe.names();
}
