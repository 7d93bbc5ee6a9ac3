/** Writing for TensorBoard as tfjs-node's `tf.node.summaryFileWriter` does. */
import { resolve } from "node:path";
import type * as tf from "@tensorflow/tfjs-core";
import { SummaryWriter } from "../tensorboard/index.ts";

/** Writes numbers over steps into an event file. */
export interface SummaryFileWriter {
  /** @param value a number, or a tensor of one number */
  scalar(name: string, value: tf.Scalar | number, step: number): void;
  /** The distribution of a tensor's values, in TensorBoard's own buckets. */
  histogram(name: string, data: tf.Tensor, step: number): void;
  /** Writes what waits. What waits when the process exits is written, too. */
  flush(): void;
}

/** One writer a folder, as in tfjs-node: two of them would make two files of one run. */
const writers = new Map<string, SummaryFileWriter>();

/**
 * The writer of a folder: a new one at the first call, later the same one, whose settings stay.
 *
 * @param logdir the run's folder; made where it does not exist
 * @param maxQueue after so many records they are written
 * @param flushMillis after so many milliseconds what waits is written
 * @param filenameSuffix added to the event file's name
 * @throws TypeError for an empty folder name; EventFileError where the file cannot be made
 */
export function summaryFileWriter(
  logdir: string,
  maxQueue = 10,
  flushMillis = 120_000,
  filenameSuffix = ".v2",
): SummaryFileWriter {
  if (typeof logdir !== "string" || logdir === "") {
    throw new TypeError(`summaryFileWriter: logdir is ${JSON.stringify(logdir)}, expected the name of a folder.`);
  }
  const folder = resolve(logdir);
  let writer = writers.get(folder);
  if (writer === undefined) {
    writer = makeWriter(new SummaryWriter(logdir, { filenameSuffix, flushSecs: flushMillis / 1000 }), maxQueue);
    writers.set(folder, writer);
  }
  return writer;
}

function makeWriter(writer: SummaryWriter, maxQueue: number): SummaryFileWriter {
  let waiting = 0;
  const count = (): void => {
    if (++waiting >= maxQueue) {
      flush();
    }
  };
  const flush = (): void => {
    waiting = 0;
    writer.flush();
  };
  return {
    scalar(name, value, step) {
      if (typeof value !== "number" && value.size !== 1) {
        throw new RangeError(`scalar: "${name}" has the shape [${value.shape.join(", ")}], expected one number.`);
      }
      writer.addScalar(name, typeof value === "number" ? value : (value.dataSync()[0] ?? Number.NaN), step);
      count();
    },
    histogram(name, data, step) {
      writer.addHistogram(name, data, step);
      count();
    },
    flush,
  };
}
