import * as tf from "@tensorflow/tfjs-core";
import { OptionError, ShapeError } from "./errors.ts";
import { Module } from "./module.ts";
import { checkChannelsLast, type Shape, shapeOfAny } from "./shapes.ts";

/** Zeros on each side, or on each of them in PyTorch's order. */
export type ZeroPadding = number | readonly [left: number, right: number, top: number, bottom: number];

/** Puts zeros around image batches, [N, H, W, C] -> [N, top + H + bottom, left + W + right, C]; negative numbers cut off. */
export class ZeroPad2d extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly padding: readonly [left: number, right: number, top: number, bottom: number];

  /** @param padding one number for all sides, or [left, right, top, bottom] */
  constructor(padding: ZeroPadding) {
    super();
    const sides: readonly unknown[] = Array.isArray(padding) ? padding : [padding, padding, padding, padding];
    const [left, right, top, bottom, ...more] = sides.map((side) => (Number.isSafeInteger(side) ? Number(side) : null));
    const known = [left, right, top, bottom].every((side) => typeof side === "number");
    if (!known || more.length > 0) {
      throw new OptionError(this.typeName, "padding", padding, "a whole number or [left, right, top, bottom]");
    }
    this.padding = [left ?? 0, right ?? 0, top ?? 0, bottom ?? 0];
  }

  /** Shape of the output; throws a {@link ShapeError} where the input does not fit or nothing is left of it. */
  outputShape(input: Shape): [number, number, number, number] {
    checkChannelsLast(this, input, "N, H, W, C");
    const [left, right, top, bottom] = this.padding;
    const [batch = 0, height = 0, width = 0, channels = 0] = input;
    const [tall, wide] = [top + height + bottom, left + width + right];
    if (tall < 1 || wide < 1) {
      throw new ShapeError(`${this}`, input, `height above ${-top - bottom} and width above ${-left - right}`);
    }
    return [batch, tall, wide, channels];
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const shape = this.outputShape(shapeOfAny(this, x));
    const [left, right, top, bottom] = this.padding;
    const added = (before: number, after: number): [number, number] => [Math.max(before, 0), Math.max(after, 0)];
    return tf.tidy(() => {
      const padded = tf.pad(x, [[0, 0], added(top, bottom), added(left, right), [0, 0]]);
      if (this.padding.every((n) => n >= 0)) {
        return padded;
      }
      return tf.slice(padded, [0, Math.max(-top, 0), Math.max(-left, 0), 0], shape);
    });
  }

  protected override extraRepr(): string {
    return `[${this.padding.join(", ")}]`;
  }
}
