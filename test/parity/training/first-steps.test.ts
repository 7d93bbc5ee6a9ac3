import { describe, expect, it } from "vitest";
import { selectBackend } from "../../../lib/convbook/backend/index.ts";
import { engineBackend } from "../../../lib/convbook/backend/testing/engine-backend.ts";
import { DataLoader } from "../../../lib/convbook/data/index.ts";
import { manualSeed } from "../../../lib/convbook/random/index.ts";
import { Trainer } from "../../../lib/convbook/training/index.ts";
import { quiet } from "../../../lib/convbook/training/testing/quiet.ts";
import { readReference } from "../reference.ts";
import { canTrain, Losses, trainingImages, tutorialResNet } from "./support.ts";

// Made by fixtures/make_first_steps.py with PyTorch on the real images.
const fixture = readReference<{
  losses: number[];
  others: Record<string, number[]>;
  gentle: { lr: number; losses: number[] };
}>(new URL("./fixtures/first-steps.json", import.meta.url));

const runs = canTrain("the first steps of ResNet");

async function firstLosses(lr: number): Promise<number[]> {
  await selectBackend({ ...(engineBackend && { backend: engineBackend }), announce: false });
  const train = await trainingImages();
  manualSeed(42);
  const module = tutorialResNet(lr);
  const loader = new DataLoader(train, { batchSize: 128, shuffle: true, dropLast: true });
  const losses = new Losses();
  const trainer = new Trainer({ ...quiet, maxSteps: fixture.losses.length, callbacks: [losses] });
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
    const others = Object.values(fixture.others).map((losses) => relative(losses, fixture.losses));
    // As long as all of PyTorch's own runs agree to 1e-3.
    const agreeing = fixture.losses.findIndex((_, step) => others.some((each) => (each[step] as number) > 1e-3));
    expect(agreeing).toBe(3);
    expect(Math.max(...differences.slice(0, agreeing)), show(differences)).toBeLessThan(1e-3);
    const own = others.map((each) => Math.max(...each));
    expect(Math.max(...differences), show(differences)).toBeLessThan(Math.max(...own));
  });
});
