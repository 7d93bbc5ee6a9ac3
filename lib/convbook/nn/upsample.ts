import type * as tf from "@tensorflow/tfjs-core";
import { at } from "../arguments/at.ts";
import { refuseUnknownOptions, UnknownNameError } from "./errors.ts";
import { repeatPixels, resizeBilinear } from "./functional/interpolate.ts";
import { Module } from "./module.ts";
import { checkChannelsLast, pair, type Shape, type Size2d, shapeOf } from "./shapes.ts";

/** Options of {@link Upsample}. */
export interface UpsampleOptions {
  /** How often larger the output is, a whole number or [height, width]. */
  readonly scaleFactor: Size2d;
  /** "nearest" (default) or "bilinear". */
  readonly mode?: "nearest" | "bilinear";
  /** Whether the corner pixels' centres stay at the corners (bilinear only), false by default. */
  readonly alignCorners?: boolean;
}

const modes = ["nearest", "bilinear"] as const;

/** Enlarges image batches, [N, H, W, C] -> [N, scale H, scale W, C]. */
export class Upsample extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly #scaleFactor: readonly [number, number];
  readonly #mode: "nearest" | "bilinear";
  readonly #alignCorners: boolean;

  /** @param options scaleFactor and the rest */
  constructor(options: UpsampleOptions) {
    super();
    refuseUnknownOptions(this.typeName, options, ["scaleFactor", "mode", "alignCorners"]);
    const { scaleFactor, mode = "nearest", alignCorners = false } = options;
    this.#scaleFactor = pair(this.typeName, "scaleFactor", scaleFactor, 1);
    if (!modes.includes(mode)) {
      throw new UnknownNameError("mode of Upsample", String(mode), modes);
    }
    this.#mode = mode;
    this.#alignCorners = alignCorners;
  }

  /** Shape of the output; throws a {@link ShapeError} where the input does not fit. */
  outputShape(input: Shape): [number, number, number, number] {
    checkChannelsLast(this, input, "N, H, W, C");
    const [tall, wide] = this.#scaleFactor;
    return [at(input, 0), at(input, 1) * tall, at(input, 2) * wide, at(input, 3)];
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const [, height, width] = this.outputShape(shapeOf(this, x));
    if (this.#mode === "nearest") {
      return repeatPixels(x, this.#scaleFactor);
    }
    return resizeBilinear(x, [height, width], this.#alignCorners);
  }

  protected override extraRepr(): string {
    const corners = this.#mode === "bilinear" ? `, alignCorners=${this.#alignCorners}` : "";
    return `scaleFactor=[${this.#scaleFactor.join(", ")}], mode=${this.#mode}${corners}`;
  }
}
