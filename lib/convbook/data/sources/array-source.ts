/** Samples that lie one after the other in one array. */
import type { LabelledSample } from "../sample.ts";

interface ArraySource<Type extends "uint8" | "float32", Values> {
  readonly kind: "array";
  readonly dtype: Type;
  /** All samples' elements. */
  readonly values: Values;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  /** One class number a sample. */
  readonly labels: Int32Array;
}

export type ArraySourceSpec = ArraySource<"uint8", Uint8Array> | ArraySource<"float32", Float32Array>;

/** A view of the sample: no copy, so nobody may write to it. */
export function sampleOfArray(spec: ArraySourceSpec, index: number): LabelledSample {
  const size = elements(spec.shape);
  const label = spec.labels[index] ?? 0;
  const { dtype, shape } = spec;
  return dtype === "uint8"
    ? [{ dtype, shape, data: spec.values.subarray(index * size, (index + 1) * size) }, label]
    : [{ dtype, shape, data: spec.values.subarray(index * size, (index + 1) * size) }, label];
}

/** Number of elements in a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
