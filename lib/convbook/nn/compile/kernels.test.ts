/** Shapes of what is put off within forward, beside those that TensorFlow.js's CPU backend gives at once. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { ReLU } from "../activations.ts";
import { Module } from "../module.ts";

beforeAll(() => tf.setBackend("cpu"));

type Step = (x: tf.Tensor4D) => tf.Tensor;

/** Notes the shape that forward sees, before anything has run. */
class Once extends Module<[x: tf.Tensor4D], tf.Tensor> {
  seen: readonly number[] = [];
  readonly step: Step;
  readonly act: ReLU = new ReLU();

  constructor(step: Step) {
    super();
    this.step = step;
  }

  forward(x: tf.Tensor4D): tf.Tensor {
    // Kernels are put off behind a layer that is.
    const y = this.step(this.act.forward(x));
    this.seen = y.shape;
    return y;
  }
}

const reductions = { max: tf.max, min: tf.min, mean: tf.mean, sum: tf.sum, prod: tf.prod };
const steps: [name: string, step: Step][] = Object.entries(reductions).flatMap(([name, reduce]) => [
  [`${name} of all`, (x): tf.Tensor => reduce(x)],
  [`${name} along [1, 2]`, (x): tf.Tensor => reduce(x, [1, 2])],
  [`${name} along 0`, (x): tf.Tensor => reduce(x, 0)],
  [`${name} along -1, kept`, (x): tf.Tensor => reduce(x, -1, true)],
  [`${name} along [1, 3], kept`, (x): tf.Tensor => reduce(x, [1, 3], true)],
]);
steps.push(
  ["concat", (x) => tf.concat([x, x], 1)],
  ["stack", (x) => tf.stack([x, x], 2)],
  ["unstack", (x) => tf.unstack(x, -1)[1] as tf.Tensor],
  ["split", (x) => tf.split(x, [1, -1], 1)[1] as tf.Tensor],
  ["slice", (x) => tf.slice(x, [0, 1, 0, 1], [-1, 2, -1, 1])],
  ["expandDims", (x) => tf.expandDims(x, -2)],
  ["tile", (x) => tf.tile(x, [1, 2, 1, 3])],
  ["transpose", (x) => tf.transpose(x, [3, 1, 0, 2])],
  [
    "pad",
    (x) =>
      tf.pad(x, [
        [0, 0],
        [1, 2],
        [0, 3],
        [0, 0],
      ]),
  ],
  [
    "mirrorPad",
    (x) =>
      tf.mirrorPad(
        x,
        [
          [0, 0],
          [1, 2],
          [0, 1],
          [0, 0],
        ],
        "reflect",
      ),
  ],
  ["reverse", (x) => tf.reverse(x, 2)],
  ["resizeBilinear", (x) => tf.image.resizeBilinear(x, [7, 5])],
  ["matMul, turned", (x) => tf.matMul(x, x, false, true)],
  ["softmax", (x) => tf.softmax(x)],
  ["broadcast sum", (x) => tf.add(x, tf.ones([3, 1, 2]))],
);

describe("what forward has put off", () => {
  it.each(steps)("has its shape and its numbers: %s", (_name, step) => {
    const x: tf.Tensor4D = tf.randomUniform([2, 3, 4, 2], 0.5, 1.5, "float32", 3);
    const expected = step(x);
    const module = new Once(step);
    const got = tf.tidy(() => module.forward(x));
    expect(module.seen).toEqual(expected.shape);
    expect(got.shape).toEqual(expected.shape);
    expect(got.dataSync()).toEqual(expected.dataSync());
    tf.dispose([x, expected, got]);
  });
});
