import * as tf from "@tensorflow/tfjs-core";
import type { Generator } from "../random/index.ts";
import { resetParameters } from "./conv.ts";
import { refuseUnknownOptions, ShapeError } from "./errors.ts";
import { Module } from "./module.ts";
import { linearLayout, Parameter } from "./parameter.ts";
import { ofRank, shapeLike } from "./ranks.ts";
import { checkInteger, type Shape, shapeOf } from "./shapes.ts";

/** Options of a linear layer. */
export interface LinearOptions {
  /** Whether a learned bias is added, true by default. */
  readonly bias?: boolean;
  /** What the initial weights are drawn from; the default generator when left out. */
  readonly generator?: Generator;
}

/**
 * y = x Wᵀ + b over the last dimension, [..., in] -> [..., out].
 *
 * State: `weight` [out, in] and `bias` [out], as torch.nn.Linear.
 */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  /**
   * @param inFeatures size of the input's last dimension
   * @param outFeatures size of the output's
   * @param options bias and generator
   */
  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    refuseUnknownOptions(this.typeName, options, ["bias", "generator"]);
    const { bias = true, generator } = options;
    this.inFeatures = checkInteger(this.typeName, "inFeatures", inFeatures, 1);
    this.outFeatures = checkInteger(this.typeName, "outFeatures", outFeatures, 1);
    this.weight = this.registerParameter("weight", new Parameter([outFeatures, inFeatures], linearLayout));
    this.bias = bias ? this.registerParameter("bias", new Parameter([outFeatures])) : null;
    resetParameters(this.weight, this.bias, generator);
  }

  /** Shape of the output; throws a {@link ShapeError} where the input does not fit. */
  outputShape(input: Shape): number[] {
    if (input.length < 1 || input.at(-1) !== this.inFeatures) {
      throw new ShapeError(this.toString(), input, `[..., ${this.inFeatures}]`);
    }
    return [...input.slice(0, -1), this.outFeatures];
  }

  /** Multiplications with addition that an output of this shape takes. */
  multiplyAdds(_input: Shape, output: Shape): number {
    return this.inFeatures * output.reduce((product, n) => product * n, 1);
  }

  forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    const shape = this.outputShape(shapeOf(this, x));
    return tf.tidy(() => {
      const rows: tf.Tensor2D = tf.reshape(x, [-1, this.inFeatures]);
      const y = tf.matMul(rows, ofRank(this.weight.variable, 2));
      return tf.reshape(this.bias === null ? y : tf.add(y, this.bias.variable), shapeLike(shape, x));
    });
  }

  protected override extraRepr(): string {
    return `${this.inFeatures}, ${this.outFeatures}${this.bias === null ? ", bias=false" : ""}`;
  }
}
