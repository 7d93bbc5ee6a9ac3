import * as tf from "@tensorflow/tfjs-core";
import { at } from "../arguments/at.ts";
import { refuseMore } from "../arguments/options.ts";
import { OptionError, ShapeError } from "./errors.ts";
import { Module } from "./module.ts";
import { isOfRank } from "./ranks.ts";
import { checkInteger, type Shape, shapeOfAny } from "./shapes.ts";

/**
 * All dimensions but the batch as one, [N, H, W, C] -> [N, C H W], in PyTorch's order of elements (channels slowest), so that the weights of a
 * linear layer behind it mean the same as there.
 */
export class Flatten extends Module<[x: tf.Tensor], tf.Tensor2D> {
  constructor(...more: readonly never[]) {
    super();
    refuseMore(this.typeName, more, "none, all dimensions but the batch becoming one");
  }

  /** Shape of the output; throws a {@link ShapeError} for fewer than two dimensions. */
  outputShape(input: Shape): [number, number] {
    const [batch, ...rest] = input;
    if (batch === undefined || rest.length === 0) {
      throw new ShapeError(this.toString(), input, "[N, ...] with at least two dimensions");
    }
    return [batch, rest.reduce((product, n) => product * n, 1)];
  }

  forward(x: tf.Tensor): tf.Tensor2D {
    const shape = this.outputShape(shapeOfAny(this, x));
    const places = x.shape.slice(1, -1).reduce((product, n) => product * n, 1);
    if (isOfRank(x, 2)) {
      return x;
    }
    if (places === 1 || x.shape.at(-1) === 1) {
      return tf.reshape(x, shape);
    }
    const order = [0, x.rank - 1, ...x.shape.slice(1, -1).map((_, i) => i + 1)];
    return tf.tidy(() => tf.reshape(tf.transpose(x, order), shape));
  }
}

/** The inverse of {@link Flatten}: [N, C H W] in PyTorch's order -> [N, H, W, C]. */
export class Unflatten extends Module {
  readonly #size: Shape;

  /** @param size shape of a sample with channels last, as [H, W, C] */
  constructor(size: Shape) {
    super();
    if (!Array.isArray(size) || size.length < 2) {
      throw new OptionError(this.typeName, "size", size, "[L, C] or [H, W, C]");
    }
    for (const side of size) {
      checkInteger(this.typeName, "size", side, 1);
    }
    this.#size = [...size];
  }

  /** Shape of the output; throws a {@link ShapeError} where the input does not fit. */
  outputShape(input: Shape): number[] {
    const elements = this.#size.reduce((product, n) => product * n, 1);
    const [batch, given] = input;
    if (batch === undefined || input.length !== 2 || given !== elements) {
      throw new ShapeError(this.toString(), input, `[N, ${elements}]`);
    }
    return [batch, ...this.#size];
  }

  forward(x: tf.Tensor): tf.Tensor {
    const shape = this.outputShape(shapeOfAny(this, x));
    const order = [0, ...shape.slice(2).map((_, i) => i + 2), 1];
    const channelsFirst = [at(shape, 0), at(shape, -1), ...shape.slice(1, -1)];
    return tf.tidy(() => tf.transpose(tf.reshape(x, channelsFirst), order));
  }

  protected override extraRepr(): string {
    return this.#size.join(", ");
  }
}
