/** RandAugment: E. D. Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced search space", arXiv:1909.13719. */

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

export interface RandAugmentOptions extends OperationOptions {
  /** How many changes are made, one after the other. */
  readonly numOps?: number;
  /** How strong they are, from 0 to numMagnitudeBins - 1. */
  readonly magnitude?: number;
  readonly numMagnitudeBins?: number;
}

/** The paper's, of images of 331 pixels. */
const space = scales({ shear: 0.3, translate: (side) => (150 / 331) * side, degrees: 30, factor: 0.9, lostBits: 4 });

/** A few random changes of one strength, chosen from fourteen: `torchvision.transforms.RandAugment`. */
export class RandAugment implements Transform {
  readonly options: Required<RandAugmentOptions>;

  /** @throws {RangeError} when a number is not as described */
  constructor(options: RandAugmentOptions = {}) {
    refuseUnknownOptions("RandAugment", options, ["numOps", "magnitude", "numMagnitudeBins", ...operationOptionNames]);
    const { numOps = 2, magnitude = 9, numMagnitudeBins = 31 } = options;
    this.options = {
      numOps: parseWhole("RandAugment", "numOps", numOps, 0),
      numMagnitudeBins: parseWhole("RandAugment", "numMagnitudeBins", numMagnitudeBins, 2),
      magnitude: parseWhole("RandAugment", "magnitude", magnitude, 0, numMagnitudeBins - 1),
      ...parseOperationOptions("RandAugment", options),
    };
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("RandAugment", generator);
    let image = asImage("RandAugment", data);
    const [height, width] = imageShape(image);
    const { numOps, magnitude, numMagnitudeBins } = this.options;
    for (let i = 0; i < numOps; i++) {
      const which = generator.integer(0, drawnOperations.length);
      const name = found(drawnOperations[which], `Operation ${which}`);
      const size = space[name].strength?.(magnitude, numMagnitudeBins, height, width) ?? 0;
      image = applyOperation(image, name, signedStrength(space[name], size, generator), this.options);
    }
    return image;
  }

  toSpec(): TransformSpec {
    return { name: "RandAugment", args: [this.options] };
  }
}
