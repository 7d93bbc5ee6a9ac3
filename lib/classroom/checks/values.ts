/** Whatever a student may give for a tensor, as its shape and values. */
import * as tf from "@tensorflow/tfjs-core";
import { CheckError } from "./check-error.ts";
import { copyOf, isArray, isInteger, isView, valuesOf } from "./intrinsics.ts";

export interface Values {
  readonly shape: readonly number[];
  /** Undefined where it has none, as lists. */
  readonly dtype: string | undefined;
  readonly data: ArrayLike<number>;
}

/** A tensor, a number, or lists of numbers. */
export type TensorLike = tf.Tensor | number | NumberList | ArrayLike<number> | Values;
export type NumberList = readonly (number | NumberList)[];

/**
 * Reads a value.
 *
 * @param value What was given.
 * @param name What it is called in messages.
 * @throws {CheckError} Where it is no tensor and nothing like one.
 */
export function readValues(value: unknown, name: string): Values {
  const values = valuesIn(value, name);
  const size = values.shape.reduce((product, n) => product * n, 1);
  if (!values.shape.every((n) => isInteger(n) && n >= 0) || values.data.length !== size) {
    throw new CheckError(`${name} has another number of values than its shape says`, {
      got: `${values.data.length} values, shape ${shapeText(values.shape)}`,
      expected: "one value for each place",
    });
  }
  return values;
}

function valuesIn(value: unknown, name: string): Values {
  if (value instanceof tf.Tensor) {
    if (value.isDisposed) {
      throw new CheckError(`${name} was disposed of before it could be looked at`, { got: "a disposed tensor" });
    }
    if (value.dtype === "string" || value.dtype === "complex64") {
      throw new CheckError(`${name} has no numbers to compare`, { got: `dtype ${value.dtype}`, expected: "numbers" });
    }
    return { shape: [...value.shape], dtype: value.dtype, data: copyOf(valuesOf(value)) };
  }
  if (typeof value === "number") {
    return { shape: [], dtype: undefined, data: [value] };
  }
  if (isArray(value)) {
    return fromLists(value, name);
  }
  if (isNumbers(value)) {
    const data = copyOf(value);
    return { shape: [data.length], dtype: undefined, data };
  }
  if (isTensorData(value)) {
    return { shape: [...value.shape], dtype: value.dtype, data: copyOf(value.data) };
  }
  throw new CheckError(`${name} is no tensor`, { got: kindOf(value), expected: "a tensor" });
}

function isNumbers(value: unknown): value is ArrayLike<number> {
  return (
    isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array) &&
    "length" in value
  );
}

/** Values with their shape beside them, as convbook's state dicts have them. */
function isTensorData(value: unknown): value is Values {
  return typeof value === "object" && value !== null && "shape" in value && "data" in value && isNumbers(value.data);
}

function fromLists(list: readonly unknown[], name: string): Values {
  const shape: number[] = [];
  for (let at: unknown = list; isArray(at); at = at[0]) {
    shape.push(at.length);
  }
  const data: number[] = [];
  const visit = (item: unknown, depth: number): void => {
    if (isArray(item)) {
      if (item.length !== shape[depth]) {
        throw new CheckError(`${name} has rows of different lengths`, {
          got: `${item.length} beside ${shape[depth] ?? "a number"}`,
        });
      }
      for (const each of item) {
        visit(each, depth + 1);
      }
      return;
    }
    if (typeof item !== "number" || depth !== shape.length) {
      throw new CheckError(`${name} holds something that is no number`, { got: kindOf(item), expected: "numbers" });
    }
    data.push(item);
  };
  visit(list, 0);
  return { shape, dtype: undefined, data };
}

/** What a value is, in few words that say nothing of who made it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) {
    return String(value);
  }
  if (isArray(value)) {
    return `a list of ${value.length}`;
  }
  if (typeof value === "object") {
    const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === "string" && /^[\w$]{1,60}$/.test(name) && name !== "Object"
      ? `an object of type ${name}`
      : "an object";
  }
  return typeof value === "string" ? "a string" : `a ${typeof value}`;
}

/** `[2, 8, 8, 16]`. */
export function shapeText(shape: readonly (number | null)[]): string {
  return `[${shape.map((size) => size ?? "any").join(", ")}]`;
}

/** Enough digits to see a difference of float32, and no more. */
export function numberText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : String(Number(value.toPrecision(7)));
}

/** Where the value at a place in memory stands. */
export function indexText(flat: number, shape: readonly number[]): string {
  let rest = flat;
  const index = shape.toReversed().map((size) => {
    const at = rest % size;
    rest = Math.floor(rest / size);
    return at;
  });
  return `[${index.reverse().join(", ")}]`;
}
