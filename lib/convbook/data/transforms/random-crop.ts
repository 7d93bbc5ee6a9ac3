/** Random rectangles of an image, drawn as torchvision draws them. */

import { checkGenerator } from "../../arguments/check.ts";
import { describeValue } from "../../arguments/describe.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { defaultGenerator, type Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { ImageData8 } from "../sample.ts";
import { crop, type Padding, type PaddingMode, pad } from "./geometry.ts";
import { type Interpolation, resize } from "./resample.ts";
import { parseInterpolation } from "./resize.ts";
import {
  asImage,
  imageShape,
  parseRange,
  parseSize,
  roundHalfEven,
  type Size,
  type Transform,
  type TransformSpec,
} from "./transform.ts";

export interface RandomCropOptions {
  /** Pixels to add first: on all sides, [left and right, top and bottom], or [left, top, right, bottom]. */
  readonly padding?: number | readonly number[];
  /** Pad further where the image is smaller than the rectangle. */
  readonly padIfNeeded?: boolean;
  /** The number, 0 to 255, that padding with "constant" shows. */
  readonly fill?: number;
  readonly paddingMode?: PaddingMode;
}

/** A rectangle of a given size from a random place: `torchvision.transforms.RandomCrop`. */
export class RandomCrop implements Transform {
  readonly size: readonly [height: number, width: number];
  readonly #padding: Padding | undefined;
  readonly #options: RandomCropOptions;

