/** Several views of each picture, beside PyTorch's. */
import { readFileSync } from "node:fs";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { type Classifier, evaluate, MultiCrop, type MultiCropOptions, views } from "./index.ts";

// Made by fixtures/make_multi_crop.py with PyTorch.
const fixture = JSON.parse(readFileSync(new URL("fixtures/multi-crop.json", import.meta.url), "utf8")) as Record<
  string,
  number[]
>;
const numbers = (name: string) => fixture[name] as number[];

beforeAll(() => tf.setBackend("cpu"));

/** The network of the fixture's script, which counts the pictures that it is shown. */
class Counting implements Classifier {
  training = true;
  pictures = 0;
  forward(images: tf.Tensor4D): tf.Tensor {
    this.pictures += images.shape[0];
    return tf.tidy(() => {
      const rows: tf.Tensor2D = tf.reshape(images, [images.shape[0], 50]);
      return tf.tanh(tf.matMul(rows, tf.tensor2d(numbers("weight"), [4, 50]), false, true));
    });
  }
  train(mode = true): void {
    this.training = mode;
  }
  eval(): void {
    this.training = false;
  }
}

/** What a classifier has besides its forward pass. */
const still = { training: false, train: () => {}, eval: () => {} };

const cases: [name: string, views: MultiCropOptions["views"], count: number][] = [
  ["plain", "plain", 1],
  ["mirror", "mirror", 2],
  ["mirrorMove", "mirrorMove", 6],
  ["mirrorMove", undefined, 6],
  ["far", [{ weight: 0.5 }, { mirror: true, move: [3, -2], weight: 1.5 }], 2],
];

describe("MultiCrop", () => {
  it.each(cases)("gives PyTorch's logits: %s, %j", (name, given, count) => {
    const before = tf.memory().numTensors;
    const model = new Counting();
    const images = tf.tensor4d(numbers("images"), [3, 5, 5, 2]);
    const logits = new MultiCrop(model, given === undefined ? {} : { views: given }).forward(images);
    expect(logits.shape).toEqual([3, 4]);
    for (const [i, value] of logits.dataSync().entries()) {
      expect(value, `logit ${i}`).toBeCloseTo(numbers(name)[i] as number, 5);
    }
    expect(model.pictures).toBe(3 * count);
    tf.dispose([images, logits]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("is a classifier for evaluate, and leaves the model in the mode that it was in", async () => {
    const model = new Counting();
    const images = tf.tensor4d(numbers("images"), [3, 5, 5, 2]);
    const best = tf.tidy(() => tf.argMax(tf.tensor2d(numbers("mirrorMove"), [3, 4]), 1).dataSync<"int32">());
    async function* loader(): AsyncGenerator<[tf.Tensor4D, tf.Tensor1D]> {
      yield [images, tf.tensor1d(best, "int32")];
    }
    const { accuracy, predictions } = await evaluate(new MultiCrop(model), loader());
    expect([accuracy, predictions, model.training]).toEqual([1, Int32Array.from(best), true]);
  });

  it("says what is wrong with its pictures, and gives nothing for none", () => {
    const crops = new MultiCrop({ ...still, forward: (x) => tf.zeros([x.shape[0], 2]) });
    const far = new MultiCrop(crops, { views: [{ move: [0, -3] }] });
    expect(() => crops.forward(tf.zeros([1, 1, 1, 3]))).toThrow(
      "MultiCrop: images must be [N, H, W, C] of at least 2 by 2 pixels, for these views, got [1,1,1,3].",
    );
    expect(() => far.forward(tf.zeros([1, 4, 3, 3]))).toThrow("of at least 1 by 4 pixels");
    expect(() => crops.forward(tf.zeros([4, 4, 3]) as never)).toThrow("MultiCrop: images must be [N, H, W, C]");
    expect(() => crops.forward(undefined as never)).toThrow("MultiCrop: images must be a tensor, got undefined.");
    expect(() => crops.forward(tf.zeros([1, 4, 4, 3], "int32"))).toThrow(/images must be a tensor of float32/);
    expect(far.forward(tf.zeros([0, 4, 4, 3])).shape).toEqual([0, 2]);
  });

  it("says what is wrong with its views", () => {
    const model = new Counting();
    expect(() => new MultiCrop({} as never)).toThrow(/model.*a classifier: an object with forward/);
    expect(() => new MultiCrop(model, { views: "all" as never })).toThrow(
      /views.*"plain", "mirror", "mirrorMove" or a list of views/,
    );
    expect(() => new MultiCrop(model, { views: [] })).toThrow(/a list of views/);
    expect(() => new MultiCrop(model, { views: [{ move: [0.5, 0] }] })).toThrow(/views\[0\]\.move.*two whole numbers/);
    expect(() => new MultiCrop(model, { views: [{}, { weight: 0 }] })).toThrow(/views\[1\]\.weight.*above 0/);
    expect(Object.keys(views)).toEqual(["plain", "mirror", "mirrorMove"]);
  });
});
