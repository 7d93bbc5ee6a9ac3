import "@tensorflow/tfjs-backend-cpu";
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { defaultGenerator, Generator, manualSeed } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import { describedBy } from "../description.ts";
import {
  ArrayDataset,
  ConcatDataset,
  DataError,
  DataLoader,
  type DataLoaderOptions,
  type DataLoaderState,
  type Dataset,
  DistributedSampler,
  type LabelledBatch,
  type LabelledSample,
  Subset,
  SubsetRandomSampler,
} from "../index.ts";
import { Compose, MixUp, RandomCrop, ToTensor, type Transform } from "../transforms/index.ts";

interface Epochs {
  readonly epochs: { labels: number[]; draws: number[] }[][];
  readonly next: number;
}
const fixture = JSON.parse(readFileSync(new URL("../fixtures/loader.json", import.meta.url), "utf8")) as Record<
  string,
  Epochs
>;

/** Sample i has the label i and shows 8 random bits: the column that RandomCrop takes of an image 0, 1, … 255. */
function draws(length: number, transform: Transform | null = new RandomCrop(1)): ArrayDataset {
  const ramp = Uint8Array.from({ length: 256 * length }, (_, i) => i % 256);
  return new ArrayDataset(
    ramp,
    [1, 256, 1],
    Int32Array.from({ length }, (_, i) => i),
    { transform },
  );
}

type Seen = { labels: number[]; draws: number[] };

function take([data, labels]: LabelledBatch): Seen {
  const seen = { labels: [...labels.dataSync()], draws: [...data.dataSync()] };
  data.dispose();
  labels.dispose();
  return seen;
}

async function epoch(loader: DataLoader, limit = Number.POSITIVE_INFINITY): Promise<Seen[]> {
  const seen: Seen[] = [];
  if (limit === 0) {
    return seen;
  }
  for await (const batch of loader) {
    seen.push(take(batch));
    if (seen.length >= limit) {
      break;
    }
  }
  return seen;
}

beforeAll(async () => {
  await tf.setBackend("cpu");
});
let tensorsBefore = 0;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

describe("the loader agrees with PyTorch's in order and draws, over two epochs", () => {
  const configurations: [string, () => DataLoaderOptions][] = [
    ["sequential", () => ({ batchSize: 5, numWorkers: 0 })],
    ["shuffled", () => ({ batchSize: 5, numWorkers: 0, shuffle: true })],
    ["dropLast", () => ({ batchSize: 5, numWorkers: 0, shuffle: true, dropLast: true })],
    ["oneWorker", () => ({ batchSize: 5, numWorkers: 1, shuffle: true })],
    ["oneWorker", () => ({ batchSize: 5, shuffle: true })],
    ["twoWorkers", () => ({ batchSize: 4, numWorkers: 2, shuffle: true, prefetchFactor: 3 })],
    ["ownGenerator", () => ({ batchSize: 6, numWorkers: 0, shuffle: true, generator: new Generator(7) })],
    ["ownGeneratorWorkers", () => ({ batchSize: 6, numWorkers: 3, shuffle: true, generator: new Generator(7) })],
    [
      "subsetSampler",
      () => ({ batchSize: 4, numWorkers: 0, sampler: new SubsetRandomSampler([3, 1, 4, 15, 9, 2, 6]) }),
    ],
  ];
  test.each(configurations)("%s", async (name, options) => {
    const { epochs, next } = fixture[name] as Epochs;
    manualSeed(42);
    const loader = new DataLoader(draws(23), options());
    expect(loader.length).toBe(epochs[0]?.length);
    for (const expected of epochs) {
      expect(await epoch(loader)).toEqual(expected);
    }
    expect(defaultGenerator.uniformFloat()).toBe(next);
  });
});