  /**
   * @param size height and width in pixels
   * @throws {RangeError} when a size, the padding, its fill or its mode is not as described
   */
  constructor(size: Size, options: RandomCropOptions = {}) {
    refuseUnknownOptions("RandomCrop", options, ["padding", "padIfNeeded", "fill", "paddingMode"]);
    const { padding, fill = 0, paddingMode = "constant" } = options;
    this.size = parseSize("RandomCrop", size);
    this.#padding = padding === undefined ? undefined : parsePadding(padding);
    if (!Number.isInteger(fill) || fill < 0 || fill > 255) {
      throw new RangeError(`RandomCrop's fill is an integer from 0 to 255; got ${describeValue(fill)}.`);
    }
    if (!["constant", "edge", "reflect", "symmetric"].includes(paddingMode)) {
      throw new RangeError(
        `RandomCrop's paddingMode is "constant", "edge", "reflect" or "symmetric"; got ${describeValue(paddingMode)}.`,
      );
    }
    this.#options = { ...options };
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("RandomCrop", generator);
    const { padIfNeeded = false, fill = 0, paddingMode = "constant" } = this.#options;
    let image = asImage("RandomCrop", data);
    const [height, width] = this.size;
    if (this.#padding !== undefined) {
      image = pad(image, this.#padding, paddingMode, fill);
    }
    const missing = (side: number, has: number): number => (padIfNeeded ? Math.max(0, side - has) : 0);
    const [givenHeight, givenWidth] = imageShape(image);
    const x = missing(width, givenWidth);
    if (x > 0) {
      image = pad(image, { left: x, right: x, top: 0, bottom: 0 }, paddingMode, fill);
    }
    const y = missing(height, givenHeight);
    if (y > 0) {
      image = pad(image, { left: 0, right: 0, top: y, bottom: y }, paddingMode, fill);
    }
    const [paddedHeight, paddedWidth] = imageShape(image);
    if (paddedHeight < height || paddedWidth < width) {
      throw new RangeError(
        `RandomCrop's ${height} by ${width} pixels do not fit in the image's ${paddedHeight} by ${paddedWidth}.`,
      );
    }
    if (paddedHeight === height && paddedWidth === width) {
      return image;
    }
    const top = generator.integer(0, paddedHeight - height + 1);
    const left = generator.integer(0, paddedWidth - width + 1);
    return crop(image, top, left, height, width);
  }

  toSpec(): TransformSpec {
    return { name: "RandomCrop", args: [this.size, this.#options] };
  }
}

export interface RandomResizedCropOptions {
  /** Smallest and largest part of the image's area; 0.08 to 1 as in the Inception papers. */
  readonly scale?: readonly [number, number];
  /** Smallest and largest width over height. */
  readonly ratio?: readonly [number, number];
  readonly interpolation?: Interpolation;
}

/** A rectangle of random area and proportions, resized: `torchvision.transforms.RandomResizedCrop` of images. */
export class RandomResizedCrop implements Transform {
  readonly size: readonly [height: number, width: number];
  readonly scale: readonly [number, number];
  readonly ratio: readonly [number, number];
  readonly interpolation: Interpolation;

  /**
   * @param size height and width of the result in pixels
   * @throws {RangeError} when a size is not a whole positive number, or a range is not one of positive numbers
   */
  constructor(size: Size, options: RandomResizedCropOptions = {}) {
    refuseUnknownOptions("RandomResizedCrop", options, ["scale", "ratio", "interpolation"]);
    const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3], interpolation = "bilinear" } = options;
    this.size = parseSize("RandomResizedCrop", size);
    this.scale = parseRange("RandomResizedCrop", "scale", scale, 0);
    this.ratio = parseRange("RandomResizedCrop", "ratio", ratio, Number.MIN_VALUE);
    this.interpolation = parseInterpolation("RandomResizedCrop", interpolation);
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("RandomResizedCrop", generator);
    const image = asImage("RandomResizedCrop", data);
    const { top, left, height, width } = this.rectangle(image, generator);
    return resize(crop(image, top, left, height, width), this.size[0], this.size[1], this.interpolation);
  }

  /** Draws the rectangle: torchvision's `RandomResizedCrop.get_params`. */
  rectangle(
    image: ImageData8,
    generator: Generator = defaultGenerator,
  ): { top: number; left: number; height: number; width: number } {
    const [imageHeight, imageWidth] = imageShape(image);
    const area = imageHeight * imageWidth;
    const [minRatio, maxRatio] = this.ratio;
    const logMin = Math.log(Math.fround(minRatio));
    const logMax = Math.log(Math.fround(maxRatio));
    for (let attempt = 0; attempt < 10; attempt++) {
      const targetArea = area * generator.uniform(this.scale[0], this.scale[1]);
      const aspect = Math.fround(Math.exp(generator.uniform(logMin, logMax)));
      const width = roundHalfEven(Math.sqrt(targetArea * aspect));
      const height = roundHalfEven(Math.sqrt(targetArea / aspect));
      if (width > 0 && width <= imageWidth && height > 0 && height <= imageHeight) {
        const top = generator.integer(0, imageHeight - height + 1);
        const left = generator.integer(0, imageWidth - width + 1);
        return { top, left, height, width };
      }
    }
    // Nothing fitted: the largest rectangle in the middle with the nearest allowed proportions.
    const ratio = imageWidth / imageHeight;
    const width = ratio > maxRatio ? roundHalfEven(imageHeight * maxRatio) : imageWidth;
    const height = ratio < minRatio ? roundHalfEven(imageWidth / minRatio) : imageHeight;
    return { top: (imageHeight - height) >> 1, left: (imageWidth - width) >> 1, height, width };
  }

  toSpec(): TransformSpec {
    const { size, scale, ratio, interpolation } = this;
    return { name: "RandomResizedCrop", args: [size, { scale, ratio, interpolation }] };
  }
}

function parsePadding(padding: number | readonly number[]): Padding {
  const sides = typeof padding === "number" ? [padding] : padding;
  if (Array.isArray(sides) && sides.every((side) => Number.isInteger(side) && side >= 0)) {
    const [a, b, c, d] = sides;
    if (a !== undefined && sides.length === 1) {
      return { left: a, top: a, right: a, bottom: a };
    }
    if (a !== undefined && b !== undefined && sides.length === 2) {
      return { left: a, top: b, right: a, bottom: b };
    }
    if (a !== undefined && b !== undefined && c !== undefined && d !== undefined && sides.length === 4) {
      return { left: a, top: b, right: c, bottom: d };
    }
  }
  throw new RangeError(`RandomCrop's padding is 1, 2 or 4 whole numbers of pixels; got ${describeValue(padding)}.`);
}
