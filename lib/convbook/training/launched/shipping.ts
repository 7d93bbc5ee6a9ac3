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

type NumberView = Uint8Array | Float32Array | Float64Array | Int32Array;

/** Memory that is shared by threads does not go into a file; and what comes out of one is shared again. */
function ownMemory(view: NumberView): NumberView {
  return view.buffer instanceof SharedArrayBuffer ? view.slice() : view;
}

function sharedMemory(view: NumberView): NumberView {
  const bytes = new Uint8Array(new SharedArrayBuffer(view.byteLength));
  bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  const Kind = view.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => NumberView;
  return new Kind(bytes.buffer, 0, view.length);
}

/** The same value with other arrays of numbers in it. */
function withArrays<T>(value: T, change: (view: NumberView) => NumberView): T {
  const visit = (each: unknown): unknown => {
    if (ArrayBuffer.isView(each)) {
      return change(each as NumberView);
    }
    if (Array.isArray(each)) {
      return each.map(visit);
    }
    return typeof each === "object" && each !== null
      ? Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, visit(inner)]))
      : each;
  };
  return visit(value) as T;
}
