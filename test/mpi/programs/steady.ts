/** Trains a thousand steps and then waits, and reports what memory and processor that took. Arguments: where reports go: FILE.RANK. */
import { writeFileSync } from "node:fs";
import { mpi } from "@convbook/mpi";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../../lib/convbook/backend/index.ts";
import { ArrayDataset, DataLoader } from "../../../lib/convbook/data/index.ts";
import * as nn from "../../../lib/convbook/nn/index.ts";
import { Generator, randint, randn } from "../../../lib/convbook/random/index.ts";
import {
  Callback,
  type ClassificationBatch,
  SGD,
  Trainer,
  TrainingModule,
} from "../../../lib/convbook/training/index.ts";
import { quiet } from "../../../lib/convbook/training/testing/quiet.ts";

const [reportFile = ""] = process.argv.slice(2);

class Net extends TrainingModule<ClassificationBatch> {
  readonly net = this.registerModule(
    "net",
    new nn.Sequential(
      new nn.Conv2d(3, 8, { kernelSize: 3, padding: 1 }),
      new nn.BatchNorm2d(8),
      new nn.ReLU(),
      new nn.AdaptiveAvgPool2d(1),
      new nn.Flatten(),
      new nn.Linear(8, 4),
    ),
  );
  readonly loss = new nn.CrossEntropyLoss();

  forward(x: tf.Tensor): tf.Tensor {
    return this.net.forward(x as tf.Tensor4D);
  }

  trainingStep([images, labels]: ClassificationBatch): tf.Tensor {
    const loss = this.loss.forward(this.forward(images), labels);
    this.log("train_loss", loss, { onStep: true, onEpoch: true });
    return loss;
  }

  override validationStep([images, labels]: ClassificationBatch): void {
    this.log("val_loss", this.loss.forward(this.forward(images), labels));
  }

  configureOptimizers() {
    return new SGD(this.parameters(), { lr: 0.01, momentum: 0.9 });
  }
}

/** Tensors, their bytes, and the process's memory after some batches. */
class Watch extends Callback {
  readonly seen: { readonly step: number; readonly tensors: number; readonly bytes: number; readonly rss: number }[] =
    [];
  override onTrainBatchEnd({ progress }: Trainer): void {
    if (progress.totalBatch % 100 === 0) {
      const { numTensors: tensors, numBytes: bytes } = tf.memory();
      this.seen.push({ step: progress.totalBatch, tensors, bytes, rss: process.memoryUsage().rss });
    }
  }
}

await selectBackend({ announce: false });
const generator = new Generator(5);
const dataset = (count: number) =>
  new ArrayDataset(
    randn([count, 6, 6, 3], { generator }).data,
    [6, 6, 3],
    Int32Array.from<number | bigint>(randint(0, 4, [count], { generator }).data, Number),
    { transform: null },
  );
const watch = new Watch();
const trainer = new Trainer({
  ...quiet,
  maxSteps: 1000,
  callbacks: [watch],
  // In several buckets, and compared now and then.
  strategy: { name: "ddp", bucketSizeMb: 0.0005, checkEveryNSteps: 100 },
});
await trainer.fit(
  new Net(),
  new DataLoader(dataset(800), { batchSize: 4, numWorkers: 0, shuffle: true }),
  new DataLoader(dataset(9), { batchSize: 4, numWorkers: 0 }),
);

/**
 * Milliseconds of a processor that this process uses between two of its sleeps, while it waits for the last rank, which
 * sleeps. One that spins never sleeps; one that looks now and then sleeps thousands of times, on a busy machine too.
 */
async function busyBetweenSleeps(wait: () => unknown): Promise<number> {
  await world.barrier();
  const before = process.resourceUsage();
  if (world.rank === world.size - 1) {
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
  await wait();
  const after = process.resourceUsage();
  const busy = after.userCPUTime + after.systemCPUTime - before.userCPUTime - before.systemCPUTime;
  return busy / 1000 / (after.voluntaryContextSwitches - before.voluntaryContextSwitches);
}

const world = mpi.init();
const array = new Float32Array(1000);
const waits = {
  promised: await busyBetweenSleeps(() => world.allreduce(array)),
  held: await busyBetweenSleeps(() => world.allreduceSync(array)),
};
writeFileSync(`${reportFile}.${world.rank}`, JSON.stringify({ seen: watch.seen, waits }));
