/**
 * Mixing a batch's images with each other: MixUp (H. Zhang et al., arXiv:1710.09412) and CutMix (S. Yun et al., arXiv:1905.04899).
 * Each image is mixed with the one before it in the batch, the first with the last, by one share for all, as `torchvision.transforms.v2`
 * does it, with its draws; the labels become the classes' shares, [N, classes].
 */

import { checkList } from "../../arguments/check.ts";
import { classNameOf } from "../../arguments/class-name.ts";
import { describeValue } from "../../arguments/describe.ts";
import { found } from "../../arguments/found.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { beta, type Generator } from "../../random/index.ts";
import { DataError } from "../error.ts";
import type { RawBatch } from "../loader/collate.ts";
import type { BatchTransform, BatchTransformSpec } from "./batch-transform.ts";
import { parseProbability } from "./transform.ts";

export interface MixOptions {
  /** Number of classes. */
  readonly numClasses: number;
  /** Parameter of the beta distribution of the shares: 1 is uniform; the smaller, the less is mixed. */
  readonly alpha?: number;
  /** How often a batch is mixed; below 1 this is drawn first, as torchvision's training reference of version 0.14 draws it. */
  readonly p?: number;
}

abstract class Mix implements BatchTransform {
  readonly options: Required<MixOptions>;

  constructor(name: string, options: MixOptions) {
    refuseUnknownOptions(name, options, ["numClasses", "alpha", "p"]);
    const { numClasses, alpha = 1, p = 1 } = options;
    if (!Number.isInteger(numClasses) || numClasses < 1) {
      throw new RangeError(`${name}'s numClasses is a whole number of at least 1; got ${describeValue(numClasses)}.`);
    }
    if (!Number.isFinite(alpha) || alpha <= 0) {
      throw new RangeError(`${name}'s alpha is a positive number; got ${describeValue(alpha)}.`);
    }
    this.options = { numClasses, alpha, p: parseProbability(name, p) };
  }

  apply(batch: RawBatch, generator: Generator): RawBatch {
    const { numClasses, alpha, p } = this.options;
    if (batch.dtype !== "float32" || batch.labelShape.length > 2) {
      throw new DataError("collate", `${classNameOf(this)} mixes float32 images; got ${batch.dtype}. Add ToTensor.`);
    }
    const shares = classShares(batch, numClasses);
    const [n = 0] = batch.shape;
    const labelShape = [n, numClasses];
    if (p < 1 && generator.uniformFloat() >= p) {
      return { ...batch, labels: shares, labelShape };
    }
    const data = batch.data as Float32Array;
    const share = this.mix(data, batch.shape, beta(alpha, alpha, { generator }), generator);
    mixWithPrevious(shares, n, (own, previous) => own * share + previous * (1 - share));
    return { ...batch, data, labels: shares, labelShape };
  }

  /** Mixes the images in place. @returns what share of each image's label is its own */
  protected abstract mix(data: Float32Array, shape: readonly number[], share: number, generator: Generator): number;
}

/** Each image becomes a weighted mean of two. */
export class MixUp extends Mix {
  /** @throws {RangeError} when an option is not as described */
  constructor(options: MixOptions) {
    super("MixUp", options);
  }

  toSpec(): BatchTransformSpec {
    return { name: "MixUp", args: [this.options] };
  }

  protected override mix(data: Float32Array, [n = 0]: readonly number[], share: number): number {
    const own = Math.fround(share);
    const other = Math.fround(1 - share);
    mixWithPrevious(data, n, (a, b) => Math.fround(a * own) + Math.fround(b * other));
    return share;
  }
}

/** Each image gets a rectangle of another. */
export class CutMix extends Mix {
  /** @throws {RangeError} when an option is not as described */
  constructor(options: MixOptions) {
    super("CutMix", options);
  }

  toSpec(): BatchTransformSpec {
    return { name: "CutMix", args: [this.options] };
  }

