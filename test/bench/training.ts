/**
 * The Trainer against the bare step and against PyTorch at batch 128, with and without loading data, and what a checkpoint costs.
 * Arguments: models (all four), `steps=80`, and `noloader` to leave the loading of data out.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/convbook/backend/index.ts";
import { Linear } from "../../lib/convbook/nn/index.ts";
import { manualSeed, randn } from "../../lib/convbook/random/index.ts";
import { saveCheckpointFile } from "../../lib/convbook/training/checkpointing/checkpoint-file.ts";
import {
  Callback,
  ClassificationModule,
  type Loader,
  SGD,
  Trainer,
  type TrainerOptions,
  valueAndGrads,
} from "../../lib/convbook/training/index.ts";
import { type LoaderRates, openLoaderRates } from "./data.ts";
import type { BenchResult, BenchRow } from "./main.ts";
import { median, medianWithInterval } from "./support/median.ts";
import { TorchSteps } from "./support/torch-steps.ts";

const BATCH = 128;
const models: Readonly<Record<string, { modelName: string; modelHparams?: { blockName: string } }>> = {
  ResNet: { modelName: "ResNet" },
  ResNetPreAct: { modelName: "ResNet", modelHparams: { blockName: "PreActResNetBlock" } },
  GoogleNet: { modelName: "GoogleNet" },
  DenseNet: { modelName: "DenseNet" },
};
const optimizerHparams = { lr: 0.01, momentum: 0.9, weightDecay: 1e-4 };
const images = randn([BATCH, 32, 32, 3]).data;
const labels = Int32Array.from({ length: BATCH }, (_, i) => i % 10);
const makeBatch = (): [tf.Tensor, tf.Tensor] => [tf.tensor(images, [BATCH, 32, 32, 3]), tf.tensor1d(labels, "int32")];
const rate = (milliseconds: number) => Math.round((1000 * BATCH) / milliseconds);
const makeModule = (name: string) =>
  new ClassificationModule({ ...models[name], optimizerHparams, schedulerName: null } as never);

/** `count` batches that cost nothing to load. */
function ready(count: number): Loader {
  return {
    length: count,
    *[Symbol.iterator]() {
      for (let i = 0; i < count; i++) {
        yield makeBatch();
      }
    },
  };
}

function makeTrainer(folder: string, callbacks: Callback[], options: TrainerOptions = {}): Trainer {
  // As somebody gets it who asks for nothing: with loggers and progress.
  return new Trainer({
    maxEpochs: 1,
    callbacks,
    defaultRootDir: folder,
    enableCheckpointing: false,
    enableModelSummary: false,
    ...options,
  });
}

/** Milliseconds by the clock, and of all threads on the processors. */
interface Times {
  readonly wall: number;
  readonly cpu: number;
}

function now(): Times {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now(), cpu: (user + system) / 1000 };
}

const since = (start: Times, end: Times): Times => ({ wall: end.wall - start.wall, cpu: end.cpu - start.cpu });

/**
 * Trainer and bare steps in turns, so that a noisy machine is unfair to neither; after every eighth pair PyTorch has its turn. Each step comes after
 * one of the other module, so that both find the caches alike.
 */
