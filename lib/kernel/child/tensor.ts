/** Tensors of any library, recognised by their fields: shape, type and the first and last values. */

import { guardedMessageOf } from "../values.ts";
import { items } from "./realm.ts";

export interface TensorLike {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly isDisposed?: boolean;
  readonly data?: unknown;
  dataSync?(): ArrayLike<unknown>;
}

/** The most values that are fetched from a device for a preview. */
const mostFetched = 1_000_000;
/** How many entries of each dimension are shown at its start and at its end. */
const edge = 3;

export function isTensorLike(value: object): value is TensorLike {
  let fields: Partial<TensorLike>;
  try {
    const { shape, dtype, dataSync, data } = value as Partial<TensorLike>;
    fields = { shape, dtype, dataSync, data } as Partial<TensorLike>;
  } catch {
    // A proxy that allows its own properties only, such as what expect() gives.
    return false;
  }
  const { shape, dtype, dataSync, data } = fields;
  return (
    Array.isArray(shape) &&
    items(shape).every((size) => Number.isInteger(size)) &&
    typeof dtype === "string" &&
    (typeof dataSync === "function" || ArrayBuffer.isView(data))
  );
}

export function describeTensor(tensor: TensorLike): string {
  const { dtype } = tensor;
  const shape = items(tensor.shape);
  const head = `Tensor [${shape.join(", ")}] ${dtype}`;
  if (tensor.isDisposed) {
    return `${head} (disposed)`;
  }
  const size = shape.reduce((product, n) => product * n, 1);
  if (size > mostFetched) {
    return `${head} (${size.toLocaleString("en")} values)`;
  }
  let values: ArrayLike<unknown>;
  try {
    values = ArrayBuffer.isView(tensor.data) ? (tensor.data as Float32Array) : (tensor.dataSync?.() ?? []);
  } catch (error) {
    return `${head} (its values cannot be read: ${guardedMessageOf(error)})`;
  }
  return `${head}\n${preview(shape, formatter(values), 0, 0, "")}`;
}

function preview(
  shape: readonly number[],
  format: (index: number) => string,
  dimension: number,
  offset: number,
  indent: string,
): string {
  const size = shape[dimension];
  if (size === undefined) {
    return format(offset);
  }
  const stride = shape.slice(dimension + 1).reduce((product, n) => product * n, 1);
  const last = dimension === shape.length - 1;
  const shown: string[] = [];
  for (let i = 0; i < size; i++) {
    if (size > 2 * edge + 2 && i === edge) {
      shown.push("...");
      i = size - edge - 1;
    } else {
      shown.push(preview(shape, format, dimension + 1, offset + i * stride, `${indent} `));
    }
  }
  return `[${shown.join(last ? ", " : `,\n${indent} `)}]`;
}

/** Numbers of one tensor with as many digits as tell them apart to four places, strings in quotes. */
function formatter(values: ArrayLike<unknown>): (index: number) => string {
  return (index) => {
    const value = values[index];
    if (typeof value !== "number") {
      return typeof value === "string" ? JSON.stringify(value) : String(value);
    }
    if (Number.isInteger(value) || !Number.isFinite(value)) {
      return String(value);
    }
    const size = Math.abs(value);
    return size >= 1e-4 && size < 1e6 ? String(Number(value.toFixed(4))) : value.toExponential(3);
  };
}
