/** The loop of predict. */
import * as tf from "@tensorflow/tfjs-core";
import { requireOwn } from "../../nn/usage.ts";
import { disposeTensors } from "../core/containers.ts";
import { Interruption, yieldToEventLoop } from "../core/interruption.ts";
import { rememberModes } from "../core/modes.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import { countBatches, iterate, type Loader } from "../loaders.ts";
import { nextBatch, wrapBatchError } from "./evaluation-loop.ts";

/** Runs `predictStep` over all batches. @returns its results, a list for one loader, a list of lists for several */
export async function runPrediction(
  trainer: TrainerContext,
  loaders: readonly Loader[],
): Promise<tf.TensorContainer[]> {
  const { module } = trainer;
  trainer.runningStage = "prediction";
  const counts = loaders.map((loader) =>
    countBatches(
      "Trainer.limitPredictBatches",
      trainer.options.limitPredictBatches,
      loader.length ?? Number.POSITIVE_INFINITY,
    ),
  );
  trainer.numEvaluationBatches = counts.reduce((sum, count) => sum + count, 0);
  const restoreModes = rememberModes(module);
  const results: tf.TensorContainer[][] = [];
  try {
    await trainer.hooks.callModule("onPredictModelEval");
    await trainer.hooks.call("onPredictStart");
    await trainer.hooks.call("onPredictEpochStart");
    for (const [index, loader] of loaders.entries()) {
      const count = counts[index] ?? 0;
      const own: tf.TensorContainer[] = [];
      results.push(own);
      const iterator = trainer.run.openIterator(iterate(loader));
      try {
        for (let i = 0; i < count; i++) {
          const { done, value } = await nextBatch(trainer, iterator, "prediction", i);
          if (done) {
            break;
          }
          let batch = trainer.hooks.callModule("onBeforeBatchTransfer", value, index);
          batch = trainer.hooks.callModule("transferBatchToDevice", batch, index);
          batch = trainer.hooks.callModule("onAfterBatchTransfer", batch, index);
          await trainer.hooks.call("onPredictBatchStart", batch, i, index);
          let outputs: tf.TensorContainer;
          try {
            const run = () => module.predictStep(batch, i, index);
            outputs = trainer.hooks.enter("predictStep", () =>
              tf.tidy(() => (i === 0 ? requireOwn(module, run) : run())),
            );
          } catch (error) {
            throw wrapBatchError("prediction", i, batch, error);
          }
          own.push(outputs);
          await trainer.hooks.call("onPredictBatchEnd", outputs, batch, i, index);
          disposeTensors(batch);
          await yieldToEventLoop();
          if (trainer.listener.requested) {
            throw new Interruption();
          }
        }
      } finally {
        await trainer.run.close(iterator);
      }
    }
    await trainer.hooks.call("onPredictEpochEnd");
    await trainer.hooks.call("onPredictEnd");
    const [only, ...others] = results;
    return only !== undefined && others.length === 0 ? only : results;
  } catch (error) {
    tf.dispose(results);
    throw error;
  } finally {
    restoreModes();
  }
}
