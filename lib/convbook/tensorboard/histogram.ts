/** TensorBoard's histograms: fixed buckets that grow by ten per cent, so that histograms of different steps share their limits. */
import type { HistogramValue } from "./events.ts";

/** Upper limits of the buckets: ±1e-12 · 1.1^n up to 1e20, zero, and the largest number (as TensorFlow's histogram.cc sets them). */
const bucketLimits = makeLimits();

function makeLimits(): Float64Array {
  const positive: number[] = [];
  for (let limit = 1e-12; limit < 1e20; limit *= 1.1) {
    positive.push(limit);
  }
  positive.push(Number.MAX_VALUE);
  return Float64Array.from([...positive.toReversed().map((limit) => -limit), 0, ...positive]);
}

/**
 * Counts values into TensorBoard's buckets.
 *
 * @param values any numbers; those that are not finite are left out
 * @returns the histogram, runs of empty buckets merged into one
 */
export function makeHistogram(values: ArrayLike<number>): HistogramValue {
  const counts = new Float64Array(bucketLimits.length);
  let min = Number.MAX_VALUE;
  let max = -Number.MAX_VALUE;
  let num = 0;
  let sum = 0;
  let sumSquares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (!Number.isFinite(value)) {
      continue;
    }
    const bucket = firstAbove(value);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
    if (value < min) {
      min = value;
    }
    if (value > max) {
      max = value;
    }
    num++;
    sum += value;
    sumSquares += value * value;
  }
  const limits: number[] = [];
  const buckets: number[] = [];
  for (let i = 0; i < counts.length; ) {
    // An empty stretch becomes one bucket that reaches to where the next filled one begins.
    let last = i;
    if (counts[i] === 0) {
      while (last + 1 < counts.length && counts[last + 1] === 0) {
        last++;
      }
    }
    limits.push(bucketLimits[last] ?? 0);
    buckets.push(counts[last] ?? 0);
    i = last + 1;
  }
  if (num === 0) {
    return { min: 0, max: 0, num: 0, sum: 0, sumSquares: 0, bucketLimits: [Number.MAX_VALUE], buckets: [0] };
  }
  return { min, max, num, sum, sumSquares, bucketLimits: limits, buckets };
}

/** The first bucket whose limit is above `value`. */
function firstAbove(value: number): number {
  let low = 0;
  let high = bucketLimits.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bucketLimits[middle] ?? 0) > value) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
