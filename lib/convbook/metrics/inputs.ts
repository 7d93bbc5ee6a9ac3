/** Predictions and targets in the forms that callers hold them in. */
import { refuseUnknownOptions } from "../arguments/options.ts";
import { MetricError } from "./errors.ts";

/** Numbers: an array, a typed array, or a tensor, whose values are read in row-major order. Nothing is disposed. */
export type MetricInput = ArrayLike<number> | { readonly shape: readonly number[]; dataSync(): ArrayLike<number> };

/**
 * The numbers of an input.
 *
 * @throws MetricError for what holds no numbers
 */
export function numbersOf(metric: string, what: string, input: MetricInput): ArrayLike<number> {
  if (typeof input === "object" && input !== null) {
    if ("dataSync" in input) {
      return input.dataSync();
    }
    if (typeof input.length === "number") {
      return input;
    }
  }
  const got = input === null || typeof input !== "object" ? String(input) : "an object without a length";
  throw new MetricError(`${metric}: ${what} is ${got}; expected an array of numbers or a tensor`);
}

/**
 * The options of a metric.
 *
 * @param known every name that there is
 * @throws MetricError where they were left out, UnknownOptionError where one is none of them
 */
export function givenOptions<T extends object>(metric: string, options: T, known: readonly (keyof T & string)[]): T {
  if (typeof options === "object" && options !== null) {
    refuseUnknownOptions(metric, options, known);
    return options;
  }
  throw new MetricError(`${metric}: options is ${String(options)}; expected an object such as { numClasses: 10 }`);
}

/** Checks that every number is a class: an integer from 0 to `numClasses` - 1, or `ignoreIndex`. */
export function checkLabels(
  metric: string,
  what: string,
  labels: ArrayLike<number>,
  numClasses: number,
  ignoreIndex?: number,
): void {
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (label === ignoreIndex) {
      continue;
    }
    if (label === undefined || !Number.isInteger(label) || label < 0 || label >= numClasses) {
      throw new MetricError(`${metric}: ${what}[${i}] is ${label}; expected a class from 0 to ${numClasses - 1}`);
    }
  }
}

/** Scores, row by row: `data[i * numClasses + c]` is what the model gives class c for example i. */
export interface Scores {
  readonly data: ArrayLike<number>;
  readonly count: number;
  readonly numClasses: number;
}

/**
 * Predictions as scores, [N, C] with any further axes before the last.
 *
 * @throws MetricError where the number of values is not that of the targets times the classes
 */
export function scoresOf(metric: string, predictions: MetricInput, count: number, numClasses: number): Scores {
  const data = numbersOf(metric, "predictions", predictions);
  if (data.length !== count * numClasses) {
    throw new MetricError(
      `${metric}: ${data.length} scores for ${count} targets; expected ${count} x ${numClasses} classes = ${count * numClasses}${shapeHint(predictions)}`,
    );
  }
  if ("shape" in predictions && predictions.shape.at(-1) !== numClasses) {
    throw new MetricError(
      `${metric}: scores have shape [${predictions.shape.join(", ")}]; expected the classes (${numClasses}) along the last axis`,
    );
  }
  return { data, count, numClasses };
}

/**
 * Predicted classes: as they are where there is one a target, else the class of the highest score (the first of equals).
 *
 * @throws MetricError where there are neither as many as targets nor that times the classes
 */
export function predictedLabels(
  metric: string,
  predictions: MetricInput,
  count: number,
  numClasses: number,
): ArrayLike<number> {
  const data = numbersOf(metric, "predictions", predictions);
  if (data.length === count) {
    checkLabels(metric, "predictions", data, numClasses);
    return data;
  }
  if (data.length !== count * numClasses) {
    throw new MetricError(
      `${metric}: ${data.length} predictions for ${count} targets; expected ${count} classes or ${count} x ${numClasses} scores${shapeHint(predictions)}`,
    );
  }
  const scores = scoresOf(metric, predictions, count, numClasses);
  return Int32Array.from({ length: count }, (_, i) => argmax(scores, i));
}

function argmax({ data, numClasses }: Scores, row: number): number {
  let best = 0;
  for (let c = 1; c < numClasses; c++) {
    const value = data[row * numClasses + c] ?? 0;
    // What is no number loses against any number.
    const highest = data[row * numClasses + best] ?? 0;
    if (value > highest || (Number.isNaN(highest) && !Number.isNaN(value))) {
      best = c;
    }
  }
  return best;
}

/** How many classes are scored above `label`; equals count where they come first. */
export function rankOf({ data, numClasses }: Scores, row: number, label: number): number {
  const own = data[row * numClasses + label] ?? 0;
  if (Number.isNaN(own)) {
    return numClasses;
  }
  let rank = 0;
  for (let c = 0; c < numClasses; c++) {
    const value = data[row * numClasses + c] ?? 0;
    if (value > own || (value === own && c < label)) {
      rank++;
    }
  }
  return rank;
}

export function checkNumClasses(metric: string, numClasses: number): void {
  if (!Number.isInteger(numClasses) || numClasses < 2) {
    throw new MetricError(`${metric}: numClasses is ${numClasses}; expected an integer from 2 up`);
  }
}

function shapeHint(input: MetricInput): string {
  return "shape" in input ? ` (their shape is [${input.shape.join(", ")}])` : "";
}
