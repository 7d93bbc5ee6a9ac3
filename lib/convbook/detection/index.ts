/**
 * Text in pictures: maps of score and geometry, boxes from them, FOTS's loss, average precision.
 *
 * @module
 */
export {
  type AveragePrecisionMethod,
  atScore,
  bestOperatingPoint,
  type DetectionEvaluation,
  type DetectionsOfImage,
  type EvaluateDetectionsOptions,
  evaluateDetections,
  type OperatingPoint,
} from "./average-precision.ts";
export { type DrawQuadsOptions, drawQuads } from "./draw-quads.ts";
export { BoxError } from "./errors.ts";
export { FotsLoss, type FotsLosses, type FotsLossOptions } from "./fots-loss.ts";
export {
  type DecodeOptions,
  decodeGeometry,
  type EncodeOptions,
  encodeGeometry,
  type GeometryMaps,
} from "./geometry.ts";
export { quadArea, quadIou } from "./iou.ts";
export { stackMaps, unstackMaps } from "./map-tensors.ts";
export { type LocalityAwareNmsOptions, localityAwareNms, nms } from "./nms.ts";
export { boxOf, countOf, type Quads, quadsOf, type RotatedBox, type ScoredQuads } from "./quads.ts";
