/** How long a step of the recipe takes, ours and PyTorch's in turns, and what a whole training comes to. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { SpeedrunNet } from "../../../lib/convbook/tutorials/speedrun/network.ts";
import { optimizersOf } from "../../../lib/convbook/tutorials/speedrun/optimizers.ts";
import type { Recipe } from "../../../lib/convbook/tutorials/speedrun/recipe.ts";
import { takeStep } from "../../../lib/convbook/tutorials/speedrun/step.ts";
import type { BenchRow } from "../main.ts";
import { median } from "../support/median.ts";
import { hasTorch } from "../support/torch-steps.ts";

/** Views of a test picture in the end, and test pictures. */
const shown = 6 * 10_000;
const trainingImages = 50_000;

type Kind = "training" | "evaluation";
type Timed = (kind: Kind, size: number) => Promise<number>;

function own(recipe: Recipe): Timed {
  const network = new SpeedrunNet(recipe.network);
  // As in most epochs.
  network.learnWhiteningBias(false);
  const optimization = optimizersOf(network, recipe, 1e9);
  for (const { paramGroups } of optimization.optimizers) {
    for (const group of paramGroups) {
      group.initialLr = group.lr = 1e-4;
    }
  }
  const pictures = new Map<number, tf.Tensor4D>();
  const labels: tf.Tensor1D = tf.zeros([recipe.batchSize], "int32");
  return async (kind, size) => {
    const x: tf.Tensor4D = pictures.get(size) ?? tf.randomNormal([recipe.batchSize, size, size, 3]);
    pictures.set(size, x);
    const from = performance.now();
    if (kind === "training") {
      network.train();
      takeStep(network, optimization, recipe, x, labels);
    } else {
      network.eval();
      tf.tidy(() => network.forward(x).dataSync());
    }
    return performance.now() - from;
  };
}

function torch(batch: number, threads: number): { readonly time: Timed; readonly stop: () => void } {
  const script = fileURLToPath(new URL("../record.py", import.meta.url));
  const child = spawn("/usr/bin/python3", [script, String(batch), String(threads)]);
  child.stderr.pipe(process.stderr);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async time(kind, size) {
      child.stdin.write(`${kind === "evaluation" ? "eval " : ""}${size} 1\n`);
      const { done, value } = await answers.next();
      if (done) {
        throw new Error("PyTorch's process has ended.");
      }
      return Number(value);
    },
    stop: () => child.stdin.end(),
  };
}

/**
 * @param rounds how often each is measured, in turns
 * @returns a row for each size and kind, and one for a whole training
 */
export async function stepRows(recipe: Recipe, rounds: number, threads: number): Promise<BenchRow[]> {
  const ours = own(recipe);
  const theirs = hasTorch() ? torch(recipe.batchSize, threads) : undefined;
  const cases = [
    ...recipe.stages.map(({ size, epochs }) => ({
      kind: "training" as const,
      size,
      count: epochs * Math.floor(trainingImages / recipe.batchSize),
    })),
    { kind: "evaluation" as const, size: recipe.stages.at(-1)?.size ?? 0, count: shown / recipe.batchSize },
  ];
  const rows: BenchRow[] = [];
  let [whole, wholeTorch] = [0, 0];
  for (const { kind, size, count } of cases) {
    const [mine, other]: [number[], number[]] = [[], []];
    for (let round = -1; round < rounds; round++) {
      const times = [await ours(kind, size), (await theirs?.time(kind, size)) ?? Number.NaN] as const;
      if (round >= 0) {
        mine.push(times[0]);
        other.push(times[1]);
      }
    }
    const [a, b] = [median(mine), median(other)];
    whole += (a * count) / 1000;
    wholeTorch += (b * count) / 1000;
    rows.push({ what: `${kind}, ${size} pixels`, batches: count, "ms a batch": a, "PyTorch's": b, ratio: b / a });
  }
  theirs?.stop();
  rows.push({
    what: "all of them, seconds",
    batches: null,
    "ms a batch": whole,
    "PyTorch's": wholeTorch,
    ratio: wholeTorch / whole,
  });
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [key, typeof value === "number" ? Number(value.toFixed(2)) : value]),
    ),
  );
}
