/**
 * An axis counted from the end is the one counted from the front: values, gradients and graphs, on the native engine against TensorFlow.js's CPU backend.
 * TensorFlow once took it for another one, too: https://github.com/tensorflow/tensorflow/issues/3731.
 */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { nn } from "convbook";
import { afterAll, describe, expect, it } from "vitest";
import "./support.ts";

type AlongAxis = (x: tf.Tensor, axis: number) => tf.Tensor;

/** An axis of the output, of which there is one more. */
const grown: Readonly<Record<string, AlongAxis>> = {
  stack: (x, axis) => tf.stack([x, tf.mul(x, 2), x], axis),
  expandDims: (x, axis) => tf.expandDims(x, axis),
};
const own: Readonly<Record<string, AlongAxis>> = {
  unstack: (x, axis) => tf.concat(tf.unstack(x, axis).map((part) => tf.mul(tf.reshape(part, [-1]), 3))),
  concat: (x, axis) => tf.concat([x, tf.mul(x, 2)], axis),
  split: (x, axis) => tf.concat(tf.split(x, [1, (x.shape.at(axis) ?? 0) - 1], axis).reverse(), axis),
  gather: (x, axis) => tf.gather(x, tf.tensor1d([1, 0, 1], "int32"), axis),
  cumsum: (x, axis) => tf.cumsum(x, axis),
  "cumsum, exclusive, reverse": (x, axis) => tf.cumsum(x, axis, true, true),
  cumprod: (x, axis) => tf.cumprod(x, axis),
  reverse: (x, axis) => tf.reverse(x, axis),
  sum: (x, axis) => tf.sum(x, axis),
  mean: (x, axis) => tf.mean(x, axis, true),
  max: (x, axis) => tf.max(x, axis),
  min: (x, axis) => tf.min(x, axis),
  argMax: (x, axis) => tf.argMax(x, axis),
  argMin: (x, axis) => tf.argMin(x, axis),
  norm: (x, axis) => tf.norm(x, 2, axis),
  logSumExp: (x, axis) => tf.logSumExp(x, axis),
  variance: (x, axis) => tf.moments(x, axis).variance,
};
/** Their gradient is none, or is taken of what they give last. */
const withoutGradient = new Set(["argMax", "argMin", "cumprod"]);

const values = Array.from({ length: 24 }, (_, i) => Math.sin(i * 1.7) * 3);
const input = () => tf.tensor3d(values, [2, 3, 4]);

function numbers(x: tf.Tensor): [string, number[], number[]] {
  return [x.dtype, x.shape, Array.from(x.dataSync(), (value) => Math.round(value * 1e4) / 1e4 + 0)];
}

/** A forward pass that becomes a graph. */
class Along extends nn.Module {
  readonly #along: AlongAxis;
  readonly #axis: number;

  constructor(along: AlongAxis, axis: number) {
    super();
    this.#along = along;
    this.#axis = axis;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.#along(nn.activation(x, "relu"), this.#axis);
  }
}

function outcomes(along: AlongAxis, axis: number, hasGradient: boolean): ReturnType<typeof numbers>[] {
  return tf.tidy(() => {
    const weighted = (x: tf.Tensor) => {
      const y = along(x, axis);
      return tf.sum(tf.mul(y, tf.reshape(tf.range(0, y.size), y.shape)));
    };
    const gradient = hasGradient ? [numbers(tf.grad(weighted)(input()))] : [];
    return [numbers(along(input(), axis)), numbers(new Along(along, axis).forward(input())), ...gradient];
  });
}

describe.runIf(engine.available)("an axis from the end", () => {
  afterAll(async () => {
    await tf.setBackend("native");
  });

  const cases = [
    ...Object.entries(own).flatMap(([name, along]) => [0, 1, 2].map((axis) => ({ name, along, axis, rank: 3 }))),
    ...Object.entries(grown).flatMap(([name, along]) => [0, 1, 2, 3].map((axis) => ({ name, along, axis, rank: 4 }))),
  ];
  it.each(cases)("tf.$name along $axis", async ({ name, along, axis, rank }) => {
    await tf.setBackend("cpu");
    const hasGradient = !withoutGradient.has(name);
    const wanted = outcomes(along, axis, hasGradient);
    await tf.setBackend("native");
    expect(outcomes(along, axis, hasGradient)).toEqual(wanted);
    expect(outcomes(along, axis - rank, hasGradient)).toEqual(wanted);
  });

  it.each<[string, () => unknown]>([
    ["cumsum: axis must be an integer from -2 to 1, got 2.", () => tf.cumsum(tf.ones([2, 2]), 2)],
    ["cumprod: axis must be an integer from -2 to 1, got -3.", () => tf.cumprod(tf.ones([2, 2]), -3)],
    ["cumsum: axis must be an integer from -2 to 1, got 0.5.", () => tf.cumsum(tf.ones([2, 2]), 0.5)],
    ["stack: axis must be an integer from -3 to 2, got -4.", () => tf.stack([tf.ones([2, 2]), tf.ones([2, 2])], -4)],
  ])("%s", async (message, call) => {
    await tf.setBackend("native");
    expect(call).toThrow(message);
  });
});
