import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { engine, valueAndGrads } from "./index.ts";

const backends = ["cpu", ...(engine.available ? ["native"] : [])];

describe.each(backends)("valueAndGrads on %s", (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  const x = () => tf.tensor2d([0.5, -1, 2, 3, -0.25, 1], [2, 3]);

  it("agrees with variableGrads and leaves nothing behind", () => {
    const input = x();
    const w = tf.variable(tf.tensor2d([1, -2, 0.5, 0.1, 0.3, -0.7], [3, 2]));
    const b = tf.variable(tf.tensor1d([0.2, -0.4]));
    const unused = tf.variable(tf.scalar(1));
    const f = (): tf.Scalar => {
      const h = tf.relu(tf.add(tf.matMul(input, w), b));
      const parts = tf.split(tf.concat([h, tf.square(h)], 1), 2, 1);
      return tf.sum(tf.mul(parts[0] as tf.Tensor, tf.add(h, h))) as tf.Scalar;
    };
    const before = tf.memory().numTensors;
    const got = valueAndGrads(f, [w, b, unused]);
    const wanted = tf.variableGrads(f, [w, b]);
    expect(got.value.dataSync()).toEqual(wanted.value.dataSync());
    expect(got.grads[0]?.dataSync()).toEqual(wanted.grads[w.name]?.dataSync());
    expect(got.grads[1]?.dataSync()).toEqual(wanted.grads[b.name]?.dataSync());
    expect(got.grads[2]).toBeNull();
    tf.dispose([got.value, ...got.grads.filter((grad) => grad !== null), wanted.value, wanted.grads]);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([input, w, b, unused]);
  });

  it("says what is wrong with the function, and leaves nothing behind", () => {
    const w = tf.variable(tf.tensor1d([1, 2]));
    const before = tf.memory().numTensors;
    expect(() => valueAndGrads(() => tf.square(w) as unknown as tf.Scalar, [w])).toThrow(
      "valueAndGrads: the function must give a scalar, got shape [2]",
    );
    expect(() => valueAndGrads(() => tf.scalar(1), [w])).toThrow(
      "valueAndGrads: the function's value does not depend on any of the variables",
    );
    expect(tf.memory().numTensors).toBe(before);
    w.dispose();
  });
});
