/** One pass over a loader's samples. */
import * as tf from "@tensorflow/tfjs-core";
import { found } from "../../arguments/found.ts";
import { defaultGenerator, Generator } from "../../random/index.ts";
import type { Dataset, Shipment } from "../dataset.ts";
import { describedBy } from "../description.ts";
import type { LabelledSample } from "../sample.ts";
import type { BatchTransform } from "../transforms/batch-transform.ts";
import { type RawBatch, stack } from "./collate.ts";
import { DistributedSampler } from "./distributed-sampler.ts";
import { type LoaderWorker, loaderWorkers, type PreparedBatch } from "./pool.ts";
import { sampleError } from "./prepare.ts";
import { RandomSampler, randomSeed, type Sampler, SequentialSampler } from "./sampler.ts";

/** What stays the same in all epochs of a loader. */
export interface EpochPlan<Sample, Batch> {
  readonly dataset: Dataset<Sample>;
  readonly batchSize: number;
  readonly dropLast: boolean;
  readonly numWorkers: number;
  readonly prefetchFactor: number;
  readonly batchTransform: BatchTransform | undefined;
  readonly collate: ((samples: Sample[]) => Batch) | undefined;
}

/** Where an epoch begins: at its first batch, or with what a saved state tells. */
export interface EpochStart {
  readonly position: number;
  /** State of the generator from which the order is drawn. */
  readonly generator?: Uint8Array;
  /** The order itself. */
  readonly indices?: Int32Array | undefined;
  /** States of the workers' generators. */
  readonly workers?: readonly Uint8Array[];
}

/** How far an epoch has come. */
export interface EpochProgress {
  readonly position: number;
  readonly order: { readonly generator: string } | { readonly indices: string } | null;
  readonly workers: readonly Uint8Array[];
}

let sessions = 0;

