import { engine } from "@convbook/engine";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { selectBackend } from "../backend/index.ts";
import { BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, KLDivLoss, L1Loss, NLLLoss, SmoothL1Loss } from "./index.ts";

describe("options of losses", () => {
  const logits = tf.zeros([2, 3]);
  const target = tf.tensor1d([0, 2], "int32");

  it.each([
    [
      () => new CrossEntropyLoss({ ignoreIndex: 0.5 }),
      "CrossEntropyLoss: ignoreIndex must be a whole number, got 0.5.",
    ],
    [
      () => new CrossEntropyLoss({ weight: [1, Number.NaN] }),
      "CrossEntropyLoss: weight must be a list of finite numbers, got [1,",
    ],
    [
      () => new CrossEntropyLoss({ weight: [1, 2] }).forward(logits, target),
      "CrossEntropyLoss: weight.length must be 3, one weight a class, got 2.",
    ],
    [
      () => new CrossEntropyLoss({ ignoreIndex: 1 }).forward(logits, tf.zeros([2, 3])),
      "CrossEntropyLoss: ignoreIndex must be negative for targets [N, K], got 1.",
    ],
    [
      () => new NLLLoss().forward(logits, tf.tensor1d([0, 3], "int32")),
      "NLLLoss: target[1] must be a class from 0 to 2, got 3.",
    ],
    [() => new HuberLoss({ delta: 0 }), "HuberLoss: delta must be a finite number above 0, got 0."],
    [() => new SmoothL1Loss({ beta: -1 }), "SmoothL1Loss: beta must be a finite number of at least 0, got -1."],
    [
      () => new BCEWithLogitsLoss({ posWeight: [1, 2] }).forward(logits, logits),
      "BCEWithLogitsLoss: posWeight.length must be 1 or 3, one a column, got 2.",
    ],
    [
      () => new KLDivLoss({ reduction: "batchmeen" as "batchmean" }),
      'Unknown reduction "batchmeen". Did you mean "batchmean"? Known: mean, sum, none, batchmean.',
    ],
    [() => new L1Loss({ beta: 1 } as object), 'L1Loss has no option "beta".'],
  ])("names what is wrong (%#)", (make, message) => {
    expect(make).toThrow(message);
  });

  it("are buffers under PyTorch's names", () => {
    expect([...new CrossEntropyLoss({ weight: [1, 2] }).stateDict().keys()]).toEqual(["weight"]);
    expect([...new BCEWithLogitsLoss({ posWeight: [1] }).stateDict().keys()]).toEqual(["pos_weight"]);
    expect([...new CrossEntropyLoss().stateDict().keys()]).toEqual([]);
  });
});

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
    for (const loss of losses.dataSync()) {
      expect(loss).toBeCloseTo(expected, 6);
    }
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
    for (const [i, number] of onCpu.entries()) {
      expect(onWasm[i]).toBeCloseTo(number, 6);
    }
  });
});

it.each(engine.available ? (["cpu", "native"] as const) : (["cpu"] as const))(
  "of no samples have the mean NaN, the sum 0 and no losses, as in PyTorch, on %s",
  async (backend) => {
    await tf.setBackend(backend);
    const classes = tf.tensor1d([], "int32");
    for (const [target, Loss] of [
      [classes, CrossEntropyLoss],
      [tf.zeros([0, 3]), CrossEntropyLoss],
      [classes, NLLLoss],
      [tf.zeros([0, 3]), L1Loss],
    ] as const) {
      const of = (reduction: "mean" | "sum" | "none") => new Loss({ reduction }).forward(tf.zeros([0, 3]), target);
      expect(Array.from(of("mean").dataSync())).toEqual([Number.NaN]);
      expect(Array.from(of("sum").dataSync())).toEqual([0]);
      expect(of("none").size).toBe(0);
    }
    await tf.setBackend("cpu");
  },
);
