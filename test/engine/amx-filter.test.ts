/** Gradients of filters on AMX tiles: shapes that use them, against sums in float64, and values that they cannot take. */
import { convolution, engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { amx, type Case, optionsOf, tilePasses } from "./amx-support.ts";
import { Random } from "./support.ts";

// Whole images and bands of rows, all numbers of tiles side by side, channels that fill no tile.
const cases: readonly Case[] = [
  { in: [3, 32, 32, 16], out: 16, kernel: [3, 3], pad: 1 },
  { in: [7, 16, 16, 32], out: 32, kernel: [3, 3], pad: 1 },
  { in: [13, 8, 8, 64], out: 64, kernel: [3, 3], pad: 1 },
  { in: [16, 4, 4, 32], out: 16, kernel: [3, 3], pad: 1 },
  { in: [3, 32, 32, 16], out: 32, kernel: [3, 3], pad: 1, stride: [2, 2] },
  { in: [2, 40, 60, 33], out: 100, kernel: [3, 3], pad: 1, stride: [3, 2] },
  { in: [1, 32, 32, 16], out: 12, kernel: [5, 5], pad: 2 },
  { in: [2, 30, 31, 33], out: 60, kernel: [3, 3], pad: 2, dilation: [2, 2] },
  { in: [1, 60, 50, 48], out: 31, kernel: [2, 3] },
  { in: [1, 60, 50, 31], out: 48, kernel: [3, 1], pad: 1 },
  { in: [1, 130, 90, 64], out: 48, kernel: [3, 3], pad: 1 },
  { in: [2, 15, 17, 48], out: 32, kernel: [1, 1] },
  { in: [1, 32, 32, 128], out: 64, kernel: [1, 1] },
  { in: [2, 16, 16, 150], out: 37, kernel: [1, 1] },
  { in: [3, 8, 8, 256], out: 130, kernel: [1, 1] },
  { in: [4, 8, 8, 96], out: 80, kernel: [1, 1] },
  { in: [1, 33, 33, 160], out: 16, kernel: [1, 1] },
  { in: [1, 40, 41, 100], out: 50, kernel: [1, 1], stride: [2, 2] },
  { in: [6, 14, 14, 65], out: 64, kernel: [1, 1], pad: 1 },
];

interface Sizes {
  readonly outHeight: number;
  readonly outWidth: number;
  readonly gradients: number;
}

function sizesOf(c: Case): Sizes {
  const { strides, dilations, pad } = optionsOf(c);
  const along = (axis: 0 | 1) =>
    Math.floor(((c.in[axis + 1] as number) + 2 * pad[0] - (c.kernel[axis] - 1) * dilations[axis] - 1) / strides[axis]) +
    1;
  const [outHeight, outWidth] = [along(0), along(1)];
  return { outHeight, outWidth, gradients: c.in[0] * outHeight * outWidth * c.out };
}

/** dw[h][w][in][out], by its definition. */
function reference(c: Case, x: Float32Array, dy: Float32Array): Float64Array {
  const [batch, height, width, channels] = c.in;
  const { strides, dilations, pad } = optionsOf(c);
  const { outHeight, outWidth } = sizesOf(c);
  const dw = new Float64Array(c.kernel[0] * c.kernel[1] * channels * c.out);
  for (let pixel = 0; pixel < batch * outHeight * outWidth; pixel++) {
    const j = pixel % outWidth;
    const i = Math.floor(pixel / outWidth) % outHeight;
    const n = Math.floor(pixel / outWidth / outHeight);
    for (let tap = 0; tap < c.kernel[0] * c.kernel[1]; tap++) {
      const row = i * strides[0] - pad[0] + Math.floor(tap / c.kernel[1]) * dilations[0];
      const column = j * strides[1] - pad[2] + (tap % c.kernel[1]) * dilations[1];
      if (row < 0 || row >= height || column < 0 || column >= width) {
        continue;
      }
      const from = ((n * height + row) * width + column) * channels;
      for (let a = 0; a < channels; a++) {
        const value = x[from + a] as number;
        const to = (tap * channels + a) * c.out;
        for (let b = 0; b < c.out; b++) {
          dw[to + b] = (dw[to + b] as number) + value * (dy[pixel * c.out + b] as number);
        }
      }
    }
  }
  return dw;
}

/** The largest error, in parts of the largest value. */
function distance(got: Float32Array, wanted: Float64Array): number {
  let [largest, worst] = [0, 0];
  for (const [i, value] of wanted.entries()) {
    largest = Math.max(largest, Math.abs(value));
    worst = Math.max(worst, Math.abs(value - (got[i] ?? Number.NaN)));
  }
  return worst / largest;
}

describe.runIf(amx)("gradients of filters on AMX tiles", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
  });
  afterAll(() => engine.setInstructionSet(undefined));

  /** The gradients of filter and bias. */
  function run(c: Case, x: Float32Array, dy: Float32Array, isa: string): { dw: Float32Array; dbias: Float32Array } {
    engine.setInstructionSet(isa);
    const { outHeight, outWidth } = sizesOf(c);
    return tf.tidy(() => {
      const image = tf.tensor4d(x, [...c.in]);
      const [dw, dbias] = tf.grads((w: tf.Tensor, bias: tf.Tensor) =>
        convolution(image, w as tf.Tensor4D, { ...optionsOf(c), bias: bias as tf.Tensor1D }),
      )(
        [tf.zeros([...c.kernel, c.in[3], c.out]), tf.zeros([c.out])],
        tf.tensor4d(dy, [c.in[0], outHeight, outWidth, c.out]),
      ) as [tf.Tensor, tf.Tensor];
      return { dw: dw.dataSync() as Float32Array, dbias: dbias.dataSync() as Float32Array };
    });
  }

  function values(c: Case, seed: number): [x: Float32Array, dy: Float32Array] {
    const random = new Random(seed);
    return [
      random.values(c.in[0] * c.in[1] * c.in[2] * c.in[3]).map((value) => Math.max(value, -0.1)),
      random.values(sizesOf(c).gradients),
    ];
  }

  it.each(cases.map((c) => [JSON.stringify(c), c] as const))("agrees with float64: %s", (_name, c) => {
    const [x, dy] = values(c, 1);
    const { dw, dbias } = run(c, x, dy, "amx");
    expect(distance(dw, reference(c, x, dy))).toBeLessThan(1e-5);
    const sums = new Float64Array(c.out);
    for (const [i, value] of dy.entries()) {
      sums[i % c.out] = (sums[i % c.out] as number) + value;
    }
    expect(distance(dbias, sums)).toBeLessThan(1e-5);
  });

  it("uses the tiles for these shapes, once each, and on AVX-512 never", () => {
    for (const c of cases) {
      const [x, dy] = values(c, 2);
      expect(
        tilePasses(() => run(c, x, dy, "amx")),
        JSON.stringify(c),
      ).toMatchObject({ filterGradients: 1 });
      expect(tilePasses(() => run(c, x, dy, "avx512"))).toMatchObject({ rounded: 0, split: 0, filterGradients: 0 });
    }
  });

  it("gives bit-equal results run after run", () => {
    for (const c of cases.slice(0, 3)) {
      const [x, dy] = values(c, 3);
      expect(run(c, x, dy, "amx")).toEqual(run(c, x, dy, "amx"));
    }
  });

  const [spatial, pointwise] = [cases[0], cases[12]] as [Case, Case];
  const special = [
    ["infinity", Number.POSITIVE_INFINITY],
    ["not a number", Number.NaN],
    ["nearly the largest number", 3.4e38],
  ] as const;
  it.each(special)("passes %s on as AVX-512 does, in the image and in the gradient", (_name, value) => {
    for (const c of [spatial, pointwise]) {
      for (const side of [0, 1] as const) {
        const inputs = values(c, 4);
        inputs[side][777] = value;
        expect(run(c, ...inputs, "amx")).toEqual(run(c, ...inputs, "avx512"));
      }
    }
  });

  it("leaves to AVX-512 what is so small that tiles would lose half of it", () => {
    for (const c of [spatial, pointwise]) {
      for (const scale of [1e-36, 1e-41]) {
        const [x, dy] = values(c, 5);
        const tiny = dy.map((value) => value * scale);
        expect(run(c, x, tiny, "amx")).toEqual(run(c, x, tiny, "avx512"));
      }
    }
  });
});
