/**
 * How good a model is: metrics that are fed batch by batch, and their figures.
 *
 * @module
 */
export { type CalibrationBin, CalibrationError, type CalibrationOptions } from "./calibration.ts";
export {
  Accuracy,
  type AccuracyOptions,
  type Averaged,
  type ClassificationOptions,
  F1Score,
  F1Score as Dice,
  JaccardIndex,
  Precision,
  Recall,
} from "./classification.ts";
export { ConfusionMatrix, type ConfusionMatrixOptions } from "./confusion-matrix.ts";
export {
  type AreaOptions,
  AUROC,
  AveragePrecision,
  type CurveOptions,
  type PrecisionRecall,
  PrecisionRecallCurve,
  ROC,
  type RocCurve,
} from "./curves.ts";
export { MetricError } from "./errors.ts";
export { type CurveFigureOptions, calibrationFigure, precisionRecallFigure, rocFigure } from "./figures.ts";
export {
  accuracy,
  auroc,
  averagePrecision,
  calibrationError,
  confusionMatrix,
  f1Score,
  jaccardIndex,
  precision,
  recall,
  topKAccuracy,
} from "./functional.ts";
export type { MetricInput } from "./inputs.ts";
export { type Average, Metric } from "./metric.ts";
