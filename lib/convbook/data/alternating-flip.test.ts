/** Mirroring in turns: by itself, and through the loader's threads. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { Generator } from "../random/index.ts";
import { AlternatingFlip, ArrayDataset, ConcatDataset, DataLoader, type Dataset, Subset, transforms } from "./index.ts";

const COUNT = 40;
beforeAll(() => tf.setBackend("cpu"));

/** Images of one row of two pixels: 2 i and 2 i + 1. */
function images(transform: transforms.Transform | null = null): ArrayDataset {
  const values = Uint8Array.from({ length: 2 * COUNT }, (_, i) => i);
  return new ArrayDataset(values, [1, 2, 1], new Int32Array(COUNT), { transform });
}

/** The numbers of the image at an index, as they are made on this thread. */
async function numbersAt(flip: AlternatingFlip, index: number): Promise<[dtype: string, ...values: number[]]> {
  const [{ dtype, data }] = await flip.get(index);
  return [dtype, ...Array.from(data as ArrayLike<number>)];
}

const flipped = (dataset: Dataset = images(), seed = 1) =>
  new AlternatingFlip(dataset, { generator: new Generator(seed) });

/** For every image of a loader's epoch, by its first number's half: whether it was mirrored. */
async function seen(flip: AlternatingFlip, numWorkers: number): Promise<boolean[]> {
  const result: boolean[] = [];
  for await (const [batch, labels] of new DataLoader(flip, { batchSize: 8, numWorkers })) {
    const rows = batch.dataSync();
    for (let i = 0; i < rows.length; i += 2) {
      result[Math.floor((rows[i] as number) / 2)] = (rows[i] as number) % 2 === 1;
    }
    tf.dispose([batch, labels]);
  }
  return result;
}

describe("AlternatingFlip", () => {
  it("shows every image from both sides in every two epochs", async () => {
    const flip = flipped();
    const epochs: number[][][] = [];
    for (flip.epoch = 0; flip.epoch < 4; flip.epoch++) {
      const all = await Promise.all(Array.from({ length: COUNT }, (_, i) => numbersAt(flip, i)));
      epochs.push(all.map(([, ...values]) => values));
    }
    for (let i = 0; i < COUNT; i++) {
      const sides = [
        [2 * i, 2 * i + 1],
        [2 * i + 1, 2 * i],
      ];
      const [first, second] = flip.isMirrored(i, 0) ? sides.reverse() : sides;
      expect(epochs.map((each) => each[i])).toEqual([first, second, first, second]);
    }
    const begun = Array.from({ length: COUNT }, (_, i) => flip.isMirrored(i, 0)).filter(Boolean).length;
    expect(begun).toBeGreaterThan(COUNT / 4);
    expect(begun).toBeLessThan((3 * COUNT) / 4);
  });

  it("begins with the same images for the same seed, and with others for another", () => {
    const first = (seed: number) => Array.from({ length: COUNT }, (_, i) => flipped(images(), seed).isMirrored(i));
    expect(first(1)).toEqual(first(1));
    expect(first(1)).not.toEqual(first(2));
  });

  it.each([0, 1, 2])("gives the same through %i threads, of subsets and joined sets, too", async (numWorkers) => {
    const joined = new ConcatDataset([
      new Subset(images(), [0, 1, 2, 3]),
      new Subset(
        images(),
        Array.from({ length: 36 }, (_, i) => 4 + i),
      ),
    ]);
    for (const dataset of [images(), joined]) {
      const flip = flipped(dataset);
      for (const epoch of [0, 1, 2]) {
        flip.epoch = epoch;
        const expected = Array.from({ length: COUNT }, (_, i) => flip.isMirrored(i));
        expect(await seen(flip, numWorkers)).toEqual(expected);
      }
    }
  });

  it("turns what transforms have made, numbers too", async () => {
    const flip = flipped(images(new transforms.ToTensor()));
    const index = Array.from({ length: COUNT }, (_, i) => i).find((i) => flip.isMirrored(i)) as number;
    const turned = [Math.fround((2 * index + 1) / 255), Math.fround((2 * index) / 255)];
    expect(await numbersAt(flip, index)).toEqual(["float32", ...turned]);
    expect(Array.from(images().raw(index).data as Uint8Array)).toEqual([2 * index, 2 * index + 1]);
  });

  it("lets a loader that is under way finish its epoch", async () => {
    const flip = flipped();
    const expected = Array.from({ length: COUNT }, (_, i) => flip.isMirrored(i));
    const result: boolean[] = [];
    for await (const [batch, labels] of new DataLoader(flip, { batchSize: 8, numWorkers: 1 })) {
      flip.epoch = 1;
      const rows = batch.dataSync();
      for (let i = 0; i < rows.length; i += 2) {
        result.push((rows[i] as number) % 2 === 1);
      }
      tf.dispose([batch, labels]);
    }
    expect(result).toEqual(expected);
  });

  it("refuses what is no image, and no epoch", () => {
    const flat = new ArrayDataset(new Float32Array(8), [2], new Int32Array(4));
    const flip = flipped(flat);
    const index = [0, 1, 2, 3].find((i) => flip.isMirrored(i)) as number;
    expect(() => flip.get(index)).toThrow(/AlternatingFlip.*an image \[height, width, channels\]/);
    for (const [sample, text] of [
      [
        5,
        "AlternatingFlip: sample must be a pair [data, label] with an image [height, width, channels], uint8 or float32, got 5.",
      ],
      [{ data: 1 }, 'uint8 or float32, got {"data":1}.'],
      [
        [],
        "AlternatingFlip: sample's data must be an image [height, width, channels], uint8 or float32, got undefined.",
      ],
      [[{ shape: 5 }, 0], "AlternatingFlip: sample's data must be an image"],
    ] as const) {
      const odd = flipped({ length: 4, get: () => sample as never });
      expect(() => odd.get([0, 1, 2, 3].find((i) => odd.isMirrored(i)) as number)).toThrow(text);
    }
    expect(() => {
      flip.epoch = -1;
    }).toThrow(/AlternatingFlip.*epoch/);
    expect(() => new AlternatingFlip({} as never)).toThrow(/a data set/);
  });
});
