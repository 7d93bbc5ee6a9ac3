import { readFileSync } from "node:fs";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import type { Detection } from "../nn/blocks/index.ts";
import { FotsLoss } from "./fots-loss.ts";
import { decodeGeometry, encodeGeometry } from "./geometry.ts";
import { stackMaps, unstackMaps } from "./map-tensors.ts";

// Made by fixtures/make_fots_loss.py with PyTorch.
interface Case {
  geometryWeight: number;
  angleWeight: number;
  loss: number;
  score: number;
  sides: number;
  angle: number;
  gradients: { score: number[]; geometry: number[] };
}
const fixture = JSON.parse(readFileSync(new URL("./fixtures/fots-loss.json", import.meta.url), "utf8")) as {
  shape: [number, number, number];
  score: number[];
  geometry: number[];
  trueScore: number[];
  trueGeometry: number[];
  mask: number[];
  cases: { plain: Case; masked: Case };
};

const map = (values: number[], channels: number) => tf.tensor4d(values, [...fixture.shape, channels]);
const prediction: Detection = { score: map(fixture.score, 1), geometry: map(fixture.geometry, 5) };
const target: Detection = { score: map(fixture.trueScore, 1), geometry: map(fixture.trueGeometry, 5) };
const mask = map(fixture.mask, 1);

function expectClose(got: ArrayLike<number>, expected: readonly number[]): void {
  expect(got).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs((got[i] as number) - value)).toBeLessThan(1e-5 * (1 + Math.abs(value)));
  }
}

describe("FotsLoss", () => {
  it.each(["plain", "masked"] as const)("has PyTorch's values and gradients (%s)", (name) => {
    const expected = fixture.cases[name];
    const loss = new FotsLoss({ geometryWeight: expected.geometryWeight, angleWeight: expected.angleWeight });
    const used = name === "masked" ? mask : undefined;
    const parts = loss.forward(prediction, target, used);
    for (const part of ["loss", "score", "sides", "angle"] as const) {
      expectClose(parts[part].dataSync(), [expected[part]]);
    }
    const gradient = tf.grads(
      (score, geometry) =>
        loss.forward({ score: score as tf.Tensor4D, geometry: geometry as tf.Tensor4D }, target, used).loss,
    );
    const [score, geometry] = gradient([prediction.score, prediction.geometry]) as [tf.Tensor, tf.Tensor];
    expectClose(score.dataSync(), expected.gradients.score);
    expectClose(geometry.dataSync(), expected.gradients.geometry);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1e30, -5])(
    "passes over %d beside the texts and behind the mask",
    (bad) => {
      const { mask: values, trueScore } = fixture;
      const isText = (cell: number) => (trueScore[cell] ?? 0) * (values[cell] ?? 0) > 0;
      // The scores count beside the texts, too; behind the mask nothing does.
      const score = fixture.score.map((value, cell) => (values[cell] === 0 ? bad : value));
      const spoilt = (all: readonly number[]) => all.map((value, i) => (isText(Math.floor(i / 5)) ? value : bad));
      const spoiltTarget = { score: target.score, geometry: map(spoilt(fixture.trueGeometry), 5) };
      const expected = fixture.cases.masked;
      const loss = new FotsLoss({ geometryWeight: expected.geometryWeight, angleWeight: expected.angleWeight });
      const gradient = tf.valueAndGrads(
        (scores, geometry) =>
          loss.forward({ score: scores as tf.Tensor4D, geometry: geometry as tf.Tensor4D }, spoiltTarget, mask).loss,
      );
      const { value, grads } = gradient([map(score, 1), map(spoilt(fixture.geometry), 5)]);
      expectClose(value.dataSync(), [expected.loss]);
      expectClose((grads[0] as tf.Tensor).dataSync(), expected.gradients.score);
      expectClose((grads[1] as tf.Tensor).dataSync(), expected.gradients.geometry);
    },
  );

  it("agrees with float64 at boxes of any size", () => {
    for (const [side, trueSide] of [
      [0, 512],
      [1e-30, 1e-30],
      [1e6, 1e-6],
      [3e8, 3e8],
      [1e12, 1],
    ] as const) {
      const box = (distance: number) => tf.tensor4d([distance, distance, distance, distance, 0], [1, 1, 1, 5]);
      const cell = tf.ones([1, 1, 1, 1]) as tf.Tensor4D;
      const { sides } = new FotsLoss().forward(
        { score: cell, geometry: box(side) },
        { score: cell, geometry: box(trueSide) },
      );
      const [area, trueArea, shared] = [side, trueSide, Math.min(side, trueSide)].map((d) => (2 * d) ** 2) as [
        number,
        number,
        number,
      ];
      expectClose(sides.dataSync(), [Math.log(area + trueArea - shared + 1) - Math.log(shared + 1)]);
    }
  });

  it("is 0 for the truth itself, and leaves no tensors behind", () => {
    const loss = new FotsLoss();
    const before = tf.memory().numTensors;
    const parts = loss.forward(target, target);
    expect(tf.memory().numTensors - before).toBe(4);
    for (const part of Object.values(parts)) {
      expect(Math.abs((part as tf.Scalar).dataSync()[0] as number)).toBeLessThan(1e-5);
    }
  });

  it("has no geometry to learn where there is no text", () => {
    const nothing: Detection = { score: tf.zerosLike(target.score), geometry: tf.zerosLike(target.geometry) };
    const parts = new FotsLoss().forward(prediction, nothing);
    expect(parts.sides.dataSync()[0]).toBe(0);
    expect(parts.angle.dataSync()[0]).toBe(0);
    expect(parts.score.dataSync()[0]).toBe(1);
  });

  it("names shapes and weights that do not fit", () => {
    const loss = new FotsLoss();
    expect(() => loss.forward({ ...prediction, geometry: prediction.score }, target)).toThrow(
      /predicted geometry \[2, 3, 4, 5\]/,
    );
    expect(() => loss.forward(prediction, target, tf.zeros([2, 3, 4, 2]))).toThrow(/a mask \[2, 3, 4, 1\]/);
    expect(() => new FotsLoss({ angleWeight: -1 })).toThrow(/angleWeight/);
  });
});

describe("maps as tensors", () => {
  const size = { height: 16, width: 20 };
  const maps = [
    encodeGeometry([{ cx: 30, cy: 24, width: 40, height: 16, angle: 0.3 }], size),
    encodeGeometry([{ cx: 40, cy: 40, width: 30, height: 20, angle: -0.5 }], size),
  ];

  it("come back as they were, and their boxes with them", async () => {
    const stacked = stackMaps(maps);
    expect(stacked.geometry.shape).toEqual([2, 16, 20, 5]);
    const back = await unstackMaps(stacked);
    expect(back).toEqual(maps);
    expect(decodeGeometry(back[1] as (typeof maps)[number])).toEqual(decodeGeometry(maps[1] as (typeof maps)[number]));
  });

  it("must have one size", async () => {
    const other = encodeGeometry([], { height: 8, width: 20 });
    expect(() => stackMaps([...maps, other])).toThrow(
      "The maps of image 2 have 8 x 20 cells, those of image 0 have 16 x 20.",
    );
    expect(() => stackMaps([])).toThrow(/at least one image/);
    await expect(unstackMaps({ score: tf.zeros([1, 2, 2, 1]), geometry: tf.zeros([1, 2, 2, 4]) })).rejects.toThrow(
      /geometry \[1, 2, 2, 5\]/,
    );
  });
});
