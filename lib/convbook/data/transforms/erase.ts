/** Erasing parts of images: RandomErasing (Z. Zhong et al., arXiv:1708.04896) and Cutout (T. DeVries, G. W. Taylor, arXiv:1708.04552). */

import { checkGenerator } from "../../arguments/check.ts";
import { describeValue } from "../../arguments/describe.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { defaultGenerator, fillNormal, type Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { FloatData } from "../sample.ts";
import {
  asFloatImage,
  imageShape,
  parseProbability,
  parseRange,
  roundHalfEven,
  type Transform,
  type TransformSpec,
} from "./transform.ts";

export interface RandomErasingOptions {
  /** How often something is erased. */
  readonly p?: number;
  /** Smallest and largest part of the image's area. */
  readonly scale?: readonly [number, number];
  /** Smallest and largest height over width. */
  readonly ratio?: readonly [number, number];
  /** What is put there: one number, one a channel, or normal noise. */
  readonly value?: number | readonly number[] | "random";
}

/** Erases a random rectangle of what ToTensor gave: `torchvision.transforms.RandomErasing`. */
export class RandomErasing implements Transform {
  readonly options: Required<RandomErasingOptions>;

  /** @throws {RangeError} when an option is not as described */
  constructor(options: RandomErasingOptions = {}) {
    refuseUnknownOptions("RandomErasing", options, ["p", "scale", "ratio", "value"]);
    const { p = 0.5, scale = [0.02, 0.33], ratio = [0.3, 3.3], value = 0 } = options;
    parseProbability("RandomErasing", p);
    parseRange("RandomErasing", "ratio", ratio, Number.MIN_VALUE);
    if (parseRange("RandomErasing", "scale", scale, 0)[1] > 1) {
      throw new RangeError(`RandomErasing's scale lies within 0 and 1; got ${describeValue(scale)}.`);
    }
    if (value !== "random" && ![value].flat().every((x) => Number.isFinite(x))) {
      throw new RangeError(
        `RandomErasing's value is a number, a number for each channel, or "random"; got ${describeValue(value)}.`,
      );
    }
    this.options = { p, scale, ratio, value };
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): FloatData {
    checkGenerator("RandomErasing", generator);
    const image = asFloatImage("RandomErasing", data);
    const [imageHeight, imageWidth, channels] = imageShape(image);
    const { p, scale, ratio, value } = this.options;
    const values = typeof value === "object" ? value : undefined;
    const constant = typeof value === "number" ? value : 0;
    if (values !== undefined && values.length !== channels) {
      throw new RangeError(`RandomErasing has values for ${values.length} channels; the image has ${channels}.`);
    }
    if (!(generator.uniformFloat() < p)) {
      return image;
    }
    const area = imageHeight * imageWidth;
    const logMin = Math.log(Math.fround(ratio[0]));
    const logMax = Math.log(Math.fround(ratio[1]));
    for (let attempt = 0; attempt < 10; attempt++) {
      const eraseArea = area * generator.uniform(scale[0], scale[1]);
      const aspect = Math.fround(Math.exp(generator.uniform(logMin, logMax)));
      const height = roundHalfEven(Math.sqrt(eraseArea * aspect));
      const width = roundHalfEven(Math.sqrt(eraseArea / aspect));
      if (height >= imageHeight || width >= imageWidth) {
        continue;
      }
      // The noise is drawn channel by channel, before the place.
      const noise =
        value === "random" ? fillNormal(new Float32Array(channels * height * width), 0, 1, generator) : undefined;
      const top = generator.integer(0, imageHeight - height + 1);
      const left = generator.integer(0, imageWidth - width + 1);
      const what = (c: number, i: number): number => noise?.[c * height * width + i] ?? values?.[c] ?? constant;
      return erased(image, top, left, height, width, what);
    }
    return image;
  }

  toSpec(): TransformSpec {
    return { name: "RandomErasing", args: [this.options] };
  }
}

/** Erases squares about random pixels; what of a square lies outside of the image is cut off. */
export class Cutout implements Transform {
  readonly size: number;
  readonly holes: number;
  readonly value: number;

  /**
   * @param size side of the squares in pixels
   * @param options number of squares, and what is put there: after Normalize, 0 is the data's mean
   * @throws {RangeError} when a number is not as described
   */
  constructor(size: number, options: { readonly holes?: number; readonly value?: number } = {}) {
    refuseUnknownOptions("Cutout", options, ["holes", "value"]);
    const { holes = 1, value = 0 } = options;
    if (!Number.isInteger(size) || size < 1 || !Number.isInteger(holes) || holes < 0 || !Number.isFinite(value)) {
      const got = describeValue([size, holes, value]);
      throw new RangeError(`Cutout takes a size of whole pixels, a whole number of holes and a value; got ${got}.`);
    }
    this.size = size;
    this.holes = holes;
    this.value = value;
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): FloatData {
    checkGenerator("Cutout", generator);
    let image = asFloatImage("Cutout", data);
    const [imageHeight, imageWidth] = imageShape(image);
    for (let hole = 0; hole < this.holes; hole++) {
      const top = generator.integer(0, imageHeight) - (this.size >> 1);
      const left = generator.integer(0, imageWidth) - (this.size >> 1);
      const [y, x] = [Math.max(0, top), Math.max(0, left)];
      const height = Math.min(imageHeight, top + this.size) - y;
      const width = Math.min(imageWidth, left + this.size) - x;
      image = erased(image, y, x, height, width, () => this.value);
    }
    return image;
  }

  toSpec(): TransformSpec {
    return { name: "Cutout", args: [this.size, { holes: this.holes, value: this.value }] };
  }
}

function erased(
  image: FloatData,
  top: number,
  left: number,
  height: number,
  width: number,
  value: (channel: number, pixel: number) => number,
): FloatData {
  const [, imageWidth, channels] = imageShape(image);
  const data = image.data.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = ((top + y) * imageWidth + left + x) * channels;
      for (let c = 0; c < channels; c++) {
        data[to + c] = value(c, y * width + x);
      }
    }
  }
  return { dtype: "float32", shape: image.shape, data };
}
