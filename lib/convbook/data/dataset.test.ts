import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Generator, manualSeed } from "../random/index.ts";
import { ArrayDataset, ConcatDataset, channelStatistics, type Dataset, randomSplit, Subset } from "./index.ts";
import { ToTensor } from "./transforms/index.ts";

const { splits, tutorialSplit } = JSON.parse(
  readFileSync(new URL("fixtures/loader.json", import.meta.url), "utf8"),
) as {
  splits: { lengths: number[][][]; fractions: number[][] };
  tutorialSplit: { first: number[]; last: number[] };
};

function range(length: number): Dataset<number> {
  return { length, get: (i) => i };
}

describe("randomSplit divides as PyTorch does", () => {
  test("by numbers, then by fractions, from the default generator", () => {
    manualSeed(42);
    const indices = (lengths: number[]) => randomSplit(range(20), lengths).map((part) => [...part.indices]);
    expect(indices([12, 5, 3])).toEqual(splits.lengths[0]);
    expect(indices([0.33, 0.33, 0.34])).toEqual(splits.fractions);
  });

  test("as UvA's Tutorial 5 does: seed 42, 45,000 and 5,000", () => {
    const [train, validation] = randomSplit(range(50_000), [45_000, 5_000], { generator: new Generator(42) });
    expect([...(train as Subset<number>).indices.slice(0, 10)]).toEqual(tutorialSplit.first);
    expect([...(validation as Subset<number>).indices.slice(-10)]).toEqual(tutorialSplit.last);
    expect(validation?.get(0)).toBe(17408);
  });

  test.each([
    [[12, 5], "randomSplit's lengths must add up to the 20 samples of the data set; [12, 5] add up to 17."],
    [[0.5, 0.4], "randomSplit's fractions must add up to 1; [0.5, 0.4] add up to 0.9."],
    [[25, -5], "randomSplit's lengths are numbers of samples, or fractions of all; got [25, -5]."],
    [[Number.NaN], "got [NaN]."],
    [[], "got []."],
  ])("and refuses %o", (lengths, message) => {
    expect(() => randomSplit(range(20), lengths)).toThrow(message);
  });
});

describe("Subset and ConcatDataset", () => {
  test("find their samples", () => {
    const subset = new Subset(range(10), [3, 3, 9]);
    const both = new ConcatDataset([subset, range(0), range(2)]);
    expect(Array.from({ length: both.length }, (_, i) => both.get(i))).toEqual([3, 3, 9, 0, 1]);
  });

  test("name an index that is not there", () => {
    expect(() => new Subset(range(10), [10])).toThrow(
      "The data set of a Subset has no sample 10: indices go from 0 to 9.",
    );
    expect(() => new Subset(range(10), [1]).get(1)).toThrow("Subset has no sample 1: indices go from 0 to 0.");
    expect(() => new Subset(range(10), []).get(0)).toThrow("Subset has no sample 0: it is empty.");
    expect(() => new ConcatDataset([range(2)]).get(-1)).toThrow(
      "ConcatDataset has no sample -1: indices go from 0 to 1.",
    );
    expect(() => new ConcatDataset([])).toThrow("ConcatDataset needs at least one data set; got none.");
  });
});

describe("ArrayDataset", () => {
  const values = Uint8Array.from({ length: 12 }, (_, i) => i * 20);

  test("gives samples through its transform, ToTensor where none is named", () => {
    const data = new ArrayDataset(values, [1, 2, 3], [1, 0], { classes: ["cat", "dog"] });
    const [image, label] = data.get(1);
    expect(label).toBe(0);
    expect(image.shape).toEqual([1, 2, 3]);
    expect([...image.data]).toEqual([120, 140, 160, 180, 200, 220].map((x) => Math.fround(x / 255)));
    expect([...data.withTransform(null).get(0)[0].data]).toEqual([0, 20, 40, 60, 80, 100]);
    expect(data.withTransform(new ToTensor()).classes).toEqual(["cat", "dog"]);
  });

  test("refuses what does not fit together", () => {
    expect(() => new ArrayDataset(values, [1, 2, 3], [0])).toThrow(
      "ArrayDataset: 1 labels and samples of [1, 2, 3] need 6 values; got 12.",
    );
    expect(() => new ArrayDataset(values, [1, 0, 3], [])).toThrow(
      "a sample's shape is of whole positive sizes; got [1, 0, 3].",
    );
    expect(() => new ArrayDataset(values, [1, 2, 3], [0, 2], { name: "pets", classes: ["cat", "dog"] })).toThrow(
      "pets: label 1 is 2; classes have the numbers from 0 to 1.",
    );
    expect(() => new ArrayDataset(values, [1, 2, 3], [0, -1])).toThrow("label 1 is -1");
    expect(() => new ArrayDataset(values, [1, 2, 3], [0, 0]).get(2)).toThrow(
      "ArrayDataset has no sample 2: indices go from 0 to 1.",
    );
  });
});

describe("channelStatistics", () => {
  test("are mean and population deviation of each channel", () => {
    const data = new ArrayDataset(Uint8Array.of(0, 255, 255, 255, 51, 255, 51, 255), [2, 1, 2], [0, 0]);
    const { mean, std } = channelStatistics(data);
    expect(mean).toEqual([(0 + 255 + 51 + 51) / 4 / 255, 1]);
    expect(std[0]).toBeCloseTo(Math.sqrt((0 + 1 + 0.04 + 0.04) / 4 - 0.35 ** 2), 12);
    expect(std[1]).toBe(0);
  });

  test("need images of bytes", () => {
    const empty = new ArrayDataset(new Uint8Array(0), [1, 1, 1], []);
    expect(() => channelStatistics(empty)).toThrow(
      "channelStatistics needs at least one image; the data set is empty.",
    );
    const floats = new ArrayDataset(new Float32Array(4), [4], [0]);
    expect(() => channelStatistics(floats)).toThrow(
      "channelStatistics takes images, uint8 [height, width, channels]; sample 0 is float32 [4].",
    );
  });
});

test("an ArrayDataset made of a Buffer gives workers plain bytes in shared memory", () => {
  const data = new ArrayDataset(Buffer.from([1, 2, 3, 4]), [2], Int32Array.of(0, 1));
  expect(data.shipment()).toBeDefined();
  const bytes = data.raw(1).data;
  expect(bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
  // `new Buffer(…)`, as an array's own constructor would have it, makes Node warn of each notebook that loads in threads.
  expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
  expect([...bytes]).toEqual([3, 4]);
});
