/**
 * Boxes as maps and back. A detector of the EAST and FOTS kind gives, for every cell of a map that is smaller than the image
 * by `stride`: how likely the cell lies in a text, how far the four sides of the text's box are, and the box's angle. The cell
 * in row r and column c stands for the image's point (c * stride, r * stride).
 *
 * Sources: Zhou et al., EAST, CVPR 2017, section 3.3; Liu et al., FOTS, CVPR 2018, section 3.2.
 */
import { checkInteger, isNumber } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { BoxError } from "./errors.ts";
import { checkBoxes, type RotatedBox, type ScoredQuads, writeQuad } from "./quads.ts";

/** What a detector gives for one image, cells in rows. */
export interface GeometryMaps {
  readonly height: number;
  readonly width: number;
  /** [height, width], from 0 to 1. */
  readonly score: Float32Array;
  /** [height, width, 4], distances to the box's own top, right, bottom and left side, in pixels of the image. */
  readonly distances: Float32Array;
  /** [height, width], radians. */
  readonly angle: Float32Array;
}

/** How to read maps. */
export interface DecodeOptions {
  /** Cells with a smaller score are no text. */
  readonly scoreThreshold?: number;
  /** Pixels of the image from one cell to the next. */
  readonly stride?: number;
}

/** @throws {OptionError} where these are no maps; {BoxError} where one has another size */
export function checkMaps(owner: string, argument: string, maps: GeometryMaps): void {
  const { height, width, score, distances, angle } = maps ?? {};
  const lists = [score, distances, angle];
  if (!Number.isInteger(height) || !Number.isInteger(width) || !lists.every((list) => list instanceof Float32Array)) {
    throw new OptionError(owner, argument, maps, "maps { height, width, score, distances, angle }");
  }
  const cells = height * width;
  const check = (name: string, got: number, expected: number) => {
    if (got !== expected) {
      throw new BoxError(null, `The ${name} of ${height} x ${width} cells must have ${expected} values, got ${got}.`);
    }
  };
  check("scores", score.length, cells);
  check("distances", distances.length, 4 * cells);
  check("angles", angle.length, cells);
}

/**
 * The boxes of all cells whose score is high enough, row by row: what locality-aware suppression takes.
 *
 * @throws {OptionError} naming the argument that is wrong
 * @throws {BoxError} for maps of the wrong size, or naming the cell whose values are not finite
 */
export function decodeGeometry(maps: GeometryMaps, options: DecodeOptions = {}): ScoredQuads {
  refuseUnknownOptions("decodeGeometry", options, ["scoreThreshold", "stride"]);
  const { scoreThreshold = 0.5, stride = 4 } = options;
  checkMaps("decodeGeometry", "maps", maps);
  if (!isNumber(scoreThreshold, 0)) {
    throw new OptionError("decodeGeometry", "scoreThreshold", scoreThreshold, "a number of at least 0");
  }
  checkStride("decodeGeometry", stride);
  const { height, width, score, distances, angle } = maps;
  const cells: number[] = [];
  for (let cell = 0; cell < height * width; cell++) {
    const value = score[cell] ?? 0;
    if (Number.isNaN(value)) {
      throw new BoxError(cell, `the score of row ${Math.floor(cell / width)}, column ${cell % width} is NaN.`);
    }
    if (value >= scoreThreshold) {
      cells.push(cell);
    }
  }
  const corners = new Float64Array(8 * cells.length);
  const scores = new Float64Array(cells.length);
  for (const [i, cell] of cells.entries()) {
    const row = Math.floor(cell / width);
    const column = cell % width;
    const [top = 0, right = 0, bottom = 0, left = 0] = distances.subarray(4 * cell, 4 * cell + 4);
    const turned = angle[cell] ?? 0;
    if (![top, right, bottom, left, turned].every(Number.isFinite)) {
      const got = `distances ${top}, ${right}, ${bottom}, ${left} and angle ${turned}`;
      throw new BoxError(i, `row ${row}, column ${column} has ${got}, which are not all finite.`);
    }
    writeQuad(corners, 8 * i, column * stride, row * stride, turned, left, right, top, bottom);
    scores[i] = score[cell] ?? 0;
  }
  return { corners, scores };
}

function checkStride(owner: string, stride: number): void {
  if (!isNumber(stride, Number.MIN_VALUE, Number.MAX_VALUE)) {
    throw new OptionError(owner, "stride", stride, "a number above 0");
  }
}

/** How to make maps. */
export interface EncodeOptions {
  readonly height: number;
  readonly width: number;
  readonly stride?: number;
  /**
   * By how much a text's cells keep away from its sides, as a part of its shorter side: near its edges a text is hard to tell
   * from what surrounds it.
   */
  readonly shrink?: number;
}

/**
 * The maps that a detector should give for these boxes: what it is trained on. Where boxes overlap, the smaller one's
 * cells win.
 *
 * @throws {OptionError} naming the argument that is wrong; {BoxError} for a box that is not finite or has a negative side
 */
export function encodeGeometry(boxes: readonly RotatedBox[], options: EncodeOptions): GeometryMaps {
  const owner = "encodeGeometry";
  refuseUnknownOptions(owner, options, ["height", "width", "stride", "shrink"]);
  const { height, width, stride = 4, shrink = 0.3 } = options;
  checkInteger(owner, "height", height, 1);
  checkInteger(owner, "width", width, 1);
  checkStride(owner, stride);
  if (!isNumber(shrink, 0, 0.5)) {
    throw new OptionError(owner, "shrink", shrink, "a number from 0 to 0.5");
  }
  checkBoxes(owner, boxes);
  const score = new Float32Array(height * width);
  const distances = new Float32Array(4 * height * width);
  const angle = new Float32Array(height * width);
  for (const box of [...boxes].sort((a, b) => b.width * b.height - a.width * a.height)) {
    const cos = Math.cos(box.angle);
    const sin = Math.sin(box.angle);
    const margin = shrink * Math.min(box.width, box.height);
    const [halfWidth, halfHeight] = [box.width / 2, box.height / 2];
    const reach = Math.hypot(halfWidth, halfHeight);
    const first = (centre: number) => Math.max(0, Math.ceil((centre - reach) / stride));
    const last = (centre: number, cells: number) => Math.min(cells - 1, Math.floor((centre + reach) / stride));
    for (let row = first(box.cy); row <= last(box.cy, height); row++) {
      for (let column = first(box.cx); column <= last(box.cx, width); column++) {
        // In the box's own axes.
        const dx = column * stride - box.cx;
        const dy = row * stride - box.cy;
        const u = dx * cos + dy * sin;
        const v = dy * cos - dx * sin;
        if (Math.abs(u) > halfWidth - margin || Math.abs(v) > halfHeight - margin) {
          continue;
        }
        const cell = row * width + column;
        score[cell] = 1;
        angle[cell] = box.angle;
        distances.set([halfHeight + v, halfWidth - u, halfHeight - v, halfWidth + u], 4 * cell);
      }
    }
  }
  return { height, width, score, distances, angle };
}
