/** Outlines of boxes on an image, to see what a detector found. */
import { isNumber } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import type { ImageData8 } from "../data/sample.ts";
import { cornersOf, type Quads } from "./quads.ts";

type Colour = readonly [red: number, green: number, blue: number];

/** A straight line from (x0, y0) to (x1, y1). */
type Segment = readonly [x0: number, y0: number, x1: number, y1: number];

function distanceTo([x0, y0, x1, y1]: Segment, x: number, y: number): number {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const t = Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
}

function blend(data: Float32Array, at: number, fill: Colour, alpha: number): void {
  for (let c = 0; c < 3; c++) {
    data[at + c] = (1 - alpha) * (data[at + c] ?? 0) + alpha * (fill[c] ?? 0);
  }
}

/** How to draw outlines. */
export interface DrawQuadsOptions {
  /** Red, green and blue, from 0 to 255. */
  readonly colour?: Colour;
  /** Width of the line in pixels. */
  readonly lineWidth?: number;
}

/**
 * An image with the outlines of boxes on it; the one that is given stays as it is.
 *
 * @param image [height, width, 3]
 * @throws {OptionError} naming the argument that is wrong; {RangeError} for an image of another shape
 */
export function drawQuads(image: ImageData8, quads: Quads, options: DrawQuadsOptions = {}): ImageData8 {
  const owner = "drawQuads";
  refuseUnknownOptions(owner, options, ["colour", "lineWidth"]);
  const { colour: line = [255, 40, 40], lineWidth = 2 } = options;
  if (!Array.isArray(line) || line.length !== 3 || !line.every((value) => isNumber(value, 0, 255))) {
    throw new OptionError(owner, "colour", line, "red, green and blue, three numbers from 0 to 255");
  }
  if (!isNumber(lineWidth, 0, Number.MAX_VALUE)) {
    throw new OptionError(owner, "lineWidth", lineWidth, "a number of at least 0");
  }
  if (image?.dtype !== "uint8" || !Array.isArray(image.shape)) {
    throw new OptionError(owner, "image", image, 'an image { dtype: "uint8", shape, data }');
  }
  const corners = cornersOf(owner, "quads", quads);
  const [height, width, channels] = image.shape;
  if (height === undefined || width === undefined || channels !== 3 || image.shape.length !== 3) {
    throw new RangeError(`Expected an image of shape [height, width, 3], got [${image.shape.join(", ")}].`);
  }
  const data = Float32Array.from(image.data);
  const reach = lineWidth / 2 + 1;
  for (let from = 0; from < corners.length; from += 2) {
    const to = (from & 7) === 6 ? from - 6 : from + 2;
    const [x0 = 0, y0 = 0] = corners.subarray(from, from + 2);
    const [x1 = 0, y1 = 0] = corners.subarray(to, to + 2);
    for (
      let y = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
      y <= Math.min(height - 1, Math.max(y0, y1) + reach);
      y++
    ) {
      for (
        let x = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
        x <= Math.min(width - 1, Math.max(x0, x1) + reach);
        x++
      ) {
        const length = Math.hypot(x1 - x0, y1 - y0);
        const distance = length === 0 ? Math.hypot(x - x0, y - y0) : distanceTo([x0, y0, x1, y1], x, y);
        const cover = Math.max(0, Math.min(1, lineWidth / 2 - distance + 0.5));
        if (cover > 0) {
          blend(data, 3 * (y * width + x), line, cover);
        }
      }
    }
  }
  return { dtype: "uint8", shape: image.shape, data: Uint8Array.from(data, Math.round) };
}
