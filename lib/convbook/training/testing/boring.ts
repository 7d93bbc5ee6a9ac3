/** Small modules and loaders for tests: PyTorch Lightning's "boring" ones. */
import * as tf from "@tensorflow/tfjs-core";
import { Linear } from "../../nn/index.ts";
import { Generator, rand } from "../../random/index.ts";
import { type OptimizerConfig, SGD, StepLR, TrainingModule } from "../index.ts";

/** A linear model of 32 inputs and 2 outputs that learns to give zeros. */
export class BoringModule extends TrainingModule<tf.Tensor> {
  readonly layer = this.registerModule("layer", new Linear(32, 2));

  forward(x: tf.Tensor): tf.Tensor {
    return this.layer.forward(x);
  }

  loss(x: tf.Tensor): tf.Tensor {
    return tf.mean(tf.square(this.forward(x)));
  }

  trainingStep(batch: tf.Tensor, _batchIndex: number): tf.Tensor {
    return this.loss(batch);
  }

  override validationStep(batch: tf.Tensor): { x: tf.Tensor } | undefined {
    return { x: this.loss(batch) };
  }

  override testStep(batch: tf.Tensor): { y: tf.Tensor } | undefined {
    return { y: this.loss(batch) };
  }

  configureOptimizers(): OptimizerConfig {
    const optimizer = new SGD(this.parameters(), { lr: 0.1 });
    return [[optimizer], [new StepLR(optimizer, { stepSize: 1 })]];
  }
}

/** `count` batches of one random row of 32 numbers, the same in each epoch. */
export function randomBatches(count = 4, batchSize = 1): { length: number; [Symbol.iterator](): Iterator<tf.Tensor> } {
  const generator = new Generator(1);
  const rows = Array.from({ length: count }, () => rand([batchSize, 32], { generator }));
  return {
    length: count,
    *[Symbol.iterator]() {
      for (const { data, shape } of rows) {
        yield tf.tensor(data.slice(), [...shape]);
      }
    },
  };
}
