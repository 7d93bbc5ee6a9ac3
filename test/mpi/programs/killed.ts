/**
 * Trains, saves every second step, and tells what it is about to do, so that it can be killed there. Arguments: a folder for checkpoints, epochs, and
 * where reports go: FILE.RANK. It goes on from the last checkpoint of the folder.
 */
import { createHash } from "node:crypto";
import { writeFileSync, writeSync } from "node:fs";
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

const [folder = "", epochs = "1", reportFile = ""] = process.argv.slice(2);
const rank = process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK ?? "0";

/** At once, and as one piece. */
function tell(moment: string): void {
  writeSync(1, `@ ${rank} ${process.pid} ${moment}\n`);
}

tell("start");

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
  override onSanityCheckStart(): void {
    tell("start");
  }
  override onTrainBatchStart(): void {
    tell("step");
  }
  override onSaveCheckpoint(): void {
    tell("save");
  }
  override onValidationBatchStart(): void {
    tell("evaluation");
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
