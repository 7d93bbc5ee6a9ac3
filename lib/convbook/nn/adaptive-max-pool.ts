import type * as tf from "@tensorflow/tfjs-core";
import { refuseMore } from "../arguments/options.ts";
import { OptionError } from "./errors.ts";
import { adaptiveMaxPool2d } from "./functional/adaptive-max-pool.ts";
import { Module } from "./module.ts";
import { checkChannelsLast, checkInteger, type Shape, shapeOf } from "./shapes.ts";

/** Number of cells; null keeps the input's size. */
export type CellCount = number | null;

/** Largest values of a grid of cells, [N, H, W, C] -> [N, rows, columns, C], whatever the input's size. */
export class AdaptiveMaxPool2d extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly outputSize: readonly [rows: CellCount, columns: CellCount];

  /** @param outputSize number of cells, one number or [rows, columns]; null stands for the input's own height or width */
  constructor(outputSize: CellCount | readonly [rows: CellCount, columns: CellCount], ...more: readonly never[]) {
    super();
    refuseMore(this.typeName, more, "one, [height, width] for two sizes");
    const both: readonly unknown[] = Array.isArray(outputSize) ? outputSize : [outputSize, outputSize];
    const [rows, columns] = both.map((n) => (n === null ? null : checkInteger(this.typeName, "outputSize", n, 1)));
    if (rows === undefined || columns === undefined || both.length !== 2) {
      throw new OptionError(this.typeName, "outputSize", outputSize, "a whole number or a pair of them, or null");
    }
    this.outputSize = [rows, columns];
  }

  /** Shape of the output; throws a {@link ShapeError} where the input does not fit. */
  outputShape(input: Shape): [number, number, number, number] {
    checkChannelsLast(this, input, "N, H, W, C");
    const [batch = 0, height = 0, width = 0, channels = 0] = input;
    return [batch, this.outputSize[0] ?? height, this.outputSize[1] ?? width, channels];
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const [, rows, columns] = this.outputShape(shapeOf(this, x));
    return adaptiveMaxPool2d(x, [rows, columns]);
  }

  protected override extraRepr(): string {
    return this.outputSize.map((n) => n ?? "null").join(", ");
  }
}
