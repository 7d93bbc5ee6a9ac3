/**
 * Rotated rectangles and the quadrilaterals that they are. Coordinates are pixels, x to the right and y downwards; angles are
 * radians and turn x towards y (clockwise as one sees it).
 */
import { checkInteger, isNumber } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { BoxError } from "./errors.ts";

/** A rectangle around its centre, turned by `angle`. */
export interface RotatedBox {
  readonly cx: number;
  readonly cy: number;
  /** Along the box's own x axis. */
  readonly width: number;
  readonly height: number;
  readonly angle: number;
}

/**
 * N quadrilaterals, eight numbers each: x and y of the corners in order around it. Those made here begin at the box's own
 * top left and go on clockwise. They must be convex.
 */
export interface Quads {
  /** 8N coordinates. */
  readonly corners: Float64Array;
}

/** Quadrilaterals with how sure a detector is of each. */
export interface ScoredQuads extends Quads {
  /** N scores. */
  readonly scores: Float64Array;
}

/**
 * How many quadrilaterals there are.
 *
 * @throws {OptionError} where they are none
 */
export function countOf(quads: Quads): number {
  return cornersOf("countOf", "quads", quads).length / 8;
}

/** The coordinates of quadrilaterals, or an error that names the argument. */
export function cornersOf(owner: string, argument: string, quads: Quads): Float64Array {
  const corners: unknown = quads?.corners;
  if (!(corners instanceof Float64Array)) {
    throw new OptionError(owner, argument, quads, "quadrilaterals, { corners: Float64Array }");
  }
  return corners;
}

/** @throws {OptionError} where these are no list of rectangles; {BoxError} for one that is not finite or has a negative side */
export function checkBoxes(owner: string, boxes: readonly RotatedBox[]): void {
  if (!Array.isArray(boxes) || boxes.some((box) => typeof box !== "object" || box === null)) {
    throw new OptionError(owner, "boxes", boxes, "a list of boxes { cx, cy, width, height, angle }");
  }
  for (const [i, { cx, cy, width, height, angle }] of (boxes as readonly RotatedBox[]).entries()) {
    if (![cx, cy, width, height, angle].every(Number.isFinite) || width < 0 || height < 0) {
      const got = `centre (${cx}, ${cy}), size ${width} x ${height}, angle ${angle}`;
      throw new BoxError(i, `expected finite numbers and sides of at least 0, got ${got}.`);
    }
  }
}

/**
 * Rectangles as quadrilaterals.
 *
 * @throws {OptionError} where these are no list of rectangles; {BoxError} for one that is not finite or has a negative side
 */
export function quadsOf(boxes: readonly RotatedBox[]): Quads {
  checkBoxes("quadsOf", boxes);
  const corners = new Float64Array(8 * boxes.length);
  for (const [i, { cx, cy, width, height, angle }] of boxes.entries()) {
    writeQuad(corners, 8 * i, cx, cy, angle, width / 2, width / 2, height / 2, height / 2);
  }
  return { corners };
}

/** Writes the corners of a rectangle that reaches so far from a point to its own left, right, top and bottom. */
export function writeQuad(
  corners: Float64Array,
  at: number,
  x: number,
  y: number,
  angle: number,
  left: number,
  right: number,
  top: number,
  bottom: number,
): void {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  corners[at] = x - left * cos + top * sin;
  corners[at + 1] = y - left * sin - top * cos;
  corners[at + 2] = x + right * cos + top * sin;
  corners[at + 3] = y + right * sin - top * cos;
  corners[at + 4] = x + right * cos - bottom * sin;
  corners[at + 5] = y + right * sin + bottom * cos;
  corners[at + 6] = x - left * cos - bottom * sin;
  corners[at + 7] = y - left * sin + bottom * cos;
}

/**
 * The rectangle nearest to a quadrilateral: its centre, the means of opposite sides' lengths, the direction of its first and
 * third side. Exact for rectangles.
 *
 * @throws {OptionError} where these are no quadrilaterals, or there is none of this index
 */
export function boxOf(quads: Quads, index: number): RotatedBox {
  const corners = cornersOf("boxOf", "quads", quads);
  checkQuadIndex("boxOf", corners, index);
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, x3 = 0, y3 = 0, x4 = 0, y4 = 0] = corners.subarray(8 * index, 8 * index + 8);
  return {
    cx: (x1 + x2 + x3 + x4) / 4,
    cy: (y1 + y2 + y3 + y4) / 4,
    width: (Math.hypot(x2 - x1, y2 - y1) + Math.hypot(x3 - x4, y3 - y4)) / 2,
    height: (Math.hypot(x4 - x1, y4 - y1) + Math.hypot(x3 - x2, y3 - y2)) / 2,
    angle: Math.atan2(y2 - y1 + (y3 - y4), x2 - x1 + (x3 - x4)),
  };
}

/** @throws {OptionError} where there is no quadrilateral of this index */
export function checkQuadIndex(owner: string, corners: Float64Array, index: number): void {
  checkInteger(owner, "index", index, 0);
  if (8 * index + 8 > corners.length) {
    throw new OptionError(owner, "index", index, `below ${Math.floor(corners.length / 8)}, of so many quadrilaterals`);
  }
}

/** A threshold of intersection over union, from 0 to 1, or an error that names it. */
export function checkThreshold(owner: string, name: string, threshold: number): void {
  if (!isNumber(threshold, 0, 1)) {
    throw new OptionError(owner, name, threshold, "a number from 0 to 1");
  }
}

/**
 * Makes sure that quadrilaterals with scores are whole and finite.
 *
 * @throws {OptionError} where they are none or have no scores
 * @throws {BoxError} naming the first that is not
 */
export function checkScoredQuads(owner: string, argument: string, quads: ScoredQuads): void {
  cornersOf(owner, argument, quads);
  if (!(quads.scores instanceof Float64Array)) {
    throw new OptionError(owner, `${argument}.scores`, quads.scores, "a Float64Array, a score for each quadrilateral");
  }
  checkQuads(owner, argument, quads);
}

/**
 * Makes sure that quadrilaterals are whole and finite.
 *
 * @throws {OptionError} where they are none
 * @throws {BoxError} naming the first that is not
 */
export function checkQuads(owner: string, argument: string, quads: Quads & { readonly scores?: Float64Array }): void {
  const corners = cornersOf(owner, argument, quads);
  const { scores } = quads;
  if (corners.length % 8 !== 0) {
    throw new BoxError(null, `Expected eight coordinates a box, got ${corners.length} in all.`);
  }
  const count = corners.length / 8;
  if (scores !== undefined && scores.length !== count) {
    throw new BoxError(null, `Expected a score for each of ${count} boxes, got ${scores.length}.`);
  }
  for (let k = 0; k < corners.length; k++) {
    if (!Number.isFinite(corners[k])) {
      const index = k >> 3;
      throw new BoxError(
        index,
        `expected finite coordinates, got ${[...corners.subarray(8 * index, 8 * index + 8)].join(", ")}.`,
      );
    }
  }
  const bad = scores?.findIndex((score) => !Number.isFinite(score)) ?? -1;
  if (bad !== -1) {
    throw new BoxError(bad, `expected a finite score, got ${scores?.[bad]}.`);
  }
}
