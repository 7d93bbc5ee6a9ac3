/** Crops, warps, boxes, response normalization and grey dilation against tfjs's CPU backend. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { data, expectSame, Random, ranInJavaScript, tensor, withGrads } from "./support.ts";

type Op = (...xs: tf.Tensor[]) => tf.Tensor;

/** Whole numbers of a tensor's type, as images have them. */
function image(random: Random, shape: readonly number[], dtype: "float32" | "int32"): tf.Tensor4D {
  const { values } = data(random, shape, 0, 255);
  return tf.cast(tf.tensor(values, shape as [number, number, number, number]), dtype) as tf.Tensor4D;
}

function expectNative(f: () => void): void {
  expect(ranInJavaScript(f).filter((name) => !/Fill|Cast|Equal|Greater/.test(name))).toEqual([]);
}

describe.runIf(engine.available)("crops", () => {
  it.each(["bilinear", "nearest"] as const)("%s, of boxes inside and outside, in either direction", (method) => {
    for (const dtype of ["float32", "int32"] as const) {
      for (const size of [
        [1, 1],
        [4, 7],
        [1, 5],
        [9, 1],
      ] as [number, number][]) {
        expectNative(() =>
          expectSame(() => {
            const random = new Random(81);
            const boxes = data(random, [20, 4], -0.4, 1.4);
            boxes.values.set([0, 0, 1, 1, 1, 1, 0, 0, 0.2, 0.2, 0.2, 0.2]);
            const of = tf.tensor1d(
              Int32Array.from({ length: 20 }, () => random.integer(0, 2)),
              "int32",
            );
            const images = image(random, [3, 6, 5, 4], dtype);
            return tf.image.cropAndResize(images, tensor<tf.Rank.R2>(boxes), of, size, method, 7.5);
          }, 1e-6),
        );
      }
    }
  });
});

describe.runIf(engine.available)("warps", () => {
  it("rotations, filled with a number or a colour", () => {
    for (const [angle, fill, center] of [
      [0.5, 0, 0.5],
      [-2, 9, [0.2, 0.9]],
      [Math.PI / 2, [1, 2, 3], 0.5],
    ] as [number, number | [number, number, number], number | [number, number]][]) {
      for (const channels of typeof fill === "number" ? [1, 3, 4] : [3, 4]) {
        const x = data(new Random(82), [2, 7, 6, channels]);
        const turn = () => tf.image.rotateWithOffset(tensor<tf.Rank.R4>(x), angle, fill, center);
        expectNative(() => expectSame(turn, 0));
      }
    }
  });

  const modes = ["constant", "nearest", "reflect", "wrap"] as const;

  it.each(modes)("projections, %s outside of the image", (mode) => {
    const random = new Random(83);
    for (const method of ["nearest", "bilinear"] as const) {
      for (const size of [undefined, [4, 9]] as ([number, number] | undefined)[]) {
        for (let i = 0; i < 6; i++) {
          const shape = random.pick([
            [1, 6, 7, 2],
            [1, 1, 5, 1],
            [1, 8, 1, 3],
          ]);
          const matrix = data(random, [1, 8], -3, 3);
          matrix.values.set([random.next() / 8, random.next() / 8], 6);
          const x = data(random, shape);
          expectNative(() =>
            expectSame(
              () => tf.image.transform(tensor(x), tensor<tf.Rank.R2>(matrix), method, mode, 0.25, size),
              1e-5,
              `${shape} ${method} ${Array.from(matrix.values)}`,
            ),
          );
        }
      }
    }
  });

  it("every image of a batch, each with its own or all with one", () => {
    // The CPU backend returns after the first image.
    tf.setBackend("native");
    const random = new Random(84);
    const x = data(random, [3, 5, 4, 2]);
    const matrices = data(random, [3, 8], -1, 1);
    matrices.values.set([0, 0], 6);
    tf.tidy(() => {
      const [images, all] = [tensor<tf.Rank.R4>(x), tensor<tf.Rank.R2>(matrices)];
      const own = tf.image.transform(images, all, "bilinear", "reflect");
      const first = tf.image.transform(images, all.slice(0, 1), "bilinear", "reflect");
      for (let n = 0; n < 3; n++) {
        const [one, matrix] = [images.slice(n, 1), all.slice(n, 1)];
        expect(own.slice(n, 1).dataSync()).toEqual(tf.image.transform(one, matrix, "bilinear", "reflect").dataSync());
        const shared = tf.image.transform(one, all.slice(0, 1), "bilinear", "reflect");
        expect(first.slice(n, 1).dataSync()).toEqual(shared.dataSync());
      }
    });
  });
});

