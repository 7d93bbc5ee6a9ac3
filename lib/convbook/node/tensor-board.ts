/** The callback of `model.fit` that writes for TensorBoard, as tfjs-node's `tf.node.tensorBoard`. */
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { summaryFileWriter } from "./summaries.ts";

export interface TensorBoardCallbackArgs {
  /** Whether losses and metrics are written at the end of every batch, too, or of every epoch only, the default. */
  readonly updateFreq?: "batch" | "epoch";
  /** Every how many epochs the weights' histograms are written; 0, the default: never. */
  readonly histogramFreq?: number;
}

/** What fit adds to its logs that is no metric. */
const notMetrics: ReadonlySet<string> = new Set(["batch", "size", "num_steps"]);

/** Made by {@link tensorBoard}. */
export class TensorBoardCallback extends tf.CustomCallback {
  readonly logdir: string;
  #fitted: tf.LayersModel | undefined;
  #batches = 0;

  constructor(logdir = "./logs", { updateFreq = "epoch", histogramFreq = 0 }: TensorBoardCallbackArgs = {}) {
    super({
      onBatchEnd: async (_batch, logs) => {
        this.#batches++;
        if (updateFreq === "batch") {
          this.#write(logs, "batch_", this.#batches);
        }
      },
      onEpochEnd: async (epoch, logs) => {
        this.#write(logs, "epoch_", epoch + 1);
        if (histogramFreq > 0 && epoch % histogramFreq === 0) {
          this.#writeWeights(epoch);
        }
      },
      onTrainEnd: async () => {
        for (const writer of this.#used) {
          writer.flush();
        }
      },
    });
    if (updateFreq !== "batch" && updateFreq !== "epoch") {
      throw new RangeError(`tensorBoard: updateFreq is ${JSON.stringify(updateFreq)}, expected "batch" or "epoch".`);
    }
    if (!Number.isInteger(histogramFreq) || histogramFreq < 0) {
      throw new RangeError(`tensorBoard: histogramFreq is ${histogramFreq}, expected an integer, at least 0.`);
    }
    this.logdir = logdir;
  }

  readonly #used = new Set<ReturnType<typeof summaryFileWriter>>();

  /** Called by fit. */
  override setModel(model: Parameters<tf.CustomCallback["setModel"]>[0]): void {
    this.#fitted = model as tf.LayersModel;
  }

  /** Validation's metrics go to a run of their own, under the name of training's. */
  #write(logs: tf.Logs | undefined, prefix: string, step: number): void {
    for (const [name, value] of Object.entries(logs ?? {})) {
      if (notMetrics.has(name)) {
        continue;
      }
      const validation = name.startsWith("val_");
      const metric = validation ? name.slice("val_".length) : name;
      this.#writer(validation ? "val" : "train").scalar(`${prefix}${metric}`, value, step);
    }
  }

  #writeWeights(step: number): void {
    for (const weight of this.#fitted?.weights ?? []) {
      this.#writer("train").histogram(weight.name, weight.read(), step);
    }
  }

  #writer(run: "train" | "val"): ReturnType<typeof summaryFileWriter> {
    const writer = summaryFileWriter(join(this.logdir, run));
    this.#used.add(writer);
    return writer;
  }
}

/**
 * A callback for `model.fit` and `model.fitDataset`: losses and metrics as `epoch_NAME` (and `batch_NAME`) in the runs `train` and `val`.
 *
 * @param logdir the folder of both runs
 * @throws RangeError naming an option that is none
 * @example
 * await model.fit(xs, ys, { epochs: 10, validationSplit: 0.2, callbacks: node.tensorBoard("logs/first") });
 */
export function tensorBoard(logdir?: string, args?: TensorBoardCallbackArgs): TensorBoardCallback {
  return new TensorBoardCallback(logdir, args);
}
