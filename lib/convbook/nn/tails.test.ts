/**
 * Activations and losses far from 0, values and slopes, on every backend: what is left of them there, to the last digits. PyTorch's own GELU loses
 * its tail (https://github.com/pytorch/pytorch/issues/187806); the reference does not.
 */
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { selectBackend } from "../backend/index.ts";
import { engineBackend } from "../backend/testing/engine-backend.ts";
import * as nn from "./index.ts";

interface Tail {
  readonly value: readonly number[];
  readonly slope: readonly number[];
  /** How far PyTorch's float32 is off around there. */
  readonly valueOff: readonly number[];
  readonly slopeOff: readonly number[];
}

const fixture: { readonly x: readonly number[]; readonly cases: Readonly<Record<string, Tail>> } = JSON.parse(
  readFileSync(new URL("fixtures/tails.json", import.meta.url), "utf8"),
);

const firstOf = (x: tf.Tensor) => tf.reshape(tf.slice(x, [0, 0], [x.shape[0] ?? 0, 1]), [-1]);
const pair = (x: tf.Tensor) => tf.stack([x, tf.zerosLike(x)], -1);
const functions: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
  ...Object.fromEntries(
    (["gelu", "silu", "softplus", "mish", "sigmoid", "tanh", "elu"] as const).map((name) => [
      name,
      (x: tf.Tensor) => nn.activation(x, name),
    ]),
  ),
  selu: (x) => tf.selu(x),
  logSigmoid: (x) => tf.logSigmoid(x),
  logSoftmax: (x) => firstOf(tf.logSoftmax(pair(x))),
  softmax: (x) => firstOf(tf.softmax(pair(x))),
  CrossEntropyLoss: (x) => new nn.CrossEntropyLoss({ reduction: "none" }).forward(pair(x), tf.zeros([x.size], "int32")),
  BCEWithLogitsLoss: (x) => new nn.BCEWithLogitsLoss({ reduction: "none" }).forward(x, tf.onesLike(x)),
};

/** Off by so much of the number itself (the exponential spreads the rounded square of 12), and twice as much as PyTorch; numbers below the smallest normal one have fewer digits. */
const tolerance = 1e-5;
const smallestNormal = 2 ** -126;

function differences(got: tf.Tensor, wanted: readonly number[], theirs: readonly number[], what: string): string[] {
  return Array.from(got.dataSync()).flatMap((value, i) => {
    const right = wanted[i] as number;
    const allowed = tolerance * Math.abs(right) + 2 * (theirs[i] ?? 0) + smallestNormal;
    return Math.abs(value - right) <= allowed ? [] : [`${what} at ${fixture.x[i]}: ${value}, not ${right}`];
  });
}

const backends = ["cpu", "wasm", ...(engineBackend === undefined ? [] : [engineBackend])] as const;

describe.each(backends)("on %s", (backend) => {
  beforeAll(async () => {
    await selectBackend({ backend, training: false, announce: false });
  });
  afterAll(async () => {
    await selectBackend({ backend: "cpu", announce: false });
  });

  it.each(Object.keys(fixture.cases))("%s", (name) => {
    const f = functions[name] as (x: tf.Tensor) => tf.Tensor;
    const { value, slope, valueOff, slopeOff } = fixture.cases[name] as Tail;
    const problems = tf.tidy(() => {
      const x = tf.tensor1d([...fixture.x]);
      const grad = tf.grad((t: tf.Tensor) => f(t))(x);
      return [...differences(f(x), value, valueOff, "value"), ...differences(grad, slope, slopeOff, "slope")];
    });
    expect(problems).toEqual([]);
  });

  it.each(["gelu", "softplus", "elu"] as const)("%s: the slope's slope is the slope's", (name) => {
    tf.tidy(() => {
      const at = [-2, -0.5, 0.3, 1.7];
      const f = (x: tf.Tensor) => nn.activation(x, name);
      const slope = tf.grad(f);
      const second = tf
        .grad((x: tf.Tensor) => slope(x))(tf.tensor1d(at))
        .dataSync();
      const step = 1e-2;
      const [above, below] = [step, -step].map((d) => slope(tf.tensor1d(at.map((x) => x + d))).dataSync());
      for (const [i, value] of second.entries()) {
        expect(value).toBeCloseTo(((above?.[i] as number) - (below?.[i] as number)) / (2 * step), 3);
      }
    });
  });
});
