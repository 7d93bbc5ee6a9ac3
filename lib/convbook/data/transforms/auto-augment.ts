/** AutoAugment: E. D. Cubuk et al., "AutoAugment: Learning augmentation policies from data", arXiv:1805.09501. */

import { checkGenerator } from "../../arguments/check.ts";
import { describeValue } from "../../arguments/describe.ts";
import { found } from "../../arguments/found.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { defaultGenerator, type Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { ImageData8 } from "../sample.ts";
import { type PolicyStep, policies } from "./auto-augment-policies.ts";
import {
  applyOperation,
  type OperationOptions,
  operationOptionNames,
  parseOperationOptions,
  scales,
} from "./operations.ts";
import { asImage, imageShape, type Transform, type TransformSpec } from "./transform.ts";

export interface AutoAugmentOptions extends OperationOptions {
  /** The data set that the policy was found for; default "imagenet". */
  readonly policy?: keyof typeof policies;
}

/** How many strengths the policies number. */
const BINS = 10;

const space = scales({ shear: 0.3, translate: (side) => (150 / 331) * side, degrees: 30, factor: 0.9, lostBits: 4 });

/** One of a learned policy's 25 pairs of changes: `torchvision.transforms.AutoAugment`. */
export class AutoAugment implements Transform {
  readonly options: Required<AutoAugmentOptions>;

  /** @throws {RangeError} when an option is not as described */
  constructor(options: AutoAugmentOptions = {}) {
    refuseUnknownOptions("AutoAugment", options, ["policy", ...operationOptionNames]);
    const { policy = "imagenet" } = options;
    if (!Object.hasOwn(policies, policy)) {
      const known = '"imagenet", "cifar10" or "svhn"';
      throw new RangeError(`AutoAugment's policy is ${known}; got ${describeValue(policy)}.`);
    }
    this.options = { policy, ...parseOperationOptions("AutoAugment", options) };
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("AutoAugment", generator);
    let image = asImage("AutoAugment", data);
    const [height, width] = imageShape(image);
    const pairs: readonly (readonly PolicyStep[])[] = policies[this.options.policy];
    const which = generator.integer(0, pairs.length);
    const pair = found(pairs[which], `Pair ${which}`);
    // All is drawn first, also what the pair does not need.
    const draws = pair.map(() => generator.uniformFloat());
    const signs = pair.map(() => generator.integer(0, 2));
    for (const [i, [name, p, magnitude]] of pair.entries()) {
      if (!(found(draws[i], "A draw") <= Math.fround(p))) {
        continue;
      }
      const { signed, strength } = space[name];
      const size = magnitude === undefined ? 0 : (strength?.(magnitude, BINS, height, width) ?? 0);
      image = applyOperation(image, name, signed && signs[i] === 0 ? -size : size, this.options);
    }
    return image;
  }

  toSpec(): TransformSpec {
    return { name: "AutoAugment", args: [this.options] };
  }
}
