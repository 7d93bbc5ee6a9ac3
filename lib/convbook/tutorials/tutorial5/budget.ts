/**
 * How many images can be evaluated in a given time on the backend at hand.
 */
import * as tf from "@tensorflow/tfjs-core";
import { checkNumber } from "../../arguments/check.ts";
import { checkModels } from "./checks.ts";
import type { TutorialModels } from "./load-models.ts";
import { modelNames } from "./published.ts";

const batchSize = 128;

/** Seconds that a batch takes: the faster of two, after one that warms up. */
async function secondsPerBatch(forward: (images: tf.Tensor4D) => tf.Tensor): Promise<number> {
  const images = tf.zeros<tf.Rank.R4>([batchSize, 32, 32, 3]);
  const times: number[] = [];
  for (let run = 0; run < 3; run++) {
    const started = performance.now();
    const logits = tf.tidy(() => forward(images));
    await logits.data();
    logits.dispose();
    times.push((performance.now() - started) / 1000);
  }
  images.dispose();
  return Math.min(...times.slice(1));
}

/**
 * Measures each model's speed and says how many of the 15,000 images all four can evaluate in `seconds`, in whole batches.
 *
 * @param models in eval mode
 * @param seconds time for all models together
 * @returns from 384 to 15,000
 */
export async function imagesWithin(seconds: number, models: TutorialModels): Promise<number> {
  checkNumber("imagesWithin", "seconds", seconds, 0);
  checkModels("imagesWithin", models);
  let batch = 0;
  for (const name of modelNames) {
    batch += await secondsPerBatch((images) => models[name].model.forward(images));
  }
  const images = Math.floor(seconds / batch / 3) * 3 * batchSize;
  return Math.min(Math.max(images, 3 * batchSize), 15_000);
}
