/** The loader with the tutorial's augmentation against torchvision's, on CIFAR-10, in turns. Argument: images an epoch (12800). */
import "@tensorflow/tfjs-backend-cpu";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cifar10, DataLoader, Subset, transforms } from "../../lib/convbook/data/index.ts";
import { cacheFolder } from "../../lib/convbook/download/index.ts";
import type { BenchResult } from "./main.ts";

const ROUNDS = 3;

export async function run(args: readonly string[]): Promise<BenchResult> {
  const images = Number(args[0] ?? 12_800);
  const { Compose, Normalize, RandomHorizontalFlip, RandomResizedCrop, ToTensor } = transforms;
  const transform = new Compose([
    new RandomHorizontalFlip(),
    new RandomResizedCrop([32, 32], { scale: [0.8, 1], ratio: [0.9, 1.1] }),
    new ToTensor(),
    new Normalize([0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]),
  ]);
  const dataset = new Subset(
    await cifar10({ transform }),
    Array.from({ length: images }, (_, i) => i),
  );
  const ours = async (numWorkers: number): Promise<number> => {
    const loader = new DataLoader(dataset, { batchSize: 128, shuffle: true, dropLast: true, numWorkers });
    let seen = -1;
    let start = 0;
    for await (const [data, labels] of loader) {
      // The first batch pays for starting the workers, here and there.
      if (seen < 0) start = performance.now();
      seen += seen < 0 ? 1 : data.shape[0];
      data.dispose();
      labels.dispose();
    }
    return (1000 * seen) / (performance.now() - start);
  };
  const decoded = join(cacheFolder(), "cifar10", "decoded-train.bin");
  const script = fileURLToPath(new URL("data.py", import.meta.url));
  const theirs = (numWorkers: number): number =>
    Number(
      execFileSync("/usr/bin/python3", [script, decoded, String(numWorkers), String(images)], { encoding: "utf8" }),
    );

  const rates = new Map<string, number[]>();
  const note = (name: string, rate: number): void => {
    rates.set(name, [...(rates.get(name) ?? []), rate]);
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const numWorkers of [0, 1, 2]) note(`convbook, ${numWorkers} workers`, await ours(numWorkers));
    for (const numWorkers of [0, 2]) note(`torchvision, ${numWorkers} workers`, theirs(numWorkers));
  }
  const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;
  const reference = median(rates.get("torchvision, 2 workers") as number[]);
  const rows = [...rates].map(([name, values]) => ({
    loader: name,
    "images/s": Math.round(median(values)),
    ratio: Number((median(values) / reference).toFixed(2)),
  }));
  return {
    note: `Flip, random resized crop, normalise; batch 128; ${images} images, median of ${ROUNDS}; ratio to torchvision with 2 workers`,
    rows,
  };
}
