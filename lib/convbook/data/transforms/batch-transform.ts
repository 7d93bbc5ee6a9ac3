/** Changes of whole batches: mixing images with each other. */
import type { Generator } from "../../random/index.ts";
import type { RawBatch } from "../loader/collate.ts";

/** A batch transform as data, from which a worker builds it anew. */
export interface BatchTransformSpec {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Changes a batch after its samples were put together. May work in place: nobody else holds the batch. */
export interface BatchTransform {
  apply(batch: RawBatch, generator: Generator): RawBatch;
  /** How to build it on another thread; without it, batches are made on the main thread. */
  toSpec?(): BatchTransformSpec | undefined;
}
