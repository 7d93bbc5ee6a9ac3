/** The fast training on CIFAR-10: its steps beside PyTorch's, going on after an interruption, and the file of results. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ArrayDataset } from "../../data/index.ts";
import type { StateDict } from "../../tensor-data.ts";
import { trainingImages } from "./data.ts";
import {
  ablationsOf,
  addResult,
  readResults,
  recipe,
  SpeedrunNet,
  shortened,
  summarize,
  train,
  trainingOperations,
} from "./index.ts";
import { optimizersOf } from "./optimizers.ts";
import { takeStep } from "./step.ts";

// Made by fixtures/make_speedrun.py with PyTorch.
const fixture = JSON.parse(readFileSync(new URL("fixtures/speedrun.json", import.meta.url), "utf8")) as {
  batch: number;
  side: number;
  total: number;
  widths: [number, number, number];
  before: Record<string, number[]>;
  after: Record<string, number[]>;
  images: number[][];
  labels: number[][];
  losses: number[];
  logits: number[];
};

const folder = mkdtempSync(join(tmpdir(), "convbook-speedrun-"));
afterAll(() => rmSync(folder, { recursive: true }));

function expectClose(got: ArrayLike<number>, expected: readonly number[], where: string): void {
  const most = Math.max(1e-2, ...expected.map(Math.abs));
  for (const [i, value] of expected.entries()) {
    expect(Math.abs((got[i] as number) - value) / most, `${where}[${i}]`).toBeLessThan(1e-3);
  }
}

/** Pictures whose class is the colour that is strongest, in noise. */
function colours(count: number, from = 0): ArrayDataset {
  const values = new Uint8Array(count * 3072);
  const labels = Int32Array.from({ length: count }, (_, i) => (i + from) % 3);
  for (let i = 0; i < values.length; i++) {
    const noise = Math.abs(Math.sin(12.9898 * (i + from * 3072)) * 43758.5453) % 1;
    values[i] = 60 + 90 * noise + (i % 3 === labels[Math.floor(i / 3072)] ? 100 : 0);
  }
  return new ArrayDataset(values, [32, 32, 3], labels, { transform: null });
}

const small = {
  ...recipe,
  network: { widths: [4, 6, 6] as const, numClasses: 3 },
  stages: [
    { size: 9, epochs: 2 },
    { size: 17, epochs: 1 },
  ],
  batchSize: 20,
};

const backend = engine.available ? "native" : "cpu";

