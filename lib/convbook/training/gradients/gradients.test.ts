import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { record, valueAndGrads } from "./gradients.ts";

beforeAll(() => tf.setBackend("cpu"));

const variable = (shape: number[], seed: number) =>
  tf.tidy(() => tf.variable(tf.randomNormal(shape, 0, 0.5, "float32", seed)));

/** A network with a shared input, a residual sum, a tensor used twice and a branch that leads nowhere. */
function network(w: tf.Variable, k: tf.Variable, b: tf.Variable, x: tf.Tensor4D): tf.Tensor {
  const h = tf.relu(tf.add(tf.conv2d(x, k as unknown as tf.Tensor4D, 1, "same"), b));
  const residual = tf.add(h, tf.mul(h, h));
  tf.sum(tf.exp(residual));
  const pooled = tf.mean(tf.concat([residual, tf.add(residual, 1)], 3), [1, 2]);
  const logits = tf.matMul(pooled as tf.Tensor2D, w as unknown as tf.Tensor2D);
  return tf.mean(tf.square(tf.sub(tf.logSoftmax(logits), tf.sum(tf.square(w)))));
}

describe("valueAndGrads", () => {
  it("equals TensorFlow.js's variableGrads and leaks nothing", async () => {
    const k = variable([3, 3, 2, 4], 1);
    const b = variable([4], 2);
    const w = variable([8, 3], 3);
    const unused = variable([2], 4);
    const x = tf.randomNormal([2, 5, 5, 2], 0, 1, "float32", 5) as tf.Tensor4D;
    const wanted = tf.variableGrads(() => network(w, k, b, x) as tf.Scalar, [k, b, w]);
    const before = tf.memory().numTensors;
    const { value, gradients } = valueAndGrads(() => network(w, k, b, x), [k, b, w, unused]);
    expect(tf.memory().numTensors).toBe(before + 4);
    expect(value.dataSync()[0]).toBe(wanted.value.dataSync()[0]);
    expect([...gradients.keys()]).toEqual([k, b, w]);
    for (const each of [k, b, w]) {
      const got = gradients.get(each)?.dataSync() as Float32Array;
      const expected = wanted.grads[each.name]?.dataSync() as Float32Array;
      for (const [i, g] of expected.entries()) {
        expect(got[i]).toBeCloseTo(g, 5);
      }
    }
    tf.dispose([value, ...gradients.values()]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("runs custom gradients", () => {
    const v = variable([3], 1);
    const doubled = tf.customGrad((...args) => {
      const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
      save([x]);
      return {
        value: tf.square(x),
        gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(dy, tf.mul(saved[0] as tf.Tensor, 7)),
      };
    });
    const { gradients } = valueAndGrads(() => tf.sum(doubled(v)), [v]);
    const got = gradients.get(v)?.dataSync() as Float32Array;
    for (const [i, x] of v.dataSync().entries()) {
      expect(got[i]).toBeCloseTo(7 * x, 5);
    }
  });

  it("refuses what is not a scalar or does not depend on a variable, and frees everything", () => {
    const v = variable([3], 1);
    const before = tf.memory().numTensors;
    expect(() => valueAndGrads(() => tf.square(v), [v])).toThrow("must be a scalar");
    expect(() => valueAndGrads(() => tf.scalar(1), [v])).toThrow("computed from at least one of the variables");
    expect(() =>
      record(() => {
        tf.sum(tf.square(v));
        throw new Error("in the middle");
      }),
    ).toThrow("in the middle");
    expect(tf.memory().numTensors).toBe(before);
    const { gradients } = valueAndGrads(() => tf.sum(v), [v]);
    expect(gradients.size).toBe(1);
    tf.dispose([...gradients.values()]);
  });
});
