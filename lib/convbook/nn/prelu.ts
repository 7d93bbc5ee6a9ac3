import * as tf from "@tensorflow/tfjs-core";
import { refuseUnknownOptions, ShapeError } from "./errors.ts";
import { constant_ } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { checkInteger, checkNumber, type Shape, shapeOf } from "./shapes.ts";

/** Options of {@link PReLU}. */
export interface PReLUOptions {
  /** Slope at the beginning, 0.25 by default. */
  readonly init?: number;
}

/**
 * x where positive, a x elsewhere, with a learned slope a: one for all, or one a channel (He et al., 2015).
 *
 * State: `weight` [numParameters], as torch.nn.PReLU. Leave weight decay off it, which would draw the slope towards zero.
 */
export class PReLU extends Module {
  readonly numParameters: number;
  readonly weight: Parameter;

  /** @param numParameters 1 (default), or the number of channels */
  constructor(numParameters = 1, options: PReLUOptions = {}) {
    super();
    refuseUnknownOptions(this.typeName, options, ["init"]);
    const { init = 0.25 } = options;
    this.numParameters = checkInteger(this.typeName, "numParameters", numParameters, 1);
    this.weight = this.registerParameter("weight", new Parameter([numParameters]));
    constant_(this.weight, checkNumber(this.typeName, "init", init));
  }

  /** The input's own shape; throws a {@link ShapeError} where there is not a slope for each channel. */
  outputShape(input: Shape): number[] {
    if (this.numParameters !== 1 && (input.length < 2 || input.at(-1) !== this.numParameters)) {
      throw new ShapeError(`${this}`, input, `[N, ..., C] with C = ${this.numParameters}`);
    }
    return [...input];
  }

  forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    this.outputShape(shapeOf(this, x));
    // The type of tf.prelu asks for slopes of the input's rank; the kernel takes those of the channels.
    return tf.engine().runKernel("Prelu", { x, alpha: this.weight.variable });
  }

  protected override extraRepr(): string {
    return `numParameters=${this.numParameters}`;
  }
}