describe.runIf(engine.available)("a canvas", () => {
  /** What a drawing left on one. */
  async function drawn(image: tf.Tensor2D | tf.Tensor3D, options?: object): Promise<number[]> {
    let bytes: number[] = [];
    const canvas = {
      width: 1,
      height: 1,
      getContext: () => ({
        createImageData: (width: number, height: number) => ({ data: new Uint8ClampedArray(width * height * 4) }),
        putImageData: ({ data }: { data: Uint8ClampedArray }) => {
          bytes = Array.from(data);
        },
      }),
    };
    const attrs = { canvas: canvas as unknown as HTMLCanvasElement, options };
    tf.engine().runKernel("Draw", { image }, attrs as unknown as tf.NamedAttrMap);
    expect([canvas.height, canvas.width]).toEqual(image.shape.slice(0, 2));
    return bytes;
  }

  it("takes grey, colours and opacity, of floats and integers", async () => {
    tf.setBackend("native");
    expect(await drawn(tf.tensor2d([[0, 1, 0.5]]))).toEqual([0, 0, 0, 255, 255, 255, 255, 255, 128, 128, 128, 255]);
    expect(await drawn(tf.tensor3d([1, 2, 3], [1, 1, 3], "int32"))).toEqual([1, 2, 3, 255]);
    expect(await drawn(tf.tensor3d([1, 2, 3, 4], [1, 1, 4], "int32"))).toEqual([1, 2, 3, 4]);
    const half = { imageOptions: { alpha: 0.5 } };
    expect(await drawn(tf.tensor3d([1, 2, 3], [1, 1, 3], "int32"), half)).toEqual([1, 2, 3, 128]);
    await expect(drawn(tf.tensor2d([[2]]))).rejects.toThrow(
      "draw: image must be of values from 0 to 1 for float32, got 2.",
    );
    const other = { contextOptions: { contextType: "webgl" } };
    await expect(drawn(tf.tensor2d([[1]]), other)).rejects.toThrow(
      'draw: canvas must be a canvas with a context of type "2d", got "webgl".',
    );
  });
});

describe.runIf(engine.available)("boxes", () => {
  const count = 300;

  /** Boxes around a few places, some upside down, some of no size, with scores of which some are equal. */
  function boxes(seed: number): { boxes: Float32Array; scores: Float32Array } {
    const random = new Random(seed);
    const corners = Array.from({ length: count }, () => {
      const [y, x] = [random.integer(0, 3) / 4 + random.next() / 20, random.integer(0, 3) / 4 + random.next() / 20];
      const [h, w] = random.next() < 0.05 ? [0, 0.2] : [0.1 + random.next() / 5, 0.1 + random.next() / 5];
      return random.next() < 0.2 ? [y + h, x + w, y, x] : [y, x, y + h, x + w];
    });
    const scores = Float32Array.from({ length: count }, () => random.integer(-3, 40) / 40);
    return { boxes: Float32Array.from(corners.flat()), scores };
  }

  it.each([1, 2, 3, 4, 5])("are chosen alike, with and without scores and padding (%i)", (seed) => {
    const made = boxes(seed);
    const random = new Random(100 + seed);
    for (let i = 0; i < 8; i++) {
      const most = random.pick([1, 10, 100, 400]);
      const [overlap, least] = [random.pick([0.1, 0.5, 0.9, 1]), random.pick([Number.NEGATIVE_INFINITY, 0, 0.3])];
      const sigma = random.pick([0, 0.1, 0.5, 1]);
      expectNative(() =>
        expectSame(() => {
          const [b, s] = [tf.tensor2d(made.boxes, [count, 4]), tf.tensor1d(made.scores)];
          const plain = tf.image.nonMaxSuppression(b, s, most, overlap, least);
          const padded = tf.image.nonMaxSuppressionPadded(b, s, most, overlap, least, i % 2 === 0);
          const soft = tf.image.nonMaxSuppressionWithScore(b, s, most, overlap, least, sigma);
          return [plain, ...Object.values(padded), ...Object.values(soft)] as tf.Tensor[];
        }, 0),
      );
    }
  });

  it("with a corner or a score that is not a number", () => {
    for (const sigma of [0, 0.5]) {
      expectSame(() => {
        const b = tf.tensor2d([0, 0, 1, 1, 0, 0, 1, 0.9, Number.NaN, 0, 1, 1, 0, 0, 0.5, 0.5, 3, 3, 4, 4], [5, 4]);
        const s = tf.tensor1d([0.9, 0.8, 0.7, Number.NaN, 0.1]);
        return Object.values(tf.image.nonMaxSuppressionWithScore(b, s, 5, 0.5, 0, sigma)) as tf.Tensor[];
      }, 0);
    }
    expectSame(() => tf.image.nonMaxSuppression(tf.zeros([0, 4]), tf.zeros([0]), 5), 0);
  });
});

