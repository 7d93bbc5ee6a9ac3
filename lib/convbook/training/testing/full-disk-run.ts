/** A short run that keeps the checkpoint of every step, for {@link file://../full-disk.test.ts}: `node full-disk-run.js FOLDER`. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { loadCheckpointFile } from "../checkpoint-file.ts";
import { ModelCheckpoint, type SaveError, Trainer } from "../index.ts";
import { makeSmall } from "./small.ts";

const [dirPath = ""] = process.argv.slice(2);
await tf.setBackend("cpu");
const { module, train, val } = makeSmall();
const checkpoint = new ModelCheckpoint({
  dirPath,
  everyNTrainSteps: 1,
  saveTopK: -1,
  saveLast: true,
  filename: "{step}",
});
const trainer = new Trainer({
  maxEpochs: 8,
  callbacks: checkpoint,
  logger: false,
  enableProgressBar: false,
  enableModelSummary: false,
});
const error = await trainer.fit(module, train as never, val as never).then(
  () => undefined,
  (reason: SaveError) => reason,
);
const files = readdirSync(dirPath);
for (const file of files.filter((name) => !name.endsWith(".tmp"))) await loadCheckpointFile(join(dirPath, file));
const { name, code, message, path } = error ?? {};
const { bestModelPath, lastModelPath } = checkpoint;
console.log(
  JSON.stringify({ name, code, message, path, files, bestModelPath, lastModelPath, step: trainer.globalStep }),
);
