/** The loader with the tutorial's and with strong augmentation against torchvision's, on CIFAR-10, in turns. Argument: images (12800). */
import "@tensorflow/tfjs-backend-cpu";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cifar10, DataLoader, Subset, transforms } from "../../lib/convbook/data/index.ts";
import { cacheFolder } from "../../lib/convbook/download/index.ts";
import type { BenchResult } from "./main.ts";
import { median } from "./support/median.ts";
import { hasTorch } from "./support/torch-steps.ts";

const ROUNDS = 3;
const normalize = [
  new transforms.ToTensor(),
  new transforms.Normalize([0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]),
];
const augmentations = {
  tutorial: [
    new transforms.RandomHorizontalFlip(),
    new transforms.RandomResizedCrop([32, 32], { scale: [0.8, 1], ratio: [0.9, 1.1] }),
    ...normalize,
  ],
  strong: [
    new transforms.RandomCrop(32, { padding: 4 }),
    new transforms.RandomHorizontalFlip(),
    new transforms.RandAugment(),
    ...normalize,
    new transforms.RandomErasing(),
  ],
};
type Augmentation = keyof typeof augmentations;

/** What loads CIFAR-10, and how fast. */
export interface LoaderRates {
  /** A loader with the tutorial's augmentation. */
  loader(numWorkers: number): DataLoader;
  /** Images a second of one epoch of ours. */
  ours(augmentation: Augmentation, numWorkers: number): Promise<number>;
  /** Images a second of one epoch of torchvision's; null where it is missing. */
  theirs(augmentation: Augmentation, numWorkers: number): number | null;
}

/** @param images how many of the training images an epoch has */
export async function openLoaderRates(images: number): Promise<LoaderRates> {
  const train = await cifar10();
  const chosen = Array.from({ length: images }, (_, i) => i);
  const loader = (augmentation: Augmentation, numWorkers: number) => {
    const transform = new transforms.Compose(augmentations[augmentation]);
    const dataset = new Subset(train.withTransform(transform), chosen);
    return new DataLoader(dataset, { batchSize: 128, shuffle: true, dropLast: true, numWorkers });
  };
  return {
    loader: (numWorkers) => loader("tutorial", numWorkers),
    async ours(augmentation, numWorkers) {
      let seen = -1;
      let start = 0;
      for await (const [data, labels] of loader(augmentation, numWorkers)) {
        // The first batch pays for starting the workers, here and there.
        if (seen < 0) {
          start = performance.now();
        }
        seen += seen < 0 ? 1 : data.shape[0];
        data.dispose();
        labels.dispose();
      }
      return (1000 * seen) / (performance.now() - start);
    },
    theirs(augmentation, numWorkers) {
      if (!hasTorch()) {
        return null;
      }
      const decoded = join(cacheFolder(), "cifar10", "decoded-train.bin");
      const script = fileURLToPath(new URL("data.py", import.meta.url));
      const args = [script, decoded, String(numWorkers), String(images), augmentation];
      return Number(execFileSync("/usr/bin/python3", args, { encoding: "utf8" }));
    },
  };
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const images = Number(args[0] ?? 12_800);
  const { ours, theirs } = await openLoaderRates(images);
  const rates = new Map<string, number[]>();
  const note = (augmentation: Augmentation, name: string, rate: number | null): void => {
    const key = `${augmentation}, ${name}`;
    if (rate !== null) {
      rates.set(key, [...(rates.get(key) ?? []), rate]);
    }
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const augmentation of ["tutorial", "strong"] as const) {
      for (const n of [0, 1, 2]) {
        note(augmentation, `convbook, ${n} workers`, await ours(augmentation, n));
      }
      for (const n of [0, 2]) {
        note(augmentation, `torchvision, ${n} workers`, theirs(augmentation, n));
      }
    }
  }
  const reference = (name: string) => median(rates.get(`${name.split(",")[0]}, torchvision, 2 workers`) ?? []);
  const rows = [...rates].map(([name, values]) => ({
    loader: name,
    "images/s": Math.round(median(values)),
    ratio: Number((median(values) / reference(name)).toFixed(2)),
  }));
  return {
    note: `Tutorial: flip, resized crop. Strong: crop, flip, RandAugment, erasing. Batch 128; ${images} images, median of ${ROUNDS}; ratio to torchvision with 2 workers`,
    rows,
  };
}