describe(`on the backend ${backend}`, () => {
  beforeAll(() => tf.setBackend(backend));

  it("steps as PyTorch does", () => {
    const before = tf.memory().numTensors;
    const { batch, side, total, widths, images, labels, losses, logits } = fixture;
    const network = new SpeedrunNet({ widths });
    const shapes = network.stateDict();
    const given: StateDict = new Map(
      Object.entries(fixture.before).map(([name, values]) => {
        const shape = shapes.get(name)?.shape ?? [];
        return [name, { dtype: "float32", shape, data: Float32Array.from(values) }];
      }),
    );
    expect(network.loadStateDict(given, { strict: false }).unexpected).toEqual([]);
    const optimization = optimizersOf(network, { ...recipe, batchSize: batch }, total);
    const pictures = images.map((values) => tf.tensor4d(values, [batch, side, side, 3]));
    for (const [step, x] of pictures.entries()) {
      const y = tf.tensor1d(labels[step] as number[], "int32");
      expect(takeStep(network, optimization, recipe, x, y)).toBeCloseTo(losses[step] as number, 4);
      y.dispose();
    }
    const after = network.stateDict();
    for (const [name, values] of Object.entries(fixture.after)) {
      expectClose(after.get(name)?.data as Float32Array, values, name);
    }
    network.eval();
    const got = tf.tidy(() => network.forward(pictures[0] as tf.Tensor4D).dataSync());
    expectClose(got, logits, "logits");
    for (const optimizer of optimization.optimizers) {
      optimizer.dispose();
    }
    network.dispose();
    tf.dispose(pictures);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("learns, and goes on after an interruption as if there had been none", async () => {
    const before = tf.memory().numTensors;
    const options = { recipe: small, seed: 3, train: colours(105), test: colours(60, 105), watch: 30 };
    const whole = await train(options);
    expect(whole.accuracy).toBeGreaterThan(0.9);
    const checkpoint = join(folder, `${backend}.safetensors`);
    const stopping = {
      ...options,
      checkpoint,
      onEpoch: ({ epoch }: { epoch: number }) => {
        if (epoch === 2) {
          throw new Error("stopped");
        }
      },
    };
    await expect(train(stopping)).rejects.toThrow("stopped");
    await expect(train({ ...options, checkpoint, seed: 4 })).rejects.toThrow(/of another training: of seed 3/);
    const steps: number[] = [];
    const continued = await train({ ...options, checkpoint, onStep: (done) => steps.push(done) });
    expect(steps).toEqual(Array.from({ length: 5 }, (_, i) => 11 + i));
    const known = ({ accuracy, plainAccuracy, epochs, operations }: typeof whole) => [
      ...[accuracy, plainAccuracy, operations],
      ...epochs.map(({ loss, accuracy }) => [loss, accuracy]),
    ];
    expect(known(continued)).toEqual(known(whole));
    expect(tf.memory().numTensors).toBeGreaterThanOrEqual(before);
  });
});

describe("the recipe", () => {
  it("shows a picture from both sides in two epochs, or by chance, at the size that is asked for", async () => {
    await tf.setBackend("cpu");
    const images = colours(40);
    for (const size of [25, 33]) {
      const loader = trainingImages(images, { ...recipe, batchSize: 20 }, size, 1).epoch(0);
      for await (const [x, labels] of loader) {
        expect(x.shape).toEqual([20, size, size, 3]);
        tf.dispose([x, labels]);
      }
    }
  });

  it("counts operations as the literature does", () => {
    // Multiplications with addition of one picture of 33 pixels: whitening, and six convolutions and the head, by hand.
    const whitening = 32 * 32 * 24 * 12;
    const first = 32 * 32 * 9 * 24 * 64 + 16 * 16 * 9 * 64 * 64;
    const second = 16 * 16 * 9 * 64 * 256 + 8 * 8 * 9 * 256 * 256;
    const third = 8 * 8 * 9 * 256 * 256 + 4 * 4 * 9 * 256 * 256;
    const one = whitening + first + second + third + 2560;
    const stages = [{ size: 33, epochs: 2 }];
    expect(trainingOperations({ ...recipe, stages, batchSize: 1000 }, 50_500)).toBe(6 * one * 2 * 50_000);
  });
});

describe("ablations", () => {
  it("are the short recipe, each without one trick, under names of their own", () => {
    const [all, ...others] = ablationsOf(recipe);
    const short = shortened(recipe);
    expect(all?.recipe).toEqual(short);
    expect(short).toEqual({
      ...recipe,
      whiteningBias: 1,
      stages: [
        { size: 25, epochs: 2 },
        { size: 33, epochs: 1 },
      ],
    });
    const keys = Object.keys(short) as (keyof typeof short)[];
    const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
    const changed = others.map(({ recipe }) => keys.filter((key) => !isSame(recipe[key], short[key])));
    expect(changed.map((each) => each.length)).toEqual(others.map(() => 1));
    expect(new Set(changed.flat()).size).toBe(others.length);
    expect(new Set([all, ...others].map((each) => each?.name)).size).toBe(others.length + 1);
  });

  it("without small pictures are as much work", () => {
    const named = new Map(ablationsOf(recipe).map(({ name, recipe }) => [name, trainingOperations(recipe, 50_000)]));
    const ratio = (named.get("sizes") as number) / (named.get("all") as number);
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.1);
  });

  it.each(ablationsOf(small).map((each) => [each.name, each] as const))("%s trains", async (_name, { recipe }) => {
    await tf.setBackend(backend);
    const result = await train({ recipe, seed: 1, train: colours(40), test: colours(20, 40) });
    expect(result.epochs.length).toBe(recipe.stages.reduce((sum, { epochs }) => sum + epochs, 0));
    expect(result.epochs.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });
});

describe("results", () => {
  const result = (seed: number, accuracy: number) => ({
    ...{ seed, accuracy, plainAccuracy: accuracy - 0.01 },
    ...{ seconds: 10, cpuSeconds: 20, operations: 1, epochs: [] },
  });

  it("are added one by one, each seed once, and summed up", async () => {
    const path = join(folder, "results.json");
    expect(await readResults(path, recipe)).toEqual({ recipe, runs: [] });
    await addResult(path, recipe, result(1, 0.5));
    await addResult(path, recipe, result(2, 0.92));
    await addResult(path, recipe, result(1, 0.94));
    const results = await readResults(path, recipe);
    expect(results.runs.map(({ seed, accuracy }) => [seed, accuracy])).toEqual([
      [2, 0.92],
      [1, 0.94],
    ]);
    expect(results.runs[0]).toMatchObject({
      processor: expect.any(String),
      date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
    const { seeds, accuracy, deviation, plainAccuracy, cpuSeconds } = summarize(results);
    expect([seeds, cpuSeconds]).toEqual([2, 20]);
    expect(accuracy).toBeCloseTo(0.93, 12);
    expect(plainAccuracy).toBeCloseTo(0.92, 12);
    expect(deviation).toBeCloseTo(0.01 * Math.SQRT2, 12);
    const other = { ...recipe, batchSize: 3 };
    await expect(readResults(path, other)).rejects.toThrow(/results of another recipe. Move it away/);
  });
});
