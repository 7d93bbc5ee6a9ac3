/** One training batch: forward, backward, optimizer, with Lightning's hooks in Lightning's order. */
import * as tf from "@tensorflow/tfjs-core";
import { found } from "../../arguments/found.ts";
import { requireOwn } from "../../nn/usage.ts";
import { disposeTensors } from "../core/containers.ts";
import { ManualBatch } from "../core/manual-optimization.ts";
import type { StepOutput } from "../core/module-results.ts";
import { requireFiniteGradients } from "../core/non-finite.ts";
import { stepSchedulers } from "../core/scheduling.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import { ConfigurationError, NonFiniteError } from "../errors.ts";
import { record } from "../gradients/gradients.ts";
import { isTimeToLog } from "../logging/log-time.ts";
import { wrapBatchError } from "./evaluation-loop.ts";

/**
 * Trains on one batch and disposes of it.
 *
 * @param given the batch, as the loader gave it
 * @param index its number within the epoch
 * @param isLast whether it is the epoch's last
 * @returns whether the module wants to skip the rest of the epoch
 */
export async function runTrainingBatch(
  trainer: TrainerContext,
  given: unknown,
  index: number,
  isLast: boolean,
): Promise<boolean> {
  const { progress } = trainer;
  trainer.metrics.training.forgetStep();
  let batch = trainer.hooks.callModule("onBeforeBatchTransfer", given, 0);
  batch = trainer.hooks.callModule("transferBatchToDevice", batch, 0);
  batch = trainer.hooks.callModule("onAfterBatchTransfer", batch, 0);
  let outputs: StepOutput;
  try {
    trainer.metrics.enterBatch(batch);
    const response = await trainer.hooks.call("onTrainBatchStart", batch, index);
    if (response === -1) {
      return true;
    }
    let steps = true;
    if (index % trainer.accumulateGradBatches === 0 || !trainer.module.automaticOptimization) {
      await trainer.strategy.prepareStep(trainer.module);
    }
    if (trainer.module.automaticOptimization) {
      outputs = forward(trainer, batch, index);
      requireStep(trainer, outputs);
      steps = outputs !== undefined && (await optimize(trainer, outputs, index, isLast));
      if (steps) {
        progress.globalStep++;
      }
    } else {
      outputs = optimizeByHand(trainer, batch, index);
    }
    if (steps) {
      await stepSchedulers(trainer, "step", index + 1, false);
    }
    if (isLast) {
      await stepSchedulers(trainer, "epoch", progress.epoch + 1, false);
    }
    progress.batch++;
    progress.totalBatch++;
    progress.phase = "afterBatch";
    progress.isLast = isLast;
    await trainer.strategy.mergeSteps(trainer.metrics.training);
    trainer.metrics.publish(trainer.metrics.training.stepMetrics());
    await trainer.hooks.callThen("onTrainBatchEnd", () => publish(trainer, steps), outputs, batch, index);
    return false;
  } finally {
    trainer.metrics.leaveBatch();
    trainer.gradientStore.setRecording(undefined);
    disposeTensors(outputs, batch);
  }
}

/** With several processes all must take the step, or none. */
function requireStep(trainer: TrainerContext, outputs: StepOutput): void {
  if (outputs === undefined && trainer.strategy.size > 1) {
    throw new ConfigurationError(
      "What trainingStep returns",
      outputs,
      "a loss where several processes train together",
      "Skipping a batch on some of them would leave the others waiting.",
    );
  }
}

/** Makes also what the hooks logged known before the callbacks that judge and save. */
async function publish(trainer: TrainerContext, steps: boolean): Promise<void> {
  const metrics = trainer.metrics.training.stepMetrics();
  trainer.metrics.publish(metrics);
  if (steps && isTimeToLog(trainer, trainer.batchesThatStepped)) {
    await trainer.sendToLoggers(metrics.log);
  }
}

