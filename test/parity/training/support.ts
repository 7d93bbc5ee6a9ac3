/** What the comparisons of training with PyTorch have in common: the real images, a backend, and what a run's losses were. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { engine } from "@convbook/engine";
import { cifar10, transforms } from "../../../lib/convbook/data/index.ts";
import { Callback, CIFARModule, type Trainer } from "../../../lib/convbook/training/index.ts";

const cache = process.env.CONVBOOK_CACHE ?? join(homedir(), ".cache", "convbook");
/** Whether CIFAR-10 is in the cache. */
export const hasImages = existsSync(join(cache, "cifar10"));

/**
 * Whether the native engine and CIFAR-10 are there; where they are not, says so.
 *
 * @param what the comparison, for the message
 */
export function canTrain(what: string): boolean {
  if (engine.available && hasImages) {
    return true;
  }
  const reason = hasImages
    ? `the native engine is missing (${engine.reason})`
    : "CIFAR-10 is not in the cache (`npx convbook table` fetches it)";
  console.log(`Left out: ${what} against PyTorch, since ${reason}.`);
  return false;
}

/** Whether Debian's PyTorch is there; where it is not, says so. In CI it has to be. */
export function hasTorch(what: string): boolean {
  if (process.env.CI || spawnSync("/usr/bin/python3", ["-c", "import torch"], { stdio: "ignore" }).status === 0) {
    return true;
  }
  console.log(`Left out: ${what} against PyTorch, which is not installed (apt install python3-torch).`);
  return false;
}

/** The 50,000 training images, normalised as in the tutorial and not augmented. */
export function trainingImages() {
  const normalize = new transforms.Normalize(
    [0.49139968, 0.48215841, 0.44653091],
    [0.24703223, 0.24348513, 0.26158784],
  );
  return cifar10({ train: true, transform: new transforms.Compose([new transforms.ToTensor(), normalize]) });
}

/** The tutorial's ResNet, with the weights that the default generator gives now, and its SGD; no scheduler. */
export function tutorialResNet(lr: number): CIFARModule {
  return new CIFARModule({
    modelName: "ResNet",
    optimizerName: "SGD",
    optimizerHparams: { lr, momentum: 0.9, weightDecay: 1e-4 },
    schedulerName: null,
  });
}

/** Keeps the loss of each step. */
export class Losses extends Callback {
  readonly values: number[] = [];
  override onTrainBatchEnd(trainer: Trainer): void {
    this.values.push(trainer.callbackMetrics.train_loss as number);
  }
}
