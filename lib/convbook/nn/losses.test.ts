import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { selectBackend } from "../backend/index.ts";
import { CrossEntropyLoss } from "./index.ts";

describe("the cross-entropy", () => {
  const logits = tf.tensor2d([
    [1, 2, 3],
    [3, 2, 1],
  ]);

  it.each([
    [[0, 3], "CrossEntropyLoss: target[1] must be a class from 0 to 2, got 3."],
    [[-1, 0], "CrossEntropyLoss: target[0] must be a class from 0 to 2, got -1."],
  ])("refuses classes that do not exist (%j)", (target, message) => {
    expect(() => new CrossEntropyLoss().forward(logits, tf.tensor1d(target, "int32"))).toThrow(message);
  });

  it("refuses a class number that is not whole", () => {
    expect(() => new CrossEntropyLoss().forward(logits, tf.tensor1d([0.5, 1]))).toThrow("target[0] must be a class");
  });

  it("takes the first and the last class", () => {
    const losses = new CrossEntropyLoss({ reduction: "none" }).forward(logits, tf.tensor1d([0, 2], "int32"));
    // -log softmax of the smallest of three logits that are one apart.
    const expected = Math.log(1 + Math.E + Math.E ** 2);
    for (const loss of losses.dataSync()) expect(loss).toBeCloseTo(expected, 6);
  });

  it.each([0, 0.1])("and its gradient are the same on WebAssembly (labels smoothed by %d)", async (labelSmoothing) => {
    const results: number[][] = [];
    for (const backend of ["cpu", "wasm"] as const) {
      await selectBackend({ backend, announce: false });
      const loss = new CrossEntropyLoss({ labelSmoothing });
      const target = tf.tensor1d([0, 2], "int32");
      const values = tf.tensor2d([1, 2, 3, 3, 2, 1], [2, 3]);
      const { value, grad } = tf.valueAndGrad((z) => loss.forward(z, target) as tf.Scalar)(values);
      results.push([...value.dataSync(), ...grad.dataSync()]);
    }
    await selectBackend({ backend: "cpu", announce: false });
    const [onCpu, onWasm] = results as [number[], number[]];
    for (const [i, number] of onCpu.entries()) expect(onWasm[i]).toBeCloseTo(number, 6);
  });
});
