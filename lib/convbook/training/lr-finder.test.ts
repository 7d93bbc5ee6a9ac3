import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { DataLoader } from "../data/index.ts";
import { Linear } from "../nn/index.ts";
import { Generator } from "../random/index.ts";
import { findLr, Trainer, TrainingModule } from "./index.ts";
import { SGD } from "./optimizers/index.ts";

class Line extends TrainingModule<readonly [x: tf.Tensor, y: tf.Tensor]> {
  readonly linear = new Linear(2, 1);
  forward(x: tf.Tensor): tf.Tensor {
    return this.linear.forward(x);
  }
  trainingStep([x, y]: readonly [tf.Tensor, tf.Tensor]): tf.Tensor {
    return tf.mean(tf.square(tf.sub(tf.squeeze(this.forward(x), [1]), tf.cast(y, "float32"))));
  }
  configureOptimizers() {
    return new SGD(this.parameters(), { lr: 0.01 });
  }
}

const quiet = {
  logger: false,
  enableCheckpointing: false,
  enableProgressBar: false,
  enableModelSummary: false,
} as const;

beforeAll(async () => {
  await tf.setBackend("cpu");
});

it("leaves a whole epoch to who comes next, in the same order, also behind a training that left one early", async () => {
  const samples = Array.from({ length: 12 }, (_, i): [Float32Array, number] => [Float32Array.of(i, 1), i]);
  const run = async (find: boolean) => {
    const dataset = { length: samples.length, get: (i: number) => samples[i] as [Float32Array, number] };
    const loader = new DataLoader(dataset, {
      batchSize: 2,
      shuffle: true,
      generator: new Generator(3),
      collate: (batch: readonly [Float32Array, number][]) =>
        [
          tf.tensor2d(batch.map(([x]) => [...x])),
          tf.tensor1d(
            batch.map(([, y]) => y),
            "int32",
          ),
        ] as const,
    });
    await new Trainer({ ...quiet, maxEpochs: 3, limitTrainBatches: 1 }).fit(new Line(), loader);
    if (find) {
      await findLr(new Line(), loader, { steps: 4, minLr: 1e-5, maxLr: 1e-3 });
    }
    const labels: number[] = [];
    for await (const [x, y] of loader) {
      labels.push(...y.dataSync());
      tf.dispose([x, y]);
    }
    return labels;
  };
  const after = await run(true);
  expect(after).toHaveLength(12);
  expect(after).toEqual(await run(false));
});
