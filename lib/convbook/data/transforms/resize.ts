/** Transforms that change an image's size, always in the same way. */

import { describeValue } from "../../arguments/describe.ts";
import { refuseMore, refuseUnknownOptions } from "../../arguments/options.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { ImageData8 } from "../sample.ts";
import { crop, pad } from "./geometry.ts";
import { type Interpolation, resize } from "./resample.ts";
import {
  asImage,
  imageShape,
  parseSize,
  roundHalfEven,
  type Size,
  type Transform,
  type TransformSpec,
} from "./transform.ts";

/**
 * Resizes: `torchvision.transforms.Resize` of Pillow's images, to the byte, in each interpolation. Of tensors torchvision resizes otherwise
 * ("nearest" takes other pixels there, the others do not widen their filters).
 */
export class Resize implements Transform {
  readonly size: Size;
  readonly interpolation: Interpolation;

  /**
   * @param size [height, width], or one number for the shorter side, which keeps the image's proportions
   * @throws {RangeError} when the size is not of whole positive numbers
   */
  constructor(size: Size, options: { readonly interpolation?: Interpolation } = {}) {
    refuseUnknownOptions("Resize", options, ["interpolation"]);
    const { interpolation = "bilinear" } = options;
    parseSize("Resize", size);
    this.size = size;
    this.interpolation = parseInterpolation("Resize", interpolation);
  }

  apply(data: TensorData): ImageData8 {
    const image = asImage("Resize", data);
    const [height, width] = imageShape(image);
    if (typeof this.size !== "number") {
      return resize(image, this.size[0], this.size[1], this.interpolation);
    }
    const short = Math.min(height, width);
    const long = Math.max(height, width);
    const newLong = Math.trunc((this.size * long) / short);
    const [newHeight, newWidth] = height <= width ? [this.size, newLong] : [newLong, this.size];
    return resize(image, newHeight, newWidth, this.interpolation);
  }

  toSpec(): TransformSpec {
    return { name: "Resize", args: [this.size, { interpolation: this.interpolation }] };
  }
}

/** Cuts the middle out, where need be after padding with zeros: `torchvision.transforms.CenterCrop`. */
export class CenterCrop implements Transform {
  readonly size: readonly [height: number, width: number];

  /** @throws {RangeError} when the size is not of whole positive numbers */
  constructor(size: Size, ...more: readonly never[]) {
    refuseMore("CenterCrop", more, "one, [height, width] for two sizes");
    this.size = parseSize("CenterCrop", size);
  }

  apply(data: TensorData): ImageData8 {
    let image = asImage("CenterCrop", data);
    const [height, width] = this.size;
    const [imageHeight, imageWidth] = imageShape(image);
    if (width > imageWidth || height > imageHeight) {
      const x = Math.max(0, width - imageWidth);
      const y = Math.max(0, height - imageHeight);
      const padding = { left: x >> 1, top: y >> 1, right: (x + 1) >> 1, bottom: (y + 1) >> 1 };
      image = pad(image, padding, "constant", 0);
    }
    const [paddedHeight, paddedWidth] = imageShape(image);
    const top = roundHalfEven((paddedHeight - height) / 2);
    const left = roundHalfEven((paddedWidth - width) / 2);
    return crop(image, top, left, height, width);
  }

  toSpec(): TransformSpec {
    return { name: "CenterCrop", args: [this.size] };
  }
}

/** @throws {RangeError} naming the interpolations that exist */
export function parseInterpolation(name: string, interpolation: Interpolation): Interpolation {
  if (["nearest", "bilinear", "bicubic"].includes(interpolation)) {
    return interpolation;
  }
  throw new RangeError(
    `${name}'s interpolation is "nearest", "bilinear" or "bicubic"; got ${describeValue(interpolation)}.`,
  );
}
