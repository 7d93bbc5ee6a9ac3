import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { defaultGenerator, Generator, manualSeed } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { RawBatch } from "../loader/collate.ts";
import { picture } from "../testing/picture.ts";
import {
  AugMix,
  AutoAugment,
  type BatchTransformSpec,
  ColorJitter,
  CutMix,
  Cutout,
  MixUp,
  RandAugment,
  RandomAffine,
  RandomErasing,
  RandomMix,
  RandomRotation,
  ToTensor,
  TrivialAugmentWide,
} from "./index.ts";
import { batchTransformFromSpec, fromSpec } from "./registry.ts";

interface Case {
  readonly name: string;
  readonly args: unknown[];
  readonly size: [number, number, number];
  readonly results: { shape: number[]; data: string; sha256: string }[];
  readonly next: number;
}
interface Mixes {
  readonly kind: "MixUp" | "CutMix" | "RandomMix";
  readonly alpha: number;
  readonly p: number;
  readonly batches: { shape: number[]; data: string; labels: number[] }[];
  readonly next: number;
}
interface Many extends Omit<Case, "results"> {
  readonly times: number;
  readonly sha256: string;
}
const { cases, erasings, many, mixes } = JSON.parse(
  readFileSync(new URL("../fixtures/augmentations.json", import.meta.url), "utf8"),
) as { cases: Case[]; erasings: Case[]; many: Many[]; mixes: Mixes[] };

const named = (list: Case[]) =>
  list.map((c) => [`${c.name} ${JSON.stringify(c.args)} of [${c.size.join(", ")}]`, c] as const);
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const floats = (text: string): Float32Array => new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer);

function largestDifference(got: TensorData["data"], expected: TensorData["data"]): number {
  expect(got.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(Number(got[i]) - Number(expected[i])));
  }
  return largest;
}

describe("augmentations agree with torchvision on Pillow images, to the byte", () => {
  test.each(named(cases))("%s", (_, { name, args, size, results, next }) => {
    manualSeed(42);
    const transform = fromSpec({ name, args });
    const source = picture(...size);
    const before = source.data.slice();
    for (const [i, { shape, sha256 }] of results.entries()) {
      const got = transform.apply(source);
      expect(got.shape).toEqual(shape);
      expect([i, hash(got.data as Uint8Array)]).toEqual([i, sha256]);
    }
    expect(defaultGenerator.uniformFloat()).toBe(next);
    expect(source.data).toEqual(before);
  });

  test.each(many)("$name $args, $times times", ({ name, args, size, times, sha256, next }) => {
    manualSeed(42);
    const transform = fromSpec({ name, args });
    const source = picture(...size);
    const digest = createHash("sha256");
    for (let i = 0; i < times; i++) {
      digest.update(transform.apply(source).data as Uint8Array);
    }
    expect(digest.digest("hex")).toBe(sha256);
    expect(defaultGenerator.uniformFloat()).toBe(next);
  });

  test.each(named(erasings))("%s", (_, { name, args, size, results, next }) => {
    manualSeed(42);
    const transform = fromSpec({ name, args });
    const source = new ToTensor().apply(picture(...size));
    const before = source.data.slice();
    for (const { data } of results) {
      expect(largestDifference(transform.apply(source).data, floats(data))).toBeLessThan(1e-6);
    }
    expect(defaultGenerator.uniformFloat()).toBe(next);
    expect(source.data).toEqual(before);
  });
});

describe("a transform as data", () => {
  test.each(named([...cases, ...erasings]))("%s is built anew the same", (_, { name, args, size }) => {
    const transform = fromSpec({ name, args });
    const copy = fromSpec(structuredClone(transform.toSpec?.()) as { name: string; args: unknown[] });
    const source = name === "RandomErasing" ? new ToTensor().apply(picture(...size)) : picture(...size);
    expect(copy.apply(source, new Generator(5))).toEqual(transform.apply(source, new Generator(5)));
  });
});

