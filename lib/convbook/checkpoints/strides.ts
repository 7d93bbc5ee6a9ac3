/** Elements that do not lie in row-major order. */
import type { TensorArrays, TensorDType } from "../tensor-data.ts";

/** Whether a tensor's elements lie one after the other. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const n = shape[i] ?? 0;
    if (n !== 1 && strides[i] !== expected) {
      return false;
    }
    expected *= n;
  }
  return true;
}

/** The elements of a view in row-major order. The caller has checked that they lie within `data`. */
export function rowMajor(
  data: TensorArrays[TensorDType],
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): TensorArrays[TensorDType] {
  const elements = shape.reduce((product, n) => product * n, 1);
  if (elements === 0) {
    return data.slice(0, 0);
  }
  if (isContiguous(shape, strides)) {
    return data.subarray(offset, offset + elements);
  }
  const result = new (data.constructor as Float32ArrayConstructor)(elements);
  const source = data as Float32Array;
  const index = new Array<number>(shape.length).fill(0);
  const inner = shape.at(-1) ?? 1;
  const innerStride = strides.at(-1) ?? 1;
  let from = offset;
  for (let to = 0; to < elements; ) {
    for (let i = 0, at = from; i < inner; i++, at += innerStride) {
      result[to++] = source[at] ?? 0;
    }
    // The next row: count up like an odometer.
    for (let axis = shape.length - 2; axis >= 0; axis--) {
      from += strides[axis] ?? 0;
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) {
        break;
      }
      from -= (strides[axis] ?? 0) * (shape[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return result;
}
