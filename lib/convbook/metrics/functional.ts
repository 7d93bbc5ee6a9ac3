/** The metrics in one call, for predictions that are all there. */
import { describeValue } from "../arguments/describe.ts";
import { CalibrationError, type CalibrationOptions } from "./calibration.ts";
import {
  Accuracy,
  type AccuracyOptions,
  type Averaged,
  type ClassificationOptions,
  F1Score,
  JaccardIndex,
  Precision,
  Recall,
} from "./classification.ts";
import { ConfusionMatrix, type ConfusionMatrixOptions } from "./confusion-matrix.ts";
import { type AreaOptions, AUROC, AveragePrecision } from "./curves.ts";
import { MetricError } from "./errors.ts";
import { givenOptions, type MetricInput } from "./inputs.ts";
import type { Average, Metric } from "./metric.ts";

function once<R>(metric: Metric<R>, predictions: MetricInput, targets: MetricInput): R {
  metric.update(predictions, targets);
  return metric.compute();
}

/** See {@link Accuracy}. */
export function accuracy<A extends Average = "micro">(
  predictions: MetricInput,
  targets: MetricInput,
  options: AccuracyOptions<A>,
): Averaged<A> {
  return once(new Accuracy<A>(options), predictions, targets);
}

/** The share of examples whose true class is among the `k` highest scores. See {@link Accuracy}. */
export function topKAccuracy(
  predictions: MetricInput,
  targets: MetricInput,
  options: { readonly numClasses: number; readonly k: number },
): number {
  const { numClasses, k } = givenOptions("topKAccuracy", options, ["numClasses", "k"]);
  if (!Number.isInteger(k) || k < 1 || k > numClasses) {
    throw new MetricError(
      `topKAccuracy: k is ${describeValue(k)}; expected an integer from 1 to numClasses (${numClasses})`,
    );
  }
  return once(new Accuracy({ numClasses, topK: k }), predictions, targets);
}

/** See {@link Precision}. */
export function precision<A extends Average = "macro">(
  predictions: MetricInput,
  targets: MetricInput,
  options: ClassificationOptions<A>,
): Averaged<A> {
  return once(new Precision<A>(options), predictions, targets);
}

/** See {@link Recall}. */
export function recall<A extends Average = "macro">(
  predictions: MetricInput,
  targets: MetricInput,
  options: ClassificationOptions<A>,
): Averaged<A> {
  return once(new Recall<A>(options), predictions, targets);
}

/** See {@link F1Score}. */
export function f1Score<A extends Average = "macro">(
  predictions: MetricInput,
  targets: MetricInput,
  options: ClassificationOptions<A>,
): Averaged<A> {
  return once(new F1Score<A>(options), predictions, targets);
}

/** See {@link JaccardIndex}. */
export function jaccardIndex<A extends Average = "macro">(
  predictions: MetricInput,
  targets: MetricInput,
  options: ClassificationOptions<A>,
): Averaged<A> {
  return once(new JaccardIndex<A>(options), predictions, targets);
}

/** See {@link ConfusionMatrix}. */
export function confusionMatrix(
  predictions: MetricInput,
  targets: MetricInput,
  options: ConfusionMatrixOptions,
): number[][] {
  return once(new ConfusionMatrix(options), predictions, targets);
}

/** See {@link AUROC}. */
export function auroc<A extends Average = "macro">(
  predictions: MetricInput,
  targets: MetricInput,
  options: AreaOptions<A>,
): Averaged<A> {
  return once(new AUROC<A>(options), predictions, targets);
}

/** See {@link AveragePrecision}. */
export function averagePrecision<A extends Average = "macro">(
  predictions: MetricInput,
  targets: MetricInput,
  options: AreaOptions<A>,
): Averaged<A> {
  return once(new AveragePrecision<A>(options), predictions, targets);
}

/** See {@link CalibrationError}. */
export function calibrationError(predictions: MetricInput, targets: MetricInput, options: CalibrationOptions): number {
  return once(new CalibrationError(options), predictions, targets);
}