describe("batches are mixed as the papers say, with torchvision's draws", () => {
  function batch(): RawBatch {
    const image = new ToTensor().apply(picture(6, 7, 3)).data;
    const data = new Float32Array(4 * image.length);
    for (let i = 0; i < 4; i++) {
      data.set(
        image.map((x) => Math.fround(x * (i + 1)) / 4),
        i * image.length,
      );
    }
    return { dtype: "float32", shape: [4, 6, 7, 3], data, labels: Int32Array.of(3, 0, 4, 3), labelShape: [4] };
  }

  test.each(mixes)("$kind with alpha $alpha, p $p", ({ kind, alpha, p, batches, next }) => {
    const options = { numClasses: 5, alpha, p };
    const made = {
      MixUp: () => new MixUp(options),
      CutMix: () => new CutMix(options),
      RandomMix: () => new RandomMix([new MixUp(options), new CutMix(options)], { p: [1, 2] }),
    }[kind]();
    const transform = batchTransformFromSpec(structuredClone(made.toSpec()) as BatchTransformSpec);
    const generator = new Generator(42);
    for (const expected of batches) {
      const { data, labels, labelShape, shape } = transform.apply(batch(), generator);
      expect([shape, labelShape]).toEqual([expected.shape, [4, 5]]);
      expect(largestDifference(data, floats(expected.data))).toBeLessThan(1e-6);
      expect(largestDifference(labels, Float32Array.from(expected.labels))).toBeLessThan(1e-6);
    }
    expect(generator.uniformFloat()).toBe(next);
  });

  test("and one after the other", () => {
    const generator = new Generator(1);
    const once = new MixUp({ numClasses: 5 }).apply(batch(), generator);
    const twice = new CutMix({ numClasses: 5 }).apply(once, generator);
    for (let i = 0; i < 4; i++) {
      const sum = [...twice.labels.slice(5 * i, 5 * i + 5)].reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(1, 6);
    }
  });

  test("a label that is no class, and images that are no numbers yet, are named", () => {
    expect(() => new MixUp({ numClasses: 4 }).apply(batch(), new Generator(1))).toThrow(
      "Label 4 of the batch's sample 2 is none of 4 classes.",
    );
    const raw: RawBatch = { ...batch(), dtype: "uint8", data: new Uint8Array(4 * 126) };
    expect(() => new CutMix({ numClasses: 5 }).apply(raw, new Generator(1))).toThrow(
      "CutMix mixes float32 images; got uint8. Add ToTensor.",
    );
    const flat: RawBatch = { ...batch(), shape: [4, 126] };
    expect(() => new CutMix({ numClasses: 5 }).apply(flat, new Generator(1))).toThrow(
      "CutMix takes images [N, height, width, channels]; got [4, 126].",
    );
  });
});

describe("Cutout", () => {
  test("erases squares, cut off at the border, anywhere", () => {
    const generator = new Generator(3);
    const image: TensorData = { dtype: "float32", shape: [9, 8, 2], data: new Float32Array(144).fill(1) };
    const seen = new Float32Array(72);
    for (let i = 0; i < 500; i++) {
      const { data } = new Cutout(3, { value: -1 }).apply(image, generator);
      const erased = data.filter((x) => x === -1).length / 2;
      expect([4, 6, 9]).toContain(erased);
      for (let p = 0; p < 72; p++) {
        (seen[p] as number) += data[2 * p] === -1 ? 1 : 0;
      }
    }
    expect(Math.min(...seen)).toBeGreaterThan(0);
    expect(new Set(image.data)).toEqual(new Set([1]));
  });
});

