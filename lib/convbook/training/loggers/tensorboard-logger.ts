/** TensorBoard event files: scalars, histograms, images, hyper-parameters and the graph. */
import { join } from "node:path";
import type { ImageLike } from "../../display/index.ts";
import { SummaryWriter } from "../../tensorboard/index.ts";
import type { HyperParameters, Json } from "../core/json.ts";
import type { Logger } from "../core/logger.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { requireSwitches } from "../errors.ts";
import type { Metrics } from "../logging/results.ts";
import type { FileLoggerOptions } from "./csv-logger.ts";
import { checkFileOptions, nextVersion } from "./version.ts";

export interface TensorBoardLoggerOptions extends FileLoggerOptions {
  /** Write the graph of the module, as its `exampleInput` runs through it; default false. */
  logGraph?: boolean;
}

export class TensorBoardLogger implements Logger {
  readonly name: string;
  readonly rootDir: string;
  #version: string | undefined;
  readonly #graph: boolean;
  #open: SummaryWriter | undefined;
  #hparams: HyperParameters | undefined;
  readonly #latest: Metrics = {};

  constructor(options: TensorBoardLoggerOptions = {}) {
    checkFileOptions("TensorBoardLogger", options, ["logGraph"]);
    requireSwitches("TensorBoardLogger", options, ["logGraph"]);
    const { rootDir = process.cwd(), name = "convbook_logs", logGraph = false } = options;
    this.rootDir = rootDir;
    this.name = name;
    this.#version = options.version;
    this.#graph = logGraph;
  }

  /** The run. Its folder is made when somebody asks for it first: of several processes that make a logger only rank 0, which logs, takes a number. */
  get version(): string {
    this.#version ??= nextVersion(join(this.rootDir, this.name));
    return this.#version;
  }

  /** The folder of the run. */
  get logDir(): string {
    return join(this.rootDir, this.name, this.version);
  }

  /** The writer, for anything else that is to be recorded. */
  get experiment(): SummaryWriter {
    this.#open ??= new SummaryWriter(this.logDir);
    return this.#open;
  }

  logHyperparams(hparams: HyperParameters): void {
    // Opens the file, so that a folder that cannot be written to shows before the first step.
    this.#open = this.experiment;
    this.#hparams = hparams;
  }

  logGraph(module: AnyTrainingModule): void {
    if (!this.#graph) {
      return;
    }
    const { exampleInput, typeName } = module;
    if (exampleInput === undefined) {
      console.warn(
        `The graph of ${typeName} has no edges, since it has no example input; give it one, as in ` +
          "module.exampleInput = tf.zeros([1, 32, 32, 3]).",
      );
    }
    this.experiment.addGraph(module, exampleInput);
  }

  logMetrics(metrics: Metrics, step: number): void {
    for (const [name, value] of Object.entries(metrics)) {
      this.experiment.addScalar(name, value, step);
    }
    Object.assign(this.#latest, metrics);
  }

  logHistogram(name: string, values: Float32Array, step: number): void {
    this.experiment.addHistogram(name, values, step);
  }

  logImage(name: string, image: ImageLike, step: number): void {
    this.experiment.addImage(name, image, step);
  }

  save(): void {
    this.#open?.flush();
  }

  finalize(status: "success" | "interrupted" | "failed"): void {
    if (this.#open === undefined) {
      return;
    }
    const flat = flatten(this.#hparams ?? {});
    const success = status !== "failed";
    if (Object.keys(flat).length > 0) {
      this.#open.addHparams(flat, finiteOf(this.#latest), { success });
    }
    this.#open.close();
    this.#open = undefined;
  }
}

function finiteOf(metrics: Metrics): Metrics {
  return Object.fromEntries(
    Object.entries(metrics).filter(([name, value]) => name !== "epoch" && Number.isFinite(value)),
  );
}

/** Nested hyper-parameters under dotted names, as TensorBoard's table wants them. */
function flatten(value: HyperParameters, prefix = ""): Record<string, string | number | boolean> {
  const flat: Record<string, string | number | boolean> = {};
  for (const [key, entry] of Object.entries(value)) {
    const name = prefix + key;
    if (typeof entry === "string" || typeof entry === "number" || typeof entry === "boolean") {
      flat[name] = entry;
    } else if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) {
      Object.assign(flat, flatten(entry as Readonly<Record<string, Json>>, `${name}.`));
    } else if (entry !== undefined) {
      flat[name] = JSON.stringify(entry);
    }
  }
  return flat;
}