describe("batches", () => {
  test("are float32 [N, height, width, channels] and int32 [N]", async () => {
    const data = new ArrayDataset(new Uint8Array(5 * 2 * 3 * 3).fill(255), [2, 3, 3], new Int32Array(5));
    const shapes: number[][] = [];
    for await (const [images, labels] of new DataLoader(data, { batchSize: 2 })) {
      expect([images.dtype, labels.dtype]).toEqual(["float32", "int32"]);
      expect(new Set(images.dataSync())).toEqual(new Set([1]));
      shapes.push(images.shape, labels.shape);
      tf.dispose([images, labels]);
    }
    expect(shapes).toEqual([[2, 2, 3, 3], [2], [2, 2, 3, 3], [2], [1, 2, 3, 3], [1]]);
  });

  test("of subsets and concatenations come from workers as from this thread", async () => {
    const half = new Subset(draws(10), [9, 7, 5, 3, 1]);
    const both = new ConcatDataset<LabelledSample>([half, new Subset(draws(6), [0, 0, 2]), draws(3)]);
    const labels = [9, 7, 5, 3, 1, 0, 0, 2, 0, 1, 2];
    for (const numWorkers of [0, 1, 2]) {
      const seen = await epoch(new DataLoader(both, { batchSize: 4, numWorkers }));
      expect(seen.flatMap((batch) => batch.labels)).toEqual(labels);
    }
  });

  test("of a data set and a collate of one's own", async () => {
    const words: Dataset<string> = { length: 5, get: async (i) => "abcde"[i] as string };
    const loader = new DataLoader(words, { batchSize: 2, collate: (samples) => samples.join("") });
    expect(loader.numWorkers).toBe(0);
    const seen: string[] = [];
    for await (const batch of loader) {
      seen.push(batch);
    }
    expect(seen).toEqual(["ab", "cd", "e"]);
  });

  test("of no samples are none", async () => {
    expect(await epoch(new DataLoader(new Subset(draws(3), []), { batchSize: 4, shuffle: true }))).toEqual([]);
  });

  test("that are asked for all at once come in order", async () => {
    const epoch = new DataLoader(draws(12, null), { batchSize: 4, numWorkers: 2 })[Symbol.asyncIterator]();
    const results = await Promise.all([epoch.next(), epoch.next(), epoch.next(), epoch.next()]);
    expect(results.map((result) => result.done)).toEqual([false, false, false, true]);
    expect(results.flatMap((result) => (result.done ? [] : take(result.value).labels))).toEqual([...Array(12).keys()]);
  });
});

describe("workers never build the class above a subclass", () => {
  const values = Uint8Array.from({ length: 8 }, (_, i) => i);
  class Doubled extends ArrayDataset {
    override get(index: number): LabelledSample {
      const [image, label] = super.get(index);
      return [image, label * 2];
    }
  }
  class Named extends ArrayDataset {
    readonly note = "only a field more";
  }
  class Brighter extends ToTensor {
    override apply(data: TensorData): ReturnType<ToTensor["apply"]> {
      const { dtype, shape, data: numbers } = super.apply(data);
      return { dtype, shape, data: numbers.map((n) => n + 1) };
    }
  }
  const labels = [0, 1, 2, 3, 4, 5, 6, 7];
  const patched = new ArrayDataset(values, [1, 1, 1], labels);
  patched.get = (index) => Doubled.prototype.get.call(patched, index);
  const sets: [string, Dataset, shipped: boolean][] = [
    ["a data set with a get of its own", new Doubled(values, [1, 1, 1], labels), false],
    ["the same within others", new ConcatDataset([new Subset(new Doubled(values, [1, 1, 1], labels), [3, 1])]), false],
    ["a data set whose get was replaced", patched, false],
    ["a data set with a field more", new Named(values, [1, 1, 1], labels), true],
    [
      "a transform with an apply of its own",
      new ArrayDataset(values, [1, 1, 1], labels, { transform: new Brighter() }),
      false,
    ],
    [
      "the same among others",
      new ArrayDataset(values, [1, 1, 1], labels, { transform: new Compose([new Brighter()]) }),
      false,
    ],
  ];
  test.each(sets)("%s", async (_, dataset, shipped) => {
    const workers = () => new DataLoader(dataset, { batchSize: 3, numWorkers: 1 });
    if (shipped) {
      expect(await epoch(workers())).toEqual(await epoch(new DataLoader(dataset, { batchSize: 3 })));
    } else {
      expect(workers).toThrow(
        "is known to this thread only (a transform needs toSpec, a data set shipment, and a subclass",
      );
    }
  });

  test("mixes of batches, too", () => {
    class Mine extends MixUp {
      protected override mix(): number {
        return 1;
      }
    }
    class Plain extends MixUp {}
    expect(describedBy(new Mine({ numClasses: 2 }), "toSpec")).toBeUndefined();
    expect(describedBy(new Plain({ numClasses: 2 }), "toSpec")).toMatchObject({ name: "MixUp" });
  });
});

describe("an epoch that is broken off", () => {
  test.each([0, 2])("leaves nothing behind (%i workers)", async (numWorkers) => {
    const loader = new DataLoader(draws(40), { batchSize: 4, shuffle: true, numWorkers });
    for (let i = 0; i < 20; i++) {
      expect((await epoch(loader, 2)).length).toBe(2);
    }
    expect((await epoch(loader)).length).toBe(10);
  });
});

