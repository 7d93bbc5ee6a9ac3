/** What all metrics share. */
import { describeValue } from "../arguments/describe.ts";
import { MetricError } from "./errors.ts";
import type { MetricInput } from "./inputs.ts";

/**
 * A measure that is fed batch by batch. It keeps counts on the CPU, never a tensor, so there is nothing to dispose of.
 *
 * @example
 * const accuracy = new Accuracy({ numClasses: 10 });
 * for await (const [images, labels] of loader) accuracy.update(model.forward(images), labels);
 * accuracy.compute();
 */
export abstract class Metric<Result> {
  /** Adds a batch: predictions (classes [N], or scores [N, C]) and true classes [N]. */
  abstract update(predictions: MetricInput, targets: MetricInput): void;
  /** The measure over everything since the last reset. */
  abstract compute(): Result;
  /** Forgets everything. */
  abstract reset(): void;
}

/**
 * How classes are put together: "micro" counts every example alike, "macro" every class that occurs, "weighted" classes by how often they are true, "none" gives
 * one value a class (NaN for a class that occurs neither as target nor as prediction).
 */
export type Average = "micro" | "macro" | "weighted" | "none";

const averages: readonly Average[] = ["micro", "macro", "weighted", "none"];

export function checkAverage(metric: string, average: Average): void {
  if (!averages.includes(average)) {
    throw new MetricError(`${metric}: average is ${describeValue(average)}; expected one of ${averages.join(", ")}`);
  }
}

/** The mean of the values that are numbers, by weight. */
export function averageOf(values: ArrayLike<number>, weights?: ArrayLike<number>): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    const weight = weights ? (weights[i] ?? 0) : 1;
    if (Number.isNaN(value) || weight === 0) {
      continue;
    }
    sum += value * weight;
    total += weight;
  }
  return total === 0 ? Number.NaN : sum / total;
}
