/** More threads than images for them: a training step of a whole network needs no room for each. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createModel } from "../../lib/convbook/models/index.ts";
import { manualSeed } from "../../lib/convbook/random/index.ts";
import { valueAndGrads } from "../../lib/convbook/training/index.ts";

beforeAll(async () => {
  if (engine.available) {
    await tf.setBackend("native");
  }
});
afterAll(() => engine.setThreads(0));

/** Mean of the logits' squares, and the sums of its gradients. */
function step(threads: number): readonly number[] {
  engine.setThreads(threads);
  manualSeed(4);
  const model = createModel("DenseNet");
  const x: tf.Tensor4D = tf.ones([64, 32, 32, 3]);
  tf.dispose(model.forward(x));
  const variables = model.parameters().map(({ variable }) => variable);
  const { value, gradients } = valueAndGrads(() => tf.mean(tf.square(model.forward(x))), variables);
  const sums = [...gradients.values()].map((gradient) => tf.tidy(() => tf.sum(tf.abs(gradient)).dataSync()[0] ?? NaN));
  const loss = value.dataSync()[0] ?? Number.NaN;
  tf.dispose([x, value, ...gradients.values()]);
  model.dispose();
  return [loss, ...sums];
}

it.runIf(engine.available && engine.info().isa !== "wasm")("64 threads train a DenseNet on 64 images", () => {
  const [few, many] = [step(2), step(64)];
  expect(many.length).toBeGreaterThan(100);
  for (const [i, sum] of many.entries()) {
    expect(Math.abs(sum - (few[i] as number)), `${i}`).toBeLessThan(1e-3 * Math.max(...few));
  }
});