export class Epoch<Sample, Batch> implements AsyncIterableIterator<Batch> {
  readonly #plan: EpochPlan<Sample, Batch>;
  readonly #sampler: Sampler;
  readonly #order: Int32Array;
  /** State of the generator before it drew the order, where one did. */
  readonly #orderState: Uint8Array | undefined;
  readonly #batches: number;
  readonly #workers: readonly LoaderWorker[];
  readonly #workerStates: Uint8Array[];
  readonly #shipment: Shipment | undefined;
  readonly #session = sessions++;
  /** Batches that workers were asked for and that nobody took yet, in order. */
  readonly #ahead: Promise<PreparedBatch>[] = [];
  #position: number;
  #asked: number;
  #ended = false;
  /** Whether the epoch came to its end, and was not broken off. */
  #exhausted = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(plan: EpochPlan<Sample, Batch>, sampler: Sampler, generator: Generator, start: EpochStart) {
    const { batchSize, dropLast, numWorkers } = plan;
    this.#plan = plan;
    this.#sampler = sampler;
    this.#position = start.position;
    this.#asked = start.position;
    const resumed = start.position > 0;
    // PyTorch's order of draws: the workers' seed first, then the sampler's.
    const seed = resumed ? 0n : randomSeed(generator);
    const [order, orderState] = resumed ? resumeOrder(sampler, start) : drawOrder(sampler);
    this.#order = order;
    this.#orderState = orderState;
    this.#batches = dropLast ? Math.floor(order.length / batchSize) : Math.ceil(order.length / batchSize);
    this.#shipment = numWorkers > 0 ? describedBy(plan.dataset, "shipment") : undefined;
    this.#workers = this.#shipment === undefined ? [] : loaderWorkers(numWorkers);
    // Ranks that are seeded alike are not to augment their images alike: their workers count on, as those of one process do.
    const before = sampler instanceof DistributedSampler ? sampler.rank * numWorkers : 0;
    this.#workerStates = this.#workers.map(
      (_, i) => start.workers?.[i] ?? new Generator(BigInt.asUintN(64, seed + BigInt(before + i))).getState(),
    );
    const batchTransform = describedBy(plan.batchTransform, "toSpec");
    for (const [i, worker] of this.#workers.entries()) {
      const { source } = found(this.#shipment, "The shipment");
      const random = found(this.#workerStates[i], "The state of a worker's generator");
      worker.open({ session: this.#session, source, batchTransform, random });
    }
    this.#askAhead();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Batch, undefined>> {
    // One after the other, even if somebody asks for the next before the last has come.
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Breaks the epoch off: what workers prepared ahead is dropped. */
  async return(): Promise<IteratorResult<Batch, undefined>> {
    this.#end();
    return { done: true, value: undefined };
  }

  /** How far this epoch has come; undefined when it is over. */
  progress(): EpochProgress | undefined {
    if (this.#exhausted) {
      return undefined;
    }
    const base64 = (bytes: Uint8Array | Int32Array): string =>
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
    const order =
      this.#orderState !== undefined
        ? { generator: base64(this.#orderState) }
        : this.#sampler instanceof SequentialSampler
          ? null
          : { indices: base64(this.#order) };
    return { position: this.#position, order, workers: [...this.#workerStates] };
  }

  async #next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#ended) {
      return { done: true, value: undefined };
    }
    if (this.#position >= this.#batches) {
      this.#end();
      this.#exhausted = true;
      if (this.#sampler instanceof RandomSampler) {
        this.#sampler.finish();
      }
      return { done: true, value: undefined };
    }
    try {
      const value = this.#workers.length > 0 ? await this.#take() : await this.#make();
      this.#position++;
      return { done: false, value };
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** Takes the next batch from the workers. */
  async #take(): Promise<Batch> {
    const which = this.#position % this.#workers.length;
    const worker = found(this.#workers[which], "A worker");
    const { batch, state } = await worker.wait(found(this.#ahead.shift(), "The batch that was asked for"));
    this.#workerStates[which] = state;
    this.#askAhead();
    return toTensors(batch) as Batch;
  }

  /** Makes the next batch on this thread. */
  async #make(): Promise<Batch> {
    const { dataset, collate, batchTransform } = this.#plan;
    const indices = this.#indices(this.#position);
    const samples: Sample[] = [];
    for (const index of indices) {
      try {
        const sample = dataset.get(index);
        samples.push(sample instanceof Promise ? await sample : sample);
      } catch (error) {
        throw sampleError(index, error);
      }
    }
    if (collate !== undefined) {
      return collate(samples);
    }
    const batch = stack(samples as LabelledSample[], indices);
    return toTensors(batchTransform === undefined ? batch : batchTransform.apply(batch, defaultGenerator)) as Batch;
  }

  #askAhead(): void {
    const limit = Math.min(this.#batches, this.#position + 1 + this.#workers.length * this.#plan.prefetchFactor);
    if (this.#workers.length === 0 || this.#ended) {
      return;
    }
    for (; this.#asked < limit; this.#asked++) {
      const indices = this.#indices(this.#asked);
      const sourceIndices = Float64Array.from(indices, found(this.#shipment, "The shipment").indexOf);
      const worker = found(this.#workers[this.#asked % this.#workers.length], "A worker");
      this.#ahead.push(worker.request(this.#session, indices, sourceIndices));
    }
  }

  /** The indices of a batch. */
  #indices(batch: number): Int32Array {
    const { batchSize } = this.#plan;
    return this.#order.slice(batch * batchSize, (batch + 1) * batchSize);
  }

  #end(): void {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    this.#ahead.length = 0;
    for (const worker of this.#workers) {
      worker.close(this.#session);
    }
  }
}

function drawOrder(sampler: Sampler): [order: Int32Array, state: Uint8Array | undefined] {
  if (sampler instanceof RandomSampler) {
    const generator = sampler.epochGenerator();
    const state = generator.getState();
    return [sampler.sampleFrom(generator), state];
  }
  return [Int32Array.from(sampler.sample()), undefined];
}

function resumeOrder(sampler: Sampler, start: EpochStart): [order: Int32Array, state: Uint8Array | undefined] {
  if (start.generator !== undefined && sampler instanceof RandomSampler) {
    return [sampler.sampleFrom(new Generator(0).setState(start.generator)), start.generator];
  }
  return [start.indices ?? Int32Array.from(sampler.sample()), undefined];
}

function toTensors({ dtype, shape, data, labels, labelShape }: RawBatch): [tf.Tensor, tf.Tensor] {
  const values = dtype === "uint8" ? Int32Array.from(data) : data;
  const type = dtype === "uint8" ? "int32" : dtype;
  return [
    tf.tensor(values, [...shape], type),
    tf.tensor(labels, [...labelShape], labels instanceof Int32Array ? "int32" : "float32"),
  ];
}
