/**
 * How good a detector is: which of its boxes find which true ones, and precision, recall and average precision from that.
 *
 * Matching is COCO's: over all images, from the highest score on, each box takes the true box of its image that it overlaps
 * most among those not yet taken; boxes that find none are false.
 */
import { isNumber } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { pairIou } from "./iou.ts";
import { checkQuads, checkScoredQuads, countOf, type Quads, type ScoredQuads } from "./quads.ts";

/** What was found in an image, and what is there. */
export interface DetectionsOfImage {
  readonly predicted: ScoredQuads;
  readonly truth: Quads;
}

/** How the area under the precision-recall curve is taken: all of it (Pascal VOC since 2010), or means over 11 (VOC 2007) or 101 (COCO) recalls. */
export type AveragePrecisionMethod = "area" | "11 points" | "101 points";

const methods: readonly AveragePrecisionMethod[] = ["area", "11 points", "101 points"];

/** Options of {@link evaluateDetections}. */
export interface EvaluateDetectionsOptions {
  /** Boxes with at least this intersection over union are the same thing. */
  readonly iouThreshold?: number;
  readonly method?: AveragePrecisionMethod;
}

/** What {@link evaluateDetections} finds. */
export interface DetectionEvaluation {
  readonly averagePrecision: number;
  /** All boxes of all images by falling score: whether each is true, and precision and recall of all up to it. */
  readonly scores: Float64Array;
  readonly isTrue: readonly boolean[];
  readonly precision: Float64Array;
  readonly recall: Float64Array;
  /** For each image the true box that each predicted one found, or -1. */
  readonly matches: readonly Int32Array[];
  /** Number of true boxes. */
  readonly truths: number;
}

/** An image while its boxes are matched. */
interface Matching extends DetectionsOfImage {
  /** 1 for each true box that no predicted one has found. */
  readonly free: Uint8Array;
  readonly matches: Int32Array;
}

/**
 * Evaluates detections over a set of images.
 *
 * With no true box at all recall and average precision are NaN.
 *
 * @throws {OptionError} naming the argument that is wrong; {BoxError} for coordinates or scores that are not finite
 */
export function evaluateDetections(
  images: readonly DetectionsOfImage[],
  options: EvaluateDetectionsOptions = {},
): DetectionEvaluation {
  const owner = "evaluateDetections";
  refuseUnknownOptions(owner, options, ["iouThreshold", "method"]);
  const { iouThreshold = 0.5, method = "area" } = options;
  if (!isNumber(iouThreshold, Number.MIN_VALUE, 1)) {
    throw new OptionError(owner, "iouThreshold", iouThreshold, "a number above 0 and at most 1");
  }
  if (!methods.includes(method)) {
    throw new OptionError(owner, "method", method, methods.map((name) => `"${name}"`).join(" or "));
  }
  if (!Array.isArray(images)) {
    throw new OptionError(owner, "images", images, "a list of { predicted, truth }");
  }
  const all: { image: Matching; index: number; score: number }[] = [];
  let truths = 0;
  const matches: Int32Array[] = [];
  for (const [i, { predicted, truth }] of (images as readonly DetectionsOfImage[]).entries()) {
    checkScoredQuads(owner, `images[${i}].predicted`, predicted);
    checkQuads(owner, `images[${i}].truth`, truth);
    truths += countOf(truth);
    const image = {
      predicted,
      truth,
      free: new Uint8Array(countOf(truth)).fill(1),
      matches: new Int32Array(countOf(predicted)).fill(-1),
    };
    matches.push(image.matches);
    for (const [index, score] of predicted.scores.entries()) {
      all.push({ image, index, score });
    }
  }
  // Array.prototype.sort is stable: equal scores stay in the order of images and boxes.
  all.sort((a, b) => b.score - a.score);
  const precision = new Float64Array(all.length);
  const recall = new Float64Array(all.length);
  const isTrue: boolean[] = [];
  let found = 0;
  for (const [rank, { image, index }] of all.entries()) {
    const { predicted, truth, free } = image;
    let best = -1;
    let bestIou = iouThreshold;
    for (let j = 0; j < free.length; j++) {
      if (free[j] === 0) {
        continue;
      }
      const iou = pairIou(predicted.corners, index, truth.corners, j);
      if (iou > bestIou || (best === -1 && iou === bestIou)) {
        best = j;
        bestIou = iou;
      }
    }
    if (best !== -1) {
      free[best] = 0;
      image.matches[index] = best;
      found++;
    }
    isTrue.push(best !== -1);
    precision[rank] = found / (rank + 1);
    recall[rank] = found / truths;
  }
  return {
    averagePrecision: truths === 0 ? Number.NaN : averagePrecision(precision, recall, method),
    scores: Float64Array.from(all, ({ score }) => score),
    isTrue,
    precision,
    recall,
    matches,
    truths,
  };
}

