/** What TensorFlow.js's operations make of mixed types, booleans, nothing and zeros, on both backends. Values are PyTorch 1.13's and NumPy's. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";

const ints = (values: number[], shape?: number[]) => tf.tensor(values, shape, "int32");
const bools = (values: boolean[], shape?: number[]) => tf.tensor(values, shape, "bool");

const rows = (...results: tf.Tensor[]) =>
  results.map((x) => [x.dtype, x.shape, Array.from(x.dataSync(), (value) => Math.round(value * 1e5) / 1e5)]);

/** Type, shape and elements of what a function gives. */
const result = (f: () => tf.Tensor) => tf.tidy(() => rows(f())[0]);

/** Elements of the gradients of a function's sum. */
const slopes = (f: (...xs: tf.Tensor[]) => tf.Tensor, ...xs: tf.Tensor[]) =>
  tf.tidy(() =>
    tf
      .grads((...each) => tf.sum(f(...each)))(xs)
      .map((x) => Array.from(x.dataSync(), (value) => Math.round(value * 1e5) / 1e5 + 0)),
  );

describe.each(engine.available ? ["cpu", "native"] : ["cpu"])("on %s", (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it("joins elements of several types as the type that holds all", () => {
    expect(result(() => tf.concat([ints([1, 2]), tf.tensor1d([0.5, 1.5])]))).toEqual([
      "float32",
      [4],
      [1, 2, 0.5, 1.5],
    ]);
    expect(result(() => tf.concat([bools([true, false]), ints([5, 300])]))).toEqual(["int32", [4], [1, 0, 5, 300]]);
    expect(result(() => tf.concat([bools([true]), tf.tensor1d([5.5])]))).toEqual(["float32", [2], [1, 5.5]]);
    expect(result(() => tf.concat([bools([true]), bools([false])]))).toEqual(["bool", [2], [1, 0]]);
    expect(result(() => tf.concat([ints([1]), tf.tensor1d(["a"]) as unknown as tf.Tensor1D]))?.[0]).toBe("int32");
  });

  it("lets the gradient through what was joined", () => {
    const weights = [1, 2, 3];
    expect(slopes((x) => tf.mul(tf.concat([ints([7]), x]), weights), tf.tensor1d([0.5, 1.5]))).toEqual([[2, 3]]);
  });

  it("counts with booleans, as tf.sum does", () => {
    const [a, b] = [bools([true, true, false]), bools([true, false, true])];
    expect(result(() => tf.add(a, b))).toEqual(["int32", [3], [2, 1, 1]]);
    expect(result(() => tf.sub(a, b))).toEqual(["int32", [3], [0, 1, -1]]);
    expect(result(() => tf.addN([a, b, a]))).toEqual(["int32", [3], [3, 2, 1]]);
    expect(result(() => tf.neg(a))).toEqual(["int32", [3], [-1, -1, 0]]);
    expect(result(() => tf.mul(a, b))).toEqual(["bool", [3], [1, 0, 0]]);
    expect(result(() => tf.losses.absoluteDifference(a, b))).toEqual(["float32", [], [0.66667]]);
    const many = bools(Array.from({ length: 300 }, () => true));
    expect(result(() => tf.dot(many, many))).toEqual(["int32", [], [300]]);
  });

  it("keeps fractions of integers", () => {
    expect(result(() => tf.atan2(ints([5, -7]), ints([5, 2])))).toEqual(["float32", [2], [0.7854, -1.2925]]);
    expect(result(() => tf.reciprocal(ints([2, 4])))).toEqual(["float32", [2], [0.5, 0.25]]);
    expect(result(() => tf.clipByValue(ints([5, 0]), 0.5, 3.5))).toEqual(["float32", [2], [3.5, 0.5]]);
    expect(result(() => tf.clipByValue(ints([5, 0]), 1, 3))).toEqual(["int32", [2], [3, 1]]);
    expect(result(() => tf.prelu(ints([-4, 4]), tf.tensor1d([0.1])))).toEqual(["float32", [2], [-0.4, 4]]);
    const normalized = () => tf.batchNorm(ints([5, -7], [1, 2]) as tf.Tensor2D, tf.zeros([2]), tf.ones([2]));
    expect(result(normalized)).toEqual(["float32", [1, 2], [4.9975, -6.9965]]);
  });

  it("rounds quotients of floats down, and no further", () => {
    const [a, b] = [tf.tensor1d([1e10, 5, Number.NaN, -7.5, 5.9]), tf.tensor1d([1, 0, 1, 2, -3.1])];
    expect(result(() => tf.floorDiv(a, b))).toEqual(["float32", [5], [1e10, Infinity, Number.NaN, -4, -2]]);
    expect(result(() => tf.floorDiv(ints([7, -7]), ints([2, 2])))).toEqual(["int32", [2], [3, -4]]);
    expect(slopes((x) => tf.floorDiv(x, 2), tf.tensor1d([3, -3]))).toEqual([[0, 0]]);
  });

  it("names each axis once", () => {
    expect(() => tf.transpose(tf.zeros([1, 2]), [0, 0])).toThrow("transpose: each axis must be named once, got [0, 0]");
    expect(result(() => tf.transpose(ints([1, 2], [1, 2]), [1, 0]))).toEqual(["int32", [2, 1], [1, 2]]);
  });

  it("knows what holds of no elements", () => {
    expect(result(() => tf.all(bools([], [0])))).toEqual(["bool", [], [1]]);
    expect(result(() => tf.all(bools([], [0, 3]), 0))).toEqual(["bool", [3], [1, 1, 1]]);
    expect(result(() => tf.any(bools([], [0, 3]), 0))).toEqual(["bool", [3], [0, 0, 0]]);
    // TensorFlow's; https://github.com/tensorflow/tfjs/issues/6633 names them.
    expect(result(() => tf.mean(tf.zeros([0, 2]), 0))).toEqual(["float32", [2], [Number.NaN, Number.NaN]]);
    expect(result(() => tf.max(tf.zeros([0])))).toEqual(["float32", [], [-Infinity]]);
    expect(result(() => tf.min(tf.zeros([0])))).toEqual(["float32", [], [Infinity]]);
    expect(result(() => tf.max(ints([], [0])))).toEqual(["int32", [], [-2147483648]]);
    expect(result(() => tf.min(ints([], [0])))).toEqual(["int32", [], [2147483647]]);
    expect(result(() => tf.max(tf.zeros([0, 2]), 1))).toEqual(["float32", [0], []]);
    expect(() => tf.argMax(tf.zeros([0, 3]), 0)).toThrow(
      "The axis 0 of a tensor [0, 3] has no elements, and so none is the largest or smallest",
    );
    expect(() => tf.argMin(tf.zeros([2, 0]), -1)).toThrow("The axis 1 of a tensor [2, 0] has no elements");
    expect(slopes((x) => tf.sum(x), tf.zeros([0]))).toEqual([[]]);
    expect(slopes((x) => tf.max(x, 1), tf.zeros([0, 2]))).toEqual([[]]);
  });

  it("has slopes of 0 at 0 where the largest and the smallest are as far away (https://github.com/pytorch/pytorch/issues/2421)", () => {
    const zeros = tf.zeros([2, 2]);
    expect(slopes((x) => tf.norm(x), tf.zeros([2]))).toEqual([[0, 0]]);
    expect(slopes((x) => tf.norm(x, 2, 1), tf.tensor2d([0, 0, 3, 4], [2, 2]))).toEqual([[0, 0, 0.6, 0.8]]);
    expect(slopes((x) => tf.norm(x, "fro", [0, 1]), zeros)).toEqual([[0, 0, 0, 0]]);
    expect(slopes((x) => tf.abs(x), tf.tensor1d([0, -1, 2]))).toEqual([[0, -1, 1]]);
    expect(slopes((x) => tf.losses.absoluteDifference(tf.zeros([2]), x), tf.tensor1d([0, -1]))).toEqual([[0, -0.5]]);
  });

  it("has the slope of the logistic function at 0 in the loss made of it", () => {
    const labels = tf.tensor1d([1, 0]);
    expect(slopes((x) => tf.losses.sigmoidCrossEntropy(labels, x), tf.zeros([2]))).toEqual([[-0.25, 0.25]]);
  });

  it("has no slope where integers were cut off", () => {
    const x = tf.tensor1d([1.5, -2.5]);
    expect(slopes((t) => tf.mul(t, tf.cast(tf.cast(t, "int32"), "float32")), x)).toEqual([[1, -2]]);
    expect(slopes((t) => tf.cast(tf.cast(t, "bool"), "float32"), x)).toEqual([[0, 0]]);
  });

  it("sums the gradient over batches that were broadcast (https://github.com/tensorflow/tfjs/issues/8721)", () => {
    const [many, one] = [tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]), tf.tensor2d([9, 10, 11, 12], [2, 2])];
    expect(slopes((p, q) => tf.matMul(p as tf.Tensor3D, q), many, one)).toEqual([
      [19, 23, 19, 23, 19, 23, 19, 23],
      [16, 16, 20, 20],
    ]);
    const [a, b] = [tf.ones([2, 1, 2]), tf.ones([1, 2, 1])];
    expect(slopes((p, q) => tf.matMul(p as tf.Tensor3D, q as tf.Tensor3D), a, b)).toEqual([
      [1, 1, 1, 1],
      [2, 2],
    ]);
    for (const [left, right] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      const p = tf.tensor3d([1, 2, 3, 4, 5, 6], left ? [1, 3, 2] : [1, 2, 3]);
      const q = tf.tensor3d(
        Array.from({ length: 24 }, (_, i) => i),
        right ? [2, 4, 3] : [2, 3, 4],
      );
      const repeated = tf.tile(p, [2, 1, 1]);
      const multiply = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, left, right);
      const [wantedP, wantedQ] = tf.grads((x: tf.Tensor, y: tf.Tensor) => tf.sum(multiply(x, y)))([repeated, q]);
      const [gotP, gotQ] = tf.grads((x: tf.Tensor, y: tf.Tensor) => tf.sum(multiply(x, y)))([p, q]);
      expect(gotP?.arraySync()).toEqual((wantedP as tf.Tensor).sum(0, true).arraySync());
      expect(gotQ?.arraySync()).toEqual(wantedQ?.arraySync());
    }
  });
});
