import "@tensorflow/tfjs-backend-cpu";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { loadTorch, saveSafetensors } from "../../checkpoints/index.ts";
import { Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import { DataLoader } from "../index.ts";
import { createTrainAndValidation, DiffractionDataset, generatePatterns, loadPatterns, savePatterns } from "./index.ts";

describe("DiffractionDataset", () => {
  const patterns = generatePatterns({ patternsPerLattice: 4, points: 400, generator: new Generator(2) });

  test("generates every lattice's patterns, the same for the same seed", () => {
    expect(patterns.labels).toEqual(Int32Array.from({ length: 56 }, (_, i) => Math.floor(i / 4)));
    expect(patterns.data.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
    expect(generatePatterns({ patternsPerLattice: 4, points: 400, generator: new Generator(2) })).toEqual(patterns);
  });

  test("gives sequences of one channel, to a loader too", async () => {
    await tf.setBackend("cpu");
    const data = new DiffractionDataset({ ...patterns, numClasses: 14, background: 0.2 });
    expect(data.classes.slice(0, 3)).toEqual(["aP", "mP", "mC"]);
    const [first] = data.get(0);
    expect(first.shape).toEqual([400, 1]);
    expect(Math.min(...first.data)).toBeGreaterThan(0.16);
    for await (const [x, y] of new DataLoader(data, { batchSize: 28, shuffle: true })) {
      expect(x.shape).toEqual([28, 400, 1]);
      tf.dispose([x, y]);
    }
  });

  test("maps space groups to their lattices, or to classes of their own", () => {
    const data = new Float32Array(30);
    const labels = [225, 1, 14];
    const mapped = new DiffractionDataset({ numClasses: 14, data, labels, cat: "Space Group" });
    expect([...mapped.targets].map((k) => mapped.classes[k])).toEqual(["cF", "aP", "mP"]);
    const own = new DiffractionDataset({ numClasses: 230, data, labels, cat: "Space Group" });
    expect([...own.targets].map((k) => own.classes[k])).toEqual(["space group 225", "space group 1", "space group 14"]);
  });

  test("is divided at random, nothing lost", () => {
    const { train, validation } = createTrainAndValidation(patterns, 0.25, { generator: new Generator(3) });
    expect([train.labels.length, validation.labels.length]).toEqual([42, 14]);
    expect([...train.labels, ...validation.labels].sort((a, b) => a - b)).toEqual([...patterns.labels]);
    const sum = (data: Float32Array): number => data.reduce((a, b) => a + b, 0);
    expect(sum(train.data) + sum(validation.data)).toBeCloseTo(sum(patterns.data), 2);
  });

  test("is divided from a file into two files of a tag, as in memory", async () => {
    const folder = await mkdtemp(join(tmpdir(), "convbook-diffraction-"));
    try {
      const path = join(folder, "all.pt");
      await savePatterns(path, patterns);
      const into = join(folder, "made", "here");
      const saved = await createTrainAndValidation(path, 0.25, into, "run", { generator: new Generator(3) });
      const { train, validation } = createTrainAndValidation(patterns, 0.25, { generator: new Generator(3) });
      expect(saved).toEqual({
        train,
        validation,
        trainPath: join(into, "run_Train.pt"),
        validationPath: join(into, "run_Validation.pt"),
      });
      expect(await loadPatterns(saved.trainPath)).toEqual(train);
      expect(await loadPatterns(saved.validationPath)).toEqual(validation);
      await expect(createTrainAndValidation(path, 0.25, into, "../run")).rejects.toThrow(
        'createTrainAndValidation: tag must be a name without folders (it has a slash), got "../run".',
      );
      await expect(createTrainAndValidation(path, 0, into, "run")).rejects.toThrow("validationSize is a part");
      await expect(createTrainAndValidation(join(folder, "no.pt"), 0.5, into, "run")).rejects.toThrow("no.pt");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("is saved and loaded, and read from a torch file too", async () => {
    const folder = await mkdtemp(join(tmpdir(), "convbook-diffraction-"));
    try {
      const path = join(folder, "patterns.safetensors");
      await savePatterns(path, patterns);
      expect(await loadPatterns(path)).toEqual(patterns);
      const torch = join(folder, "patterns.PT");
      await savePatterns(torch, patterns);
      expect(await loadPatterns(torch)).toEqual(patterns);
      expect(((await loadTorch(torch)) as Map<string, TensorData>).get("Y")).toMatchObject({
        dtype: "int64",
        shape: [patterns.labels.length],
      });
      await expect(savePatterns(join(folder, "patterns.csv"), patterns)).rejects.toThrow(
        "ends with one of .safetensors",
      );
      await saveSafetensors(path, new Map([["X", { dtype: "int32", shape: [1], data: Int32Array.of(1) }]]));
      await expect(loadPatterns(path)).rejects.toThrow(
        `${path} needs X float32 [patterns, points] and Y [patterns] of integers; it has X int32 [1].`,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(await loadPatterns(fileURLToPath(new URL("../fixtures/patterns.pt", import.meta.url)))).toEqual({
      data: Float32Array.from({ length: 12 }, (_, i) => i / 8),
      points: 4,
      labels: Int32Array.of(13, 0, 7),
    });
  });

  test.each<[string, () => unknown, string]>([
    [
      "category",
      () =>
        new DiffractionDataset({
          numClasses: 14,
          data: new Float32Array(2),
          labels: [0],
          cat: "Lattice" as "Space Group",
        }),
      'A DiffractionDataset\'s cat is "Bravais Lattice" or "Space Group"; got "Lattice".',
    ],
    [
      "classes",
      () => new DiffractionDataset({ numClasses: 7, data: new Float32Array(2), labels: [0] }),
      'With cat "Bravais Lattice" numClasses is 14; got 7.',
    ],
    [
      "label",
      () => new DiffractionDataset({ numClasses: 14, data: new Float32Array(2), labels: [14] }),
      "label 0 is 14; classes have the numbers from 0 to 13.",
    ],
    [
      "space group",
      () => new DiffractionDataset({ numClasses: 14, data: new Float32Array(2), labels: [231], cat: "Space Group" }),
      "A space group has a number from 1 to 230; got 231.",
    ],
    [
      "sizes",
      () => new DiffractionDataset({ numClasses: 14, data: new Float32Array(5), labels: [0, 1] }),
      "2 labels do not fit 5 numbers of patterns.",
    ],
    [
      "NaN",
      () => new DiffractionDataset({ numClasses: 14, data: Float32Array.of(0, 1, Number.NaN, 0), labels: [0, 1] }),
      "Pattern 1 has the value NaN.",
    ],
    [
      "background",
      () => new DiffractionDataset({ numClasses: 14, data: new Float32Array(2), labels: [0], background: -1 }),
      "A DiffractionDataset's background is a finite number >= 0; got -1.",
    ],
    [
      "validation size",
      () => createTrainAndValidation(patterns, 20),
      "validationSize is a part between 0 and 1; got 20.",
    ],
    ["lattice", () => generatePatterns({ lattices: [14] }), "A lattice has a number from 0 to 13; got 14."],
  ])("refuses a wrong %s", (_, call, message) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