describe("bad arguments are named", () => {
  test.each<[() => unknown, string]>([
    [
      () => new ColorJitter({ brightness: -1 }),
      "ColorJitter's brightness is a number >= 0 or a range [low, high]; got -1.",
    ],
    [
      () => new ColorJitter({ contrast: [2, 1] }),
      "ColorJitter's contrast is a range [low, high] with 0 <= low <= high; got [2,1].",
    ],
    [
      () => new ColorJitter({ hue: 0.6 }),
      "ColorJitter's hue is a range [low, high] with -0.5 <= low <= high; got [-0.6,0.6].",
    ],
    [() => new ColorJitter({ hue: [0, 0.7] }), "ColorJitter's hue lies within -0.5 and 0.5; got [0,0.7]."],
    [() => new RandomRotation(-3), "RandomRotation's degrees is a number >= 0 or a range [low, high]; got -3."],
    [() => new RandomRotation(3, { fill: 300 }), "RandomRotation's fill is an integer from 0 to 255; got 300."],
    [
      () => new RandomRotation(3, { interpolation: "bicubic" as "nearest" }),
      'RandomRotation\'s interpolation is "nearest" or "bilinear"; got "bicubic".',
    ],
    [() => new RandomAffine(3, { translate: [2, 0] }), "RandomAffine's translate is two parts from 0 to 1; got [2,0]."],
    [() => new RandomAffine(3, { scale: [0, 1] }), "RandomAffine's scale is a range [low, high]"],
    [
      () => new RandomAffine(3, { shear: [1, 2, 3] }),
      "RandomAffine's shear is a number, or 2 or 4 numbers; got [1,2,3].",
    ],
    [() => new RandAugment({ magnitude: 31 }), "RandAugment's magnitude is a whole number from 0 to 30; got 31."],
    [() => new RandAugment({ numOps: 0.5 }), "RandAugment's numOps is a whole number of at least 0; got 0.5."],
    [
      () => new RandAugment({ interpolation: "bicubic" as "nearest" }),
      'RandAugment\'s interpolation is "nearest" or "bilinear"; got "bicubic".',
    ],
    [
      () => new TrivialAugmentWide({ numMagnitudeBins: 1 }),
      "TrivialAugmentWide's numMagnitudeBins is a whole number of at least 2; got 1.",
    ],
    [() => new TrivialAugmentWide({ fill: -1 }), "TrivialAugmentWide's fill is a whole number from 0 to 255; got -1."],
    [
      () => new AutoAugment({ policy: "cifar" as "svhn" }),
      'AutoAugment\'s policy is "imagenet", "cifar10" or "svhn"; got "cifar".',
    ],
    [() => new AugMix({ severity: 11 }), "AugMix's severity is a whole number from 1 to 10; got 11."],
    [() => new AugMix({ mixtureWidth: 0 }), "AugMix's mixtureWidth is a whole number of at least 1; got 0."],
    [
      () => new AugMix({ chainDepth: 0 }),
      "AugMix's chainDepth is a whole number of at least 1, or -1 for one that is drawn; got 0.",
    ],
    [() => new AugMix({ alpha: 0 }), "AugMix's alpha is a positive number; got 0."],
    [() => fromSpec({ name: "TrivialAugment", args: [] }), 'Did you mean "TrivialAugmentWide"?'],
    [() => new RandomErasing({ scale: [0, 2] }), "RandomErasing's scale lies within 0 and 1; got [0,2]."],
    [() => new RandomErasing({ p: 2 }), "RandomErasing's p is a probability from 0 to 1; got 2."],
    [
      () => new RandomErasing({ value: [Number.NaN] }),
      'RandomErasing\'s value is a number, a number for each channel, or "random"; got [NaN].',
    ],
    [
      () => new RandomErasing({ value: [1, 2] }).apply(new ToTensor().apply(picture(4, 4, 3))),
      "RandomErasing has values for 2 channels; the image has 3.",
    ],
    [
      () => new RandomErasing().apply(picture(4, 4, 3)),
      "RandomErasing takes float32 [height, width, channels]; got uint8 [4, 4, 3]. It stands after ToTensor.",
    ],
    [() => new Cutout(0), "Cutout takes a size of whole pixels, a whole number of holes and a value; got [0,1,0]."],
    [() => new MixUp({ numClasses: 0 }), "MixUp's numClasses is a whole number of at least 1; got 0."],
    [() => new CutMix({ numClasses: 3, alpha: 0 }), "CutMix's alpha is a positive number; got 0."],
    [() => batchTransformFromSpec({ name: "toString", args: [] }), 'There is no batch transform named "toString".'],
  ])("%#: $1", (call, message) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
