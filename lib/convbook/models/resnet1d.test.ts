import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, describe, expect, it } from "vitest";
import { defaultResnetConfig, ModelOutput, ResNet1d, ResnetClassifier } from "./index.ts";

const small = { ...defaultResnetConfig, resDims: [2, 3], resKernel: [3, 3], resStride: [2, 2], numBlocks: [1, 1] };
const output = () =>
  new ModelOutput(tf.tensor2d([0.1, 0.7, 0.2, 0.5, 0.2, 0.3, 0.1, 0.2, 0.9], [3, 3]), tf.tensor1d([1, 2, 3]), null);

afterAll(() => tf.disposeVariables());

describe("ModelOutput", () => {
  it("tells the likeliest classes, and how often they are right", () => {
    const result = output();
    const labels = tf.tensor1d([1, 2, 0], "int32");
    expect([...result.preds().dataSync()]).toEqual([1, 0, 2]);
    expect(result.topKPreds(2).arraySync()).toEqual([
      [1, 2],
      [0, 2],
      [2, 1],
    ]);
    expect(result.accuracy(labels)).toBeCloseTo(1 / 3);
    expect(result.topKAcc(labels, 2)).toBeCloseTo(2 / 3);
    expect(result.topKAcc(labels, 3)).toBe(1);
  });

  it("refuses a k beyond the classes, and labels of another number", () => {
    const result = output();
    expect(() => result.topKPreds(4)).toThrow("ModelOutput: k must be a whole number from 1 to the 3 classes, got 4.");
    expect(() => result.topKAcc(tf.tensor1d([1], "int32"), 1)).toThrow("the labels' shape must be [3], got [1]");
  });
});

describe("ResnetClassifier", () => {
  it("gives logits, and a loss where it is given labels, and leaves no tensors behind", () => {
    const model = new ResnetClassifier({ ...small, outputDim: 4 });
    const x = tf.randomNormal<tf.Rank.R3>([3, 60, 1]);
    const labels = tf.tensor1d([0, 1, 3], "int32");
    model.forward(x, labels).dispose();
    const before = tf.memory().numTensors;
    const result = model.forward(x, labels);
    expect(result.logits.shape).toEqual([3, 4]);
    expect(result.unsupervisedLogits.shape).toEqual([3]);
    expect(result.loss?.dataSync()[0]).toBeGreaterThan(0);
    result.dispose();
    const evaluated = model.eval().forward(x);
    expect(evaluated.loss).toBeNull();
    evaluated.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it("takes the source's configuration by default", () => {
    const model = new ResnetClassifier({ ...defaultResnetConfig, outputDim: 14 });
    expect(model.stateShapes().get("resnet.layer3.0.layer1.conv.weight")).toEqual([64, 64, 17]);
    expect(model.stateShapes().get("classifier.weight")).toEqual([14, 64]);
  });

  it("needs one number a stage in every list, and odd kernels", () => {
    expect(() => new ResNet1d({ ...small, resStride: [2] })).toThrow("ResNet1d: resStride must be a list of 2 numbers");
    expect(() => new ResNet1d({ ...small, resKernel: [4, 3] })).toThrow("Resnet1DBlock: kernelSize must be odd");
  });
});
