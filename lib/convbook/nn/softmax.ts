import * as tf from "@tensorflow/tfjs-core";
import { OptionError } from "./errors.ts";
import { Module } from "./module.ts";
import { type Shape, shapeOf } from "./shapes.ts";

/**
 * Exponentials that add up to 1 along one dimension.
 *
 * The dimension is counted as in PyTorch, where channels are the second: 1 stands for the channels of [N, C], [N, L, C] and [N, H, W, C], which come
 * last here, 2 for L or H, 3 for W; from the end of PyTorch's order, −1 stands for the C of vectors, the L of sequences and the W of images.
 */
export class Softmax extends Module {
  readonly dim: number | undefined;

  /** @param dim the dimension; left out, PyTorch's choice: the first of 0, 1 and 3 dimensions, the second of others */
  constructor(dim?: number) {
    super();
    if (dim !== undefined && !Number.isSafeInteger(dim)) {
      throw new OptionError(this.typeName, "dim", dim, "a whole number");
    }
    this.dim = dim;
  }

  /** The input's own shape; throws an {@link OptionError} where it does not have the dimension. */
  outputShape(input: Shape): number[] {
    this.#axisOf(input);
    return [...input];
  }

  forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    const axis = this.#axisOf(shapeOf(this, x));
    if (x.rank === 0) {
      return tf.onesLike(x);
    }
    if (axis === x.rank - 1) {
      return tf.softmax(x);
    }
    const order = x.shape.map((_, i) => i).filter((i) => i !== axis);
    const back = x.shape.map((_, i) => (i === axis ? x.rank - 1 : order.indexOf(i)));
    return tf.tidy(() => tf.transpose(tf.softmax(tf.transpose(x, [...order, axis])), back));
  }

  /** The dimension in the order of TensorFlow.js. */
  #axisOf({ length: rank }: Shape): number {
    const dim = this.dim ?? (rank === 0 || rank === 1 || rank === 3 ? 0 : 1);
    const most = Math.max(rank, 1) - 1;
    if (dim > most || dim < -1 - most) {
      throw new OptionError(
        this.typeName,
        "dim",
        dim,
        `from ${-1 - most} to ${most} for an input of ${rank} dimensions`,
      );
    }
    const torch = dim < 0 ? dim + most + 1 : dim;
    if (torch === 0 || rank < 2) {
      return torch;
    }
    return torch === 1 ? rank - 1 : torch - 1;
  }

  protected override extraRepr(): string {
    return `dim=${this.dim ?? null}`;
  }
}
