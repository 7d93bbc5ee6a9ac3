/** TrivialAugment: S. G. Müller, F. Hutter, "TrivialAugment: Tuning-free yet state-of-the-art data augmentation", arXiv:2103.10158. */

import { checkGenerator } from "../../arguments/check.ts";
import { found } from "../../arguments/found.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { defaultGenerator, type Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { ImageData8 } from "../sample.ts";
import {
  applyOperation,
  drawnOperations,
  type OperationOptions,
  operationOptionNames,
  parseOperationOptions,
  parseWhole,
  scales,
  signedStrength,
} from "./operations.ts";
import { asImage, imageShape, type Transform, type TransformSpec } from "./transform.ts";

export interface TrivialAugmentWideOptions extends OperationOptions {
  /** How many strengths there are to draw from. */
  readonly numMagnitudeBins?: number;
}

/** The paper's "wide" space. */
const space = scales({ shear: 0.99, translate: () => 32, degrees: 135, factor: 0.99, lostBits: 6 });

/** One random change of a random strength, chosen from fourteen: `torchvision.transforms.TrivialAugmentWide`. */
export class TrivialAugmentWide implements Transform {
  readonly options: Required<TrivialAugmentWideOptions>;

  /** @throws {RangeError} when a number is not as described */
  constructor(options: TrivialAugmentWideOptions = {}) {
    refuseUnknownOptions("TrivialAugmentWide", options, ["numMagnitudeBins", ...operationOptionNames]);
    const { numMagnitudeBins = 31 } = options;
    this.options = {
      numMagnitudeBins: parseWhole("TrivialAugmentWide", "numMagnitudeBins", numMagnitudeBins, 2),
      ...parseOperationOptions("TrivialAugmentWide", options),
    };
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("TrivialAugmentWide", generator);
    const image = asImage("TrivialAugmentWide", data);
    const [height, width] = imageShape(image);
    const bins = this.options.numMagnitudeBins;
    const which = generator.integer(0, drawnOperations.length);
    const name = found(drawnOperations[which], `Operation ${which}`);
    const scale = space[name];
    const size = scale.strength?.(generator.integer(0, bins), bins, height, width) ?? 0;
    return applyOperation(image, name, signedStrength(scale, size, generator), this.options);
  }

  toSpec(): TransformSpec {
    return { name: "TrivialAugmentWide", args: [this.options] };
  }
}
