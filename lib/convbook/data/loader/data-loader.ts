/** Batches of a data set: `torch.utils.data.DataLoader`, with worker threads in place of worker processes. */

import type * as tf from "@tensorflow/tfjs-core";
import { checkFunction, checkGenerator } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { defaultGenerator, type Generator } from "../../random/index.ts";
import { checkDataset, type Dataset } from "../dataset.ts";
import { describedBy } from "../description.ts";
import { DataError } from "../error.ts";
import type { LabelledSample } from "../sample.ts";
import type { BatchTransform } from "../transforms/batch-transform.ts";
import { Epoch, type EpochPlan, type EpochStart } from "./epoch.ts";
import { RandomSampler, type Sampler, SequentialSampler } from "./sampler.ts";

/**
 * Images [N, height, width, channels] as float32 and class numbers [N] as int32; other arrays and mixed labels have other ranks.
 * Who takes a batch disposes of its tensors.
 */
export type LabelledBatch<Data extends tf.Tensor = tf.Tensor4D, Labels extends tf.Tensor = tf.Tensor1D> = [
  data: Data,
  labels: Labels,
];

export interface DataLoaderOptions<Sample = LabelledSample, Batch = LabelledBatch> {
  /** Samples in a batch. */
  readonly batchSize?: number;
  /** Bring the samples in another random order each epoch. */
  readonly shuffle?: boolean;
  /** Which samples come in which order, in place of `shuffle`. */
  readonly sampler?: Sampler;
  /** What the order and the workers' seeds are drawn from; the default generator where it is left out. */
  readonly generator?: Generator;
  /** Leave out the last batch when it is smaller than the others. */
  readonly dropLast?: boolean;
  /**
   * Threads that prepare batches; 0 prepares them on this thread when they are asked for. Where it is left out: 1 when the data
   * set can be used on another thread, else 0. The numbers that random transforms draw depend on it, as in PyTorch: with 0 they come
   * from the default generator, with n from n generators seeded in turn, so that n in PyTorch and n here give the same batches.
   */
  readonly numWorkers?: number;
  /** Batches that each worker prepares ahead. */
  readonly prefetchFactor?: number;
  /** Changes every batch on the thread that prepared it. */
  readonly batchTransform?: BatchTransform;
  /** Makes a batch of samples, for data sets that do not give [data, label]; runs on this thread. */
  readonly collate?: (samples: Sample[]) => Batch;
}

/** Where a loader stands in its epoch: plain JSON. */
export interface DataLoaderState {
  readonly version: 1;
  /** Batches that were taken in the epoch under way; 0 between epochs. */
  readonly position: number;
  readonly samples: number;
  readonly batchSize: number;
  readonly dropLast: boolean;
  readonly numWorkers: number;
  /** How the epoch's order comes about again: a generator's state, or the order itself; null for 0, 1, 2, … */
  readonly order: { readonly generator: string } | { readonly indices: string } | null;
  /** State of every worker's random numbers after its last batch that was taken. */
  readonly workers: readonly string[];
  /** State of the loader's own generator. */
  readonly generator: string | null;
}

/**
 * Iterates over a data set's batches, an epoch each time:
 *
 * @example
 * const loader = new DataLoader(dataset, { batchSize: 128, shuffle: true });
 * for await (const [images, labels] of loader) {
 *   // ...
 *   images.dispose();
 *   labels.dispose();
 * }
 */
export class DataLoader<Sample = LabelledSample, Batch = LabelledBatch> implements AsyncIterable<Batch> {
  readonly dataset: Dataset<Sample>;
  readonly batchSize: number;
  readonly dropLast: boolean;
  readonly numWorkers: number;
  readonly sampler: Sampler;
  readonly #generator: Generator | undefined;
  readonly #plan: EpochPlan<Sample, Batch>;
  readonly #options: DataLoaderOptions<Sample, Batch>;
  #epoch: Epoch<Sample, Batch> | undefined;
  #resume: DataLoaderState | undefined;

