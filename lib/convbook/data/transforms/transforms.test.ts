import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { defaultGenerator, Generator, manualSeed } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import { picture } from "../testing/picture.ts";
import {
  CenterCrop,
  Compose,
  Normalize,
  RandomCrop,
  RandomHorizontalFlip,
  RandomResizedCrop,
  RandomVerticalFlip,
  Resize,
  ToTensor,
  type Transform,
} from "./index.ts";
import { fromSpec } from "./registry.ts";

interface Case {
  readonly name: string;
  readonly args: unknown[];
  readonly size: [number, number, number];
  /** Of bytes their hash, of floats the numbers. */
  readonly results: { dtype: "uint8" | "float32"; shape: number[]; data?: string; sha256?: string }[];
  readonly next: number;
}

const { cases } = JSON.parse(readFileSync(new URL("../fixtures/torchvision.json", import.meta.url), "utf8")) as {
  cases: Case[];
};

const MEAN = [0.4914, 0.4822, 0.4465];
const STD = [0.247, 0.2435, 0.2616];
const tutorial = new Compose([
  new RandomHorizontalFlip(),
  new RandomResizedCrop([32, 32], { scale: [0.8, 1], ratio: [0.9, 1.1] }),
  new ToTensor(),
  new Normalize(MEAN, STD),
]);

function build({ name, args }: Case): Transform {
  return name === "Tutorial" ? tutorial : fromSpec({ name, args });
}

/** What a fixture has of a result. */
function summary({ dtype, data }: TensorData): { data?: string; sha256?: string } {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return dtype === "uint8"
    ? { sha256: createHash("sha256").update(bytes).digest("hex") }
    : { data: bytes.toString("base64") };
}

describe("transforms agree with torchvision on Pillow images", () => {
  test.each(cases.map((c) => [`${c.name} ${JSON.stringify(c.args)} of [${c.size.join(", ")}]`, c] as const))(
    "%s",
    (_, fixture) => {
      manualSeed(42);
      const transform = build(fixture);
      const source = picture(...fixture.size);
      const before = source.data.slice();
      for (const expected of fixture.results) {
        const got = transform.apply(source);
        expect({ dtype: got.dtype, shape: got.shape, ...summary(got) }).toEqual(expected);
      }
      expect(defaultGenerator.uniformFloat()).toBe(fixture.next);
      expect(source.data).toEqual(before);
    },
  );
});

describe("a transform as data", () => {
  test.each(cases.map((c) => [`${c.name} ${JSON.stringify(c.args)}`, c] as const))(
    "%s is built anew the same",
    (_, fixture) => {
      const transform = build(fixture);
      const spec = transform.toSpec?.();
      const copy = fromSpec(structuredClone(spec) as NonNullable<typeof spec>);
      const source = picture(...fixture.size);
      expect(copy.apply(source, new Generator(5))).toEqual(transform.apply(source, new Generator(5)));
    },
  );

  test("Compose with a transform of one's own has none", () => {
    const own: Transform = { apply: (data) => data };
    expect(new Compose([new ToTensor(), own]).toSpec()).toBeUndefined();
  });

  test("of an unknown name is refused", () => {
    expect(() => fromSpec({ name: "constructor", args: [] })).toThrow('There is no transform named "constructor".');
  });
});

describe("bad arguments and data are named", () => {
  const image = picture(8, 9, 3);
  const grey = picture(8, 9, 1);
  test.each<[string, () => unknown, string]>([
    ["size", () => new Resize(0), "Resize's size is a whole number of pixels or [height, width]; got 0."],
    [
      "sizes",
      () => new CenterCrop([3, 2.5]),
      "CenterCrop's size is a whole number of pixels or [height, width]; got [3,2.5].",
    ],
    [
      "interpolation",
      () => new Resize(3, { interpolation: "lanczos" as "nearest" }),
      'Resize\'s interpolation is "nearest", "bilinear" or "bicubic"; got "lanczos".',
    ],
    ["p", () => new RandomHorizontalFlip(1.5), "RandomHorizontalFlip's p is a probability from 0 to 1; got 1.5."],
    [
      "p NaN",
      () => new RandomVerticalFlip(Number.NaN),
      "RandomVerticalFlip's p is a probability from 0 to 1; got NaN.",
    ],
    [
      "scale",
      () => new RandomResizedCrop(3, { scale: [1, 0.5] }),
      "RandomResizedCrop's scale is a range [low, high] with 0 <= low <= high; got [1,0.5].",
    ],
    ["ratio", () => new RandomResizedCrop(3, { ratio: [-1, 1] }), "RandomResizedCrop's ratio is a range"],
    [
      "padding",
      () => new RandomCrop(3, { padding: [1, 2, 3] }),
      "RandomCrop's padding is 1, 2 or 4 whole numbers of pixels; got [1,2,3].",
    ],
    ["fill", () => new RandomCrop(3, { fill: 256 }), "RandomCrop's fill is an integer from 0 to 255; got 256."],
    [
      "paddingMode",
      () => new RandomCrop(3, { paddingMode: "wrap" as "edge" }),
      'RandomCrop\'s paddingMode is "constant", "edge", "reflect" or "symmetric"; got "wrap".',
    ],
    [
      "too small",
      () => new RandomCrop(10).apply(image),
      "RandomCrop's 10 by 10 pixels do not fit in the image's 8 by 9.",
    ],
    [
      "too much reflection",
      () => new RandomCrop(10, { padding: 8, paddingMode: "reflect" }).apply(image),
      "Padding of [8, 8, 8, 8] cannot be taken from the reflect image of 8 by 9 pixels.",
    ],
    [
      "means",
      () => new Normalize([0, 0], [1]),
      "Normalize takes a finite mean and a positive std for each channel; got mean [0,0], std [1].",
    ],
    ["std", () => new Normalize([0], [0]), "Normalize takes a finite mean and a positive std"],
    [
      "channels",
      () => new Normalize(MEAN, STD).apply(new ToTensor().apply(grey)),
      "Normalize has means of 3 channels; the image has 1.",
    ],
    [
      "order",
      () => new Resize(3).apply(new ToTensor().apply(image)),
      "Resize takes an image, uint8 [height, width, 1 or 3]; got float32 [8, 9, 3]. It stands before ToTensor.",
    ],
    [
      "order 2",
      () => new Normalize(MEAN, STD).apply(image),
      "Normalize takes float32 [height, width, channels]; got uint8 [8, 9, 3]. It stands after ToTensor.",
    ],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });

  test("no transform", () => {
    expect(() => new Compose([undefined as unknown as Transform])).toThrow(
      "Compose's transforms[0] has no method apply: undefined.",
    );
  });
});
