/** Trains for a step and tells what the rank has of its machine: machine.ts REPORT, into REPORT.RANK. */
import { writeFileSync } from "node:fs";
import { engine } from "@convbook/engine";
import { mpi } from "@convbook/mpi";
import type * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../../lib/convbook/backend/index.ts";
import { ArrayDataset, DataLoader } from "../../../lib/convbook/data/index.ts";
import * as nn from "../../../lib/convbook/nn/index.ts";
import { type ClassificationBatch, SGD, Trainer, TrainingModule } from "../../../lib/convbook/training/index.ts";
import { ownCpus } from "../../../lib/convbook/training/strategies/machine.ts";

const [report = ""] = process.argv.slice(2);
let [prepared, workers, threads] = [0, -1, -1];

class Net extends TrainingModule<ClassificationBatch> {
  readonly net = this.registerModule("net", new nn.Sequential(new nn.Flatten(), new nn.Linear(48, 2)));
  readonly loss = new nn.CrossEntropyLoss();
  forward(images: tf.Tensor): tf.Tensor {
    return this.net.forward(images) as tf.Tensor;
  }
  override prepareData(): void {
    prepared++;
  }
  override onTrainStart(): void {
    const { trainLoader } = this.trainer as Trainer;
    workers = trainLoader instanceof DataLoader ? trainLoader.numWorkers : -1;
    threads = engine.info().threads;
  }
  trainingStep([images, labels]: ClassificationBatch): tf.Tensor {
    return this.loss.forward(this.forward(images), labels);
  }
  configureOptimizers(): SGD {
    return new SGD(this.parameters(), { lr: 0.1 });
  }
}

await selectBackend({ announce: false });
const data = new ArrayDataset(new Float32Array(32 * 48), [4, 4, 3], new Int32Array(32), { classes: ["a", "b"] });
const trainer = new Trainer({
  maxSteps: 1,
  logger: false,
  enableCheckpointing: false,
  enableProgressBar: false,
  enableModelSummary: false,
});
await trainer.fit(new Net(), new DataLoader(data, { batchSize: 4, numWorkers: 3 }) as never);
writeFileSync(
  `${report}.${mpi.launcher?.rank ?? 0}`,
  JSON.stringify({ cpus: ownCpus(), threads, workers, prepared, node: mpi.available ? mpi.init().node : 0 }),
);
