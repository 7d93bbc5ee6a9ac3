/**
 * Non-maximum suppression of rotated boxes, plain and locality-aware.
 *
 * A text detector of the EAST and FOTS kind predicts one box at every pixel of a text, thousands in all. Locality-aware
 * suppression first melts neighbours into one, weighted by their scores, in one pass over the rows, and only then compares
 * all that is left. (Zhou et al., EAST: An Efficient and Accurate Scene Text Detector, CVPR 2017, section 3.6.)
 */
import { refuseUnknownOptions } from "../arguments/options.ts";
import { areaOf, intersectionArea, pairIou } from "./iou.ts";
import { checkScoredQuads, checkThreshold, countOf, type ScoredQuads } from "./quads.ts";

/**
 * Plain suppression: goes through the boxes from the highest score on and drops those that overlap one that was kept.
 *
 * @param threshold boxes with a larger intersection over union are the same thing
 * @returns indices of the boxes that stay, by falling score; of equal scores the first comes first
 * @throws {OptionError} naming the argument that is wrong; {BoxError} for coordinates or scores that are not finite
 */
export function nms(quads: ScoredQuads, threshold: number): number[] {
  checkScoredQuads("nms", "quads", quads);
  checkThreshold("nms", "threshold", threshold);
  const { corners, scores } = quads;
  const count = countOf(quads);
  const order = Array.from({ length: count }, (_, i) => i).sort((i, j) => (scores[j] ?? 0) - (scores[i] ?? 0) || i - j);
  // Upright bounds and areas by rank: most pairs are far from each other, which four comparisons tell.
  const bounds = new Float64Array(4 * count);
  const areas = new Float64Array(count);
  for (let rank = 0; rank < count; rank++) {
    const index = order[rank] ?? 0;
    areas[rank] = areaOf(corners, index);
    for (let axis = 0; axis < 2; axis++) {
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      for (let k = 8 * index + axis; k < 8 * index + 8; k += 2) {
        low = Math.min(low, corners[k] ?? 0);
        high = Math.max(high, corners[k] ?? 0);
      }
      bounds[4 * rank + axis] = low;
      bounds[4 * rank + 2 + axis] = high;
    }
  }
  const dropped = new Uint8Array(count);
  const kept: number[] = [];
  for (let r = 0; r < count; r++) {
    if (dropped[r] === 1) {
      continue;
    }
    const i = order[r] ?? 0;
    kept.push(i);
    const left = bounds[4 * r] ?? 0;
    const top = bounds[4 * r + 1] ?? 0;
    const right = bounds[4 * r + 2] ?? 0;
    const bottom = bounds[4 * r + 3] ?? 0;
    const area = areas[r] ?? 0;
    for (let s = r + 1; s < count; s++) {
      if (
        dropped[s] === 1 ||
        (bounds[4 * s] ?? 0) > right ||
        (bounds[4 * s + 2] ?? 0) < left ||
        (bounds[4 * s + 1] ?? 0) > bottom ||
        (bounds[4 * s + 3] ?? 0) < top
      ) {
        continue;
      }
      const shared = intersectionArea(corners, i, corners, order[s] ?? 0);
      if (shared > threshold * (area + (areas[s] ?? 0) - shared)) {
        dropped[s] = 1;
      }
    }
  }
  return kept;
}

/**
 * Melts each box into the one before it when they overlap: corners become the means weighted by the scores, scores add up.
 *
 * @param quads in the order of the rows and columns of the map that they come from
 */
function mergeNeighbours({ corners, scores }: ScoredQuads, threshold: number): ScoredQuads {
  const merged = new Float64Array(corners.length);
  const sums = new Float64Array(scores.length);
  let last = -1;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] ?? 0;
    if (last >= 0 && pairIou(corners, i, merged, last) > threshold) {
      const sum = sums[last] ?? 0;
      const total = sum + score;
      for (let k = 0; k < 8; k++) {
        const at = 8 * last + k;
        merged[at] = (score * (corners[8 * i + k] ?? 0) + sum * (merged[at] ?? 0)) / total;
      }
      sums[last] = total;
    } else {
      last++;
      for (let k = 0; k < 8; k++) {
        merged[8 * last + k] = corners[8 * i + k] ?? 0;
      }
      sums[last] = score;
    }
  }
  return { corners: merged.slice(0, 8 * (last + 1)), scores: sums.slice(0, last + 1) };
}

/** Thresholds of {@link localityAwareNms}. */
export interface LocalityAwareNmsOptions {
  /** Neighbours with a larger intersection over union melt into one. */
  readonly mergeThreshold?: number;
  /** What is left and overlaps more than this is dropped, the lower sum of scores first. */
  readonly nmsThreshold?: number;
}

/**
 * Locality-aware suppression of the boxes that a score map gave.
 *
 * @param quads in the order of the map's rows and columns, scores above 0
 * @returns the boxes that stay, by falling score; a score is the sum over all that melted into the box
 * @throws {OptionError} naming the argument that is wrong; {BoxError} for coordinates or scores that are not finite
 */
export function localityAwareNms(quads: ScoredQuads, options: LocalityAwareNmsOptions = {}): ScoredQuads {
  refuseUnknownOptions("localityAwareNms", options, ["mergeThreshold", "nmsThreshold"]);
  const { mergeThreshold = 0.2, nmsThreshold = 0.2 } = options;
  checkScoredQuads("localityAwareNms", "quads", quads);
  checkThreshold("localityAwareNms", "mergeThreshold", mergeThreshold);
  checkThreshold("localityAwareNms", "nmsThreshold", nmsThreshold);
  return select(mergeNeighbours(quads, mergeThreshold), nmsThreshold);
}

function select(quads: ScoredQuads, threshold: number): ScoredQuads {
  const kept = nms(quads, threshold);
  const corners = new Float64Array(8 * kept.length);
  for (const [to, from] of kept.entries()) {
    corners.set(quads.corners.subarray(8 * from, 8 * from + 8), 8 * to);
  }
  return { corners, scores: Float64Array.from(kept, (i) => quads.scores[i] ?? 0) };
}
