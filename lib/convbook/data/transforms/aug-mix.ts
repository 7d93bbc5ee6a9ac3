/** AugMix: D. Hendrycks et al., "AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty", arXiv:1912.02781. */

import { checkGenerator } from "../../arguments/check.ts";
import { describeValue } from "../../arguments/describe.ts";
import { found } from "../../arguments/found.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { defaultGenerator, dirichlet, type Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { ImageData8 } from "../sample.ts";
import {
  type OperationName,
  operationOptionNames,
  parseOperationOptions,
  parseWhole,
  scales,
  signedStrength,
} from "./operations.ts";
import { applyTensorOperation } from "./tensor-operations.ts";
import { asImage, imageShape, type Transform, type TransformSpec } from "./transform.ts";

export interface AugMixOptions {
  /** How strong the changes may be, from 1 to 10. */
  readonly severity?: number;
  /** How many chains of changes are mixed. */
  readonly mixtureWidth?: number;
  /** How many changes a chain has; -1 draws one to three for each. */
  readonly chainDepth?: number;
  /** Parameter of the distributions of the shares: the smaller, the more one chain, or the picture itself, prevails. */
  readonly alpha?: number;
  /** Whether brightness, colour, contrast and sharpness are among the changes; the paper leaves them to its tests. */
  readonly allOps?: boolean;
  /** How moved pictures are sampled; "bilinear" by default, other than the other policies. */
  readonly interpolation?: "nearest" | "bilinear";
  /** What comes in from outside, 0 to 255 in every channel; black where it is left out. */
  readonly fill?: number;
}

/** How many strengths there are; severity says how many of them are drawn from. */
const STRENGTHS = 10;

/** The four bits more that posterizing takes than in the other policies. */
const LOST_BITS = 4;

const shared = scales({ shear: 0.3, translate: (side) => side / 3, degrees: 30, factor: 0.9, lostBits: LOST_BITS });

/** torchvision's: of a posterized picture four bits stay at most, and none at the greatest strength. */
const space: typeof shared = {
  ...shared,
  Posterize: {
    signed: false,
    strength: (...args) => (shared.Posterize.strength?.(...args) ?? 0) - LOST_BITS,
  },
};

/** In the order in which torchvision numbers them; the last four are those of `allOps`. */
const operations: readonly OperationName[] = [
  "ShearX",
  "ShearY",
  "TranslateX",
  "TranslateY",
  "Rotate",
  "Posterize",
  "Solarize",
  "AutoContrast",
  "Equalize",
  "Brightness",
  "Color",
  "Contrast",
  "Sharpness",
];
const OF_ALL_OPS = 4;

/**
 * A mixture of the picture with chains of random changes of it: `torchvision.transforms.AugMix`. As there, the changes are made in float32 and
 * not as Pillow makes them.
 */
export class AugMix implements Transform {
  readonly options: Required<Omit<AugMixOptions, "fill">> & Pick<AugMixOptions, "fill">;

  /** @throws {RangeError} when an option is not as described */
  constructor(options: AugMixOptions = {}) {
    const own = ["severity", "mixtureWidth", "chainDepth", "alpha", "allOps"];
    refuseUnknownOptions("AugMix", options, [...own, ...operationOptionNames]);
    const { severity = 3, mixtureWidth = 3, chainDepth = -1, alpha = 1, allOps = true } = options;
    const { interpolation = "bilinear", fill } = options;
    if (!Number.isFinite(alpha) || alpha <= 0) {
      throw new RangeError(`AugMix's alpha is a positive number; got ${describeValue(alpha)}.`);
    }
    if (typeof allOps !== "boolean") {
      throw new OptionError("AugMix", "allOps", allOps, "true or false");
    }
    if (!Number.isInteger(chainDepth) || (chainDepth < 1 && chainDepth !== -1)) {
      throw new RangeError(
        `AugMix's chainDepth is a whole number of at least 1, or -1 for one that is drawn; got ${describeValue(chainDepth)}.`,
      );
    }
    const parsed = parseOperationOptions("AugMix", { interpolation, ...(fill === undefined ? {} : { fill }) });
    this.options = {
      severity: parseWhole("AugMix", "severity", severity, 1, STRENGTHS),
      mixtureWidth: parseWhole("AugMix", "mixtureWidth", mixtureWidth, 1),
      chainDepth,
      alpha,
      allOps,
      interpolation: parsed.interpolation,
      ...(fill === undefined ? {} : { fill: parsed.fill }),
    };
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("AugMix", generator);
    const image = asImage("AugMix", data);
    const { alpha, mixtureWidth } = this.options;
    const f = Math.fround;
    const [own = 0, others = 0] = dirichlet([alpha, alpha], { generator });
    const shares = dirichlet(new Array<number>(mixtureWidth).fill(alpha), { generator });
    const mix = Float32Array.from(image.data, (value) => own * value);
    for (const share of shares) {
      const changed = this.#chain(image, generator).data;
      const weight = f(share * others);
      for (let i = 0; i < mix.length; i++) {
        mix[i] = f((mix[i] ?? 0) + f(weight * (changed[i] ?? 0)));
      }
    }
    return { dtype: "uint8", shape: image.shape, data: Uint8Array.from(mix) };
  }

  toSpec(): TransformSpec {
    return { name: "AugMix", args: [this.options] };
  }

  /** The picture after a few random changes, one of another. */
  #chain(image: ImageData8, generator: Generator): ImageData8 {
    const { severity, chainDepth, allOps, interpolation, fill } = this.options;
    const [height, width] = imageShape(image);
    const depth = chainDepth > 0 ? chainDepth : generator.integer(1, 4);
    const count = allOps ? operations.length : operations.length - OF_ALL_OPS;
    let changed = image;
    for (let i = 0; i < depth; i++) {
      const which = generator.integer(0, count);
      const name = found(operations[which], `Operation ${which}`);
      const scale = space[name];
      let strength = 0;
      if (scale.strength !== undefined) {
        strength = scale.strength(generator.integer(0, severity), STRENGTHS, height, width);
      }
      strength = signedStrength(scale, strength, generator);
      changed = applyTensorOperation(changed, name, strength, { interpolation, fill });
    }
    return changed;
  }
}
