/** Filling arrays in place, as PyTorch's `uniform_`, `normal_` and `bernoulli_` fill a CPU tensor of the same length and seed. */
import { toNormals } from "./box-muller.ts";
import { defaultGenerator, type Generator } from "./generator.ts";

/** From this many numbers on PyTorch draws normals sixteen at a time, by another recipe than one by one. */
const VECTOR = 16;
const MAX_FLOAT32 = 3.4028234663852886e38;

/**
 * Fills with numbers from [from, to): bit for bit PyTorch's `tensor.uniform_(from, to)`.
 * @param values float32 or float64, filled in place
 * @returns `values`
 * @throws {RangeError} when a bound is not finite or from > to
 */
export function fillUniform<T extends Float32Array | Float64Array>(
  values: T,
  from = 0,
  to = 1,
  generator: Generator = defaultGenerator,
): T {
  if (!Number.isFinite(from) || !Number.isFinite(to) || from > to) {
    throw new RangeError(`fillUniform draws from [from, to) with finite from <= to; got [${from}, ${to}).`);
  }
  if (values instanceof Float64Array) {
    const range = to - from;
    if (range === Number.POSITIVE_INFINITY) {
      throw new RangeError(`fillUniform's range to - from must be finite; got [${from}, ${to}).`);
    }
    for (let i = 0; i < values.length; i++) {
      values[i] = generator.uniformDouble() * range + from;
    }
    return values;
  }
  const low = Math.fround(from);
  const range = Math.fround(Math.fround(to) - low);
  if (!Number.isFinite(range)) {
    throw new RangeError(`fillUniform's range to - from must be at most ${MAX_FLOAT32}; got [${from}, ${to}).`);
  }
  generator.fillUniformFloat(values, 0, values.length, range, low);
  return values;
}

/**
 * Fills with normal numbers: PyTorch's `tensor.normal_(mean, std)`, within rounding of its logarithm, sine and cosine.
 * @param values float32 or float64, filled in place
 * @returns `values`
 * @throws {RangeError} when the mean is not finite, or std is negative or not finite
 */
export function fillNormal<T extends Float32Array | Float64Array>(
  values: T,
  mean = 0,
  std = 1,
  generator: Generator = defaultGenerator,
): T {
  if (!Number.isFinite(mean) || !Number.isFinite(std) || std < 0) {
    throw new RangeError(`fillNormal needs a finite mean and a finite std >= 0; got mean ${mean}, std ${std}.`);
  }
  if (values.length < VECTOR) {
    for (let i = 0; i < values.length; i++) {
      values[i] = generator.normal() * std + mean;
    }
    return values;
  }
  const fill = (start: number, end: number): void => {
    if (values instanceof Float32Array) {
      generator.fillUniformFloat(values, start, end);
      toNormals(values, start, end, mean, std);
      return;
    }
    for (let i = start; i < end; i++) {
      values[i] = generator.uniformDouble();
    }
    for (let i = start; i + VECTOR <= end; i += VECTOR) {
      normalBlock64(values, i, mean, std);
    }
  };
  fill(0, values.length);
  if (values.length % VECTOR !== 0) {
    // The rest is not a block: PyTorch draws the last sixteen anew, overwriting some that were done.
    fill(values.length - VECTOR, values.length);
  }
  return values;
}

/**
 * How many of the generator's floats {@link fillNormal} takes for so many float32 numbers.
 *
 * @param count at least 16: fewer are drawn by another recipe
 */
export function floatsOfNormals(count: number): number {
  return count % VECTOR === 0 ? count : count + VECTOR;
}

/**
 * Fills with ones at probability p and zeros otherwise: PyTorch's `tensor.bernoulli_(p)` (without MKL).
 * @param values any typed array of numbers, filled in place
 * @returns `values`
 * @throws {RangeError} when p is not within [0, 1]
 */
export function fillBernoulli<T extends Float32Array | Float64Array | Uint8Array | Int32Array>(
  values: T,
  p = 0.5,
  generator: Generator = defaultGenerator,
): T {
  if (!(p >= 0 && p <= 1)) {
    throw new RangeError(`fillBernoulli's p is a probability from 0 to 1; got ${p}.`);
  }
  for (let i = 0; i < values.length; i++) {
    values[i] = generator.uniformDouble() < p ? 1 : 0;
  }
  return values;
}

/** Turns sixteen uniform numbers into normals. */
function normalBlock64(values: Float64Array, start: number, mean: number, std: number): void {
  for (let j = start; j < start + 8; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - (values[j] ?? 0)));
    const theta = 2 * Math.PI * (values[j + 8] ?? 0);
    values[j] = radius * Math.cos(theta) * std + mean;
    values[j + 8] = radius * Math.sin(theta) * std + mean;
  }
}
