import * as tf from "@tensorflow/tfjs-core";
import { at } from "../arguments/at.ts";
import { OptionError, refuseUnknownOptions, ShapeError } from "./errors.ts";
import { type Affine, groupNorm, layerNorm } from "./functional/group-norm.ts";
import { ones_ } from "./init.ts";
import { Module } from "./module.ts";
import { type Layout, Parameter } from "./parameter.ts";
import { shapeLike } from "./ranks.ts";
import { checkInteger, checkNumber, type Shape, shapeOf } from "./shapes.ts";

/** Options of the normalisations that use no batch statistics; the defaults are PyTorch's. */
export interface NormOptions {
  /** Added to the variance before its root is taken, 1e-5 by default. */
  readonly eps?: number;
  /** Whether scale and shift are learned, true by default. */
  readonly affine?: boolean;
}

/**
 * Normalises each sample over groups of channels and all places, [N, ..., C] -> [N, ..., C] (Wu and He, 2018).
 *
 * State: `weight` and `bias` [C], as torch.nn.GroupNorm.
 */
export class GroupNorm extends Module {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;

  /**
   * @param numGroups number of groups, a divisor of the channels
   * @param numChannels number of channels
   */
  constructor(numGroups: number, numChannels: number, options: NormOptions = {}) {
    super();
    refuseUnknownOptions(this.typeName, options, ["eps", "affine"]);
    const { eps = 1e-5, affine = true } = options;
    this.numGroups = checkInteger(this.typeName, "numGroups", numGroups, 1);
    this.numChannels = checkInteger(this.typeName, "numChannels", numChannels, 1);
    if (numChannels % numGroups !== 0) {
      throw new OptionError(this.typeName, "numGroups", numGroups, `a divisor of the ${numChannels} channels`);
    }
    this.eps = checkNumber(this.typeName, "eps", eps, 0);
    this.weight = affine ? this.registerParameter("weight", new Parameter([numChannels])) : null;
    this.bias = affine ? this.registerParameter("bias", new Parameter([numChannels])) : null;
    if (this.weight !== null) {
      ones_(this.weight);
    }
  }

  /** The input's own shape; throws a {@link ShapeError} where it does not fit. */
  outputShape(input: Shape): number[] {
    if (input.length < 2 || input.at(-1) !== this.numChannels) {
      throw new ShapeError(this.toString(), input, `[N, ..., C] with C = ${this.numChannels}`);
    }
    return [...input];
  }

  forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    this.outputShape(shapeOf(this, x));
    return tf.tidy(() => groupNorm(x, this.numGroups, affineOf(this, this.numChannels), this.eps));
  }

  protected override extraRepr(): string {
    const affine = this.weight === null ? ", affine=false" : "";
    return `${this.numGroups}, ${this.numChannels}${this.eps === 1e-5 ? "" : `, eps=${this.eps}`}${affine}`;
  }
}

/** A layer's scale and shift as vectors of `size`. */
export function affineOf(
  { weight, bias }: { weight: Parameter | null; bias: Parameter | null },
  size: number,
): Affine | null {
  if (weight === null || bias === null) {
    return null;
  }
  return { weight: tf.reshape(weight.variable, [size]), bias: tf.reshape(bias.variable, [size]) };
}

/** Channels first to channels last. */
function channelsLast(rank: number): Layout {
  return rank === 1 ? [0] : [...Array.from({ length: rank - 1 }, (_, i) => i + 1), 0];
}

/**
 * Normalises each sample, or each place of it (Ba et al., 2016).
 *
 * Given a number, over the last dimension, [..., D] -> [..., D]; given [C, H, W] or [C, L] (PyTorch's order), over channels and places of [N, H, W, C]
 * or [N, L, C]. State: `weight` and `bias` of that shape, as torch.nn.LayerNorm.
 */
export class LayerNorm extends Module {
  /** The shape that is normalised over, in PyTorch's order. */
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;

  /** @param normalizedShape size of the last dimension, or [C, H, W] or [C, L] */
  constructor(normalizedShape: number | readonly number[], options: NormOptions = {}) {
    super();
    refuseUnknownOptions(this.typeName, options, ["eps", "affine"]);
    const { eps = 1e-5, affine = true } = options;
    const given: readonly unknown[] = Array.isArray(normalizedShape) ? normalizedShape : [normalizedShape];
    const shape = given.map((size) => checkInteger(this.typeName, "normalizedShape", size, 1));
    if (shape.length === 0) {
      throw new OptionError(this.typeName, "normalizedShape", shape, "at least one size");
    }
    this.normalizedShape = shape;
    this.eps = checkNumber(this.typeName, "eps", eps, 0);
    const layout = channelsLast(shape.length);
    this.weight = affine ? this.registerParameter("weight", new Parameter(shape, layout)) : null;
    this.bias = affine ? this.registerParameter("bias", new Parameter(shape, layout)) : null;
    if (this.weight !== null) {
      ones_(this.weight);
    }
  }

  /** The input's own shape; throws a {@link ShapeError} where it does not fit. */
  outputShape(input: Shape): number[] {
    const layout = channelsLast(this.normalizedShape.length);
    const expected = layout.map((dimension) => at(this.normalizedShape, dimension));
    const tail = input.slice(-expected.length);
    if (input.length < expected.length || tail.some((n, i) => n !== expected[i])) {
      throw new ShapeError(this.toString(), input, `[..., ${expected.join(", ")}]`);
    }
    return [...input];
  }

  forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    const shape = this.outputShape(shapeOf(this, x));
    return tf.tidy(() => {
      const size = this.normalizedShape.reduce((product, n) => product * n, 1);
      const rows: tf.Tensor2D = tf.reshape(x, [x.size / size, size]);
      return tf.reshape(layerNorm(rows, affineOf(this, size), this.eps), shapeLike(shape, x));
    });
  }

  protected override extraRepr(): string {
    return `[${this.normalizedShape.join(", ")}]${this.eps === 1e-5 ? "" : `, eps=${this.eps}`}`;
  }
}
