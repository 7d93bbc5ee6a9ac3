import { beforeAll, describe, expect, it } from "vitest";
import { selectBackend } from "../../../lib/convbook/backend/index.ts";
import { engineBackend } from "../../../lib/convbook/backend/testing/engine-backend.ts";
import { readReference } from "../reference.ts";
import { trainFirstEpoch } from "./first-epoch.ts";
import { canTrain } from "./support.ts";

interface Run {
  readonly seed: number;
  readonly variant: string;
  readonly losses: number[];
  readonly valAcc: number;
}
// Made by fixtures/make_first_epoch.py with PyTorch on the real images.
const fixture = readReference<{ window: number; runs: Run[] }>(new URL("./fixtures/first-epoch.json", import.meta.url));

const runs = canTrain("the first epoch of ResNet");
const whole = process.env.CONVBOOK_WHOLE_EPOCH === "1";
if (runs && !whole) {
  console.log(
    "The first epoch of ResNet against PyTorch: its first ninth; CONVBOOK_WHOLE_EPOCH=1 takes all of it, with its accuracy.",
  );
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const runsOf = (seed: number) => fixture.runs.filter((run) => run.seed === seed);
const windowsOf = (losses: readonly number[]) =>
  Array.from({ length: losses.length / fixture.window }, (_, i) =>
    mean(losses.slice(i * fixture.window, (i + 1) * fixture.window)),
  );
/** How far the nearest of some runs is, window by window. */
const distancesTo = (others: readonly Run[], windows: readonly number[]) =>
  windows.map((loss, i) => Math.min(...others.map(({ losses }) => Math.abs(loss - (losses[i] as number)))));
/** How far the nearest of PyTorch's runs is, window by window. */
const distances = (windows: readonly number[], seed: number) => distancesTo(runsOf(seed), windows);
/** The same of PyTorch's own runs, each from the others: how far one is anywhere in the epoch when only the order of its sums is another. */
function ownDistance(seed: number): number {
  const own = runsOf(seed).map((run) =>
    distancesTo(
      runsOf(seed).filter((other) => other !== run),
      run.losses,
    ),
  );
  return Math.max(...own.flat());
}
const show = (values: readonly number[]) => values.map((value) => value.toFixed(4)).join(" ");

describe.runIf(runs)("the first epoch of the tutorial's ResNet on CIFAR-10", () => {
  beforeAll(async () => {
    await selectBackend({ ...(engineBackend && { backend: engineBackend }), announce: false });
  });

  it.runIf(!whole)(
    "begins with PyTorch's losses, averaged over 13 steps, and not with those of another seed",
    async () => {
      const { losses } = await trainFirstEpoch(42, 3 * fixture.window);
      const windows = windowsOf(losses);
      expect(windows).toHaveLength(3);
      expect(Math.max(...distances(windows, 42)), show(windows)).toBeLessThan(ownDistance(42));
      expect(distances(windows, 43)[0], show(windows)).toBeGreaterThan(ownDistance(43));
    },
    600_000,
  );

  it.runIf(whole)(
    "ends within a point of PyTorch's validation accuracy, averaged over its seeds",
    async () => {
      const seeds = [42, 43];
      const accuracies: number[] = [];
      for (const seed of seeds) {
        const { losses, valAcc } = await trainFirstEpoch(seed);
        accuracies.push(valAcc as number);
        const theirs = runsOf(seed).map((run) => run.valAcc);
        console.log(
          `Seed ${seed}: ${valAcc} here, ${theirs.join(" and ")} in PyTorch; losses ${show(windowsOf(losses))}.`,
        );
        expect(Math.max(...distances(windowsOf(losses), seed)), show(windowsOf(losses))).toBeLessThan(
          2 * ownDistance(seed),
        );
      }
      const theirs = mean(seeds.map((seed) => mean(runsOf(seed).map((run) => run.valAcc))));
      expect(Math.abs(mean(accuracies) - theirs), `${mean(accuracies)} here, ${theirs} in PyTorch`).toBeLessThan(0.01);
    },
    3_600_000,
  );
});
