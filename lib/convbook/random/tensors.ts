/** Random tensors and permutations by PyTorch's names; the same seed gives PyTorch's numbers. */

import { checkGenerator } from "../arguments/check.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import type { TensorData } from "../tensor-data.ts";
import { fillBernoulli, fillNormal, fillUniform } from "./fill.ts";
import { defaultGenerator, type Generator } from "./generator.ts";

/** A float32 tensor outside of any backend. */
export type FloatTensorData = Extract<TensorData, { dtype: "float32" }>;
/** An int64 tensor outside of any backend. */
export type LongTensorData = Extract<TensorData, { dtype: "int64" }>;

export interface RandomOptions {
  /** What to draw from; the default generator where it is left out. */
  readonly generator?: Generator;
}

/** What to draw from, checked. */
function generatorOf(owner: string, options: RandomOptions): Generator {
  refuseUnknownOptions(owner, options, ["generator"]);
  const { generator = defaultGenerator } = options;
  checkGenerator(owner, generator);
  return generator;
}

/** Above this a typed array cannot be taken in one piece on every supported machine. */
const MAX_ELEMENTS = 2 ** 31 - 1;

/**
 * Uniform numbers from [0, 1): `torch.rand`.
 * @param shape sizes of the dimensions; [] for one number
 * @throws {RangeError} on a shape that is not of whole, non-negative sizes
 */
export function rand(shape: readonly number[], options: RandomOptions = {}): FloatTensorData {
  const generator = generatorOf("rand", options);
  const data = fillUniform(new Float32Array(elements("rand", shape)), 0, 1, generator);
  return { dtype: "float32", shape: [...shape], data };
}

/**
 * Standard normal numbers: `torch.randn`.
 * @param shape sizes of the dimensions; [] for one number
 * @throws {RangeError} on a shape that is not of whole, non-negative sizes
 */
export function randn(shape: readonly number[], options: RandomOptions = {}): FloatTensorData {
  const generator = generatorOf("randn", options);
  const data = fillNormal(new Float32Array(elements("randn", shape)), 0, 1, generator);
  return { dtype: "float32", shape: [...shape], data };
}

/**
 * Integers from [low, high): `torch.randint`.
 * @param shape sizes of the dimensions
 * @throws {RangeError} on an empty range, bounds that are not safe integers, or a bad shape
 */
export function randint(
  low: number,
  high: number,
  shape: readonly number[],
  options: RandomOptions = {},
): LongTensorData {
  const generator = generatorOf("randint", options);
  const data = new BigInt64Array(elements("randint", shape));
  for (let i = 0; i < data.length; i++) {
    data[i] = BigInt(generator.integer(low, high));
  }
  return { dtype: "int64", shape: [...shape], data };
}

/**
 * Ones at probability p, zeros otherwise: `torch.empty(shape).bernoulli_(p)`.
 * @throws {RangeError} when p is not within [0, 1], or on a bad shape
 */
export function bernoulli(shape: readonly number[], p = 0.5, options: RandomOptions = {}): FloatTensorData {
  const generator = generatorOf("bernoulli", options);
  const data = fillBernoulli(new Float32Array(elements("bernoulli", shape)), p, generator);
  return { dtype: "float32", shape: [...shape], data };
}

/**
 * The integers from 0 to n - 1 in random order: `torch.randperm(n)`, to the element.
 * @param n how many, up to 2^31 - 1
 * @throws {RangeError} when n is not such an integer
 */
export function randperm(n: number, options: RandomOptions = {}): Int32Array {
  const generator = generatorOf("randperm", options);
  if (!Number.isInteger(n) || n < 0 || n > MAX_ELEMENTS) {
    throw new RangeError(`randperm's n is an integer from 0 to ${MAX_ELEMENTS}; got ${n}.`);
  }
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    order[i] = i;
  }
  for (let i = 0; i < n - 1; i++) {
    const j = i + (generator.random() % (n - i));
    const kept = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = kept;
  }
  return order;
}

function elements(name: string, shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw new RangeError(`${name}'s shape has whole, non-negative sizes; got [${shape.join(", ")}].`);
    }
    count *= size;
  }
  if (count > MAX_ELEMENTS) {
    throw new RangeError(
      `${name}'s shape [${shape.join(", ")}] has ${count} elements; at most ${MAX_ELEMENTS} are possible.`,
    );
  }
  return count;
}
