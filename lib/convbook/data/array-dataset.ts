/** Data sets whose samples lie in memory: all images of CIFAR-10 take 184 MB. */

import { checkList, checkNames, checkText } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { defaultGenerator } from "../random/index.ts";
import type { TensorData } from "../tensor-data.ts";
import { checkIndex, type Dataset, type Shipment } from "./dataset.ts";
import { describedBy } from "./description.ts";
import type { LabelledSample } from "./sample.ts";
import { type ArraySourceSpec, elements, sampleOfArray } from "./sources/array-source.ts";
import { ToTensor } from "./transforms/tensor.ts";
import { checkTransform, type Transform } from "./transforms/transform.ts";

export interface ArrayDatasetOptions {
  /** Names it in messages. */
  readonly name?: string;
  /** The classes' names, by their numbers; numbers where it is left out. */
  readonly classes?: readonly string[];
  /** Applied to a sample each time it is had; for images ToTensor where it is left out, null for none. */
  readonly transform?: Transform | null;
}

/**
 * Samples of one shape with their classes: images as bytes [height, width, channels], or float32 arrays of any shape.
 *
 * @example
 * const data = new ArrayDataset(new Uint8Array(10 * 32 * 32 * 3), [32, 32, 3], new Int32Array(10));
 */
export class ArrayDataset implements Dataset<LabelledSample> {
  readonly name: string;
  readonly classes: readonly string[];
  readonly transform: Transform | null;
  /** The class number of every sample. */
  readonly targets: Int32Array;
  #spec: ArraySourceSpec;

  /**
   * @param values all samples' elements, one sample after the other
   * @param shape shape of one sample
   * @param labels class number of each sample
   * @throws {RangeError} when the sizes do not fit together, or a label is not the number of a class
   */
  constructor(
    values: Uint8Array | Float32Array,
    shape: readonly number[],
    labels: ArrayLike<number>,
    options: ArrayDatasetOptions = {},
  ) {
    refuseUnknownOptions("ArrayDataset", options, ["name", "classes", "transform"]);
    const { name = "ArrayDataset", classes, transform } = options;
    checkText("ArrayDataset", "name", name);
    if (!(values instanceof Uint8Array || values instanceof Float32Array)) {
      throw new OptionError(name, "values", values, "a Uint8Array or a Float32Array");
    }
    checkList(name, "shape", shape, "a list of sizes");
    checkList(name, "labels", labels, "a list of class numbers");
    if (classes !== undefined) {
      checkNames(name, "classes", classes);
    }
    checkTransform(name, transform);
    const size = elements(shape);
    if (!shape.every((side) => Number.isInteger(side) && side > 0)) {
      throw new RangeError(`${name}: a sample's shape is of whole positive sizes; got [${shape.join(", ")}].`);
    }
    if (values.length !== size * labels.length) {
      throw new RangeError(
        `${name}: ${labels.length} labels and samples of [${shape.join(", ")}] need ${size * labels.length} values; got ${values.length}.`,
      );
    }
    this.targets = labels instanceof Int32Array ? labels : Int32Array.from(labels);
    const count = classes?.length ?? 1 + this.targets.reduce((a, b) => Math.max(a, b), -1);
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i];
      if (label === undefined || !Number.isInteger(label) || label < 0 || label >= count) {
        throw new RangeError(`${name}: label ${i} is ${label}; classes have the numbers from 0 to ${count - 1}.`);
      }
    }
    this.name = name;
    this.classes = classes ?? Array.from({ length: count }, (_, i) => String(i));
    this.transform = transform === undefined ? (values instanceof Uint8Array ? new ToTensor() : null) : transform;
    this.#spec =
      values instanceof Uint8Array
        ? { kind: "array", dtype: "uint8", values, shape: [...shape], labels: this.targets }
        : { kind: "array", dtype: "float32", values, shape: [...shape], labels: this.targets };
  }

  get length(): number {
    return this.targets.length;
  }

  /** The sample at `index`, transformed; what is random in the transform draws from the default generator. */
  get(index: number): LabelledSample {
    const data = this.raw(index);
    return [this.transform === null ? data : this.transform.apply(data, defaultGenerator), this.targets[index] ?? 0];
  }

  /** The sample's data before any transform: a view, not to be written to. */
  raw(index: number): TensorData {
    checkIndex(this.name, index, this.length);
    return sampleOfArray(this.#spec, index)[0];
  }

  /** The same samples, in the same memory, with another transform. */
  withTransform(transform: Transform | null): ArrayDataset {
    const { name, classes } = this;
    return new ArrayDataset(this.#spec.values, this.#spec.shape, this.targets, { name, classes, transform });
  }

  shipment(): Shipment | undefined {
    const transform = this.transform === null ? null : describedBy(this.transform, "toSpec");
    if (transform === undefined) {
      return undefined;
    }
    this.#spec = shared(this.#spec);
    const source = transform === null ? this.#spec : ({ kind: "transformed", source: this.#spec, transform } as const);
    return { source, indexOf: (index) => index };
  }
}

/** The same samples in memory that threads share; copied once where they are not. */
function shared(spec: ArraySourceSpec): ArraySourceSpec {
  const labels = share(spec.labels);
  return spec.dtype === "uint8"
    ? { ...spec, values: share(spec.values), labels }
    : { ...spec, values: share(spec.values), labels };
}

type Shareable<T> = new (buffer: SharedArrayBuffer) => T;

function share<T extends Uint8Array | Float32Array | Int32Array>(values: T): T {
  if (values.buffer instanceof SharedArrayBuffer) {
    return values;
  }
  // By its kind, not by its constructor: a Buffer's is deprecated, and Node says so.
  const Type = { Uint8Array, Float32Array, Int32Array }[values[Symbol.toStringTag]] as unknown as Shareable<T>;
  const copy = new Type(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}
