import * as tf from "@tensorflow/tfjs-core";
import { defaultGenerator, fillBernoulli, type Generator } from "../random/index.ts";
import { refuseUnknownOptions } from "./errors.ts";
import { Module } from "./module.ts";
import { checkGenerator, checkNumber, type Shape, shapeOf, shapeOfAny } from "./shapes.ts";
import { noteUse } from "./usage.ts";

/** Options of dropout. */
export interface DropoutOptions {
  /** What decides which elements go; the default generator when left out. */
  readonly generator?: Generator;
}

/**
 * In training sets each element to zero with probability p and scales the others by 1 / (1 − p); in evaluation returns its input.
 * Elements are drawn in PyTorch's order (channels first), so that a seed drops those that it drops there (where PyTorch runs without MKL).
 */
export class Dropout extends Module {
  readonly p: number;
  readonly #generator: Generator;

  /** @param p probability of a zero, 0.5 by default */
  constructor(p = 0.5, options: DropoutOptions = {}) {
    super();
    refuseUnknownOptions(this.typeName, options, ["generator"]);
    const { generator = defaultGenerator } = options;
    checkGenerator(this.typeName, generator);
    this.p = checkNumber(this.typeName, "p", p, 0, 1);
    this.#generator = generator;
  }

  /** The input's own shape. */
  outputShape(input: Shape): number[] {
    return [...input];
  }

  forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    noteUse(this);
    if (!this.training || this.p === 0) {
      shapeOfAny(this, x);
      return x;
    }
    shapeOf(this, x);
    return tf.tidy(() => {
      if (this.p === 1) {
        return tf.mul(x, 0);
      }
      const scale = 1 / (1 - this.p);
      const mask = fillBernoulli(new Float32Array(x.size), 1 - this.p, this.#generator).map((kept) => kept * scale);
      const [batch, ...rest] = x.shape;
      const channels = rest.pop();
      if (batch === undefined || channels === undefined || x.rank < 3) {
        return tf.mul(x, tf.tensor(mask, x.shape));
      }
      const channelsFirst = tf.tensor(mask, [batch, channels, ...rest]);
      return tf.mul(x, tf.transpose(channelsFirst, [0, ...rest.map((_, i) => i + 2), 1]));
    });
  }

  protected override extraRepr(): string {
    return `p=${this.p}`;
  }
}
