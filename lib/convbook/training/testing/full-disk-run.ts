/**
 * A short run that keeps the checkpoint of every step, for {@link file://../full-disk.test.ts}: `node full-disk-run.js FOLDER`; with `logs` behind it, one that only
 * logs, on a disk that is full already.
 */
import { closeSync, openSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { loadCheckpointFile } from "../checkpointing/checkpoint-file.ts";
import { CSVLogger, ModelCheckpoint, type SaveError, Trainer } from "../index.ts";
import { makeSmall } from "./small.ts";

const [dirPath = "", mode] = process.argv.slice(2);
const onlyLogs = mode === "logs";
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
  callbacks: onlyLogs ? [] : checkpoint,
  enableCheckpointing: !onlyLogs,
  logger: onlyLogs && new CSVLogger({ rootDir: dirPath, flushEvery: 3 }),
  enableProgressBar: false,
  enableModelSummary: false,
});
if (onlyLogs) {
  const filler = openSync(join(dirPath, "filler"), "w");
  try {
    for (;;) {
      writeSync(filler, Buffer.alloc(4096));
    }
  } catch {
    closeSync(filler);
  }
}
const error = await trainer.fit(module, train as never, val as never).then(
  () => undefined,
  (reason: SaveError) => reason,
);
const files = readdirSync(dirPath);
for (const file of files.filter((name) => name.endsWith(".safetensors"))) {
  await loadCheckpointFile(join(dirPath, file));
}
const { name, code, message, path } = error ?? {};
const { bestModelPath, lastModelPath } = checkpoint;
console.log(
  JSON.stringify({ name, code, message, path, files, bestModelPath, lastModelPath, step: trainer.globalStep }),
);