  protected override mix(data: Float32Array, shape: readonly number[], share: number, generator: Generator): number {
    const [n = 0, height = 1, width = 1, channels = 1] = shape;
    if (shape.length !== 4) {
      throw new DataError("collate", `CutMix takes images [N, height, width, channels]; got [${shape.join(", ")}].`);
    }
    const centerX = generator.integer(0, width);
    const centerY = generator.integer(0, height);
    const half = 0.5 * Math.sqrt(1 - share);
    const [halfWidth, halfHeight] = [Math.trunc(half * width), Math.trunc(half * height)];
    const [x1, x2] = [Math.max(0, centerX - halfWidth), Math.min(width, centerX + halfWidth)];
    const [y1, y2] = [Math.max(0, centerY - halfHeight), Math.min(height, centerY + halfHeight)];
    mixWithPrevious(data, n, (own, previous, i) => {
      const x = Math.trunc(i / channels) % width;
      const y = Math.trunc(i / (channels * width));
      return x >= x1 && x < x2 && y >= y1 && y < y2 ? previous : own;
    });
    return 1 - ((x2 - x1) * (y2 - y1)) / (width * height);
  }
}

/**
 * One of several mixes for each batch: `torchvision.transforms.v2.RandomChoice`, as its training reference chooses between MixUp and CutMix.
 * The choice is drawn as `torch.multinomial` draws it (where PyTorch was built without MKL, which has random numbers of its own).
 */
export class RandomMix implements BatchTransform {
  readonly mixes: readonly BatchTransform[];
  readonly p: readonly number[];

  /**
   * @param mixes what is chosen from
   * @param options how often each is chosen, relative to the others; equally often by default
   * @throws {OptionError} when there is nothing to choose from, or a weight is not a positive number
   */
  constructor(mixes: readonly BatchTransform[], options: { readonly p?: readonly number[] } = {}) {
    checkList("RandomMix", "mixes", mixes, "a list of mixes");
    refuseUnknownOptions("RandomMix", options, ["p"]);
    const isMix = (mix: BatchTransform): boolean => typeof mix?.apply === "function";
    if (mixes.length === 0 || !mixes.every(isMix)) {
      throw new OptionError("RandomMix", "mixes", mixes, "a list of at least one MixUp, CutMix or the like");
    }
    const { p = mixes.map(() => 1) } = options;
    const isWeight = (weight: number): boolean => Number.isFinite(weight) && weight > 0;
    if (!Array.isArray(p) || p.length !== mixes.length || !p.every(isWeight)) {
      throw new OptionError("RandomMix", "p", p, `${mixes.length} positive numbers, one for each mix`);
    }
    this.mixes = [...mixes];
    this.p = [...p];
  }

  apply(batch: RawBatch, generator: Generator): RawBatch {
    const total = this.p.reduce((sum, weight) => sum + weight, 0);
    const races = this.p.map((weight) => {
      const waiting = Math.fround(-Math.log1p(-generator.uniformDouble()));
      return Math.fround(Math.fround(weight / total) / waiting);
    });
    const which = races.indexOf(Math.max(...races));
    return found(this.mixes[which], `Mix ${which}`).apply(batch, generator);
  }

  toSpec(): BatchTransformSpec | undefined {
    const specs = this.mixes.map((mix) => mix.toSpec?.());
    return specs.every((spec) => spec !== undefined) ? { name: "RandomMix", args: [specs, { p: this.p }] } : undefined;
  }
}

/** Gives every row's elements anew from its own and the previous row's (the last row's for the first), in place. */
function mixWithPrevious(
  values: Float32Array,
  rows: number,
  mix: (own: number, previous: number, element: number) => number,
): void {
  const size = values.length / rows;
  const last = values.slice((rows - 1) * size);
  for (let row = rows - 1; row >= 0; row--) {
    const start = row * size;
    for (let i = 0; i < size; i++) {
      const previous = (row === 0 ? last[i] : values[start - size + i]) ?? 0;
      values[start + i] = mix(values[start + i] ?? 0, previous, i);
    }
  }
}

/** Class numbers as shares: 1 for the class, 0 for the others. Shares stay what they are. */
function classShares({ labels, labelShape }: RawBatch, numClasses: number): Float32Array {
  if (labels instanceof Float32Array && labelShape[1] === numClasses) {
    return labels;
  }
  const shares = new Float32Array(labels.length * numClasses);
  for (const [i, label] of labels.entries()) {
    if (label < 0 || label >= numClasses) {
      throw new DataError("collate", `Label ${label} of the batch's sample ${i} is none of ${numClasses} classes.`);
    }
    shares[i * numClasses + label] = 1;
  }
  return shares;
}
