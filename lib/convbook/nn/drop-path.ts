import type * as tf from "@tensorflow/tfjs-core";
import { defaultGenerator, type Generator } from "../random/index.ts";
import { dropParts } from "./drop-parts.ts";
import { refuseUnknownOptions } from "./errors.ts";
import { Module } from "./module.ts";
import { checkGenerator, checkNumber, type Shape, shapeOf, shapeOfAny } from "./shapes.ts";
import { noteUse } from "./usage.ts";

/** Options of {@link DropPath}; the defaults are timm's. */
export interface DropPathOptions {
  /** Whether the samples that stay are divided by the probability to stay, true by default. */
  readonly scaleByKeep?: boolean;
  /** What decides which samples go; the default generator when left out. */
  readonly generator?: Generator;
}

/**
 * Stochastic depth (Huang et al., 2016): in training sets whole samples to zero with probability dropProb and scales the others by
 * 1 / (1 − dropProb); in evaluation returns its input. Put on the branch of a residual block, it leaves the block out for those samples.
 *
 * Named and drawn as in timm (pytorch-image-models): one number a sample, so that a seed leaves out those that it leaves out there.
 *
 * @example
 * return tf.add(x, this.dropPath.forward(this.net.forward(x)));
 */
export class DropPath extends Module {
  readonly dropProb: number;
  readonly scaleByKeep: boolean;
  readonly #generator: Generator;

  /** @param dropProb probability that a sample is left out, 0 by default */
  constructor(dropProb = 0, options: DropPathOptions = {}) {
    super();
    refuseUnknownOptions(this.typeName, options, ["scaleByKeep", "generator"]);
    const { scaleByKeep = true, generator = defaultGenerator } = options;
    checkGenerator(this.typeName, generator);
    this.dropProb = checkNumber(this.typeName, "dropProb", dropProb, 0, 1);
    this.scaleByKeep = scaleByKeep;
    this.#generator = generator;
  }

  /** The input's own shape. */
  outputShape(input: Shape): number[] {
    return [...input];
  }

  forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    noteUse(this);
    if (!this.training || this.dropProb === 0) {
      shapeOfAny(this, x);
      return x;
    }
    const [batch = 1] = shapeOf(this, x);
    const keep = 1 - this.dropProb;
    return dropParts(x, batch, keep, keep > 0 && this.scaleByKeep ? 1 / keep : 1, this.#generator);
  }

  protected override extraRepr(): string {
    return `dropProb=${this.dropProb}${this.scaleByKeep ? "" : ", scaleByKeep=false"}`;
  }
}