describe.runIf(engine.available)("local response normalization", () => {
  it("of any radius, with its gradient", () => {
    const random = new Random(85);
    for (const [shape, radius, bias, alpha, beta] of [
      [[2, 3, 4, 8], 2, 1, 1, 0.5],
      [[1, 5, 5, 96], 5, 2, 1e-4, 0.75],
      [[2, 2, 3, 5], 7, 1, 0.3, 1],
      [[1, 2, 2, 1], 1, 1, 0.5, 2],
      [[3, 2, 2, 17], 0, 0.5, 2, 0.75],
    ] as [number[], number, number, number, number][]) {
      const x = data(random, shape, -3, 3);
      const f: Op = (t) => tf.localResponseNormalization(t as tf.Tensor4D, radius, bias, alpha, beta);
      expectNative(() => expectSame(() => withGrads(f, [tensor(x)]), 1e-5, `${shape} ${radius}`));
    }
    expectSame(() => tf.localResponseNormalization(tf.zeros([0, 3, 3, 4]) as tf.Tensor4D));
  });

  it("leaves nothing behind, and keeps infinity to its neighbours", () => {
    const values = Float32Array.of(1, 2, Infinity, 3, 4, 5, 6, 7, 8, 9);
    expectSame(() => tf.localResponseNormalization(tf.tensor4d(values, [1, 1, 1, 10]), 1, 1, 1, 0.5));
    tf.setBackend("native");
    const x = tensor<tf.Rank.R4>(data(new Random(86), [1, 2, 3, 6]));
    const step = () =>
      tf.tidy(() => tf.grad((t: tf.Tensor) => tf.localResponseNormalization(t as tf.Tensor4D, 2))(x)).dispose();
    step();
    const before = [tf.memory().numTensors, engine.info().memory.used];
    step();
    expect([tf.memory().numTensors, engine.info().memory.used]).toEqual(before);
    x.dispose();
  });
});

describe.runIf(engine.available)("grey dilation", () => {
  it("of floats and integers, with its gradients", () => {
    const random = new Random(87);
    for (let i = 0; i < 16; i++) {
      const [rows, columns, channels] = [random.integer(1, 3), random.integer(1, 3), random.pick([1, 3, 8])];
      const x = data(random, [
        random.integer(1, 2),
        rows + random.integer(2, 5),
        columns + random.integer(2, 5),
        channels,
      ]);
      const w = data(random, [rows, columns, channels]);
      const [stride, pad] = [random.pick([1, 2]), random.pick<"same" | "valid">(["same", "valid"])];
      const dilation = stride === 1 ? random.pick([1, 2]) : 1;
      const fits =
        pad === "same" || ((rows - 1) * dilation < (x.shape[1] ?? 0) && (columns - 1) * dilation < (x.shape[2] ?? 0));
      if (!fits) {
        continue;
      }
      const f: Op = (a, b) => tf.dilation2d(a as tf.Tensor4D, b as tf.Tensor3D, stride, pad, dilation);
      const whole = (t: tf.Tensor) => tf.cast(tf.mul(t, 9), "int32");
      expectNative(() => {
        expectSame(
          () => withGrads(f, [tensor(x), tensor(w)]),
          1e-6,
          `${x.shape} ${w.shape} ${stride} ${pad} ${dilation}`,
        );
        expectSame(() => f(whole(tensor(x)), whole(tensor(w))), 0);
      });
    }
  });

  it("passes over NaN", () => {
    const x = Float32Array.of(Number.NaN, 2, Number.NaN, Number.NaN, -Infinity, 5, Number.NaN, Infinity, 1);
    const f: Op = (a, b) => tf.dilation2d(a as tf.Tensor4D, b as tf.Tensor3D, 1, "same");
    expectSame(() => withGrads(f, [tf.tensor4d(x, [1, 3, 3, 1]), tf.zeros([1, 2, 1])]), 1e-6);
  });
});
