/** Initialisations from the data and as the identity, beside PyTorch's. */
import { readFileSync } from "node:fs";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { symmetricEigen } from "./eigen.ts";
import { Conv2d, init, Parameter } from "./index.ts";

// Made by fixtures/make_whitening.py with PyTorch.
interface Values {
  readonly shape: number[];
  readonly values: number[];
}
const fixture = JSON.parse(readFileSync(new URL("fixtures/whitening.json", import.meta.url), "utf8")) as {
  pictures: Values & { shape: [number, number, number, number] };
  filters: Record<string, Values & { eps: number }>;
  dirac: (Values & { groups: number })[];
  kept: { shape: number[]; before: number[]; after: number[] };
};

beforeAll(() => tf.setBackend("cpu"));

/** The fixture's pictures with channels last. */
function pictures(): tf.Tensor4D {
  const { shape, values } = fixture.pictures;
  return tf.tidy(() => tf.transpose(tf.tensor4d(values, shape), [0, 2, 3, 1]));
}

const valuesOf = (parameter: Parameter) => Array.from(parameter.toTensorData().data as Float32Array);
const weight = (...shape: number[]) => new Parameter(shape, shape.length === 4 ? [2, 3, 1, 0] : []);

describe("whitening_", () => {
  it.each(Object.entries(fixture.filters))("gives PyTorch's filters of %s pixels", (_name, { shape, eps, values }) => {
    const images = pictures();
    const filters = weight(...shape);
    expect(init.whitening_(filters, images, { eps })).toBe(filters);
    for (const [i, value] of valuesOf(filters).entries()) {
      expect(value, `value ${i}`).toBeCloseTo(values[i] as number, 3);
    }
    images.dispose();
  });

  it("makes patches whose values do not depend on each other, and have variance 1", () => {
    const before = tf.memory().numTensors;
    const images = pictures();
    const conv = new Conv2d(3, 24, { kernelSize: 2, bias: false });
    init.whitening_(conv.weight, images, { eps: 0 });
    tf.tidy(() => {
      const rows: tf.Tensor2D = tf.reshape(tf.slice(conv.forward(images), [0, 0, 0, 0], [-1, -1, -1, 12]), [-1, 12]);
      const moments = tf.div(tf.matMul(rows, rows, true), rows.shape[0]);
      expect(tf.max(tf.abs(tf.sub(moments, tf.eye(12)))).dataSync()[0]).toBeLessThan(1e-4);
      const all = conv.forward(images);
      const [some, others] = tf.split(all, 2, 3) as [tf.Tensor, tf.Tensor];
      expect(tf.max(tf.abs(tf.add(some, others))).dataSync()[0]).toBeLessThan(1e-5);
    });
    conv.dispose();
    images.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it("takes the leading directions where there are fewer filters", () => {
    const images = pictures();
    const [all, few] = [weight(24, 3, 2, 2), weight(6, 3, 2, 2)];
    init.whitening_(all, images);
    init.whitening_(few, images);
    expect(valuesOf(few)).toEqual([...valuesOf(all).slice(0, 36), ...valuesOf(all).slice(144, 180)]);
    images.dispose();
  });

  it("refuses what does not fit", () => {
    const images = pictures();
    expect(() => init.whitening_(weight(4, 3), images)).toThrow(/whitening_.*the weight of a Conv2d/);
    expect(() => init.whitening_(weight(25, 3, 2, 2), images)).toThrow(/number of filters.*even, and at most 24/);
    expect(() => init.whitening_(weight(26, 3, 2, 2), images)).toThrow(/number of filters.*even, and at most 24/);
    expect(() => init.whitening_(weight(24, 3, 20, 2), images)).toThrow(/images.*at least 20 by 2 pixels/);
    expect(() => init.whitening_(weight(8, 1, 2, 2), images)).toThrow(/images.*\[N, H, W, 1\]/);
    expect(() => init.whitening_(weight(24, 3, 2, 2), images, { eps: -1 })).toThrow(/eps/);
    for (const [pixel, mean] of [
      [Number.NaN, "NaN"],
      [1e30, "Infinity"],
    ] as const) {
      expect(() => init.whitening_(weight(24, 3, 2, 2), tf.fill([1, 4, 4, 3], pixel))).toThrow(
        `whitening_: the mean square of images must be finite, got ${mean}.`,
      );
    }
    expect(() => init.whitening_(weight(24, 3, 2, 2), tf.zeros([1, 4, 4, 3]), { eps: 0 })).toThrow(
      "whitening_: eps must be above 0, since the patches vary in 0 directions alone, got 0.",
    );
    images.dispose();
  });
});

describe("symmetricEigen", () => {
  it("takes a matrix apart that it can be put together from", () => {
    const n = 6;
    const root = Float64Array.from({ length: n * n }, (_, i) => Math.sin(3 * i + 1));
    const entry = (i: number, j: number) =>
      Array.from({ length: n }, (_, k) => (root[i * n + k] ?? 0) * (root[j * n + k] ?? 0)).reduce((a, b) => a + b, 0);
    const matrix = Float64Array.from({ length: n * n }, (_, at) => entry(Math.floor(at / n), at % n));
    const { values, vectors } = symmetricEigen(matrix, n);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const whole = vectors.reduce((sum, v, k) => sum + (values[k] ?? 0) * (v[i] ?? 0) * (v[j] ?? 0), 0);
        expect(whole).toBeCloseTo(matrix[i * n + j] ?? 0, 10);
      }
    }
  });

  it("leaves a diagonal matrix as it is, and knows one of zeros", () => {
    const { values, vectors } = symmetricEigen(Float64Array.of(1, 0, 0, 3), 2);
    expect([values, vectors.map((v) => [...v])]).toEqual([
      [3, 1],
      [
        [0, 1],
        [1, 0],
      ],
    ]);
    expect(symmetricEigen(new Float64Array(4), 2).values).toEqual([0, 0]);
  });
});

describe("dirac_", () => {
  it.each(fixture.dirac)("is PyTorch's for $shape in $groups groups", ({ shape, groups, values }) => {
    const parameter = weight(...shape);
    init.normal_(parameter);
    init.dirac_(parameter, { groups });
    expect(valuesOf(parameter)).toEqual(values);
  });

  it("leaves the other filters as they are where that is asked for", () => {
    const { shape, before, after } = fixture.kept;
    const parameter = weight(...shape);
    parameter.load({ dtype: "float32", shape, data: Float32Array.from(before) });
    init.dirac_(parameter, { rest: "keep" });
    expect(valuesOf(parameter)).toEqual(Array.from(Float32Array.from(after)));
  });

  it("refuses what it cannot do", () => {
    expect(() => init.dirac_(weight(3, 3))).toThrow(/dirac_.*three to five dimensions/);
    expect(() => init.dirac_(weight(5, 2, 3, 3), { groups: 2 })).toThrow(/groups.*divisor of the 5 output channels/);
    expect(() => init.dirac_(weight(5, 2, 3, 3), { rest: "some" as never })).toThrow(/rest.*"zeros" or "keep"/);
  });
});