  /**
   * @throws {RangeError} when a number is not as described, or `shuffle` and `sampler` are both given
   * @throws {DataError} when workers are asked for and the data set cannot be used on another thread
   */
  constructor(dataset: Dataset<Sample>, options: DataLoaderOptions<Sample, Batch> = {}) {
    checkDataset("DataLoader", dataset);
    checkOptions(options);
    const { batchSize = 1, shuffle = false, sampler, generator, dropLast = false, prefetchFactor = 2 } = options;
    checkWhole("batchSize", batchSize, 1);
    checkWhole("prefetchFactor", prefetchFactor, 1);
    if (options.numWorkers !== undefined) {
      checkWhole("numWorkers", options.numWorkers, 0);
    }
    if (shuffle && sampler !== undefined) {
      throw new RangeError("A DataLoader takes shuffle or a sampler, which decides the order by itself; got both.");
    }
    this.#options = options;
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
    this.sampler =
      sampler ??
      (shuffle
        ? new RandomSampler(dataset.length, generator === undefined ? {} : { generator })
        : new SequentialSampler(dataset.length));
    this.#generator = generator;
    const obstacle = options.numWorkers === 0 ? undefined : obstacleToWorkers(dataset, options);
    if (obstacle !== undefined && (options.numWorkers ?? 0) > 0) {
      throw new DataError("worker", `Batches cannot be prepared by ${options.numWorkers} workers: ${obstacle}.`);
    }
    this.numWorkers = options.numWorkers ?? (obstacle === undefined ? 1 : 0);
    this.#plan = {
      dataset,
      batchSize,
      dropLast,
      numWorkers: this.numWorkers,
      prefetchFactor,
      batchTransform: options.batchTransform,
      collate: options.collate,
    };
  }

  /** What it was made with. */
  get options(): DataLoaderOptions<Sample, Batch> {
    return this.#options;
  }

  /** Number of batches in an epoch. */
  get length(): number {
    const samples = this.sampler.length;
    return this.dropLast ? Math.floor(samples / this.batchSize) : Math.ceil(samples / this.batchSize);
  }

  /** A loader of the same data set and options, but for some, that brings its samples by another sampler. */
  withSampler(sampler: Sampler, changes: Pick<DataLoaderOptions, "numWorkers"> = {}): DataLoader<Sample, Batch> {
    return new DataLoader(this.dataset, { ...this.#options, ...changes, shuffle: false, sampler });
  }

  /** Tells the sampler the number of the epoch that begins, where it wants to know. The Trainer does. */
  setEpoch(epoch: number): void {
    this.sampler.setEpoch?.(epoch);
  }

  /** Begins an epoch, or goes on with the one that {@link setState} named. */
  [Symbol.asyncIterator](): Epoch<Sample, Batch> {
    const epoch = new Epoch(this.#plan, this.sampler, this.#generator ?? defaultGenerator, this.#start());
    this.#epoch = epoch;
    return epoch;
  }

  /** Where the latest epoch stands: what {@link setState} needs to go on with the next batch. */
  getState(): DataLoaderState {
    const progress = this.#epoch?.progress();
    return {
      version: 1,
      position: progress?.position ?? this.#resume?.position ?? 0,
      samples: this.sampler.length,
      batchSize: this.batchSize,
      dropLast: this.dropLast,
      numWorkers: this.numWorkers,
      order: progress?.order ?? this.#resume?.order ?? null,
      workers: (progress?.workers.map(toBase64) ?? this.#resume?.workers) || [],
      generator: this.#generator === undefined ? null : toBase64(this.#generator.getState()),
    };
  }

  /**
   * Makes the next epoch go on where the state was taken, with the same order and the same random numbers. The default generator,
   * which other things draw from too, is the caller's to restore.
   * @throws {DataError} when the state is of a loader with other samples, batches or workers
   */
  setState(state: DataLoaderState): void {
    const here: Record<string, unknown> = {
      version: 1,
      samples: this.sampler.length,
      batchSize: this.batchSize,
      dropLast: this.dropLast,
    };
    if (state.position > 0) {
      here.numWorkers = this.numWorkers;
    }
    for (const [key, value] of Object.entries(here)) {
      const saved = state[key as keyof DataLoaderState];
      if (saved !== value) {
        throw new DataError(
          "state",
          `This loader's state has ${key} ${String(saved)}; the loader has ${String(value)}.`,
        );
      }
    }
    if (!Number.isInteger(state.position) || state.position < 0 || state.position > this.length) {
      throw new DataError("state", `A state's position is from 0 to ${this.length} batches; got ${state.position}.`);
    }
    if (state.position > 0) {
      this.#checkOrder(state);
    }
    if (state.generator !== null) {
      this.#generator?.setState(fromBase64(state.generator));
    }
    this.#resume = state.position > 0 ? state : undefined;
    this.#epoch = undefined;
  }

  /** A state of the middle of an epoch tells of the order and of every worker, in this loader's way. */
  #checkOrder({ order, workers }: DataLoaderState): void {
    const kind = (of: DataLoaderState["order"]): string =>
      of === null ? "in sequence" : "generator" in of ? "shuffled" : "by a sampler of its own";
    const own =
      this.sampler instanceof RandomSampler
        ? "shuffled"
        : this.sampler instanceof SequentialSampler
          ? "in sequence"
          : "by a sampler of its own";
    if (kind(order) !== own) {
      throw new DataError("state", `This loader's state has its samples ${kind(order)}; the loader has them ${own}.`);
    }
    if (workers.length !== this.numWorkers) {
      throw new DataError(
        "state",
        `This loader's state is of ${workers.length} workers; the loader has ${this.numWorkers}.`,
      );
    }
    if (order === null || !("indices" in order)) {
      return;
    }
    const indices = new Int32Array(fromBase64(order.indices).slice().buffer);
    const wrong = indices.find((index) => index < 0 || index >= this.dataset.length);
    if (indices.length !== this.sampler.length || wrong !== undefined) {
      throw new DataError(
        "state",
        `This loader's state has an order of ${indices.length} samples that does not fit the data set.`,
      );
    }
  }

  #start(): EpochStart {
    const state = this.#resume;
    this.#resume = undefined;
    if (state === undefined) {
      return { position: 0 };
    }
    const { position, order, workers } = state;
    if (order !== null && "generator" in order) {
      return { position, generator: fromBase64(order.generator), workers: workers.map(fromBase64) };
    }
    const indices = order === null ? undefined : new Int32Array(fromBase64(order.indices).slice().buffer);
    return { position, indices, workers: workers.map(fromBase64) };
  }
}

function obstacleToWorkers<Sample, Batch>(
  dataset: Dataset<Sample>,
  { collate, batchTransform }: DataLoaderOptions<Sample, Batch>,
): string | undefined {
  if (collate !== undefined) {
    return "the loader's collate is a function of this thread";
  }
  if (describedBy(dataset, "shipment") === undefined) {
    return "the data set, or a transform of it, is known to this thread only (a transform needs toSpec, a data set shipment, and a subclass of either its own)";
  }
  if (batchTransform !== undefined && describedBy(batchTransform, "toSpec") === undefined) {
    return "the batch transform is known to this thread only (it needs toSpec, and a subclass its own)";
  }
  return undefined;
}

const optionNames: readonly (keyof DataLoaderOptions)[] = [
  "batchSize",
  "shuffle",
  "sampler",
  "generator",
  "dropLast",
  "numWorkers",
  "prefetchFactor",
  "batchTransform",
  "collate",
];

/** Refuses options that there are not, and objects and functions that are none. */
function checkOptions<Sample, Batch>(options: DataLoaderOptions<Sample, Batch>): void {
  refuseUnknownOptions("DataLoader", options, optionNames);
  const { sampler, generator, batchTransform, collate } = options;
  if (sampler !== undefined && typeof sampler?.sample !== "function") {
    throw new OptionError("DataLoader", "sampler", sampler, "a sampler: an object with length and sample()");
  }
  if (generator !== undefined) {
    checkGenerator("DataLoader", generator);
  }
  if (batchTransform !== undefined && typeof batchTransform?.apply !== "function") {
    throw new OptionError(
      "DataLoader",
      "batchTransform",
      batchTransform,
      "a batch transform: an object with apply(batch)",
    );
  }
  if (collate !== undefined) {
    checkFunction("DataLoader", "collate", collate);
  }
}

function checkWhole(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) {
    return;
  }
  throw new RangeError(`A DataLoader's ${name} is a whole number of at least ${least}; got ${value}.`);
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}
