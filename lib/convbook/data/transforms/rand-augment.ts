/** RandAugment: E. D. Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced search space", arXiv:1909.13719. */

import { checkGenerator } from "../../arguments/check.ts";
import { describeValue } from "../../arguments/describe.ts";
import { found } from "../../arguments/found.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { defaultGenerator, type Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { ImageData8 } from "../sample.ts";
import { type AffineParameters, affineMatrix, transformAffine } from "./affine.ts";
import {
  adjustBrightness,
  adjustContrast,
  adjustSaturation,
  adjustSharpness,
  autocontrast,
  equalize,
  posterize,
  solarize,
} from "./color.ts";
import { rotate } from "./random-affine.ts";
import { asImage, imageShape, roundHalfEven, type Transform, type TransformSpec } from "./transform.ts";

export interface RandAugmentOptions {
  /** How many changes are made, one after the other. */
  readonly numOps?: number;
  /** How strong they are, from 0 to numMagnitudeBins - 1. */
  readonly magnitude?: number;
  readonly numMagnitudeBins?: number;
  readonly interpolation?: "nearest" | "bilinear";
  /** What comes in from outside, 0 to 255 in every channel. */
  readonly fill?: number;
}

interface Operation {
  /** The strength at the largest magnitude, given the image's height and width; for some another scale. */
  readonly strength: (bin: number, bins: number, height: number, width: number) => number;
  /** Whether the strength's sign is drawn. */
  readonly signed: boolean;
  readonly apply: (image: ImageData8, strength: number, options: Required<RandAugmentOptions>) => ImageData8;
}

/** A few random changes of one strength, chosen from fourteen: `torchvision.transforms.RandAugment`. */
export class RandAugment implements Transform {
  readonly options: Required<RandAugmentOptions>;

  /** @throws {RangeError} when a number is not as described */
  constructor(options: RandAugmentOptions = {}) {
    refuseUnknownOptions("RandAugment", options, ["numOps", "magnitude", "numMagnitudeBins", "interpolation", "fill"]);
    const { numOps = 2, magnitude = 9, numMagnitudeBins = 31, interpolation = "nearest", fill = 0 } = options;
    const whole = (name: string, value: number, low: number, high: number): void => {
      if (Number.isInteger(value) && value >= low && value <= high) {
        return;
      }
      const range = high === Number.POSITIVE_INFINITY ? `of at least ${low}` : `from ${low} to ${high}`;
      throw new RangeError(`RandAugment's ${name} is a whole number ${range}; got ${describeValue(value)}.`);
    };
    whole("numOps", numOps, 0, Number.POSITIVE_INFINITY);
    whole("numMagnitudeBins", numMagnitudeBins, 2, Number.POSITIVE_INFINITY);
    whole("magnitude", magnitude, 0, numMagnitudeBins - 1);
    whole("fill", fill, 0, 255);
    if (interpolation !== "nearest" && interpolation !== "bilinear") {
      throw new RangeError(
        `RandAugment's interpolation is "nearest" or "bilinear"; got ${describeValue(interpolation)}.`,
      );
    }
    this.options = { numOps, magnitude, numMagnitudeBins, interpolation, fill };
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("RandAugment", generator);
    let image = asImage("RandAugment", data);
    const [height, width] = imageShape(image);
    const { numOps, magnitude, numMagnitudeBins } = this.options;
    for (let i = 0; i < numOps; i++) {
      const which = generator.integer(0, operations.length);
      const { strength, signed, apply } = found(operations[which], `Operation ${which}`);
      const size = strength(magnitude, numMagnitudeBins, height, width);
      const negative = signed && generator.integer(0, 2) === 1;
      image = apply(image, negative ? -size : size, this.options);
    }
    return image;
  }

  toSpec(): TransformSpec {
    return { name: "RandAugment", args: [this.options] };
  }
}

/** Number `bin` of `bins` equally spaced ones from `start` to `end`, in float32 as `torch.linspace` has it. */
function linspace(start: number, end: number, bin: number, bins: number): number {
  const f = Math.fround;
  const step = f(f(f(end) - f(start)) / (bins - 1));
  return bin < bins / 2 ? f(f(start) + step * bin) : f(f(end) - step * (bins - bin - 1));
}

const upTo =
  (end: number): Operation["strength"] =>
  (bin, bins) =>
    linspace(0, end, bin, bins);

function moved(
  image: ImageData8,
  parameters: AffineParameters,
  { interpolation, fill }: Required<RandAugmentOptions>,
  center?: readonly [number, number],
): ImageData8 {
  const [height, width] = imageShape(image);
  return transformAffine(image, affineMatrix(center ?? [width * 0.5, height * 0.5], parameters), interpolation, fill);
}

const degrees = (radians: number): number => (radians * 180) / Math.PI;

/** In torchvision's order, since one is drawn by its number. */
const operations: readonly Operation[] = [
  { strength: () => 0, signed: false, apply: (image) => image },
  {
    strength: upTo(0.3),
    signed: true,
    apply: (image, s, options) => moved(image, { shear: [degrees(Math.atan(s)), 0] }, options, [0, 0]),
  },
  {
    strength: upTo(0.3),
    signed: true,
    apply: (image, s, options) => moved(image, { shear: [0, degrees(Math.atan(s))] }, options, [0, 0]),
  },
  {
    strength: (bin, bins, _, width) => linspace(0, (150 / 331) * width, bin, bins),
    signed: true,
    apply: (image, s, options) => moved(image, { translate: [Math.trunc(s), 0] }, options),
  },
  {
    strength: (bin, bins, height) => linspace(0, (150 / 331) * height, bin, bins),
    signed: true,
    apply: (image, s, options) => moved(image, { translate: [0, Math.trunc(s)] }, options),
  },
  { strength: upTo(30), signed: true, apply: (image, s, options) => rotate(image, s, options) },
  { strength: upTo(0.9), signed: true, apply: (image, s) => adjustBrightness(image, 1 + s) },
  { strength: upTo(0.9), signed: true, apply: (image, s) => adjustSaturation(image, 1 + s) },
  { strength: upTo(0.9), signed: true, apply: (image, s) => adjustContrast(image, 1 + s) },
  { strength: upTo(0.9), signed: true, apply: (image, s) => adjustSharpness(image, 1 + s) },
  {
    strength: (bin, bins) => 8 - roundHalfEven(Math.fround(bin / ((bins - 1) / 4))),
    signed: false,
    apply: (image, s) => posterize(image, s),
  },
  { strength: (bin, bins) => linspace(255, 0, bin, bins), signed: false, apply: (image, s) => solarize(image, s) },
  { strength: () => 0, signed: false, apply: (image) => autocontrast(image) },
  { strength: () => 0, signed: false, apply: (image) => equalize(image) },
];