/** Runs and records the module's training step. */
function runStep(trainer: TrainerContext, batch: unknown, index: number): StepOutput {
  const { module } = trainer;
  try {
    return trainer.hooks.enter("trainingStep", () => {
      const step = () => module.trainingStep(batch, index);
      const recording = record(() => (index === 0 ? requireOwn(module, step) : step()));
      trainer.gradientStore.setRecording(recording);
      return recording.outputs ?? undefined;
    });
  } catch (error) {
    throw wrapBatchError("training", index, batch, error);
  }
}

/** The training step of a module that goes back through its losses and steps its optimizers itself. */
function optimizeByHand(trainer: TrainerContext, batch: unknown, index: number): StepOutput {
  trainer.manual = new ManualBatch(trainer);
  try {
    return runStep(trainer, batch, index);
  } finally {
    trainer.manual = undefined;
    trainer.gradientStore.setRecording(undefined);
  }
}

/** The training step, up to its loss. */
function forward(trainer: TrainerContext, batch: unknown, index: number): StepOutput {
  const outputs = runStep(trainer, batch, index);
  if (outputs === undefined) {
    trainer.gradientStore.setRecording(undefined);
    return undefined;
  }
  const loss = lossOf(outputs);
  if (!(loss instanceof tf.Tensor) || loss.size !== 1) {
    const got = loss instanceof tf.Tensor ? `a tensor of shape [${loss.shape.join(", ")}]` : loss;
    disposeTensors(outputs);
    throw new ConfigurationError(
      "What trainingStep returns",
      got,
      "a scalar loss, { loss, ... }, or nothing to skip the batch",
    );
  }
  const value = trainer.hooks.enter("readLoss", () => loss.dataSync()[0] ?? Number.NaN);
  if (!Number.isFinite(value)) {
    disposeTensors(outputs);
    const { epoch, globalStep } = trainer.progress;
    throw new NonFiniteError("the loss", value, { epoch, batchIndex: index, globalStep });
  }
  return outputs;
}

function lossOf(outputs: NonNullable<StepOutput>): tf.Tensor {
  return outputs instanceof tf.Tensor ? outputs : outputs.loss;
}

/** Backward pass, and the optimizer's step when enough batches were accumulated. @returns whether it stepped */
async function optimize(
  trainer: TrainerContext,
  outputs: NonNullable<StepOutput>,
  index: number,
  isLast: boolean,
): Promise<boolean> {
  const { progress, options, accumulateGradBatches } = trainer;
  const optimizer = found(trainer.optimizers[0], "The optimizer");
  const loss = lossOf(outputs);
  if (index % accumulateGradBatches === 0) {
    await trainer.hooks.call("onBeforeZeroGrad", optimizer);
    trainer.hooks.callModule("optimizerZeroGrad", progress.epoch, index, optimizer);
  }
  await trainer.hooks.call("onBeforeBackward", loss);
  const steps = (index + 1) % accumulateGradBatches === 0 || isLast;
  if (steps) {
    trainer.strategy.expectGradients(trainer);
  }
  try {
    trainer.hooks.callModule("backward", loss);
  } catch (error) {
    await trainer.strategy.dropGradients(error);
    throw error;
  }
  if (steps) {
    // Gradients of the batches before wait where they are: only the sum goes over the network.
    await trainer.strategy.reduceGradients(trainer);
  }
  await trainer.hooks.call("onAfterBackward");
  if (!steps) {
    return false;
  }
  await trainer.hooks.call("onBeforeOptimizerStep", optimizer);
  if (options.detectNonFinite) {
    requireFiniteGradients(trainer, index);
  }
  await trainer.hooks.callModule(
    "configureGradientClipping",
    optimizer,
    options.gradientClipValue,
    options.gradientClipAlgorithm,
  );
  await trainer.hooks.callModule("optimizerStep", progress.epoch, index, optimizer);
  return true;
}
