import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askPython } from "../../../../test/debian-python.ts";
import { BatchNorm1d, CrossEntropyLoss, Linear, ReLU, Sequential } from "../../nn/index.ts";
import type { StateDict } from "../../tensor-data.ts";
import { loadCheckpointFile } from "../checkpointing/checkpoint-file.ts";
import {
  Adam,
  ClassificationModule,
  ModelCheckpoint,
  OneCycleLR,
  type OptimizerConfig,
  SGD,
  StepLR,
  Trainer,
  TrainingModule,
} from "../index.ts";
import { quiet } from "../testing/quiet.ts";

// Made by fixtures/make_lightning.py with PyTorch Lightning 2.6.
type Weights = Record<string, number | number[] | number[][]>;
type Name = "sgd" | "adam";
const file = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const fixture = JSON.parse(readFileSync(file("lightning.json"), "utf8")) as {
  inputs: number[][][];
  labels: number[][];
  runs: Record<
    Name,
    {
      before: Weights;
      weights: Weights;
      resumedAt11: Weights;
      epochs: number;
      globalStep: number;
      loops: Record<string, unknown>;
    }
  >;
};
const EPOCHS = 3;
const folder = mkdtempSync(join(tmpdir(), "convbook-lightning-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(folder, { recursive: true }));

const options = { ...quiet, maxEpochs: EPOCHS } as const;

/** The module of the fixture's script. */
class Small extends TrainingModule<[tf.Tensor, tf.Tensor1D]> {
  readonly model = this.registerModule(
    "model",
    new Sequential(new Linear(6, 8, { bias: false }), new BatchNorm1d(8), new ReLU(), new Linear(8, 3)),
  );
  readonly #name: Name;
  readonly #criterion = new CrossEntropyLoss();

  constructor(name: Name) {
    super();
    this.#name = name;
    this.saveHyperParameters({ optimizerName: name, hiddenSize: 8 });
  }
  forward(x: tf.Tensor): tf.Tensor {
    return this.model.forward(x);
  }
  trainingStep([x, y]: [tf.Tensor, tf.Tensor1D]): tf.Tensor {
    return this.#criterion.forward(this.forward(x), y);
  }
  configureOptimizers(): OptimizerConfig {
    if (this.#name === "sgd") {
      const optimizer = new SGD(this.parameters(), { lr: 0.1, momentum: 0.9, weightDecay: 1e-3 });
      return [[optimizer], [new StepLR(optimizer, { stepSize: 1, gamma: 0.5 })]];
    }
    const optimizer = new Adam(this.parameters(), { lr: 0.01 });
    const scheduler = new OneCycleLR(optimizer, { maxLr: 0.02, totalSteps: EPOCHS * fixture.inputs.length });
    return { optimizer, lrScheduler: { scheduler, interval: "step" } };
  }
}

const loader = {
  length: fixture.inputs.length,
  *[Symbol.iterator](): Generator<[tf.Tensor, tf.Tensor1D]> {
    for (const [i, rows] of fixture.inputs.entries()) {
      yield [tf.tensor2d(rows), tf.tensor1d(fixture.labels[i] as number[], "int32")];
    }
  },
};

function started(name: Name): Small {
  const module = new Small(name);
  const expected = module.stateDict();
  const state: StateDict = new Map();
  for (const [key, value] of Object.entries(fixture.runs[name].before)) {
    const shape = expected.get(key)?.shape ?? [];
    const flat = [value].flat(2);
    const isCount = expected.get(key)?.dtype === "int64";
    if (isCount) {
      state.set(key, { dtype: "int64", shape, data: BigInt64Array.from(flat, BigInt) });
    } else {
      state.set(key, { dtype: "float32", shape, data: Float32Array.from(flat) });
    }
  }
  module.loadStateDict(state);
  return module;
}

function expectWeights(
  got: ReadonlyMap<string, { data: ArrayLike<number | bigint> }> | Weights,
  expected: Weights,
): void {
  const entries =
    got instanceof Map ? [...got].map(([key, { data }]) => [key, Array.from(data, Number)]) : Object.entries(got);
  const weights = Object.fromEntries(entries) as Weights;
  expect(Object.keys(weights).sort()).toEqual(Object.keys(expected).sort());
  for (const [key, values] of Object.entries(expected)) {
    const own = [weights[key] as number[]].flat(2);
    for (const [i, value] of [values].flat(2).entries()) {
      expect(own[i], `${key}[${i}]`).toBeCloseTo(value, 5);
    }
  }
}

/** Trains from the beginning; saves after each step. */
async function train(name: Name, dirPath: string): Promise<Small> {
  const module = started(name);
  const saving = new ModelCheckpoint({
    dirPath,
    everyNTrainSteps: 1,
    saveTopK: -1,
    filename: "{step}",
    format: "ckpt",
  });
  await new Trainer({ ...options, callbacks: [saving] }).fit(module, loader);
  return module;
}

describe("with PyTorch Lightning", () => {
  it.each(["sgd", "adam"] as const)("a whole run ends with the same weights (%s)", async (name) => {
    const module = started(name);
    const result = await new Trainer(options).fit(module, loader);
    expect(result).toMatchObject({ epochs: EPOCHS, globalStep: fixture.runs[name].globalStep });
    expectWeights(module.stateDict() as never, fixture.runs[name].weights);
  });

  it.each([
    ["sgd", 5, { epoch: 1, batch: 0, totalBatch: 5 }],
    ["sgd", 7, { epoch: 1, batch: 2, totalBatch: 7 }],
    ["adam", 5, { epoch: 1, batch: 0, totalBatch: 5 }],
  ] as const)("goes on from its checkpoint to the same weights: %s after step %i", async (name, step, progress) => {
    const path = file(`lightning-${name}-${step}.ckpt`);
    const { training, hyperParameters } = await loadCheckpointFile(path);
    expect(training?.progress).toMatchObject({ ...progress, globalStep: step });
    expect(hyperParameters).toEqual({ optimizer_name: name, hidden_size: 8 });
    const module = new Small(name);
    const result = await new Trainer(options).fit(module, loader, undefined, { ckptPath: path });
    expect(result).toMatchObject({ epochs: EPOCHS, globalStep: 15 });
    expectWeights(module.stateDict() as never, fixture.runs[name].weights);
  });

  it("writes the counters that Lightning writes, in files that torch.load reads", async () => {
    const dirPath = join(folder, "loops");
    await train("sgd", dirPath);
    const script = `
import json, sys, torch
for path in sys.argv[1:]:
    checkpoint = torch.load(path)
    print(json.dumps({"keys": sorted(checkpoint), "loops": checkpoint["loops"], "scheduler": checkpoint["lr_schedulers"][0]}))
`;
    const paths = [5, 7].map((step) => join(dirPath, `step=${step}.ckpt`));
    const python = askPython(["reading the files with PyTorch", "python3-torch"], ["-c", script, ...paths]);
    if (python === undefined) {
      return;
    }
    expect(python.stderr).toBe("");
    const read = python.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    for (const [i, step] of [5, 7].entries()) {
      const { keys, loops, scheduler } = read[i];
      const needed = [
        "callbacks",
        "epoch",
        "global_step",
        "hparams_name",
        "hyper_parameters",
        "loops",
        "lr_schedulers",
      ];
      expect(keys).toEqual(
        expect.arrayContaining([...needed, "optimizer_states", "pytorch-lightning_version", "state_dict"]),
      );
      expect(Object.keys(loops)).toEqual(["fit_loop", "validate_loop", "test_loop", "predict_loop"]);
      const theirs = fixture.runs.sgd.loops[step] as Record<string, Record<string, Record<string, number>>>;
      expect(shapeOf(loops.fit_loop)).toEqual(shapeOf(theirs));
      const [own, other] = [loops.fit_loop, theirs].map((fit) => ({
        last: fit["epoch_loop.batch_progress"]?.is_last_batch,
        batches: ["total", "current"].map((scope) => fit["epoch_loop.batch_progress"]?.[scope]?.processed),
        epochs: fit.epoch_progress?.current?.started,
        optimizer: fit["epoch_loop.automatic_optimization.optim_progress"],
      }));
      expect(own).toEqual(other);
      expect(scheduler).toMatchObject({ last_epoch: 1, _step_count: 2, _last_lr: [0.05], base_lrs: [0.1] });
    }
  });

  const python = process.env.LIGHTNING_PYTHON;
  if (python === undefined) {
    console.log("Left out: Lightning itself going on from our files (LIGHTNING_PYTHON: a Python that has it).");
  }
  it.runIf(python !== undefined).each([
    ["sgd", 5],
    ["sgd", 11],
    ["adam", 5],
    ["adam", 11],
  ] as const)(
    "Lightning goes on from our file: %s after step %i",
    async (name, step) => {
      const dirPath = join(folder, `${name}-${step}`);
      await train(name, dirPath);
      const args = [file("make_lightning.py"), name, join(dirPath, `step=${step}.ckpt`)];
      const run = spawnSync(python as string, args, { encoding: "utf8" });
      const line = run.stdout.split("\n").find((each) => each.startsWith("{"));
      expect(line, run.stderr).toBeDefined();
      const result = JSON.parse(line as string) as { epochs: number; globalStep: number; weights: Weights };
      expect(result).toMatchObject({ epochs: EPOCHS, globalStep: 15 });
      const { weights, resumedAt11 } = fixture.runs[name];
      expectWeights(result.weights, step === 5 ? weights : resumedAt11);
    },
    60_000,
  );
});

/** Keys and types of nested counters. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) {
    return typeof value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, each]) => [key, shapeOf(each)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const real = fileURLToPath(new URL("../../../../../shared/data/uva-tutorial5/", import.meta.url));
const hasReal = existsSync(real);
if (!hasReal) {
  console.log(
    "Left out: the tutorial's checkpoint files (https://github.com/phlippe/saved_models, in ../shared/data/uva-tutorial5).",
  );
}

describe.runIf(hasReal)("the tutorial's files of Lightning 1.0", () => {
  it.each([
    ["GoogleNet", 180, 260_650, 1e-3],
    ["ResNet", 162, 272_378, 0.1],
    ["ResNetPreAct", 171, 272_250, 0.1],
    ["DenseNet", 167, 239_146, 1e-3],
  ] as const)(
    "%s: say what they are, give their weights, and cannot be gone on with",
    async (name, epoch, parameters, lr) => {
      const path = join(real, `${name}.ckpt`);
      const checkpoint = await loadCheckpointFile(path);
      expect(checkpoint).toMatchObject({ epoch, callbacks: {}, extra: {} });
      expect(checkpoint.training).toBeUndefined();
      expect(checkpoint.hyperParameters).toMatchObject({ optimizer_hparams: { lr } });
      const module = await ClassificationModule.loadFromCheckpoint(path);
      expect(module.parameterCount()).toBe(parameters);
      expect([...module.stateDict().keys()].sort()).toEqual([...checkpoint.stateDict.keys()].sort());
      const trainer = new Trainer({ ...options, maxEpochs: 1 });
      await expect(trainer.fit(module, loader as never, undefined, { ckptPath: path })).rejects.toThrow(
        "it holds weights only; fit can go on from a checkpoint that was saved with weightsOnly false.",
      );
      // Evaluation takes the weights from the file.
      const other = new ClassificationModule(module.hparams);
      const [outputs] = (await trainer.predict(other, [tf.ones([1, 32, 32, 3])] as never, { ckptPath: path })) as [
        tf.Tensor,
      ];
      const expected = tf.tidy(() => module.eval().forward(tf.ones([1, 32, 32, 3])));
      expect(outputs.dataSync()).toEqual(expected.dataSync());
      tf.dispose([outputs, expected]);
      module.dispose();
      other.dispose();
    },
  );
});
