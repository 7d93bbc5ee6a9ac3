/**
 * Trains slowly enough to be disturbed, on ranks of several machines, and reports: hosts.ts REPORT SECONDS [ckpt-folder]. Rank 0 prints the number of each
 * step; REPORT.RANK tells in the end what the rank has. SECONDS is how long ranks wait for each other.
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mpi } from "@convbook/mpi";
import type * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../../lib/convbook/backend/index.ts";
import { ArrayDataset, DataLoader } from "../../../lib/convbook/data/index.ts";
import * as nn from "../../../lib/convbook/nn/index.ts";
import { Generator, manualSeed, randn } from "../../../lib/convbook/random/index.ts";
import {
  type ClassificationBatch,
  ModelCheckpoint,
  SGD,
  Trainer,
  TrainingModule,
} from "../../../lib/convbook/training/index.ts";

const [report = "", seconds = "30", folder, ckptPath] = process.argv.slice(2);
let prepared = 0;

class Net extends TrainingModule<ClassificationBatch> {
  readonly net = this.registerModule(
    "net",
    new nn.Sequential(new nn.Flatten(), new nn.Linear(48, 512), new nn.ReLU(), new nn.Linear(512, 4)),
  );
  readonly loss = new nn.CrossEntropyLoss();
  forward(images: tf.Tensor): tf.Tensor {
    return this.net.forward(images) as tf.Tensor;
  }
  override prepareData(): void {
    prepared++;
  }
  override async onTrainBatchStart(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 30));
    if (this.trainer.isGlobalZero) {
      console.log(`step ${this.trainer.globalStep} of process ${process.pid}`);
    }
  }
  trainingStep([images, labels]: ClassificationBatch): tf.Tensor {
    return this.loss.forward(this.forward(images), labels);
  }
  configureOptimizers(): SGD {
    return new SGD(this.parameters(), { lr: 0.05, momentum: 0.9 });
  }
}

await selectBackend({ announce: false });
manualSeed(1);
const generator = new Generator(2);
const images = randn([320, 4, 4, 3], { generator }).data as Float32Array;
const labels = Int32Array.from({ length: 320 }, (_, i) => i % 4);
const data = new ArrayDataset(images, [4, 4, 3], labels, { classes: ["a", "b", "c", "d"] });
const module = new Net();
const trainer = new Trainer({
  maxEpochs: 2,
  logger: false,
  enableProgressBar: false,
  enableModelSummary: false,
  strategy: { name: "ddp", timeout: Number(seconds) },
  callbacks: folder === undefined ? [] : [new ModelCheckpoint({ dirPath: folder, saveLast: true })],
  enableCheckpointing: folder !== undefined,
});
const result = await trainer.fit(
  module,
  new DataLoader(data, { batchSize: 4, shuffle: true, numWorkers: 0 }) as never,
  undefined,
  {
    ckptPath,
  },
);
const hash = createHash("sha256");
for (const { data: values } of module.stateDict().values()) {
  hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}
const { node, nodes, localRank } = mpi.init();
const found = { result, hash: hash.digest("hex"), node, nodes, localRank, prepared };
writeFileSync(`${report}.${trainer.globalRank}`, JSON.stringify(found));
process.exitCode = result.status === "interrupted" ? 143 : 0;
