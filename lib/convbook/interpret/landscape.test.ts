import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type BackendName, selectBackend } from "../backend/index.ts";
import { engineBackend } from "../backend/testing/engine-backend.ts";
import { toMimeBundle } from "../display/index.ts";
import {
  AdaptiveAvgPool2d,
  BatchNorm2d,
  Conv2d,
  CrossEntropyLoss,
  Flatten,
  Linear,
  ReLU,
  Sequential,
  UnknownNameError,
} from "../nn/index.ts";
import type { StateDict } from "../tensor-data.ts";
import {
  activationStatistics,
  gradientStatistics,
  InterpretError,
  type LayerStatistics,
  lossSurface,
} from "./index.ts";

interface Described {
  name: string;
  mean: number;
  std: number;
  norm: number;
  zeros: number;
}
interface Statistics {
  activations: Described[];
  gradients: Described[];
}
const fixture = JSON.parse(readFileSync(new URL("fixtures/landscape.json", import.meta.url), "utf8")) as {
  state: Record<string, { shape: number[]; data: number[] }>;
  images: number[];
  labels: number[];
  evaluation: Statistics;
  training: Statistics;
  filter: number[][];
  layer: number[][];
  none: number[][];
};

const net = new Sequential(
  new Conv2d(3, 4, { kernelSize: 3, padding: 1 }),
  new BatchNorm2d(4),
  new ReLU(),
  new Conv2d(4, 6, { kernelSize: 3, stride: 2, padding: 1, bias: false }),
  new ReLU(),
  new AdaptiveAvgPool2d(1),
  new Flatten(),
  new Linear(6, 5),
);
const state: StateDict = new Map(
  Object.entries(fixture.state).map(([name, { shape, data }]) => [
    name,
    { dtype: "float32", shape, data: Float32Array.from(data) },
  ]),
);
const criterion = new CrossEntropyLoss();
let images: tf.Tensor4D;
let labels: tf.Tensor1D;
let tensors: number;
let before: StateDict;
const loss = () => criterion.forward(net.forward(images), labels);

const useBackend = async (backend: BackendName): Promise<void> => {
  tf.dispose([images, labels]);
  await selectBackend({ backend, training: true, announce: false });
  net.loadStateDict(state, { strict: false });
  images = tf.tensor4d(fixture.images, [3, 6, 7, 3]);
  labels = tf.tensor1d(fixture.labels, "int32");
  tf.dispose(net.eval().forward(images));
  net.train();
};

const backends: BackendName[] = ["cpu"];
if (engineBackend !== undefined) {
  backends.push(engineBackend);
}

beforeAll(() => useBackend("cpu"));
beforeEach(() => {
  // A parameter moves to the backend when it is first used; that is no leak.
  for (const parameter of net.parameters()) {
    parameter.variable;
  }
  before = net.stateDict();
  tensors = tf.memory().numTensors;
});
afterAll(() => {
  tf.dispose([images, labels]);
  net.dispose();
});

/** Weights, buffers, mode, hooks and memory are as before. */
const leavesNoTrace = (): void => {
  expect(net.stateDict()).toEqual(before);
  expect(tf.memory().numTensors).toBe(tensors);
  expect(net.modules().every((module) => module.training)).toBe(true);
  expect(net.modules().some((module) => module.hasForwardHooks)).toBe(false);
};

const same = (got: LayerStatistics, wanted: readonly Described[]): void => {
  expect(got.layers.map(({ name }) => name)).toEqual(wanted.map(({ name }) => name));
  const scale = Math.max(...wanted.map(({ norm }) => norm));
  for (const [i, layer] of got.layers.entries()) {
    const { mean, std, norm, zeros } = wanted[i] as Described;
    for (const [a, b] of [
      [layer.mean, mean],
      [layer.std, std],
      [layer.norm, norm],
    ] as const) {
      expect(Math.abs(a - b) / scale, layer.name).toBeLessThan(1e-5);
    }
    expect(layer.zeros).toBeCloseTo(zeros, 6);
    expect(layer.values).toHaveLength(layer.shape.reduce((product, n) => product * n, 1));
  }
};

const sameSurface = (rows: readonly Float32Array[], wanted: number[][]): void => {
  expect(rows).toHaveLength(wanted.length);
  for (const [r, row] of rows.entries()) {
    for (const [c, value] of row.entries()) {
      const expected = wanted[r]?.[c] as number;
      expect(Math.abs(value - expected) / expected, `row ${r}, column ${c}`).toBeLessThan(1e-5);
    }
  }
};

