/** DataLoaders as data, so that other processes make the same ones: what worker threads are told, and the loader's own numbers. */

import { describedBy } from "../../data/description.ts";
import { DataLoader, type Dataset, type Shipment } from "../../data/index.ts";
import { RandomSampler, SequentialSampler } from "../../data/loader/sampler.ts";
import { openSource, type SourceSpec } from "../../data/sources/source.ts";
import type { BatchTransformSpec } from "../../data/transforms/batch-transform.ts";
import { batchTransformFromSpec } from "../../data/transforms/registry.ts";
import { defaultGenerator } from "../../random/index.ts";
import type { Loader } from "../loaders.ts";

/** What another process makes a loader of. */
export interface ShippedLoader {
  readonly source: SourceSpec;
  /** Of each sample its index in the source. */
  readonly indices: Float64Array;
  readonly shuffle: boolean;
  readonly batchSize: number;
  readonly dropLast: boolean;
  readonly numWorkers: number;
  readonly batchTransform: BatchTransformSpec | undefined;
}

/** A loader as data, or in a clause why it cannot be had so. */
export function shipLoader(loader: Loader): ShippedLoader | string {
  if (!(loader instanceof DataLoader)) {
    return "it is none of this library's DataLoaders";
  }
  const { sampler, batchSize, dropLast, numWorkers, options } = loader;
  if (options.collate !== undefined) {
    return "its collate is a function of the notebook's";
  }
  if (!(sampler instanceof RandomSampler || sampler instanceof SequentialSampler)) {
    return "it has a sampler of its own";
  }
  const batchTransform = describedBy(options.batchTransform, "toSpec");
  if (options.batchTransform !== undefined && batchTransform === undefined) {
    return "its batchTransform is one of the notebook's";
  }
  const dataset: Dataset<unknown> = loader.dataset;
  const shipment = describedBy(dataset, "shipment");
  if (shipment === undefined) {
    return "its data set, or a transform of it, cannot be used outside of the notebook";
  }
  return {
    source: withArrays(shipment.source, ownMemory),
    indices: Float64Array.from({ length: dataset.length }, (_, i) => shipment.indexOf(i)),
    shuffle: sampler instanceof RandomSampler,
    batchSize,
    dropLast,
    numWorkers,
    batchTransform,
  };
}

/** Makes the loader that another process shipped. */
export function openLoader(shipped: ShippedLoader): Loader {
  const { indices, shuffle, batchSize, dropLast, numWorkers, batchTransform } = shipped;
  const source = withArrays(shipped.source, sharedMemory);
  const sample = openSource(source);
  const indexOf = (index: number) => indices[index] ?? 0;
  const dataset = {
    length: indices.length,
    get: (index: number) => sample(indexOf(index), defaultGenerator),
    shipment: (): Shipment => ({ source, indexOf }),
  };
  return new DataLoader(dataset, {
    shuffle,
    batchSize,
    dropLast,
    numWorkers,
    ...(batchTransform && { batchTransform: batchTransformFromSpec(batchTransform) }),
  });
}

/** Memory that is shared by threads does not go into a file; and what comes out of one is shared again. */
function ownMemory(view: NumberView): NumberView {
  return view.buffer instanceof SharedArrayBuffer ? view.slice() : view;
}

function sharedMemory(view: NumberView): NumberView {
  const memory = new SharedArrayBuffer(view.byteLength);
  new Uint8Array(memory).set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  if (view instanceof Float32Array) {
    return new Float32Array(memory);
  }
  return view instanceof Int32Array ? new Int32Array(memory) : new Uint8Array(memory);
}

type NumberView = Uint8Array | Float32Array | Int32Array;
const isNumbers = (value: unknown): value is NumberView =>
  value instanceof Uint8Array || value instanceof Float32Array || value instanceof Int32Array;

/** The same value with other arrays of numbers in it. */
function withArrays<T>(value: T, change: (view: NumberView) => NumberView): T;
function withArrays(value: unknown, change: (view: NumberView) => NumberView): unknown {
  if (isNumbers(value)) {
    return change(value);
  }
  if (Array.isArray(value)) {
    return value.map((each: unknown) => withArrays(each, change));
  }
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value)
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withArrays(inner, change)]))
    : value;
}