/** The best precision at this recall or any above it, from each position on. */
function envelopeOf(precision: Float64Array): Float64Array {
  const envelope = precision.slice();
  for (let i = envelope.length - 2; i >= 0; i--) {
    envelope[i] = Math.max(envelope[i] ?? 0, envelope[i + 1] ?? 0);
  }
  return envelope;
}

function averagePrecision(precision: Float64Array, recall: Float64Array, method: AveragePrecisionMethod): number {
  const envelope = envelopeOf(precision);
  if (method === "area") {
    let area = 0;
    for (let i = 0; i < recall.length; i++) {
      area += ((recall[i] ?? 0) - (i === 0 ? 0 : (recall[i - 1] ?? 0))) * (envelope[i] ?? 0);
    }
    return area;
  }
  const points = method === "11 points" ? 11 : 101;
  let sum = 0;
  let i = 0;
  for (let point = 0; point < points; point++) {
    const wanted = point / (points - 1);
    while (i < recall.length && (recall[i] ?? 0) < wanted) {
      i++;
    }
    sum += envelope[i] ?? 0;
  }
  return sum / points;
}

/** Precision, recall and their harmonic mean when only boxes of at least this score count. */
export interface OperatingPoint {
  readonly scoreThreshold: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** @throws {OptionError} where this is nothing that {@link evaluateDetections} gave */
function checkEvaluation(owner: string, evaluation: DetectionEvaluation): void {
  const { scores, precision, recall } = evaluation ?? {};
  if (![scores, precision, recall].every((list) => list instanceof Float64Array)) {
    throw new OptionError(owner, "evaluation", evaluation, "what evaluateDetections gives");
  }
}

/**
 * The figures that one gets with a threshold on the score; precision is NaN when no box reaches it.
 *
 * @throws {OptionError} naming the argument that is wrong
 */
export function atScore(evaluation: DetectionEvaluation, scoreThreshold: number): OperatingPoint {
  checkEvaluation("atScore", evaluation);
  if (!isNumber(scoreThreshold)) {
    throw new OptionError("atScore", "scoreThreshold", scoreThreshold, "a number");
  }
  const { scores, precision, recall, truths } = evaluation;
  let count = 0;
  while (count < scores.length && (scores[count] ?? 0) >= scoreThreshold) {
    count++;
  }
  const p = count === 0 ? Number.NaN : (precision[count - 1] ?? 0);
  const r = count === 0 ? 0 / truths : (recall[count - 1] ?? 0);
  return { scoreThreshold, precision: p, recall: r, f1: p + r > 0 ? (2 * p * r) / (p + r) : 0 };
}

/**
 * The threshold with the highest harmonic mean of precision and recall; undefined without any box.
 *
 * @throws {OptionError} where this is nothing that {@link evaluateDetections} gave
 */
export function bestOperatingPoint(evaluation: DetectionEvaluation): OperatingPoint | undefined {
  checkEvaluation("bestOperatingPoint", evaluation);
  let best: OperatingPoint | undefined;
  for (const [i, score] of evaluation.scores.entries()) {
    // Boxes of one score count together.
    if (evaluation.scores[i + 1] === score) {
      continue;
    }
    const point = atScore(evaluation, score);
    if (best === undefined || point.f1 > best.f1) {
      best = point;
    }
  }
  return best;
}