describe.each(backends)("as PyTorch computes it, on %s", (backend) => {
  beforeAll(() => useBackend(backend));
  afterAll(() => useBackend("cpu"));

  it("activations by layer, in both modes", async () => {
    same(await activationStatistics(net, images), fixture.evaluation.activations);
    leavesNoTrace();
    same(await activationStatistics(net, images, { training: true }), fixture.training.activations);
    leavesNoTrace();
  });

  it("gradients by parameter, in both modes", async () => {
    // In training mode the bias before the normalisation has no influence: PyTorch's gradient there is rounding only, ours too.
    const unlike = ({ name }: { name: string }) => name !== "0.bias";
    same(await gradientStatistics(net, loss), fixture.evaluation.gradients);
    const trained = await gradientStatistics(net, loss, { training: true });
    const compared = trained.layers.filter(unlike).map(({ name, mean, std, norm }) => ({ name, mean, std, norm }));
    const wanted = fixture.training.gradients.filter(unlike);
    const scale = Math.max(...wanted.map(({ norm }) => norm));
    for (const [i, { name, mean, std, norm }] of compared.entries()) {
      const expected = wanted[i] as Described;
      expect(name).toBe(expected.name);
      expect(Math.abs(mean - expected.mean) / scale, name).toBeLessThan(1e-5);
      expect(Math.abs(std - expected.std) / scale, name).toBeLessThan(1e-5);
      expect(Math.abs(norm - expected.norm) / scale, name).toBeLessThan(1e-5);
    }
    expect(trained.get("0.bias").norm / scale).toBeLessThan(1e-5);
    leavesNoTrace();
  });

  it("the loss around the weights, with each normalisation", async () => {
    const grid = { points: 5, radius: 0.8, seed: 11 };
    sameSurface((await lossSurface(net, loss, grid)).losses, fixture.filter);
    leavesNoTrace();
    const line = await lossSurface(net, loss, { ...grid, dimensions: 1, normalization: "layer" });
    sameSurface(line.losses, fixture.layer);
    expect(line.betas).toEqual([0]);
    const plain = await lossSurface(net, loss, { ...grid, normalization: "none", training: true });
    sameSurface(plain.losses, fixture.none);
    leavesNoTrace();
  });
});

it("names a layer that runs twice, and runs only the layers asked for", async () => {
  const shared = new ReLU();
  const twice = new Sequential({ a: shared, b: new Linear(2, 2), c: shared });
  const x = tf.tensor2d([[-1, 2]]);
  const found = await activationStatistics(twice, x, { layers: ["a"] });
  expect(found.layers.map(({ name }) => name)).toEqual(["a", "a (2)"]);
  expect(found.get("a")).toMatchObject({ mean: 1, std: 1, norm: 2, zeros: 0.5, shape: [1, 2] });
  x.dispose();
  twice.dispose();
});

it("puts the weights back when the loss fails on the way", async () => {
  let calls = 0;
  const failing = () => {
    calls++;
    if (calls === 4) {
      throw new Error("stop");
    }
    return loss();
  };
  await expect(lossSurface(net, failing, { points: 3 })).rejects.toThrow("stop");
  leavesNoTrace();
  await expect(lossSurface(net, () => net.forward(images), { points: 3 })).rejects.toThrow("shape [3, 5]");
  leavesNoTrace();
});

it("refuses what makes no sense, by name", async () => {
  const refused = async (options: object, message: string) =>
    await expect(lossSurface(net, loss, options)).rejects.toThrow(new InterpretError(message));
  await refused({ points: 4 }, "lossSurface: points is 4; expected an odd number of at least 3");
  await refused({ radius: 0 }, "lossSurface: radius is 0; expected a positive number");
  await refused({ dimensions: 3 }, "lossSurface: dimensions is 3; expected 1 or 2");
  await expect(lossSurface(net, loss, { normalization: "filters" as "filter" })).rejects.toThrow(UnknownNameError);
  await expect(activationStatistics(net, images, { layers: ["9"] })).rejects.toThrow('there is no layer "9"');
  const found = await activationStatistics(net, images);
  expect(() => found.get("conv")).toThrow('there is no activation of "conv"; there are 0, 1, 2');
  leavesNoTrace();
});

it("draws what it found, with words for who cannot see it", async () => {
  const found = await activationStatistics(net, images);
  const surface = await lossSurface(net, loss, { points: 3 });
  const line = await lossSurface(net, loss, { points: 3, dimensions: 1 });
  expect(surface.center).toBeCloseTo((fixture.filter[2] as number[])[2] as number, 5);
  const figures = [found, found.toHistogram(["0", "7"]), surface, line];
  for (const figure of figures) {
    const bundle = await toMimeBundle(figure);
    expect(bundle).toHaveProperty(["image/png"]);
    expect(String(bundle["text/plain"]).length).toBeGreaterThan(20);
  }
  expect(String((await toMimeBundle(surface))["text/plain"])).toContain(
    `${surface.center.toPrecision(3)} in the middle`,
  );
});
