/** A tensor's elements as little-endian bytes and back. */
import type { TensorArrays, TensorDType } from "../tensor-data.ts";

/** Bytes of one element. */
export const elementBytes: Readonly<Record<TensorDType, number>> = {
  float32: 4,
  float64: 8,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** A view of a typed array's memory; nothing is copied. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Number of elements of a shape; NaN when a dimension is not a whole number of at least 0. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => (Number.isSafeInteger(n) && n >= 0 ? product * n : Number.NaN), 1);
}

/** What a tensor to be written must fulfil; returns what is wrong with it, or null. */
export function tensorProblem(tensor: {
  readonly dtype: unknown;
  readonly shape: readonly number[];
  readonly data: { readonly length: number };
}): string | null {
  const { dtype, shape, data } = tensor;
  if (typeof dtype !== "string" || !Object.hasOwn(elementBytes, dtype)) {
    return `has no element type (${String(dtype)})`;
  }
  const elements = elementsOf(shape);
  if (elements !== data.length) {
    return `has shape [${shape.join(", ")}] but ${data.length} elements`;
  }
  if (!(data instanceof arrayTypes[dtype as TensorDType])) {
    return `is of ${dtype} but its data is not`;
  }
  return null;
}

const arrayTypes = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Whether what is decoded may share the bytes' memory (they are nobody else's) or must copy. */
export type Sharing = "copy" | "share";

/** The bytes themselves where they may be shared and are aligned, else a copy that is. */
export function alignedBytes(bytes: Uint8Array, alignment: number, sharing: Sharing): Uint8Array {
  return sharing === "share" && bytes.byteOffset % alignment === 0 ? bytes : new Uint8Array(bytes);
}

/**
 * Elements from bytes.
 *
 * @param bytes a whole number of elements, little-endian
 */
export function decodeElements(dtype: TensorDType, bytes: Uint8Array, sharing: Sharing): TensorArrays[TensorDType] {
  const size = elementBytes[dtype];
  const { buffer, byteOffset, length } = alignedBytes(bytes, size, sharing);
  const array = new arrayTypes[dtype](buffer as ArrayBuffer, byteOffset, length / size);
  // Any non-zero byte is true, as in torch.
  return dtype === "bool" ? (array as Uint8Array).map((byte) => (byte === 0 ? 0 : 1)) : array;
}
