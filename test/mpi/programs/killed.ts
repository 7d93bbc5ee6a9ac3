/**
 * Trains, saves every second step, and is killed while it does something of this. Arguments: a folder for checkpoints, epochs, where reports go
 * (FILE.RANK), and the kill as JSON. It goes on from the last checkpoint of the folder.
 */
import { createHash } from "node:crypto";
import { writeFileSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../../lib/convbook/backend/index.ts";
import { ArrayDataset, DataLoader } from "../../../lib/convbook/data/index.ts";
import * as nn from "../../../lib/convbook/nn/index.ts";
import { Generator, manualSeed, randint, randn } from "../../../lib/convbook/random/index.ts";
import {
  Callback,
  type ClassificationBatch,
  ModelCheckpoint,
  SGD,
  Trainer,
  TrainingModule,
} from "../../../lib/convbook/training/index.ts";
import { quiet } from "../../../lib/convbook/training/testing/quiet.ts";

/** Which rank is killed, when it has come so many times to a moment, and how long after that, ms. */
export interface Kill {
  readonly rank: number;
  readonly moment: "start" | "step" | "save" | "evaluation";
  readonly nth: number;
  readonly delay: number;
}

const [folder = "", epochs = "1", reportFile = "", killed = "null"] = process.argv.slice(2);
const kill: Kill | null = JSON.parse(killed);
const rank = process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK ?? "0";

/** Set when the moment has come. A thread of its own waits for it, which kills also while the engine computes. */
const flag = new Int32Array(new SharedArrayBuffer(4));
const isVictim = kill !== null && String(kill.rank) === rank;
if (isVictim) {
  const code = `
    const { workerData: { flag, delay } } = require("node:worker_threads");
    Atomics.wait(flag, 0, 0);
    Atomics.wait(flag, 0, 1, delay);
    process.kill(process.pid, "SIGKILL");`;
  new Worker(code, { eval: true, workerData: { flag, delay: kill.delay } }).unref();
}
let seen = 0;

function reach(moment: Kill["moment"]): void {
  if (!isVictim || moment !== kill.moment || ++seen !== kill.nth) {
    return;
  }
  // Told first: who comes to the end in spite of it was not killed.
  writeSync(1, `@ ${rank} ${process.pid} ${moment}\n`);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
}

writeSync(1, `@ ${rank} ${process.pid} pid\n`);
reach("start");

class Net extends TrainingModule<ClassificationBatch> {
  readonly net = this.registerModule(
    "net",
    new nn.Sequential(
      new nn.Conv2d(3, 32, { kernelSize: 3, padding: 1 }),
      new nn.BatchNorm2d(32),
      new nn.ReLU(),
      new nn.Conv2d(32, 32, { kernelSize: 3, padding: 1 }),
      new nn.AdaptiveAvgPool2d(1),
      new nn.Flatten(),
      new nn.Dropout(0.2),
      new nn.Linear(32, 4),
    ),
  );
  readonly loss = new nn.CrossEntropyLoss();

  forward(x: tf.Tensor): tf.Tensor {
    return this.net.forward(x as tf.Tensor4D);
  }

  trainingStep([images, labels]: ClassificationBatch): tf.Tensor {
    return this.loss.forward(this.forward(images), labels);
  }

  override validationStep([images, labels]: ClassificationBatch): void {
    this.log("val_loss", this.loss.forward(this.forward(images), labels));
  }

  configureOptimizers() {
    return new SGD(this.parameters(), { lr: 0.05, momentum: 0.9 });
  }
}

class Tells extends Callback {
  override setup(): void {
    reach("start");
  }
  override onTrainBatchStart(): void {
    reach("step");
  }
  override onSaveCheckpoint(): void {
    reach("save");
  }
  override onValidationBatchStart(): void {
    reach("evaluation");
  }
}

await selectBackend({ announce: false });
manualSeed(3);
const generator = new Generator(5);
const dataset = (count: number) =>
  new ArrayDataset(
    randn([count, 12, 12, 3], { generator }).data,
    [12, 12, 3],
    Int32Array.from<number | bigint>(randint(0, 4, [count], { generator }).data, Number),
    { transform: null },
  );
const trainer = new Trainer({
  ...quiet,
  enableCheckpointing: true,
  maxEpochs: Number(epochs),
  strategy: { name: "ddp", timeout: 30 },
  callbacks: [new Tells(), new ModelCheckpoint({ dirPath: folder, everyNTrainSteps: 2, saveLast: true })],
});
const module = new Net();
const { status, globalStep } = await trainer.fit(
  module,
  new DataLoader(dataset(48), { batchSize: 4, numWorkers: 0, shuffle: true }),
  new DataLoader(dataset(13), { batchSize: 4, numWorkers: 0 }),
  { ckptPath: "last" },
);
const state = [...module.stateDict()].map(([name, { data }]) => [
  name,
  Array.from<number | bigint, number>(data, Number),
]);
const hash = createHash("sha256").update(JSON.stringify(state)).digest("hex");
writeFileSync(`${reportFile}.${rank}`, JSON.stringify({ status, globalStep, hash }));
