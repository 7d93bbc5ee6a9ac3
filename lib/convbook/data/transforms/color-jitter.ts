/** Random brightness, contrast, saturation and hue, drawn as torchvision draws them. */

import { checkGenerator } from "../../arguments/check.ts";
import { describeValue } from "../../arguments/describe.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { defaultGenerator, type Generator, randperm } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { ImageData8 } from "../sample.ts";
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from "./color.ts";
import { asImage, parseRange, type Transform, type TransformSpec } from "./transform.ts";

/** A range of factors, or a number d for 1 - d to 1 + d (for the hue, -d to d). */
export type JitterRange = number | readonly [low: number, high: number];

export interface ColorJitterOptions {
  readonly brightness?: JitterRange;
  readonly contrast?: JitterRange;
  readonly saturation?: JitterRange;
  /** In parts of the colour circle, within -0.5 and 0.5. */
  readonly hue?: JitterRange;
}

/** Changes an image's colours at random, in random order: `torchvision.transforms.ColorJitter`. */
export class ColorJitter implements Transform {
  readonly #options: ColorJitterOptions;
  /** Ranges of brightness, contrast, saturation and hue; undefined where nothing is to change. */
  readonly #ranges: readonly (readonly [number, number] | undefined)[];

  /** @throws {RangeError} when a number is negative, or a range is not one */
  constructor(options: ColorJitterOptions = {}) {
    refuseUnknownOptions("ColorJitter", options, ["brightness", "contrast", "saturation", "hue"]);
    const { brightness = 0, contrast = 0, saturation = 0, hue = 0 } = options;
    this.#options = { ...options };
    this.#ranges = [
      factors("brightness", brightness),
      factors("contrast", contrast),
      factors("saturation", saturation),
      turns(hue),
    ];
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("ColorJitter", generator);
    let image = asImage("ColorJitter", data);
    const order = randperm(4, { generator });
    const drawn = this.#ranges.map((range) => range && generator.uniform(range[0], range[1]));
    for (const which of order) {
      const factor = drawn[which];
      if (factor !== undefined) {
        image = (adjust[which] as typeof adjustHue)(image, factor);
      }
    }
    return image;
  }

  toSpec(): TransformSpec {
    return { name: "ColorJitter", args: [this.#options] };
  }
}

const adjust = [adjustBrightness, adjustContrast, adjustSaturation, adjustHue];

function factors(what: string, range: JitterRange): readonly [number, number] | undefined {
  if (typeof range === "number" ? !(range >= 0) : !Array.isArray(range)) {
    throw new RangeError(`ColorJitter's ${what} is a number >= 0 or a range [low, high]; got ${describeValue(range)}.`);
  }
  const [low, high] = typeof range === "number" ? ([Math.max(0, 1 - range), 1 + range] as const) : range;
  const parsed = parseRange("ColorJitter", what, [low, high], 0);
  return low === 1 && high === 1 ? undefined : parsed;
}

function turns(range: JitterRange): readonly [number, number] | undefined {
  if (Number.isNaN(range)) {
    throw new RangeError(`ColorJitter's hue is a number or a range [low, high]; got ${range}.`);
  }
  const [low, high] = parseRange("ColorJitter", "hue", typeof range === "number" ? [-range, range] : range, -0.5);
  if (high > 0.5) {
    throw new RangeError(`ColorJitter's hue lies within -0.5 and 0.5; got ${describeValue(range)}.`);
  }
  return low === 0 && high === 0 ? undefined : [low, high];
}
