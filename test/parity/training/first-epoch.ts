/** The first epoch of Tutorial 5's ResNet on CIFAR-10, as fixtures/make_first_epoch.py trains it with PyTorch. */
import { cifar10, DataLoader, randomSplit, type Subset, transforms } from "../../../lib/convbook/data/index.ts";
import { Generator, manualSeed } from "../../../lib/convbook/random/index.ts";
import {
  Callback,
  ClassificationModule,
  LambdaLR,
  type OptimizerConfig,
  SGD,
  Trainer,
} from "../../../lib/convbook/training/index.ts";

const BATCH = 128;

export interface FirstEpoch {
  /** The loss of each step. */
  readonly losses: readonly number[];
  /** Accuracy on the 5,000 images of validation; undefined when the epoch was not finished. */
  readonly valAcc: number | undefined;
}

class Losses extends Callback {
  readonly values: number[] = [];
  override onTrainBatchEnd(trainer: Trainer): void {
    this.values.push(trainer.callbackMetrics.train_loss as number);
  }
}

/** @param steps how many of the 351 steps to take */
export async function trainFirstEpoch(seed: number, steps = Number.POSITIVE_INFINITY): Promise<FirstEpoch> {
  const normalize = new transforms.Normalize(
    [0.49139968, 0.48215841, 0.44653091],
    [0.24703223, 0.24348513, 0.26158784],
  );
  const transform = new transforms.Compose([new transforms.ToTensor(), normalize]);
  const images = await cifar10({ train: true, transform });
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
    maxEpochs: 1,
    callbacks: [losses],
    logger: false,
    enableCheckpointing: false,
    enableProgressBar: false,
    enableModelSummary: false,
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
