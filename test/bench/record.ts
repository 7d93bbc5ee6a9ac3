/**
 * `npm run bench -- record [--seeds=5] [--results=FILE] [--steps=N]`: the trainings behind notebook 09, CIFAR-10 to 94 %. Runs those of the seeds 1 to N that
 * the file of results (notebooks/results/94-percent.json) does not have yet, one after the other, and adds each to it. A training that was interrupted
 * goes on at its last whole epoch. Give it the machine: the time of a training is taken by the clock, beside the processor's own.
 *
 * `--steps=N` runs none, and measures N single steps of each kind instead, ours and PyTorch's (channels_last) in turns: with their number, what a
 * training takes on a machine where nothing else runs.
 */
import { fileURLToPath } from "node:url";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { cifar10 } from "../../lib/convbook/data/index.ts";
import { addResult, readResults, recipe, train } from "../../lib/convbook/tutorials/speedrun/index.ts";
import type { BenchResult } from "./main.ts";
import { stepRows } from "./record/steps.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

function optionOf(args: readonly string[], name: string, otherwise: string): string {
  return args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise;
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const wrong = args.find((arg) => !/^--(seeds=\d+|results=.+|steps=\d+)$/.test(arg));
  if (wrong !== undefined) {
    throw new Error(`record knows --seeds=N, --results=FILE and --steps=N; got ${wrong}`);
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
  const seeds = Number(optionOf(args, "seeds", "5"));
  const images = { train: await cifar10({ train: true, transform: null }), test: await cifar10({ train: false }) };
  for (let seed = 1; seed <= seeds; seed++) {
    const { runs } = await readResults(path, recipe);
    if (runs.some((each) => each.seed === seed)) {
      continue;
    }
    const started = performance.now();
    const result = await train({
      recipe,
      seed,
      ...images,
      checkpoint: `${root}runs/record/seed-${seed}.safetensors`,
      watch: 2000,
      onStep(done, steps, loss) {
        const seconds = Math.round((performance.now() - started) / 1000);
        console.error(`seed ${seed}: step ${done} of ${steps}, loss ${loss.toFixed(4)}, ${seconds} s`);
      },
      onEpoch: (report) => console.error(`seed ${seed}: ${JSON.stringify(report)}`),
    });
    await addResult(path, recipe, result);
  }
  const { runs } = await readResults(path, recipe);
  const rows = runs.map(({ seed, accuracy, plainAccuracy, seconds, cpuSeconds, operations }) => ({
    seed,
    accuracy,
    "one view": plainAccuracy,
    seconds: Math.round(seconds),
    "cpu seconds": Math.round(cpuSeconds),
    operations: operations.toExponential(2),
  }));
  return { note: `${runs.length} trainings of the recipe of notebook 09, in ${path}`, rows };
}
