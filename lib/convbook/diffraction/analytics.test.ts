import "@tensorflow/tfjs-backend-cpu";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { saveTorch } from "../checkpoints/index.ts";
import { defaultResnetConfig } from "../models/index.ts";
import expected from "./fixtures/analytics.json" with { type: "json" };
import { DiffractionDataset, loadTrainingAnalytics, returnAnalytics, saveTrainingAnalytics } from "./index.ts";

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const test = new DiffractionDataset({ numClasses: 14, data: Float32Array.from(expected.x), labels: expected.y });
const config = {
  ...defaultResnetConfig,
  resDims: [3, 4],
  resKernel: [5, 3],
  resStride: [2, 2],
  numBlocks: [1, 1],
  firstKernelSize: 5,
  firstPoolKernelSize: 3,
  firstPoolStride: 3,
};
const given = {
  modelPath: fixture("model.pt"),
  trainingAnalyticsPath: fixture("train-t1_test-t3-test.pt"),
  numClasses: 14,
  test,
  config,
};
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "analytics-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("returnAnalytics", () => {
  it("tells of PyTorch's files what PyTorch tells, whatever the batches, and keeps no tensor", async () => {
    const before = tf.memory().numTensors;
    for (const batchSize of [4, 64]) {
      const analytics = await returnAnalytics({ ...given, batchSize });
      expect(analytics.top3Predictions).toEqual(expected.top3);
      expect([...analytics.top1Predictions]).toEqual(expected.top3.map(([best]) => best));
      expect(analytics.top1TestAccuracy).toBeCloseTo(expected.top1Accuracy, 6);
      expect(analytics.top3TestAccuracy).toBeCloseTo(expected.top3Accuracy, 6);
      expect(analytics).toMatchObject({
        epochs: 2,
        trainAccuracy: [0.25, 0.5],
        top1ValidationAccuracy: [0.125, 0.375],
        top3ValidationAccuracy: [0.5, 0.75],
      });
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it("refuses files and classes that do not fit, and keeps no tensor of a model that it cannot fill", async () => {
    const before = tf.memory().numTensors;
    await expect(returnAnalytics({ ...given, numClasses: 230 })).rejects.toThrow(
      "The test set has 14 classes; numClasses is 230.",
    );
    await expect(returnAnalytics({ ...given, config: { ...config, resDims: [3, 5] } })).rejects.toThrow("layer2");
    const other = join(folder, "other.pt");
    await saveTorch(other, { weight: { dtype: "float32", shape: [1], data: Float32Array.of(1) } });
    await expect(returnAnalytics({ ...given, modelPath: other })).rejects.toThrow(
      `${other}: it has no resnet.conv.conv.weight, so it is not of a ResnetClassifier`,
    );
    await expect(returnAnalytics({ ...given, trainingAnalyticsPath: other })).rejects.toThrow(
      `${other} needs one tensor, float32 or float64 [3, epochs]; it has no tensor.`,
    );
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("training analytics", () => {
  it("come back as they were saved", async () => {
    const path = join(folder, "train-t1_test-t3-test.pt");
    const saved = { train: [0.25, 0.5, 1], top1: [0, 0.125, 0.75], top3: [0.5, 0.625, 1] };
    await saveTrainingAnalytics(path, saved);
    expect(await loadTrainingAnalytics(path)).toEqual(saved);
  });

  it("need one number an epoch of each kind, and write nothing otherwise", async () => {
    const path = join(folder, "none.pt");
    await expect(saveTrainingAnalytics(path, { train: [1, 1], top1: [1], top3: [1, 1] })).rejects.toThrow(
      "of each kind as many; got 2 (train), 1 (top1), 2 (top3).",
    );
    await expect(saveTrainingAnalytics(path, { train: [], top1: [], top3: [] })).rejects.toThrow("got 0 (train)");
    expect(await readdir(folder)).not.toContain("none.pt");
  });

  it("are refused in another shape", async () => {
    const path = join(folder, "shape.pt");
    await saveTorch(path, { dtype: "float32", shape: [2, 2], data: new Float32Array(4) });
    await expect(loadTrainingAnalytics(path)).rejects.toThrow("it has float32 [2, 2].");
  });
});
