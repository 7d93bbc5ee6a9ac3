/** A linear model that takes note of what happens to it, for tests of what users of PyTorch Lightning reported. */
import * as tf from "@tensorflow/tfjs-core";
import { Linear } from "../../nn/index.ts";
import { manualSeed } from "../../random/index.ts";
import { type OptimizerConfig, SGD, TrainingModule } from "../index.ts";

/** A loader of so many batches of two rows, of a number each. */
export const batches = (length: number, rows = 2) => ({
  length,
  *[Symbol.iterator](): Iterator<tf.Tensor> {
    for (let i = 0; i < length; i++) {
      yield tf.fill([rows, 4], 0.1 * (1 + (i % 5)));
    }
  },
});

export class Noting extends TrainingModule<tf.Tensor> {
  readonly layer: Linear;
  /** Steps at which validation began, and how many batches it had. */
  readonly validations: { step: number; epoch: number; batches: number }[] = [];
  /** The epoch and the optimizer's steps before each training batch. */
  readonly trained: [epoch: number, batch: number, step: number][] = [];
  readonly #score: (validation: number, epoch: number) => number;

  /** @param score what validation logs as `val_loss`, by how many there were before and the epoch */
  constructor(score: (validation: number, epoch: number) => number = () => 1) {
    super();
    manualSeed(2);
    this.layer = new Linear(4, 1);
    this.#score = score;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.layer.forward(x as tf.Tensor2D);
  }

  trainingStep(batch: tf.Tensor, index: number): tf.Tensor {
    this.trained.push([this.trainer.currentEpoch, index, this.trainer.globalStep]);
    const loss = tf.mean(tf.square(this.forward(batch)));
    this.log("train_loss", loss, { onStep: true, onEpoch: true });
    return loss;
  }

  override onValidationStart(): void {
    this.validations.push({ step: this.trainer.globalStep, epoch: this.trainer.currentEpoch, batches: 0 });
  }

  override validationStep(_batch: tf.Tensor, _index: number): undefined {
    const last = this.validations.at(-1);
    if (last !== undefined) {
      last.batches++;
    }
    this.log("val_loss", this.#score(this.validations.length - 1, this.trainer.currentEpoch));
  }

  override testStep(): undefined {}

  configureOptimizers(): OptimizerConfig {
    return new SGD(this.parameters(), { lr: 0.1 });
  }
}

/** All weights of a module. */
export const weights = (module: TrainingModule): number[] =>
  [...module.stateDict().values()].flatMap(({ data }) => Array.from<number | bigint, number>(data, Number));
