/** One step on one batch. */
import * as tf from "@tensorflow/tfjs-core";
import { CrossEntropyLoss } from "../../nn/index.ts";
import { valueAndGrads } from "../../training/index.ts";
import type { SpeedrunNet } from "./network.ts";
import type { Optimization } from "./optimizers.ts";
import type { Recipe } from "./recipe.ts";

/**
 * Goes forward and back, and steps the optimizers and their rates.
 *
 * @param x images [N, size, size, 3]
 * @param labels [N]
 * @returns the batch's loss
 */
export function takeStep(
  network: SpeedrunNet,
  { optimizers, schedulers }: Optimization,
  { labelSmoothing }: Recipe,
  x: tf.Tensor4D,
  labels: tf.Tensor1D,
): number {
  const criterion = new CrossEntropyLoss({ labelSmoothing });
  const variables = optimizers.flatMap((optimizer) => optimizer.variables());
  const { value, gradients } = valueAndGrads(() => criterion.forward(network.forward(x), labels), variables);
  for (const optimizer of optimizers) {
    optimizer.step(gradients);
  }
  for (const scheduler of schedulers) {
    scheduler.step();
  }
  const loss = value.dataSync()[0] ?? Number.NaN;
  tf.dispose([value, ...gradients.values()]);
  return loss;
}