test("workers of ranks that are seeded alike draw other numbers: those of one process's workers", async () => {
  const drawn = async (options: DataLoaderOptions) => {
    manualSeed(7);
    return (await epoch(new DataLoader(draws(24), { batchSize: 3, ...options }))).map((batch) => batch.draws);
  };
  const one = await drawn({ numWorkers: 2 });
  for (const rank of [0, 1]) {
    const sampler = new DistributedSampler(24, { numReplicas: 2, rank, shuffle: false });
    expect(await drawn({ numWorkers: 1, sampler })).toEqual(one.filter((_, i) => i % 2 === rank));
  }
});

describe("a state", () => {
  const options: [string, () => DataLoaderOptions][] = [
    ["sequential", () => ({ batchSize: 3, numWorkers: 1 })],
    ["shuffled, one worker", () => ({ batchSize: 3, shuffle: true, numWorkers: 1 })],
    ["shuffled, three workers", () => ({ batchSize: 3, shuffle: true, numWorkers: 3 })],
    ["own generator", () => ({ batchSize: 3, shuffle: true, numWorkers: 2, generator: new Generator(3) })],
    [
      "a sampler of one's own",
      () => ({ batchSize: 3, numWorkers: 1, sampler: new SubsetRandomSampler([...Array(20).keys()]) }),
    ],
    ["this thread", () => ({ batchSize: 3, shuffle: true, numWorkers: 0 })],
  ];
  test.each(options)("goes on at every batch as if nothing had been: %s", async (_, make) => {
    manualSeed(11);
    const whole = new DataLoader(draws(20), make());
    const expected = [await epoch(whole), await epoch(whole)];
    for (let stop = 0; stop <= whole.length; stop++) {
      manualSeed(11);
      const first = new DataLoader(draws(20), make());
      const seen = await epoch(first, stop);
      const state = JSON.parse(JSON.stringify(first.getState())) as DataLoaderState;
      const random = defaultGenerator.getState();
      manualSeed(999);
      const second = new DataLoader(draws(20), make());
      second.setState(state);
      defaultGenerator.setState(random);
      seen.push(...(await epoch(second)));
      expect(seen).toEqual(expected[0]);
      expect(second.getState().position).toBe(0);
      expect(await epoch(second)).toEqual(expected[1]);
    }
  });

  test("is what was set until an epoch begins", () => {
    const loader = new DataLoader(draws(20), { batchSize: 3 });
    const state: DataLoaderState = {
      ...loader.getState(),
      position: 2,
      workers: [Buffer.from(new Generator(1).getState()).toString("base64")],
    };
    loader.setState(state);
    expect(loader.getState()).toEqual(state);
  });

  test("of another loader is refused", () => {
    const state = new DataLoader(draws(20), { batchSize: 3, numWorkers: 1 }).getState();
    expect(() => new DataLoader(draws(21), { batchSize: 3 }).setState(state)).toThrow(
      "This loader's state has samples 20; the loader has 21.",
    );
    expect(() => new DataLoader(draws(20), { batchSize: 4 }).setState(state)).toThrow(
      "has batchSize 3; the loader has 4.",
    );
    expect(() =>
      new DataLoader(draws(20), { batchSize: 3, numWorkers: 2 }).setState({ ...state, position: 1 }),
    ).toThrow("has numWorkers 1; the loader has 2.");
    expect(() => new DataLoader(draws(20), { batchSize: 3 }).setState({ ...state, position: 8 })).toThrow(
      "A state's position is from 0 to 7 batches; got 8.",
    );
    const middle = { ...state, position: 1, workers: [Buffer.from(new Generator(1).getState()).toString("base64")] };
    expect(() => new DataLoader(draws(20), { batchSize: 3, shuffle: true }).setState(middle)).toThrow(
      "This loader's state has its samples in sequence; the loader has them shuffled.",
    );
    expect(() => new DataLoader(draws(20), { batchSize: 3 }).setState({ ...middle, workers: [] })).toThrow(
      "This loader's state is of 0 workers; the loader has 1.",
    );
    const order = { indices: Buffer.from(Int32Array.of(1, 2, 99).buffer).toString("base64") };
    const own = new DataLoader(draws(20), { batchSize: 3, sampler: new SubsetRandomSampler([...Array(20).keys()]) });
    expect(() => own.setState({ ...middle, order })).toThrow(
      "This loader's state has an order of 3 samples that does not fit the data set.",
    );
  });
});

