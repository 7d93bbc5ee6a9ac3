/**
 * Overlap of convex quadrilaterals: one is cut off along the edges of the other (Sutherland and Hodgman, Reentrant Polygon
 * Clipping, 1974). Works on flat arrays and allocates nothing for a pair.
 */
import { OptionError } from "../arguments/option-error.ts";
import { checkQuadIndex, checkQuads, countOf, type Quads } from "./quads.ts";

/** A quadrilateral cut along four edges has at most eight corners. */
const bufferA = new Float64Array(2 * 16);
const bufferB = new Float64Array(2 * 16);

/** Twice the area of a polygon of n corners from `at` on; negative when they go counter-clockwise as one sees it. */
function doubleArea(points: Float64Array, at: number, n: number): number {
  // Relative to the first corner, so that large coordinates cost no digits.
  const x0 = points[at] ?? 0;
  const y0 = points[at + 1] ?? 0;
  let sum = 0;
  for (let k = 1; k + 1 < n; k++) {
    const i = at + 2 * k;
    sum +=
      ((points[i] ?? 0) - x0) * ((points[i + 3] ?? 0) - y0) - ((points[i + 2] ?? 0) - x0) * ((points[i + 1] ?? 0) - y0);
  }
  return sum;
}

/**
 * Area of a quadrilateral.
 *
 * @param corners eight numbers a quadrilateral
 * @param index which of them
 * @throws {OptionError} naming the argument that is wrong
 */
export function quadArea(corners: Float64Array, index: number): number {
  if (!(corners instanceof Float64Array)) {
    throw new OptionError("quadArea", "corners", corners, "a Float64Array, eight numbers a quadrilateral");
  }
  checkQuadIndex("quadArea", corners, index);
  return areaOf(corners, index);
}

/** {@link quadArea} of what is known to be there. */
export function areaOf(corners: Float64Array, index: number): number {
  return Math.abs(doubleArea(corners, 8 * index, 4)) / 2;
}

/** Area that quadrilateral i of `a` and quadrilateral j of `b` share. */
export function intersectionArea(a: Float64Array, i: number, b: Float64Array, j: number): number {
  let points = bufferA;
  let next = bufferB;
  for (let k = 0; k < 8; k++) {
    points[k] = a[8 * i + k] ?? 0;
  }
  let n = 4;
  const sign = doubleArea(b, 8 * j, 4) < 0 ? -1 : 1;
  for (let edge = 0; edge < 4 && n > 0; edge++) {
    const from = 8 * j + 2 * edge;
    const to = 8 * j + 2 * ((edge + 1) & 3);
    const x = b[from] ?? 0;
    const y = b[from + 1] ?? 0;
    const dx = sign * ((b[to] ?? 0) - x);
    const dy = sign * ((b[to + 1] ?? 0) - y);
    let m = 0;
    let px = points[2 * n - 2] ?? 0;
    let py = points[2 * n - 1] ?? 0;
    let before = dx * (py - y) - dy * (px - x);
    for (let k = 0; k < n; k++) {
      const qx = points[2 * k] ?? 0;
      const qy = points[2 * k + 1] ?? 0;
      const here = dx * (qy - y) - dy * (qx - x);
      if (here >= 0 !== before >= 0) {
        const t = before / (before - here);
        next[2 * m] = px + t * (qx - px);
        next[2 * m + 1] = py + t * (qy - py);
        m++;
      }
      if (here >= 0) {
        next[2 * m] = qx;
        next[2 * m + 1] = qy;
        m++;
      }
      px = qx;
      py = qy;
      before = here;
    }
    [points, next] = [next, points];
    n = m;
  }
  return n < 3 ? 0 : Math.abs(doubleArea(points, 0, n)) / 2;
}

/** Whether the upright rectangles around two quadrilaterals touch; far cheaper than their overlap. */
function boundsOverlap(a: Float64Array, i: number, b: Float64Array, j: number): boolean {
  for (let u = 8 * i, v = 8 * j, axis = 0; axis < 2; axis++, u++, v++) {
    let lowA = a[u] ?? 0;
    let highA = lowA;
    let lowB = b[v] ?? 0;
    let highB = lowB;
    for (let k = 2; k < 8; k += 2) {
      const p = a[u + k] ?? 0;
      const q = b[v + k] ?? 0;
      if (p < lowA) {
        lowA = p;
      } else if (p > highA) {
        highA = p;
      }
      if (q < lowB) {
        lowB = q;
      } else if (q > highB) {
        highB = q;
      }
    }
    if (highA < lowB || highB < lowA) {
      return false;
    }
  }
  return true;
}

/** Intersection over union of quadrilateral i of `a` and j of `b`; 0 when both have no area. */
export function pairIou(a: Float64Array, i: number, b: Float64Array, j: number): number {
  if (!boundsOverlap(a, i, b, j)) {
    return 0;
  }
  const shared = intersectionArea(a, i, b, j);
  const union = areaOf(a, i) + areaOf(b, j) - shared;
  return union > 0 ? shared / union : 0;
}

/**
 * Intersection over union of every pair.
 *
 * @returns [N, M] values, row by row
 * @throws {OptionError} naming the argument that is none; {BoxError} for coordinates that are not finite
 */
export function quadIou(a: Quads, b: Quads): Float64Array {
  checkQuads("quadIou", "a", a);
  checkQuads("quadIou", "b", b);
  const [n, m] = [countOf(a), countOf(b)];
  const result = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      result[i * m + j] = pairIou(a.corners, i, b.corners, j);
    }
  }
  return result;
}
