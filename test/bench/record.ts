/**
 * `npm run bench -- record [--seeds=5] [--ablations] [--results=FILE] [--steps=N]`: the trainings behind notebook 09, CIFAR-10 to 94 %. Runs those of
 * the seeds 1 to N that the file of results (notebooks/results/94-percent.json) does not have yet, one after the other, and adds each to it. A training
 * that was interrupted goes on at its last whole epoch. Give it the machine: the time of a training is taken by the clock, beside the processor's own.
 *
 * `--ablations` runs the short trainings instead, with all tricks and without one each, and writes each into a file of its own, in a folder beside that
 * of the results: 94-percent-ablations/NAME.json.
 *
 * `--steps=N` runs none, and measures N single steps of each kind instead, ours and PyTorch's (channels_last) in turns: with their number, what a
 * training takes on a machine where nothing else runs.
 */
import { mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { type ArrayDataset, cifar10 } from "../../lib/convbook/data/index.ts";
import {
  ablationsOf,
  addResult,
  type Measured,
  type Recipe,
  readResults,
  recipe,
  train,
} from "../../lib/convbook/tutorials/speedrun/index.ts";
import type { BenchResult, BenchRow } from "./main.ts";
import { stepRows } from "./record/steps.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

function optionOf(args: readonly string[], name: string, otherwise: string): string {
  return args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise;
}

interface Images {
  readonly train: ArrayDataset;
  readonly test: ArrayDataset;
}

/** Trains with a seed that the file does not have yet, and adds the result to it. */
async function measure(name: string, path: string, recipe: Recipe, seed: number, images: Images): Promise<void> {
  const { runs } = await readResults(path, recipe);
  if (runs.some((each) => each.seed === seed)) {
    return;
  }
  const started = performance.now();
  const result = await train({
    recipe,
    seed,
    ...images,
    checkpoint: `${root}runs/record/${name}-${seed}.safetensors`,
    watch: 2000,
    onStep(done, steps, loss) {
      const seconds = Math.round((performance.now() - started) / 1000);
      console.error(`${name} ${seed}: step ${done} of ${steps}, loss ${loss.toFixed(4)}, ${seconds} s`);
    },
    onEpoch: (report) => console.error(`${name} ${seed}: ${JSON.stringify(report)}`),
  });
  await addResult(path, recipe, result);
}

function rowOf({ seed, accuracy, plainAccuracy, seconds, cpuSeconds, operations }: Measured): BenchRow {
  return {
    seed,
    accuracy,
    "one view": plainAccuracy,
    seconds: Math.round(seconds),
    "cpu seconds": Math.round(cpuSeconds),
    operations: operations.toExponential(2),
  };
}

async function ablationRows(folder: string, images: Images): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  await mkdir(folder, { recursive: true });
  for (const { name, without, recipe: changed } of ablationsOf(recipe)) {
    const path = join(folder, `${name}.json`);
    await measure(name, path, changed, 1, images);
    const { runs } = await readResults(path, changed);
    rows.push(...runs.map((run) => ({ without, ...rowOf(run) })));
  }
  return rows;
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const wrong = args.find((arg) => !/^--(seeds=\d+|ablations|results=.+|steps=\d+)$/.test(arg));
  if (wrong !== undefined) {
    throw new Error(`record knows --seeds=N, --ablations, --results=FILE and --steps=N; got ${wrong}`);
  }
  if (!engine.available) {
    throw new Error(`The native engine is not available: ${engine.reason}`);
  }
  await tf.setBackend("native");
  const path = optionOf(args, "results", `${root}notebooks/results/94-percent.json`);
  const rounds = Number(optionOf(args, "steps", "0"));
  if (rounds > 0) {
    const note = `Batches of ${recipe.batchSize}, medians of ${rounds}; PyTorch in channels_last, in turns`;
    return { note, rows: await stepRows(recipe, rounds, engine.info().threads) };
  }
  const images = { train: await cifar10({ train: true, transform: null }), test: await cifar10({ train: false }) };
  if (args.includes("--ablations")) {
    const folder = join(dirname(path), `${basename(path, ".json")}-ablations`);
    return { note: `Short trainings, in ${folder}`, rows: await ablationRows(folder, images) };
  }
  const seeds = Number(optionOf(args, "seeds", "5"));
  for (let seed = 1; seed <= seeds; seed++) {
    await measure("seed", path, recipe, seed, images);
  }
  const { runs } = await readResults(path, recipe);
  return { note: `${runs.length} trainings of the recipe of notebook 09, in ${path}`, rows: runs.map(rowOf) };
}
