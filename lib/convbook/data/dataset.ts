/** Map-style data sets: a length and a sample for every index, as in `torch.utils.data`. */

import { checkList } from "../arguments/check.ts";
import { describeValue } from "../arguments/describe.ts";
import { found } from "../arguments/found.ts";
import { OptionError } from "../arguments/option-error.ts";
import { describedBy } from "./description.ts";
import type { LabelledSample } from "./sample.ts";
import type { SourceSpec } from "./sources/source.ts";

/** How a data set's samples can be made on another thread. */
export interface Shipment {
  /** What the other thread builds the samples from; structured-cloneable, big arrays in shared memory. */
  readonly source: SourceSpec;
  /** The index in that source of the data set's sample `index`. */
  readonly indexOf: (index: number) => number;
}

/** A data set whose samples are had by index, in any order and as often as one likes. */
export interface Dataset<Sample = LabelledSample> {
  /** Number of samples. */
  readonly length: number;
  /**
   * The sample at `index`.
   * @throws {RangeError} unless 0 <= index < length
   */
  get(index: number): Sample | Promise<Sample>;
  /**
   * How a {@link DataLoader} lets worker threads make the samples. Without it, or where it gives undefined, samples are
   * made on the main thread.
   */
  shipment?(): Shipment | undefined;
}

/**
 * Refuses what is no data set.
 *
 * @param owner what was given it
 * @param dataset what should have `length` and `get`
 * @param argument the argument's name
 * @throws {OptionError} naming it
 */
export function checkDataset(owner: string, dataset: Dataset<unknown>, argument = "dataset"): void {
  if (typeof dataset?.get !== "function" || !Number.isInteger(dataset.length) || dataset.length < 0) {
    throw new OptionError(owner, argument, dataset, "a data set: an object with length and get(index)");
  }
}

/** @throws {RangeError} unless index is an integer from 0 to length - 1 */
export function checkIndex(name: string, index: number | undefined, length: number): void {
  if (index !== undefined && Number.isInteger(index) && index >= 0 && index < length) {
    return;
  }
  const range = length === 0 ? "it is empty" : `indices go from 0 to ${length - 1}`;
  throw new RangeError(`${name} has no sample ${describeValue(index)}: ${range}.`);
}

/** Some samples of another data set, by their indices there. */
export class Subset<Sample> implements Dataset<Sample> {
  readonly dataset: Dataset<Sample>;
  readonly indices: Int32Array;

  /**
   * @param dataset the data set to choose from
   * @param indices which samples, in order; an index may occur more than once
   * @throws {RangeError} on an index that the data set does not have
   */
  constructor(dataset: Dataset<Sample>, indices: ArrayLike<number>) {
    checkDataset("Subset", dataset);
    checkList("Subset", "indices", indices, "a list of whole numbers");
    for (let i = 0; i < indices.length; i++) {
      checkIndex("The data set of a Subset", indices[i], dataset.length);
    }
    this.dataset = dataset;
    this.indices = Int32Array.from(indices);
  }

  get length(): number {
    return this.indices.length;
  }

  get(index: number): Sample | Promise<Sample> {
    checkIndex("Subset", index, this.length);
    return this.dataset.get(this.indices[index] ?? 0);
  }

  shipment(): Shipment | undefined {
    const inner = describedBy(this.dataset, "shipment");
    if (inner === undefined) {
      return undefined;
    }
    return { source: inner.source, indexOf: (index) => inner.indexOf(this.indices[index] ?? 0) };
  }
}

/** Several data sets, one after the other. */
export class ConcatDataset<Sample> implements Dataset<Sample> {
  readonly datasets: readonly Dataset<Sample>[];
  /** Where each data set ends, in this one's indices. */
  readonly #ends: readonly number[];

  /** @throws {RangeError} when there is no data set */
  constructor(datasets: readonly Dataset<Sample>[]) {
    checkList("ConcatDataset", "datasets", datasets, "a list of data sets");
    for (const [i, dataset] of datasets.entries()) {
      checkDataset("ConcatDataset", dataset, `datasets[${i}]`);
    }
    if (datasets.length === 0) {
      throw new RangeError("ConcatDataset needs at least one data set; got none.");
    }
    this.datasets = [...datasets];
    let end = 0;
    this.#ends = datasets.map((dataset) => {
      end += dataset.length;
      return end;
    });
  }

  get length(): number {
    return this.#ends.at(-1) ?? 0;
  }

  get(index: number): Sample | Promise<Sample> {
    checkIndex("ConcatDataset", index, this.length);
    const [part, inner] = this.#locate(index);
    return found(this.datasets[part], "A part of the ConcatDataset").get(inner);
  }

  shipment(): Shipment | undefined {
    const parts = this.datasets.map((dataset) => describedBy(dataset, "shipment"));
    if (!parts.every((part) => part !== undefined)) {
      return undefined;
    }
    // A part is known to the other thread by its remainder: index = inner * parts + part.
    return {
      source: { kind: "concat", parts: parts.map((part) => part.source) },
      indexOf: (index) => {
        const [part, inner] = this.#locate(index);
        return found(parts[part], "A part of the ConcatDataset").indexOf(inner) * parts.length + part;
      },
    };
  }

  #locate(index: number): [part: number, inner: number] {
    const part = this.#ends.findIndex((end) => index < end);
    return [part, index - (this.#ends[part - 1] ?? 0)];
  }
}
