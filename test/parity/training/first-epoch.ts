/** The first epoch of Tutorial 5's ResNet on CIFAR-10, as fixtures/make_first_epoch.py trains it with PyTorch. */
import { DataLoader, randomSplit, type Subset } from "../../../lib/convbook/data/index.ts";
import { Generator, manualSeed } from "../../../lib/convbook/random/index.ts";
import {
  ClassificationModule,
  LambdaLR,
  type OptimizerConfig,
  SGD,
  Trainer,
} from "../../../lib/convbook/training/index.ts";

import { quiet } from "../../../lib/convbook/training/testing/quiet.ts";
import { Losses, trainingImages } from "./support.ts";

const BATCH = 128;

export interface FirstEpoch {
  /** The loss of each step. */
  readonly losses: readonly number[];
  /** Accuracy on the 5,000 images of validation; undefined when the epoch was not finished. */
  readonly valAcc: number | undefined;
}

/** @param steps how many of the 351 steps to take */
export async function trainFirstEpoch(seed: number, steps = Number.POSITIVE_INFINITY): Promise<FirstEpoch> {
  const images = await trainingImages();
  const [train, val] = randomSplit(images, [45_000, 5_000], { generator: new Generator(42) });
  const total = Math.floor(45_000 / BATCH);
  class Falling extends ClassificationModule {
    override configureOptimizers(): OptimizerConfig {
      const optimizer = new SGD(this.parameters(), { lr: 0.1, momentum: 0.9, weightDecay: 1e-4 });
      return {
        optimizer,
        lrScheduler: { scheduler: new LambdaLR(optimizer, { lrLambda: (step) => 1 - step / total }), interval: "step" },
      };
    }
  }
  manualSeed(seed);
  const module = new Falling({ modelName: "ResNet" });
  const losses = new Losses();
  const isWhole = steps >= total;
  const trainer = new Trainer({
    ...quiet,
    maxEpochs: 1,
    callbacks: [losses],
    ...(isWhole ? {} : { maxSteps: steps }),
  });
  await trainer.fit(
    module,
    new DataLoader(train as Subset<never>, { batchSize: BATCH, shuffle: true, dropLast: true }) as never,
  );
  const [validated] = isWhole
    ? await trainer.validate(module, new DataLoader(val as Subset<never>, { batchSize: 500 }) as never, {
        verbose: false,
      })
    : [];
  module.dispose();
  return { losses: losses.values, valAcc: validated?.val_acc };
}
