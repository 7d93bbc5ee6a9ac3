/**
 * Rotated rectangles and the quadrilaterals that they are. Coordinates are pixels, x to the right and y downwards; angles are
 * radians and turn x towards y (clockwise as one sees it).
 */
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

/** How many quadrilaterals there are. */
export function countOf({ corners }: Quads): number {
  return corners.length / 8;
}

/**
 * Rectangles as quadrilaterals.
 *
 * @throws BoxError for a box that is not finite or has a negative side
 */
export function quadsOf(boxes: readonly RotatedBox[]): Quads {
  const corners = new Float64Array(8 * boxes.length);
  for (const [i, { cx, cy, width, height, angle }] of boxes.entries()) {
    if (![cx, cy, width, height, angle].every(Number.isFinite) || width < 0 || height < 0) {
      const got = `centre (${cx}, ${cy}), size ${width} x ${height}, angle ${angle}`;
      throw new BoxError(i, `expected finite numbers and sides of at least 0, got ${got}.`);
    }
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
 */
export function boxOf({ corners }: Quads, index: number): RotatedBox {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, x3 = 0, y3 = 0, x4 = 0, y4 = 0] = corners.subarray(8 * index, 8 * index + 8);
  return {
    cx: (x1 + x2 + x3 + x4) / 4,
    cy: (y1 + y2 + y3 + y4) / 4,
    width: (Math.hypot(x2 - x1, y2 - y1) + Math.hypot(x3 - x4, y3 - y4)) / 2,
    height: (Math.hypot(x4 - x1, y4 - y1) + Math.hypot(x3 - x2, y3 - y2)) / 2,
    angle: Math.atan2(y2 - y1 + (y3 - y4), x2 - x1 + (x3 - x4)),
  };
}

/**
 * Makes sure that quadrilaterals are whole and finite.
 *
 * @throws BoxError naming the first that is not
 */
export function checkQuads(quads: Quads & { readonly scores?: Float64Array }): void {
  const { corners, scores } = quads;
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
