import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { engine } from "@convbook/engine";
import { describe, expect, it } from "vitest";
import { selectBackend } from "../backend/index.ts";
import { cifar10, DataLoader, transforms } from "../data/index.ts";
import { manualSeed } from "../random/index.ts";
import { Callback, CIFARModule, Trainer } from "./index.ts";

// Made by fixtures/make_first_steps.py with PyTorch on the real images.
const fixture = JSON.parse(readFileSync(new URL("./fixtures/first-steps.json", import.meta.url), "utf8")) as {
  losses: number[];
  others: Record<string, number[]>;
  gentle: { lr: number; losses: number[] };
};

const cache = process.env.CONVBOOK_CACHE ?? join(homedir(), ".cache", "convbook");
const hasImages = existsSync(join(cache, "cifar10"));
const runs = engine.available && hasImages;
if (!runs) {
  const reason = hasImages
    ? `the native engine is missing (${engine.reason})`
    : "CIFAR-10 is not in the cache (`npx convbook table` fetches it)";
  console.log(`Left out: the first steps of ResNet against PyTorch, since ${reason}.`);
}

class Losses extends Callback {
  readonly values: number[] = [];
  override onTrainBatchEnd(trainer: Trainer): void {
    this.values.push(trainer.callbackMetrics.train_loss as number);
  }
}

async function firstLosses(lr: number): Promise<number[]> {
  await selectBackend({ backend: "native", announce: false });
  const normalize = new transforms.Normalize(
    [0.49139968, 0.48215841, 0.44653091],
    [0.24703223, 0.24348513, 0.26158784],
  );
  const transform = new transforms.Compose([new transforms.ToTensor(), normalize]);
  const train = await cifar10({ train: true, transform });
  manualSeed(42);
  const module = new CIFARModule({
    modelName: "ResNet",
    optimizerName: "SGD",
    optimizerHparams: { lr, momentum: 0.9, weightDecay: 1e-4 },
  });
  const loader = new DataLoader(train, { batchSize: 128, shuffle: true, dropLast: true });
  const losses = new Losses();
  const trainer = new Trainer({
    maxSteps: fixture.losses.length,
    callbacks: [losses],
    logger: false,
    enableCheckpointing: false,
    enableProgressBar: false,
    enableModelSummary: false,
  });
  await trainer.fit(module, loader);
  module.dispose();
  return losses.values;
}

const relative = (a: readonly number[], b: readonly number[]) => a.map((x, i) => Math.abs(x / (b[i] as number) - 1));
const show = (values: readonly number[]) => values.map((value) => value.toExponential(1)).join(" ");

describe.runIf(runs)("the tutorial's ResNet with seed 42", () => {
  it("has PyTorch's losses to 1e-3 in 20 steps at a rate at which rounding does not grow", async () => {
    const { lr, losses } = fixture.gentle;
    const differences = relative(await firstLosses(lr), losses);
    expect(differences).toHaveLength(20);
    expect(Math.max(...differences), show(differences)).toBeLessThan(1e-3);
  });

  it("at the tutorial's rate has them to 1e-3 at first, and then stays as near to PyTorch as PyTorch does to itself", async () => {
    const differences = relative(await firstLosses(0.1), fixture.losses);
    expect(differences).toHaveLength(20);
    expect(Math.max(...differences.slice(0, 3)), show(differences)).toBeLessThan(1e-3);
    const own = Object.values(fixture.others).map((losses) => Math.max(...relative(losses, fixture.losses)));
    expect(Math.max(...differences), show(differences)).toBeLessThan(Math.max(...own));
  });
});
