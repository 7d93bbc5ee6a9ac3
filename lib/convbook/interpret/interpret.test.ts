import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { PNG } from "pngjs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type BackendName, selectBackend } from "../backend/index.ts";
import { engineBackend } from "../backend/testing/engine-backend.ts";
import { AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, ReLU, Sequential } from "../nn/index.ts";
import type { StateDict } from "../tensor-data.ts";
import {
  activationMaximization,
  confusedLogits,
  featureMaps,
  filters,
  gradCam,
  InterpretError,
  occlusionMap,
  plotFilters,
  saliency,
} from "./index.ts";

type Numbers = number[];
const fixture = JSON.parse(readFileSync(new URL("fixtures/interpret.json", import.meta.url), "utf8")) as {
  state: Record<string, { shape: number[]; data: Numbers }>;
  images: Numbers;
  targets: Numbers;
  second: Numbers;
  logits: Numbers[];
  saliency: Numbers;
  tipping: Numbers;
  gradCam: Numbers;
  gradCamOfSecond: Numbers;
  occlusion: Numbers;
  featureMaps: Numbers;
  ascentClass: Numbers;
  ascentChannel: Numbers;
};

const net = new Sequential(
  new Conv2d(3, 4, { kernelSize: 3, padding: 1, bias: false }),
  new BatchNorm2d(4),
  new ReLU(),
  new Conv2d(4, 6, { kernelSize: 3, stride: 2, padding: 1 }),
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
let images: tf.Tensor4D;
let tensors: number;

/** Takes a backend, and puts the model and the images on it. */
const useBackend = async (backend: BackendName): Promise<void> => {
  images?.dispose();
  await selectBackend({ backend, training: false, announce: false });
  net.loadStateDict(state);
  images = tf.tensor4d(fixture.images, [2, 9, 11, 3]);
  tf.dispose(net.eval().forward(images));
  net.train();
};

const backends: BackendName[] = ["cpu", "wasm"];
if (engineBackend !== undefined) {
  backends.push(engineBackend);
}

beforeAll(() => useBackend("cpu"));
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterAll(() => {
  images.dispose();
  net.dispose();
});

const close = (got: readonly Float32Array[] | Float32Array, wanted: Numbers, digits = 5): void => {
  const all = Array.isArray(got) ? got.flatMap((part) => [...part]) : [...(got as Float32Array)];
  expect(all).toHaveLength(wanted.length);
  const worst = Math.max(...all.map((value, i) => Math.abs(value - (wanted[i] as number))));
  const size = Math.max(...wanted.map(Math.abs));
  expect(worst / size).toBeLessThan(10 ** -digits);
};

/** No tensor more than before, and the model in the mode that it was in. */
const leavesNoTrace = (): void => {
  expect(tf.memory().numTensors).toBe(tensors);
  expect(net.training).toBe(true);
  expect(net.at(1)?.training).toBe(true);
  expect(net.modules().some((module) => module.hasForwardHooks)).toBe(false);
};

describe.each(backends)("as PyTorch computes it, on %s", (backend) => {
  beforeAll(() => useBackend(backend));
  afterAll(() => useBackend("cpu"));

  it("saliency", async () => {
    const found = await saliency(net, images);
    expect(found.targets).toEqual(fixture.targets);
    close(found.maps, fixture.saliency);
    leavesNoTrace();
  });

  it("Grad-CAM of the predicted and of another class", async () => {
    close((await gradCam(net, images, { layer: "4" })).maps, fixture.gradCam);
    close(
      (await gradCam(net, images, { layer: net.at(4) as ReLU, target: fixture.second })).maps,
      fixture.gradCamOfSecond,
    );
    leavesNoTrace();
  });

  it("occlusion, in batches of any size", async () => {
    for (const batchSize of [5, 64]) {
      const found = await occlusionMap(net, images, { size: 4, stride: 3, value: 0.25, batchSize });
      close(found.maps, fixture.occlusion, 4);
    }
    leavesNoTrace();
  });

  it("feature maps", async () => {
    const first = tf.slice(images, 0, 1);
    const found = await featureMaps(net, first, ["2"]);
    first.dispose();
    expect(found.layers[0]).toMatchObject({ layer: "2", height: 9, width: 11, channels: 4 });
    close(found.layers[0]?.data as Float32Array, fixture.featureMaps);
    leavesNoTrace();
  });

  it("activation maximisation of a class and of a channel", async () => {
    const options = {
      shape: [9, 11, 3],
      steps: 5,
      stepSize: 0.1,
      smoothness: 0.02,
      decay: 0.01,
      jitter: 0,
      seed: 5,
    } as const;
    const ofClass = await activationMaximization(net, { ...options, units: [2] });
    close(ofClass.data, fixture.ascentClass, 4);
    close((await activationMaximization(net, { ...options, units: [3], layer: "4" })).data, fixture.ascentChannel, 4);
    leavesNoTrace();
  });

  it("what tips two logits", async () => {
    const { confusions } = await confusedLogits(net, images);
    const byPlace = confusions.toSorted((a, b) => a.index - b.index);
    expect(byPlace.map(({ first }) => first)).toEqual(fixture.targets);
    expect(byPlace.map(({ second }) => second)).toEqual(fixture.second);
    expect(confusions[0]?.margin).toBeLessThanOrEqual(confusions[1]?.margin as number);
    byPlace.forEach(({ margin, index, first, second }) => {
      const row = fixture.logits[index] as Numbers;
      expect(margin).toBeCloseTo((row[first] as number) - (row[second] as number), 4);
    });
    close(
      byPlace.map(({ gradient }) => gradient),
      fixture.tipping,
    );
    leavesNoTrace();
  });
});

describe("a picture that flips the answer", () => {
  it("is taken for another class, where hardly less of the change would not do", async () => {
    const { confusions } = await confusedLogits(net, images);
    const shape = images.shape.slice(1) as [number, number, number];
    const answer = (data: ArrayLike<number>) =>
      tf.tidy(
        () => tf.argMax(net.eval().forward(tf.tensor4d(Float32Array.from(data), [1, ...shape])), 1).dataSync()[0],
      );
    const size = shape.reduce((a, b) => a * b, 1);
    const all = images.dataSync();
    for (const { index, first, flip } of confusions) {
      const before = all.slice(index * size, (index + 1) * size);
      if (flip === null) {
        throw new Error("every picture of this network can be flipped");
      }
      expect(answer(before)).toBe(first);
      expect(flip.answer).not.toBe(first);
      expect(answer(flip.data)).toBe(flip.answer);
      const less = flip.data.map((value, i) => (before[i] ?? 0) + 0.8 * (value - (before[i] ?? 0)));
      expect(answer(less)).toBe(first);
      const length = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
      expect(flip.change).toBeCloseTo(
        length(flip.data.map((value, i) => value - (before[i] ?? 0))) / length(before),
        4,
      );
    }
    net.train();
    const [one] = confusions;
    const figure = (await confusedLogits(net, images, { count: 1 })).toFigure();
    expect(figure.alt).toContain(`a change of ${((one?.flip?.change ?? 0) * 100).toFixed(1).split(".")[0]}`);
    leavesNoTrace();
  });

  it("tells the first digit of a change that is small", async () => {
    const last = new Linear(12, 3);
    const undecided = new Sequential(new Flatten(), last);
    const weight = new Float32Array(36);
    weight[12] = 1; // the second class counts the first pixel's red, and lacks 0.001
    last.weight.load({ dtype: "float32", shape: [3, 12], data: weight });
    last.bias?.load({ dtype: "float32", shape: [3], data: new Float32Array([0.001, -1, -9]) });
    const result = await confusedLogits(undecided, tf.ones([1, 2, 2, 3]));
    // 0.001 of a picture whose length is the root of 12
    expect(result.toFigure().alt).toContain("a change of 0.03 % makes it class 1");
    undecided.dispose();
  });

  it("is not there where nothing changes the answer", async () => {
    const last = new Linear(12, 3);
    const stubborn = new Sequential(new Flatten(), last);
    last.weight.load({ dtype: "float32", shape: [3, 12], data: new Float32Array(36) });
    last.bias?.load({ dtype: "float32", shape: [3], data: new Float32Array([1, 0.5, 0]) });
    const result = await confusedLogits(stubborn, tf.ones([1, 2, 2, 3]));
    expect(result.confusions[0]?.flip).toBeNull();
    expect(result.toFigure().alt).toContain("class 0 or class 1 (margin 0.50, no change flips it)");
    stubborn.dispose();
  });
});

describe("activation maximisation", () => {
  it("raises what it is asked to raise, and gives the same for the same seed", async () => {
    const options = { shape: [9, 11, 3], units: [0, 4], steps: 40, smoothness: 0, jitter: 2, seed: 1 } as const;
    const start = await activationMaximization(net, { ...options, steps: 0 });
    const end = await activationMaximization(net, options);
    end.scores.forEach((score, i) => {
      expect(score).toBeGreaterThan((start.scores[i] as number) + 0.05);
    });
    expect((await activationMaximization(net, options)).data).toEqual(end.data);
    leavesNoTrace();
  });
});

describe("figures", () => {
  const svg = (figure: { toSvg(): string }): string => figure.toSvg();
  const classes = ["a", "b", "c", "d", "e"];

  it("say what they show", async () => {
    const name = classes[fixture.targets[0] as number] as string;
    const cam = (await gradCam(net, images, { layer: "4" })).toFigure({ classes, mean: [0, 0, 0], std: [1, 1, 1] });
    expect(cam.alt).toMatch(
      /^Grad-CAM, pictures above and maps below\. Strongest for [a-e]: (top|middle|bottom) (left|centre|right), /,
    );
    expect(svg(cam)).toContain(`>${name}?</text>`);
    const maps = (await featureMaps(net, tf.slice(images, 0, 1), ["2", "4"])).toFigure();
    expect(maps.alt).toBe("Feature maps, 4 channels each, at 2 (9 by 11, 4 channels), 4 (5 by 6, 6 channels)");
    const made = await activationMaximization(net, { shape: [9, 11, 3], units: [1], steps: 1 });
    expect(made.toFigure({ classes }).alt).toMatch(/^Pictures made to excite b/);
    const confused = (await confusedLogits(net, images, { count: 1 })).toFigure({ classes, labels: fixture.targets });
    expect(confused.alt).toContain("Pictures that the model hesitates over: ");
  });

  it("of kernels: in colour, grey, and signed with one scale", () => {
    const first = net.at(0) as Conv2d;
    const second = net.at(3) as Conv2d;
    expect(filters(first).alt).toContain("4 of 4 kernels in colour");
    expect(filters(second).alt).toContain("6 of 6 kernels, 4 of 4 input channels, negative weights orange");
    expect(filters(second, { mode: "grey", outputs: 2, inputs: 3 }).alt).toContain(
      "2 of 6 kernels, 3 of 4 input channels in grey",
    );
    expect(filters(first, { mode: "rgb" }).toPng().length).toBeGreaterThan(100);
  });

  it("of kernels of all convolutions, in grey and in green", () => {
    const plots = plotFilters(net, { outputs: 2, inputs: 2 });
    const names = net.namedModules().flatMap(([name, each]) => (each instanceof Conv2d ? [name] : []));
    expect(plots.layers.map(({ name }) => name)).toEqual(names);
    expect(plots.layers.map(({ grid }) => grid.alt).every((alt) => alt.includes("in grey, a row"))).toBe(true);
    expect(plotFilters(net, { cmap: "green" }).layers[0]?.grid.alt).toContain(
      "in green, a row for each output channel",
    );
    const bundle = plots[Symbol.for("Jupyter.display") as never] as unknown as () => Record<string, string>;
    const shown = bundle.call(plots);
    expect(shown["text/html"]?.match(/<img alt="Kernels of Conv2d/g)).toHaveLength(names.length);
    expect(shown["text/plain"]?.split("\n")).toHaveLength(names.length);
    expect(() => plotFilters(net, { cmap: "greens" as never })).toThrow('Unknown cmap "greens". Did you mean "green"');
    expect(() => plotFilters(net, { cmap: "viridis" as never })).toThrow(/Unknown cmap "viridis"\..*grey, green/);
    expect(() => filters(net.at(0) as Conv2d, { mode: "gray" as never })).toThrow('Did you mean "grey"');
    expect(() => plotFilters(new Flatten())).toThrow("plotFilters: Flatten has no Conv2d");
  });

  it("of 1x1 kernels are not all black", () => {
    const conv = new Conv2d(3, 2, { kernelSize: 1 });
    const weights = new Float32Array([-1, 0, 1, 0.5, -0.5, 0]);
    conv.weight.load({ dtype: "float32", shape: [2, 3, 1, 1], data: weights });
    const { data } = PNG.sync.read(Buffer.from(filters(conv, { mode: "grey", scale: 1 }).toPng()));
    expect([0, 64, 128, 191, 255].every((grey) => data.includes(grey))).toBe(true);
  });
});

describe("what they refuse", () => {
  it.each<[string, () => Promise<unknown>, string]>([
    [
      "a layer that is not there",
      () => gradCam(net, images, { layer: "layer4" }),
      'there is no layer "layer4"; there are 0, 1, 2, 3, 4',
    ],
    [
      "a layer of another model",
      () => gradCam(net, images, { layer: new ReLU() }),
      "the layer ReLU is not part of the model",
    ],
    [
      "a layer without height and width",
      () => gradCam(net, images, { layer: "7" }),
      'the layer "7" gives [2, 5]; expected feature maps [N, H, W, C]',
    ],
    ["a class out of range", () => saliency(net, images, { target: 5 }), "target is 5; expected a class from 0 to 4"],
    ["too few targets", () => saliency(net, images, { target: [1] }), "target has 1 classes for 2 images"],
    [
      "no image",
      () => saliency(net, tf.zeros([9, 11])),
      "images have shape [9, 11]; expected [H, W, C] or [N, H, W, C]",
    ],
    [
      "a stride that leaves gaps",
      () => occlusionMap(net, images, { size: 2, stride: 3 }),
      "stride is 3; expected an integer from 1 to size (2)",
    ],
    [
      "a square larger than the picture",
      () => occlusionMap(net, images, { size: 10 }),
      "size is 10; expected an integer from 1 to 9 (the picture's side)",
    ],
    [
      "a channel out of range",
      () => activationMaximization(net, { shape: [9, 11, 3], units: [6], layer: "4" }),
      'unit is 6; expected a channel of "4" from 0 to 5',
    ],
    ["several pictures at once", () => featureMaps(net, images, ["2"]), "featureMaps: 2 images; expected one"],
    ["nothing to show", () => confusedLogits(net, images, { count: 0 }), "count is 0; expected a positive integer"],
  ])("%s", async (_name, act, message) => {
    await expect(act()).rejects.toThrow(InterpretError);
    await expect(act()).rejects.toThrow(message);
    expect(net.training).toBe(true);
    expect(net.modules().some((module) => module.hasForwardHooks)).toBe(false);
  });

  it("colour for kernels of four channels", () => {
    expect(() => filters(net.at(3) as Conv2d, { mode: "rgb" })).toThrow(
      'mode "rgb" needs kernels of 3 channels; these have 4 (use "grey", "green" or "signed")',
    );
  });
});
