/** Networks where users of torchvision and timm reported that they went wrong. Each title names the report. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import * as nn from "../nn/index.ts";
import { Generator } from "../random/index.ts";
import { createModel } from "./index.ts";

beforeAll(() => tf.setBackend("cpu"));

describe("a network", () => {
  it.each([32, 40, 65])("takes pictures of %i pixels, too (https://github.com/pytorch/vision/issues/633)", (size) => {
    const model = createModel("ResNet", { numBlocks: [1, 1, 1], cHidden: [4, 4, 4], numClasses: 3 }).eval();
    expect(tf.tidy(() => model.forward(tf.zeros([2, size, size, 3])).shape)).toEqual([2, 3]);
    model.dispose();
  });

  it("of other classes says which weights do not fit, and takes the others (https://github.com/huggingface/pytorch-image-models/issues/540)", () => {
    const of = (numClasses: number) => createModel("ResNet", { numBlocks: [1], cHidden: [4], numClasses });
    const [pretrained, own] = [of(10), of(6)];
    const head = [...own.stateDict().keys()].filter((name) => name.startsWith("output_net."));
    expect(() => own.loadStateDict(pretrained.stateDict())).toThrow(/output_net\.\d\.weight.*\[6, 4\].*\[10, 4\]/s);
    const body = new Map([...pretrained.stateDict()].filter(([name]) => !head.includes(name)));
    expect(own.loadStateDict(body, { strict: false })).toEqual({ missing: head, unexpected: [] });
    expect(own.stateDict().get("input_net.0.weight")).toEqual(pretrained.stateDict().get("input_net.0.weight"));
  });
});

describe("DropPath", () => {
  it("drops each sample by itself, and makes up for it (https://github.com/huggingface/pytorch-image-models/issues/2118)", () => {
    const layer = new nn.DropPath(0.2, { generator: new Generator(3) });
    const values = tf.tidy(() => layer.forward(tf.ones([4000, 2, 3])).arraySync()) as number[][][];
    const ofSamples = values.map((sample) => sample.flat());
    for (const sample of ofSamples) {
      expect(new Set(sample).size).toBe(1);
      expect([0, Math.fround(1 / 0.8)]).toContain(Math.fround(sample[0] as number));
    }
    const mean = ofSamples.reduce((sum, [first = 0]) => sum + first, 0) / ofSamples.length;
    expect(Math.abs(mean - 1)).toBeLessThan(0.05);
    expect(
      tf.tidy(() =>
        layer
          .eval()
          .forward(tf.ones([2, 2]))
          .arraySync(),
      ),
    ).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });
});

describe("label smoothing", () => {
  it("gives the right class its share of what is spread (https://github.com/huggingface/pytorch-image-models/issues/1040)", () => {
    const logits = tf.tensor2d([[2, -1, 0.5]]);
    const smoothing = 0.3;
    const value = tf.tidy(() =>
      new nn.CrossEntropyLoss({ labelSmoothing: smoothing }).forward(logits, tf.tensor1d([0], "int32")),
    );
    const sum = Math.log(Math.exp(2) + Math.exp(-1) + Math.exp(0.5));
    const losses = [2, -1, 0.5].map((logit) => sum - logit);
    const mean = losses.reduce((a, b) => a + b, 0) / 3;
    expect(value.dataSync()[0]).toBeCloseTo((1 - smoothing) * (losses[0] as number) + smoothing * mean, 5);
  });
});
