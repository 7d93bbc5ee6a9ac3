/** Every native kernel against tfjs's CPU backend, on random shapes, with gradients. */
import { convolution, engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onednn } from "./onednn-support.ts";
import { allInstructionSets, data, expectSame, Random, tensor, withGrads } from "./support.ts";

const isas = [...allInstructionSets];

// The same over the other implementation of convolutions.
if (onednn) {
  isas.push("onednn");
}

describe.runIf(engine.available).each(isas)("with %s", (isa) => {
  beforeAll(() => {
    if (isa === "onednn") {
      engine.setImplementations(["onednn"]);
    } else {
      engine.setInstructionSet(isa);
    }
  });
  afterAll(() => {
    engine.setInstructionSet(undefined);
    engine.setImplementations(["native"]);
  });

  it("convolutions and their gradients", () => {
    const random = new Random(1);
    const channels = [1, 2, 3, 5, 8, 15, 16, 17, 24, 31, 33, 48, 64, 96];
    for (let i = 0; i < 30; i++) {
      const kernel = random.pick([1, 2, 3, 5]);
      const [height, width] = [kernel + random.integer(0, 6), kernel + random.integer(0, 9)];
      const [inChannels, outChannels] = [random.pick(channels), random.pick(channels)];
      const x = data(random, [random.pick([1, 1, 2, 3]), height, width, inChannels]);
      const w = data(random, [kernel, random.pick([1, kernel]), inChannels, outChannels]);
      const stride = random.pick([1, 1, 2, 3]);
      const pad = random.pick<"same" | "valid" | number>(["same", "valid", 0, kernel >> 1]);
      const conv = (a: tf.Tensor, b: tf.Tensor) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, pad);
      expectSame(() => withGrads(conv as (...xs: tf.Tensor[]) => tf.Tensor, [tensor(x), tensor(w)]));
    }
  });

  it("wide convolutions, up to 300 channels", () => {
    const random = new Random(2);
    for (const [inChannels, outChannels, kernel] of [
      [300, 7, 1],
      [3, 300, 3],
      [128, 130, 1],
    ] as const) {
      const x = data(random, [2, 5, 4, inChannels]);
      const w = data(random, [kernel, kernel, inChannels, outChannels]);
      const conv = (a: tf.Tensor, b: tf.Tensor) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, "same");
      expectSame(() => withGrads(conv as (...xs: tf.Tensor[]) => tf.Tensor, [tensor(x), tensor(w)]));
    }
  });

  it("dilated and fused convolutions", () => {
    const random = new Random(3);
    for (const activation of ["linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu"] as const) {
      const x = data(random, [2, 9, 8, 5]);
      const filter = data(random, [3, 3, 5, 19], -2, 2);
      const bias = data(random, [19]);
      expectSame(() =>
        tf.fused.conv2d({
          x: tensor<tf.Rank.R4>(x),
          filter: tensor<tf.Rank.R4>(filter),
          strides: 1,
          pad: "same",
          dilations: [2, 2],
          bias: tensor(bias),
          activation,
          leakyreluAlpha: 0.1,
        }),
      );
    }
  });

  it("depthwise convolutions and their gradients", () => {
    const random = new Random(4);
    for (const [channels, multiplier, stride, pad] of [
      [7, 1, 1, "same"],
      [16, 1, 2, "same"],
      [5, 3, 1, "valid"],
      [33, 2, 2, "valid"],
    ] as const) {
      const x = data(random, [2, 8, 7, channels]);
      const w = data(random, [3, 3, channels, multiplier]);
      const conv = (a: tf.Tensor, b: tf.Tensor) =>
        tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, pad) as tf.Tensor;
      expectSame(() => withGrads(conv as (...xs: tf.Tensor[]) => tf.Tensor, [tensor(x), tensor(w)]));
    }
  });

  it("products of matrices", () => {
    const random = new Random(5);
    for (let i = 0; i < 40; i++) {
      const [m, k, n] = [random.integer(1, 40), random.integer(1, 70), random.integer(1, 50)];
      const [ta, tb] = [random.next() < 0.5, random.next() < 0.5];
      const batches = random.pick<[number[], number[]]>([
        [[], []],
        [[3], [3]],
        [
          [2, 3],
          [2, 3],
        ],
        [[4], [1]],
        [[1], [4]],
        [
          [2, 3],
          [1, 3],
        ],
      ]);
      const a = data(random, [...batches[0], ...(ta ? [k, m] : [m, k])]);
      const b = data(random, [...batches[1], ...(tb ? [n, k] : [k, n])]);
      expectSame(() => tf.matMul(tensor(a), tensor(b), ta, tb));
    }
    // Batches that both stand for others, of which the CPU backend makes too few.
    tf.setBackend("native");
    tf.tidy(() => {
      const [p, q] = [tensor(data(random, [2, 1, 5, 7])), tensor(data(random, [1, 3, 7, 4]))];
      const each = tf.matMul(tf.tile(p, [1, 3, 1, 1]), tf.tile(q, [2, 1, 1, 1]));
      expect(tf.matMul(p, q).arraySync()).toEqual(each.arraySync());
    });
    const [a, b, bias] = [data(random, [9, 33]), data(random, [33, 20]), data(random, [20])];
    for (const activation of ["relu", "elu", "linear"] as const) {
      expectSame(() => tf.fused.matMul({ a: tensor(a), b: tensor(b), bias: tensor(bias), activation }));
    }
  });

  it("element by element, NaN and infinities included", () => {
    const random = new Random(6);
    const special = [0, -0, 1, -1, 1e-42, 1e38, -1e38, Number.NaN, Infinity, -Infinity, 88.8, -87.5, -103.9, 0.5, 6, 7];
    const x = { values: Float32Array.from([...special, ...random.values(300, -4, 4)]), shape: [316] };
    const unary = [
      ..."relu relu6 square sqrt rsqrt exp log neg sigmoid tanh abs reciprocal sign floor ceil round elu".split(" "),
      ..."selu softplus expm1 log1p sin cos tan asin acos atan sinh cosh asinh acosh atanh erf step leakyRelu".split(
        " ",
      ),
    ] as const;
    for (const name of unary) {
      const f = (tf as unknown as Record<string, (t: tf.Tensor) => tf.Tensor>)[name] as (t: tf.Tensor) => tf.Tensor;
      // JavaScript's sine of huge numbers and erf's polynomial are the reference's; only ordinary values there.
      const input = ["sin", "cos", "tan", "sinh", "cosh", "softplus"].includes(name)
        ? { values: x.values.slice(16), shape: [300] }
        : x;
      expectSame(() => f(tensor(input)), 1e-5, name);
    }
    expectSame(() => tf.clipByValue(tensor(x), -0.5, 2));
    expectSame(() => tf.prelu(tensor(x), tf.scalar(0.3)));
  });

  it("the gradient of ReLU6 in one kernel, closed at 0 and at 6 whatever comes back", async () => {
    tf.setBackend("native");
    const x = tf.tensor1d([-1, -0, 0, 1e-30, 3, 5.9999995, 6, 7, Infinity, Number.NaN]);
    const dy = tf.tensor1d([Infinity, Number.NaN, 1, 2, 3, 4, Infinity, 5, Number.NaN, 6]);
    const expected = [0, 0, 0, 2, 3, 4, 0, 0, 0, 6];
    let got: number[] = [];
    const profile = await engine.profile(() => {
      got = [...tf.tidy(() => tf.grad((t: tf.Tensor) => tf.relu6(t))(x, dy)).dataSync()];
    });
    expect(got).toEqual(expected);
    const kernels = profile.rows.map(({ kernel }) => kernel);
    expect(kernels).toContain("Relu6Grad");
    expect(kernels.filter((kernel) => /Select|Logical|Less|Greater/.test(kernel))).toEqual([]);
    // Behind a convolution, too.
    const filter = tf.ones([1, 1, 1, 1]) as tf.Tensor4D;
    const activated = (t: tf.Tensor) => convolution(t as tf.Tensor4D, filter, { activation: "relu6" });
    const images = tf.reshape(x.slice(0, 9), [1, 3, 3, 1]);
    const grads = tf
      .grad(activated)(images, tf.reshape(dy.slice(0, 9), [1, 3, 3, 1]))
      .dataSync();
    expect([...grads]).toEqual(expected.slice(0, 9));
  });

  it("exp, log, tanh and sigmoid to a few units in the last place", () => {
    tf.setBackend("native");
    const x = Float32Array.from({ length: 20001 }, (_, i) => (i - 10000) / 120);
    const checks: [string, (t: tf.Tensor) => tf.Tensor, (v: number) => number, (v: number) => number][] = [
      ["exp", tf.exp, Math.exp, (v) => v],
      ["log", tf.log, Math.log, (v) => Math.abs(v) + 1e-3],
      ["tanh", tf.tanh, Math.tanh, (v) => v],
      ["sigmoid", tf.sigmoid, (v) => 1 / (1 + Math.exp(-v)), (v) => v],
    ];
    for (const [name, f, exact, map] of checks) {
      const inputs = x.map(map);
      const got = tf.tidy(() => f(tf.tensor1d(inputs)).dataSync());
      inputs.forEach((value, i) => {
        const wanted = exact(value);
        const error = Math.abs((got[i] as number) - wanted) / Math.max(Math.abs(wanted), 1e-37);
        if (error > 5e-7) {
          expect.fail(`${name}(${value}): got ${got[i]}, expected ${wanted}`);
        }
      });
    }
  });

  it("two by two, with broadcasting", () => {
    const random = new Random(7);
    const shapes: [number[], number[]][] = [
      [
        [4, 5, 6],
        [4, 5, 6],
      ],
      [[4, 5, 6], [6]],
      [[300, 7], [7]],
      [[7], [300, 7]],
      [[4, 5, 6], [1]],
      [
        [4, 5, 6],
        [5, 1],
      ],
      [
        [4, 1, 6],
        [4, 5, 1],
      ],
      [
        [2, 3, 4, 5],
        [2, 1, 1, 5],
      ],
      [[], [3]],
      [[0, 3], [3]],
      [
        [2, 1, 3, 1, 2],
        [1, 4, 1, 5, 1],
      ],
    ];
    const names = "add sub mul div maximum minimum squaredDifference pow mod atan2".split(" ");
    const compared = "equal notEqual less lessEqual greater greaterEqual".split(" ");
    for (const [sa, sb] of shapes) {
      const [a, b] = [data(random, sa, 0.1, 3), data(random, sb, 0.1, 3)];
      for (const name of [...names, ...compared]) {
        const f = (tf as unknown as Record<string, (p: tf.Tensor, q: tf.Tensor) => tf.Tensor>)[name];
        expectSame(() => (f as (p: tf.Tensor, q: tf.Tensor) => tf.Tensor)(tensor(a), tensor(b)));
      }
      if (!sa.includes(0)) {
        expectSame(() => withGrads((p, q) => tf.div(p as tf.Tensor, q as tf.Tensor), [tensor(a), tensor(b)]));
      }
    }
    const nan = { values: Float32Array.of(Number.NaN, 1, Number.NaN, Infinity), shape: [4] };
    const other = { values: Float32Array.of(1, Number.NaN, 2, -Infinity), shape: [4] };
    for (const name of names) {
      const f = (tf as unknown as Record<string, (p: tf.Tensor, q: tf.Tensor) => tf.Tensor>)[name];
      expectSame(() => (f as (p: tf.Tensor, q: tf.Tensor) => tf.Tensor)(tensor(nan), tensor(other)));
    }
  });

  it("reductions over any axes", () => {
    const random = new Random(8);
    for (const [shape, axes] of [
      [
        [4, 5, 6, 7],
        [0, 1, 2],
      ],
      [
        [4, 5, 6, 7],
        [1, 2],
      ],
      [[4, 5, 6, 7], [3]],
      [[4, 5, 6, 7], undefined],
      [
        [4, 5, 6, 7],
        [0, 2],
      ],
      [
        [4, 5, 6, 7],
        [1, 3],
      ],
      [[600, 40], [0]],
      [[3, 1000, 2], [1]],
      [[2, 70000], [1]],
      [[70001], [0]],
      [[0, 3], [0]],
    ] as [number[], number[] | undefined][]) {
      const x = data(random, shape, 0.5, 1.5);
      expectSame(() => tf.sum(tensor(x), axes));
      if (shape.includes(0)) {
        continue;
      }
      expectSame(() => [tf.max(tensor(x), axes, true), tf.min(tensor(x), axes), tf.mean(tensor(x), axes)]);
    }
    const x = data(random, [5, 9, 4]);
    for (const axis of [0, 1, 2]) {
      expectSame(() => [tf.argMax(tensor(x), axis), tf.argMin(tensor(x), axis), tf.prod(tensor(x), axis)]);
    }
    const nan = { values: Float32Array.of(1, Number.NaN, 2, 3, 4, 5), shape: [2, 3] };
    expectSame(() => [tf.max(tensor(nan), 1), tf.min(tensor(nan), 0), tf.sum(tensor(nan), 1)]);
  });

  it("moving elements", () => {
    const random = new Random(9);
    const a = data(random, [3, 4, 5, 6]);
    const b = data(random, [3, 4, 5, 2]);
    expectSame(() => withGrads((p, q) => tf.concat([p as tf.Tensor, q as tf.Tensor], 3), [tensor(a), tensor(b)]));
    expectSame(() => tf.slice(tensor(a), [1, 0, 2, 3], [2, 4, 3, 2]));
    for (const perm of [
      [0, 3, 1, 2],
      [0, 2, 3, 1],
      [3, 2, 1, 0],
      [1, 0, 3, 2],
    ]) {
      expectSame(() => tf.transpose(tensor(a), perm));
    }
    expectSame(() => tf.split(tensor(a), [1, 2, 2], 2));
    expectSame(() =>
      tf.pad(
        tensor(a),
        [
          [0, 1],
          [2, 0],
          [1, 1],
          [0, 3],
        ],
        0.5,
      ),
    );
    expectSame(() => tf.tile(tensor(a), [2, 1, 3, 1]));
    expectSame(() => tf.gather(tensor(a), tf.tensor1d([3, 0, 0, 2], "int32"), 1));
    expectSame(() => tf.oneHot(tf.tensor1d([0, 3, -1, 9], "int32"), 4));
    expectSame(() => [tf.stack([tensor(b), tensor(b)], 1), ...tf.unstack(tensor(b), 2)]);
    expectSame(() => tf.cast(tf.cast(tensor(data(new Random(3), [40], -9, 9)), "int32"), "float32"));
    expectSame(() => tf.where(tf.greater(tensor(a), 0), tensor(a), tf.zerosLike(tensor(a))));
    expectSame(() => tf.transpose(tf.cast(tensor(a), "int32"), [1, 0, 3, 2]));
  });

  it("pools and resizing, with gradients", () => {
    const random = new Random(10);
    for (const [size, stride, pad] of [
      [3, 1, "same"],
      [3, 2, 1],
      [2, 2, 0],
      [3, 3, "valid"],
    ] as const) {
      const x = data(random, [2, 9, 8, 21]);
      expectSame(() => withGrads((t) => tf.maxPool(t as tf.Tensor4D, size, stride, pad), [tensor(x)]));
      if (pad === "valid" || pad === 0) {
        expectSame(() => withGrads((t) => tf.avgPool(t as tf.Tensor4D, size, stride, pad), [tensor(x)]));
      } else {
        expectSame(() => tf.avgPool(tensor<tf.Rank.R4>(x), size, stride, pad));
      }
    }
    // Square, because the CPU backend's gradient takes height for width.
    const image = data(random, [2, 6, 6, 3]);
    for (const corners of [true, false]) {
      const size: [number, number] = [9, 4];
      expectSame(() => withGrads((t) => tf.image.resizeBilinear(t as tf.Tensor4D, size, corners), [tensor(image)]));
      expectSame(() => tf.image.resizeNearestNeighbor(tensor<tf.Rank.R4>(image), size, corners));
    }
    expectSame(() => tf.image.resizeBilinear(tensor<tf.Rank.R4>(image), [10, 14], false, true));
  });

  it("normalization and softmax", () => {
    const random = new Random(11);
    const x = data(random, [3, 5, 4, 37], -3, 3);
    const [mean, variance, offset, scale] = [0, 1, 2, 3].map(() => data(random, [37], 0.2, 1));
    expectSame(() =>
      tf.batchNorm(
        tensor(x),
        tensor<tf.Rank.R1>(mean as never),
        tensor<tf.Rank.R1>(variance as never),
        tensor<tf.Rank.R1>(offset as never),
        tensor<tf.Rank.R1>(scale as never),
        1e-3,
      ),
    );
    const logits = data(random, [17, 29], -20, 20);
    expectSame(() => withGrads((t) => tf.softmax(t as tf.Tensor), [tensor(logits)]));
    expectSame(() => withGrads((t) => tf.logSoftmax(t as tf.Tensor), [tensor(logits)]));
  });

  it("a running average has the bits of single operations", () => {
    const random = new Random(12);
    const [running, value] = [0, 1].map(() => tensor(data(random, [53], -2, 2)));
    for (const [share, factor] of [
      [0.1, 1],
      [0.37, 128 / 127],
    ] as const) {
      const inputs = { running, value } as tf.NamedTensorMap;
      const [got, want] = tf.tidy(() => [
        tf.engine().runKernel<tf.Tensor>("RunningAverage", inputs, { share, factor }).dataSync(),
        tf.add(tf.mul(running as tf.Tensor, 1 - share), tf.mul(tf.mul(value as tf.Tensor, factor), share)).dataSync(),
      ]);
      expect(got).toEqual(want);
    }
    tf.dispose([running, value]);
  });
});
