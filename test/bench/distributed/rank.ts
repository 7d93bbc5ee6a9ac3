/**
 * A rank of ours, on request: rank.ts MODEL BATCH THREADS. Each line to rank 0 is JSON, {@link Request}; rank 0 answers with a line of JSON, milliseconds.
 * Started alone it is the one process that ranks are compared with.
 */
import { createInterface } from "node:readline";
import { engine } from "@convbook/engine";
import { Communicator, mpi } from "@convbook/mpi";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../../lib/convbook/backend/index.ts";
import { manualSeed, randn } from "../../../lib/convbook/random/index.ts";
import { Callback, ClassificationModule, type Loader, Trainer } from "../../../lib/convbook/training/index.ts";

/** What is asked: steps with or without sums over the ranks, or allreduces. */
export type Request =
  | { readonly kind: "steps"; readonly count: number; readonly sums: boolean }
  | { readonly kind: "allreduce"; readonly floats: number; readonly count: number };

const models: Readonly<Record<string, object>> = {
  ResNet: { modelName: "ResNet" },
  ResNetPreAct: { modelName: "ResNet", modelHparams: { blockName: "PreActResNetBlock" } },
  GoogleNet: { modelName: "GoogleNet" },
  DenseNet: { modelName: "DenseNet" },
  ResNet18: { modelName: "resnet18" },
};
const [name = "ResNet", batchSize = "64", threads = "1"] = process.argv.slice(2);
const batch = Number(batchSize);
const isOne = mpi.launcher === undefined;
// So the strategy leaves the number of threads alone.
process.env.CONVBOOK_THREADS = threads;
engine.setThreads(Number(threads));

const side = name === "ResNet18" ? 224 : 32;
const images = randn([batch, side, side, 3]).data;
const labels = Int32Array.from({ length: batch }, (_, i) => i % 10);

function ready(count: number): Loader {
  return {
    length: count,
    *[Symbol.iterator]() {
      for (let i = 0; i < count; i++) {
        yield [tf.tensor(images, [batch, side, side, 3]), tf.tensor1d(labels, "int32")];
      }
    },
  };
}

/** When each batch ended. */
class Clock extends Callback {
  readonly ends: number[] = [];
  override onTrainBatchEnd(): void {
    this.ends.push(performance.now());
  }
}

await selectBackend({ announce: false });
manualSeed(0);
const module = new ClassificationModule({
  ...models[name],
  optimizerHparams: { lr: 0.01, momentum: 0.9, weightDecay: 1e-4 },
  schedulerName: null,
} as never);
const { allreduceBucket } = Communicator.prototype;

async function steps(count: number, sums: boolean): Promise<number[]> {
  Communicator.prototype.allreduceBucket = sums ? allreduceBucket : async () => {};
  const clock = new Clock();
  const trainer = new Trainer({
    maxEpochs: 1,
    callbacks: [clock],
    logger: false,
    enableCheckpointing: false,
    enableModelSummary: false,
    enableProgressBar: false,
    // Loaders of one's own are not parted: every rank has all batches, as it should be here.
    useDistributedSampler: false,
    ...(!isOne && { strategy: { name: "ddp", checkEveryNSteps: 0 } as const }),
  });
  try {
    await trainer.fit(module, ready(count + 1) as never);
  } finally {
    Communicator.prototype.allreduceBucket = allreduceBucket;
  }
  return clock.ends.slice(1).map((end, i) => end - (clock.ends[i] ?? end));
}

async function allreduce(floats: number, count: number): Promise<number[]> {
  const world = mpi.init();
  const values = new Float32Array(floats);
  await world.allreduce(values);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    await world.allreduce(values);
  }
  return [(performance.now() - start) / count];
}

const answer = (request: Request) =>
  request.kind === "steps" ? steps(request.count, request.sums) : allreduce(request.floats, request.count);

if (isOne || mpi.launcher?.rank === 0) {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    if (!isOne) {
      await mpi.init().broadcastJson<Request | null>(request);
    }
    process.stdout.write(`${JSON.stringify(await answer(request))}\n`);
  }
  if (!isOne) {
    await mpi.init().broadcastJson<Request | null>(null);
  }
} else {
  for (;;) {
    const request = await mpi.init({ timeout: 3600 }).broadcastJson<Request | null>(null);
    if (request === null) {
      break;
    }
    await answer(request);
  }
}
