import type * as tf from "@tensorflow/tfjs-core";
import { defaultGenerator, type Generator } from "../random/index.ts";
import { dropParts } from "./drop-parts.ts";
import { OptionError, refuseUnknownOptions } from "./errors.ts";
import { Module } from "./module.ts";
import { checkGenerator, checkNumber, type Shape, shapeOf, shapeOfAny } from "./shapes.ts";
import { noteUse } from "./usage.ts";

/** Options of {@link StochasticDepth}. */
export interface StochasticDepthOptions {
  /** What decides which samples go; the default generator when left out. */
  readonly generator?: Generator;
}

/**
 * Stochastic depth (Huang et al., 2016) under torchvision's name: in training sets whole samples ("row") or the whole batch ("batch") to zero with
 * probability p, and scales what stays by 1 / (1 − p); in evaluation returns its input. Draws as torchvision does. {@link DropPath} is timm's.
 *
 * @example
 * const depth = new StochasticDepth(0.2, "row");
 */
export class StochasticDepth extends Module {
  readonly p: number;
  readonly mode: "row" | "batch";
  readonly #generator: Generator;

  /**
   * @param p probability that a sample, or the batch, is left out
   * @param mode "row" or "batch"
   */
  constructor(p: number, mode: "row" | "batch", options: StochasticDepthOptions = {}) {
    super();
    refuseUnknownOptions(this.typeName, options, ["generator"]);
    const { generator = defaultGenerator } = options;
    checkGenerator(this.typeName, generator);
    this.p = checkNumber(this.typeName, "p", p, 0, 1);
    if (mode !== "row" && mode !== "batch") {
      throw new OptionError(this.typeName, "mode", mode, '"row" or "batch"');
    }
    this.mode = mode;
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
    const [batch = 1] = shapeOf(this, x);
    const keep = 1 - this.p;
    return dropParts(x, this.mode === "row" ? batch : 1, keep, keep > 0 ? 1 / keep : 1, this.#generator);
  }

  protected override extraRepr(): string {
    return `p=${this.p}, mode=${this.mode}`;
  }
}
