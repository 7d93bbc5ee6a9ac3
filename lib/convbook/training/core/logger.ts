/** Where metrics go. Any client of a tracking service fits this interface in a few lines. */
import type { ImageLike } from "../../display/index.ts";
import type { Metrics } from "../logging/results.ts";
import type { HyperParameters } from "./json.ts";
import type { AnyTrainingModule } from "./training-module.ts";

/**
 * What the trainer needs of a logger.
 *
 * @example
 * // MLflow over its REST interface, for a run that was created before:
 * class MLflowLogger implements Logger {
 *   readonly name = "cifar10";
 *   constructor(readonly address: string, readonly version: string) {}
 *   private post(what: string, body: object) {
 *     const url = `${this.address}/api/2.0/mlflow/runs/${what}`;
 *     return fetch(url, { method: "POST", body: JSON.stringify({ run_id: this.version, ...body }) });
 *   }
 *   async logMetrics(metrics: Metrics, step: number) {
 *     const list = Object.entries(metrics).map(([key, value]) => ({ key, value, step, timestamp: Date.now() }));
 *     await this.post("log-batch", { metrics: list });
 *   }
 * }
 */
export interface Logger {
  /** Name of the experiment, part of the checkpoints' folder. */
  readonly name: string;
  /** Version of the run within the experiment. */
  readonly version: string;
  /** The folder of all experiments; loggers that write no files leave it out. */
  readonly rootDir?: string;
  /** The folder of this run. */
  readonly logDir?: string;
  /**
   * Records metrics.
   *
   * @param metrics by name; `epoch` is always among them
   * @param step the optimizer's steps before this one
   */
  logMetrics(metrics: Metrics, step: number): void | Promise<void>;
  /** Records the hyper-parameters, once, before the first step. */
  logHyperparams?(hparams: HyperParameters): void | Promise<void>;
  /** Records the structure of the model, which its `exampleInput` shows. */
  logGraph?(module: AnyTrainingModule): void | Promise<void>;
  /** Records a distribution of values: what `logHistogram` of a module or the Trainer was given. */
  logHistogram?(name: string, values: Float32Array, step: number): void | Promise<void>;
  /** Records an image, as `logImage` was given it; what was a tensor has `shape` and `data`. */
  logImage?(name: string, image: ImageLike, step: number): void | Promise<void>;
  /** Makes sure that everything so far is on disk or sent. */
  save?(): void | Promise<void>;
  /** Called at the end, also after a failure or an interruption. */
  finalize?(status: "success" | "interrupted" | "failed"): void | Promise<void>;
}