class Turns extends Callback {
  readonly trainer: number[] = [];
  readonly bare: number[] = [];
  /** What a Trainer's step took, as a share of the geometric mean of the bare steps before and after it: a drift cancels out. */
  readonly ratios: number[] = [];
  /** The same of the processors' time, which other programs disturb less. */
  readonly cpuRatios: number[] = [];
  readonly tensors: number[] = [];
  readonly #step: () => void;
  readonly #other: () => Promise<void>;
  #begin = now();
  #bareBefore: Times | undefined;
  #pairs = 0;
  constructor(step: () => void, other: () => Promise<void>) {
    super();
    this.#step = step;
    this.#other = other;
  }
  override async onTrainBatchEnd(): Promise<void> {
    const middle = now();
    this.#step();
    const end = now();
    const [mine, bare] = [since(this.#begin, middle), since(middle, end)];
    // The first steps, and the first after PyTorch's, pay for caches and threads.
    if (this.#bareBefore !== undefined) {
      this.trainer.push(mine.wall);
      this.bare.push(bare.wall);
      this.ratios.push(mine.wall / Math.sqrt(bare.wall * this.#bareBefore.wall));
      this.cpuRatios.push(mine.cpu / Math.sqrt(bare.cpu * this.#bareBefore.cpu));
    }
    this.#bareBefore = this.#pairs === 0 ? undefined : bare;
    if (this.#pairs++ % 8 === 7) {
      await this.#other();
      this.#bareBefore = undefined;
    }
    this.tensors.push(tf.memory().numTensors);
    this.#begin = now();
  }
}

/**
 * Milliseconds that the Trainer takes a step by itself, with its progress bar and loggers: on a module that costs next to nothing, less what that
 * costs. What remains is hardly disturbed by other programs.
 */
async function ownTime(folder: string): Promise<number> {
  const steps = 500;
  const make = () =>
    new ClassificationModule({ optimizerHparams, schedulerName: null } as never, new Linear(8, 10) as never);
  const [module, other] = [make(), make()];
  const optimizer = new SGD(other.parameters(), optimizerHparams);
  const variables = optimizer.variables();
  const batch = () => [tf.zeros([4, 8]), tf.tensor1d([0, 1, 2, 3], "int32")] as const;
  const loader = {
    length: steps,
    *[Symbol.iterator]() {
      for (let i = 0; i < steps; i++) {
        yield batch();
      }
    },
  };
  const times: { trainer: number; bare: number }[] = [];
  for (let round = 0; round < 4; round++) {
    const trainer = makeTrainer(folder, []);
    let start = performance.now();
    await trainer.fit(module, loader as never);
    const fitted = performance.now() - start;
    start = performance.now();
    for (let i = 0; i < steps; i++) {
      const [x, y] = batch();
      const { value, gradients } = valueAndGrads(() => other.lossModule.forward(other.forward(x), y), variables);
      optimizer.step(gradients);
      value.dataSync();
      tf.dispose([x, y, value, ...gradients.values()]);
    }
    times.push({ trainer: fitted / steps, bare: (performance.now() - start) / steps });
  }
  optimizer.dispose();
  module.dispose();
  other.dispose();
  return Math.min(...times.map(({ trainer }) => trainer)) - Math.min(...times.map(({ bare }) => bare));
}

async function measureSteps(name: string, steps: number, folder: string, own: number): Promise<BenchRow[]> {
  manualSeed(0);
  const [module, other] = [makeModule(name), makeModule(name)];
  const optimizer = new SGD(other.parameters(), optimizerHparams);
  const variables = optimizer.variables();
  const bareStep = () => {
    const [x, y] = makeBatch();
    const { value, gradients } = valueAndGrads(() => other.lossModule.forward(other.forward(x), y), variables);
    optimizer.step(gradients);
    value.dataSync();
    tf.dispose([x, y, value, ...gradients.values()]);
  };
  bareStep();
  const torch = await TorchSteps.start(name, BATCH);
  const theirs = { default: [] as number[], channels_last: [] as number[] };
  const turns = new Turns(bareStep, async () => {
    for (const layout of ["default", "channels_last"] as const) {
      theirs[layout].push(...(await torch.steps(layout, 2)));
    }
  });
  const costs = { capture: [] as number[], write: [] as number[], bytes: 0 };
  class Saving extends Callback {
    override async onTrainEnd(running: Trainer): Promise<void> {
      for (let i = 0; i < 9; i++) {
        const start = performance.now();
        const checkpoint = await running.captureCheckpoint();
        costs.capture.push(performance.now() - start);
        const path = join(folder, `${i}.safetensors`);
        await saveCheckpointFile(path, checkpoint);
        costs.write.push(performance.now() - start);
        costs.bytes = statSync(path).size;
      }
    }
  }
  try {
    await makeTrainer(folder, [turns, new Saving()]).fit(module, ready(steps + 2) as never);
  } finally {
    torch.stop();
    optimizer.dispose();
    module.dispose();
    other.dispose();
  }
  const [ours, bare] = [median(turns.trainer), median(turns.bare)];
  const overhead = (ratios: readonly number[]) => {
    const { value, low, high } = medianWithInterval(ratios.map((ratio) => 100 * (ratio - 1)));
    return `${value.toFixed(1)} % (${low.toFixed(1)} to ${high.toFixed(1)})`;
  };
  const steady = turns.tensors.slice(2);
  const row = (measure: string, values: Omit<BenchRow, "model" | "measure">) => ({ model: name, measure, ...values });
  return [
    row("Trainer, bare step (img/s); overhead", {
      ours: rate(ours),
      other: rate(bare),
      result: overhead(turns.ratios),
      target: "≤ 3 %",
    }),
    row("the same of the processors' time", {
      ours: null,
      other: null,
      result: overhead(turns.cpuRatios),
      target: "≤ 3 %",
    }),
    row("Trainer by itself, bare step (ms); share", {
      ours: Number(own.toFixed(2)),
      other: Number(bare.toFixed(1)),
      result: `${((100 * own) / bare).toFixed(1)} %`,
      target: "≤ 3 %",
    }),
    ...(["default", "channels_last"] as const).map((layout) =>
      row(`Trainer, PyTorch ${layout} (img/s)`, {
        ours: rate(ours),
        other: theirs[layout].length === 0 ? null : rate(median(theirs[layout])),
        result: theirs[layout].length === 0 ? "no PyTorch" : `${(median(theirs[layout]) / ours).toFixed(2)} x`,
        target: "",
      }),
    ),
    row(`checkpoint of ${Math.round(costs.bytes / 1024)} KB: critical path, until on disk (ms)`, {
      ours: Number(median(costs.capture).toFixed(1)),
      other: Number(median(costs.write).toFixed(1)),
      result: "",
      target: "≤ 20 ms",
    }),
    row(`tf.memory().numTensors over ${steady.length} steps`, {
      ours: Math.min(...steady),
      other: Math.max(...steady),
      result: Math.max(...steady) === Math.min(...steady) ? "constant" : "grows",
      target: "constant",
    }),
  ];
}

/** The time of each step of a fit, and how much of it was spent waiting for data. */
class Steps extends Callback {
  readonly times: number[] = [];
  #last: number | undefined;
  override onTrainBatchEnd(): void {
    const now = performance.now();
    if (this.#last !== undefined) {
      this.times.push(now - this.#last);
    }
    this.#last = now;
  }
  override onTrainEpochEnd(): void {
    this.#last = undefined;
  }
}

/** Training with the loader in the background against training on batches that are there, in turns. */
async function measureLoading(name: string, steps: number, folder: string, data: LoaderRates): Promise<BenchRow[]> {
  manualSeed(0);
  const module = makeModule(name);
  const [loaded, free] = [new Steps(), new Steps()];
  for (let round = 0; round < 4; round++) {
    for (const [times, loader] of [
      [loaded, data.loader(1)],
      [free, ready(steps)],
    ] as const) {
      await makeTrainer(folder, [times], { limitTrainBatches: steps, logger: false }).fit(module, loader as never);
    }
  }
  module.dispose();
  // The first round warms up.
  const [withLoader, without] = [loaded, free].map(({ times }) => median(times.slice(steps - 1))) as [number, number];
  const rates = { alone: [] as number[], torchvision: [] as number[] };
  for (let round = 0; round < 3; round++) {
    rates.alone.push(await data.ours("tutorial", 1));
    const theirs = data.theirs("tutorial", 2);
    if (theirs !== null) {
      rates.torchvision.push(theirs);
    }
  }
  const [alone, engine] = [median(rates.alone), rate(without)];
  const torchvision = rates.torchvision.length === 0 ? null : median(rates.torchvision);
  const row = (measure: string, ours: number, other: number | null, result: string, target: string) => ({
    ...{ model: name, measure, ours: Math.round(ours), other: other === null ? null : Math.round(other) },
    ...{ result, target },
  });
  const change = 100 * (withLoader / without - 1);
  const slower = `${change < 0 ? "" : "+"}${change.toFixed(1)} % time`;
  return [
    row("training with augmentation on 1 worker, on ready batches (img/s)", rate(withLoader), engine, slower, ""),
    row(
      "loader with 1 worker alone, engine's training (img/s)",
      alone,
      engine,
      `${(alone / engine).toFixed(1)} x`,
      "≥ 3 x",
    ),
    row(
      "loader with 1 worker, torchvision with 2 (img/s)",
      alone,
      torchvision,
      torchvision === null ? "no torchvision" : `${(alone / torchvision).toFixed(2)} x`,
      "> 1 x",
    ),
  ];
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const chosen = args.filter((arg) => arg in models);
  const steps = Number(args.find((arg) => arg.startsWith("steps="))?.slice(6) ?? 80);
  const backend = await selectBackend({ announce: false });
  const folder = mkdtempSync(join(tmpdir(), "convbook-bench-"));
  const rows: BenchRow[] = [];
  try {
    const data = args.includes("noloader") ? undefined : await openLoaderRates(6400);
    const own = await ownTime(folder);
    for (const name of chosen.length > 0 ? chosen : Object.keys(models)) {
      rows.push(...(await measureSteps(name, steps, folder, own)));
      if (data !== undefined) {
        rows.push(...(await measureLoading(name, steps, folder, data)));
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return {
    note:
      `Training at batch ${BATCH}, medians of ${steps} steps in turns with the peers; ${backend.description}; Trainer with progress bar and loggers. ` +
      "Overhead: median of a Trainer's step over the bare steps around it, with its 95 % interval by the bootstrap",
    rows,
  };
}
