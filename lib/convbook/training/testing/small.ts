/** A small classifier with everything that has state: dropout, batch norm, momentum, a one-cycle schedule, shuffled data. */
import * as tf from "@tensorflow/tfjs-core";
import { ArrayDataset, DataLoader } from "../../data/index.ts";
import { BatchNorm1d, CrossEntropyLoss, Dropout, Linear, ReLU, Sequential } from "../../nn/index.ts";
import { Generator, manualSeed, randint, randn } from "../../random/index.ts";
import { type ClassificationBatch, OneCycleLR, type OptimizerConfig, SGD, TrainingModule } from "../index.ts";

export class SmallModule extends TrainingModule<ClassificationBatch> {
  readonly model = this.registerModule(
    "model",
    new Sequential(new Linear(6, 8), new BatchNorm1d(8), new ReLU(), new Dropout(0.3), new Linear(8, 3)),
  );
  readonly loss = new CrossEntropyLoss();

  forward(x: tf.Tensor): tf.Tensor {
    return this.model.forward(x);
  }

  #run([inputs, labels]: ClassificationBatch, stage: string): tf.Tensor {
    const logits = this.forward(tf.reshape(inputs, [-1, 6]));
    const loss = this.loss.forward(logits, labels);
    this.log(`${stage}_loss`, loss, { onStep: stage === "train", onEpoch: true });
    return loss;
  }

  trainingStep(batch: ClassificationBatch): tf.Tensor {
    return this.#run(batch, "train");
  }

  override validationStep(batch: ClassificationBatch): void {
    this.#run(batch, "val");
  }

  configureOptimizers(): OptimizerConfig {
    const optimizer = new SGD(this.parameters(), { lr: 0.1, momentum: 0.9, weightDecay: 1e-3 });
    const scheduler = new OneCycleLR(optimizer, { maxLr: 0.2, totalSteps: 40 });
    return { optimizer, lrScheduler: { scheduler, interval: "step" } };
  }
}

/** The module and its data, all from one seed: 5 training batches an epoch, the last one smaller, and 2 of validation. */
export function makeSmall(): {
  module: SmallModule;
  train: DataLoader;
  val: DataLoader;
} {
  const generator = new Generator(5);
  const dataset = (count: number) =>
    new ArrayDataset(
      randn([count, 6], { generator }).data,
      [6],
      Int32Array.from<number | bigint>(randint(0, 3, [count], { generator }).data, Number),
      { transform: null } as never,
    );
  const train = dataset(18);
  const val = dataset(8);
  manualSeed(11);
  return {
    module: new SmallModule(),
    train: new DataLoader(train, { batchSize: 4, shuffle: true, numWorkers: 0 }),
    val: new DataLoader(val, { batchSize: 4, numWorkers: 0 }),
  };
}

/** All weights and buffers as one list. */
export function weightsOf(module: SmallModule): number[] {
  return [...module.stateDict().values()].flatMap(({ data }) => Array.from<number | bigint, number>(data, Number));
}
