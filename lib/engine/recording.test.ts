/** Gradients that are given away as soon as they are complete. */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { engine, record } from "./index.ts";

const backends = ["cpu", ...(engine.available ? ["native"] : [])];

describe.each(backends)("on %s", (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it("a listener has each gradient before those of earlier layers are computed, and they are those of the result", () => {
    const events: string[] = [];
    const mark = (name: string) =>
      tf.customGrad((x) => ({
        value: tf.clone(x as tf.Tensor),
        gradFunc: (dy) => {
          events.push(name);
          return tf.clone(dy);
        },
      }));
    const input = tf.tensor2d([0.5, -1, 2, 3, -0.25, 1], [2, 3]);
    const [first, second, shared, unused]: [tf.Variable, tf.Variable, tf.Variable, tf.Variable] = [
      tf.variable(tf.tensor2d([1, -2, 0.5, 0.1, 0.3, -0.7], [3, 2]), true, "first"),
      tf.variable(tf.tensor2d([0.2, -0.4, 1, 0.6], [2, 2]), true, "second"),
      tf.variable(tf.tensor1d([0.3, -0.1]), true, "shared"),
      tf.variable(tf.scalar(1), true, "unused"),
    ];
    const before = tf.memory().numTensors;
    const [behindFirst, behindSecond] = [mark("to the first layer"), mark("to the second layer")];
    const f = () => {
      const hidden = behindFirst(tf.add(tf.matMul(input, first), shared));
      return tf.sum(tf.square(behindSecond(tf.add(tf.matMul(tf.relu(hidden), second), shared))));
    };
    const variables: tf.Variable[] = [first, second, shared, unused];
    const plain = record(f);
    const expected = plain.backward(plain.outputs, variables);
    events.length = 0;

    const recording = record(f);
    const given = new Map<tf.Variable, tf.Tensor>();
    const rest = recording.backward(recording.outputs, variables, (variable, gradient) => {
      events.push(variable.name);
      if (gradient !== undefined) {
        given.set(variable, gradient);
      }
    });
    // What is used twice is complete when the earlier use has added its part.
    expect(events).toEqual(["unused", "to the second layer", "second", "to the first layer", "shared", "first"]);
    expect(rest.size).toBe(0);
    expect([...given.keys()].map(({ name }) => name)).toEqual(["second", "shared", "first"]);
    for (const [variable, gradient] of given) {
      expect(gradient.dataSync(), variable.name).toEqual(expected.get(variable)?.dataSync());
    }
    tf.dispose([plain.outputs, recording.outputs, ...expected.values(), ...given.values()]);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([input, ...variables]);
  });

  it("a tensor that the pass itself computes comes with the result", () => {
    const w = tf.variable(tf.tensor1d([1, 2]));
    const before = tf.memory().numTensors;
    const middle: tf.Tensor[] = [];
    const recording = record(() => {
      const square = tf.keep(tf.square(w));
      middle.push(square);
      return tf.sum(tf.mul(square, 3));
    });
    const told: number[] = [];
    const rest = recording.backward<tf.Tensor>(recording.outputs, [w, ...middle], (tensor, gradient) => {
      told.push(tensor.id);
      expect(gradient?.dataSync()).toEqual(Float32Array.of(6, 12));
      gradient?.dispose();
    });
    expect(told).toEqual([w.id]);
    expect([...rest.values()].map((gradient) => [...gradient.dataSync()])).toEqual([[3, 3]]);
    tf.dispose([recording.outputs, ...middle, ...rest.values()]);
    expect(tf.memory().numTensors).toBe(before);
    w.dispose();
  });
});
