/** Putting samples together to a batch, without TensorFlow.js. */
import type { TensorData } from "../../tensor-data.ts";
import { DataError } from "../error.ts";
import type { LabelledSample } from "../sample.ts";
import { elements } from "../sources/array-source.ts";

/** Element types that a batch can have. */
export type BatchDType = "float32" | "int32" | "uint8" | "bool";

/** A batch as plain arrays, which travel between threads without a copy. */
export interface RawBatch {
  readonly dtype: BatchDType;
  /** [N, ...the sample's shape]. */
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
  /** Class numbers [N], or, after mixing, the classes' shares [N, classes]. */
  readonly labels: Int32Array | Float32Array;
  readonly labelShape: readonly number[];
}

const arrays = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array } as const;

/**
 * Stacks samples of one shape and type.
 * @param indices the samples' indices in their data set, for messages
 * @throws {DataError} when a sample is not an array with a class number, or differs from the first in shape or type
 */
export function stack(samples: readonly LabelledSample[], indices: ArrayLike<number>): RawBatch {
  const count = samples.length;
  const labels = new Int32Array(count);
  const first = samples[0]?.[0] as TensorData;
  let data: Float32Array | Int32Array | Uint8Array | undefined;
  let size = 0;
  for (const [i, sample] of samples.entries()) {
    const index = indices[i] ?? i;
    const fail = (message: string): never => {
      throw new DataError("collate", `Sample ${index} cannot go into a batch: ${message}.`, { index });
    };
    const [array, label] = Array.isArray(sample)
      ? sample
      : fail("it is not a pair [data, label]; give the loader a collate");
    if (!Number.isInteger(label) || label < -2147483648 || label > 2147483647) {
      fail(`its label is ${typeof label === "string" ? JSON.stringify(label) : String(label)}, not a whole number`);
    }
    if (!(array?.dtype in arrays) || !Array.isArray(array.shape)) {
      fail(`its data is ${array?.dtype ?? typeof array}; a batch is of ${Object.keys(arrays).join(", ")}`);
    }
    const wanted = elements(array.shape);
    if (array.data?.length !== wanted) {
      const got = typeof array.data?.length === "number" ? `${array.data.length} values` : "no values";
      fail(`its data has ${got}, and its shape [${array.shape.join(", ")}] needs ${wanted}`);
    }
    if (data === undefined) {
      size = wanted;
      data = new arrays[array.dtype as BatchDType](size * count);
    } else if (array.dtype !== first.dtype || array.shape.join() !== first.shape.join()) {
      fail(
        `it is ${array.dtype} [${array.shape.join(", ")}], and the batch's first, sample ${indices[0]}, is ` +
          `${first.dtype} [${first.shape.join(", ")}]`,
      );
    }
    data.set(array.data as Uint8Array, i * size);
    labels[i] = label;
  }
  if (data === undefined) {
    throw new DataError("collate", "A batch needs at least one sample.");
  }
  return { dtype: first.dtype as BatchDType, shape: [count, ...first.shape], data, labels, labelShape: [count] };
}