describe("what goes wrong is named", () => {
  const image = (shape: number[], dtype: "uint8" | "float32" = "float32"): TensorData =>
    dtype === "uint8"
      ? { dtype, shape, data: new Uint8Array(shape.reduce((a, b) => a * b)) }
      : { dtype, shape, data: new Float32Array(shape.reduce((a, b) => a * b)) };
  const dataset = (get: (i: number) => unknown): Dataset => ({ length: 10, get: get as () => LabelledSample });

  test.each<[string, Dataset, string]>([
    [
      "a failing sample",
      dataset((i) => (i === 4 ? (null?.[i] ?? fail("no such thing")) : [image([2]), 0])),
      "Sample 4 could not be made: no such thing",
    ],
    [
      "another shape",
      dataset((i) => [image(i === 5 ? [3, 2] : [2, 2]), 0]),
      "Sample 5 cannot go into a batch: it is float32 [3, 2], and the batch's first, sample 4, is float32 [2, 2].",
    ],
    [
      "another type",
      dataset((i) => [image([2], i === 1 ? "uint8" : "float32"), 0]),
      "Sample 1 cannot go into a batch: it is uint8 [2], and the batch's first, sample 0, is float32 [2].",
    ],
    [
      "no pair",
      dataset((i) => (i === 2 ? 7 : [image([2]), 0])),
      "Sample 2 cannot go into a batch: it is not a pair [data, label]; give the loader a collate.",
    ],
    [
      "a label that is none",
      dataset((i) => [image([2]), i === 3 ? Number.NaN : 0]),
      "Sample 3 cannot go into a batch: its label is NaN, not a whole number.",
    ],
    [
      "fewer values than the shape says",
      dataset((i) => [{ ...image([2, 2]), data: new Float32Array(i === 1 ? 3 : 4) }, 0]),
      "Sample 1 cannot go into a batch: its data has 3 values, and its shape [2, 2] needs 4.",
    ],
    [
      "a shape alone",
      dataset(() => [{ dtype: "float32", shape: [2, 2] }, 0]),
      "Sample 0 cannot go into a batch: its data has no values, and its shape [2, 2] needs 4.",
    ],
    [
      "no array",
      dataset(() => [[1, 2], 0]),
      "Sample 0 cannot go into a batch: its data is object; a batch is of float32, int32, uint8, bool.",
    ],
  ])("%s", async (_, data, message) => {
    const failure = await epoch(new DataLoader(data, { batchSize: 4 })).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(DataError);
    expect((failure as Error).message).toContain(message);
  });

  test("a sample that fails in a worker, with its index in the data set", async () => {
    const subset = new Subset(draws(30, new Compose([new RandomCrop(1), new ToTensor(), new ToTensor()])), [29, 28]);
    const failure = await epoch(new DataLoader(subset, { batchSize: 2, numWorkers: 1 })).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(DataError);
    expect(failure).toMatchObject({ code: "sample", index: 0 });
    expect((failure as Error).message).toMatch(
      /^Sample 0 could not be made: ToTensor takes an image.*got float32 \[1, 1, 1\]/,
    );
    expect(((failure as Error).cause as Error).stack).toContain("tensor.ts");
  });

  test("a worker that cannot help", () => {
    const own: Transform = { apply: (data) => data };
    expect(() => new DataLoader(draws(3, own), { numWorkers: 1 })).toThrow(
      "Batches cannot be prepared by 1 workers: the data set, or a transform of it, is known to this thread only",
    );
    expect(new DataLoader(draws(3, own)).numWorkers).toBe(0);
    expect(() => new DataLoader(draws(3), { numWorkers: 1, collate: (): LabelledBatch => fail("unused") })).toThrow(
      "collate is a function of this thread",
    );
  });

  test.each<[DataLoaderOptions, string]>([
    [{ batchSize: 0 }, "A DataLoader's batchSize is a whole number of at least 1; got 0."],
    [{ batchSize: 2.5 }, "got 2.5."],
    [{ numWorkers: -1 }, "A DataLoader's numWorkers is a whole number of at least 0; got -1."],
    [{ prefetchFactor: Number.NaN }, "A DataLoader's prefetchFactor is a whole number of at least 1; got NaN."],
    [
      { shuffle: true, sampler: new SubsetRandomSampler([1]) },
      "A DataLoader takes shuffle or a sampler, which decides the order by itself; got both.",
    ],
  ])("%o", (options, message) => {
    expect(() => new DataLoader(draws(3), options)).toThrow(message);
  });
});

function fail(message: string): never {
  throw new Error(message);
}
