/**
 * Looking at a picture more than once: a classifier's logits are averaged over the picture, its mirror image, and both moved by a pixel. Costs as many
 * forward passes, and no training (K. Jordan 2024, arXiv:2404.00498, section 3.5; Krizhevsky et al. 2012 took ten crops).
 */
import * as tf from "@tensorflow/tfjs-core";
import { at } from "../arguments/at.ts";
import { shapeOf } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { checkSwitches, refuseUnknownOptions } from "../arguments/options.ts";
import type { Classifier } from "./evaluate.ts";

/** One look at a picture. */
export interface View {
  /** Mirrored left to right. */
  readonly mirror?: boolean;
  /** Pixels by which the picture is moved down and to the right; what comes in from outside is the picture's reflection. */
  readonly move?: readonly [down: number, right: number];
  /** Its share in the mean, where shares differ; 1 by default. */
  readonly weight?: number;
}

const diagonals = [
  { move: [1, 1], weight: 1 },
  { move: [-1, -1], weight: 1 },
] as const;

/** Sets of views: the picture as it is; and its mirror image; and both moved along a diagonal, which together count as much as those that are not. */
export const views = {
  plain: [{}],
  mirror: [{}, { mirror: true }],
  mirrorMove: [
    { weight: 2 },
    { mirror: true, weight: 2 },
    ...diagonals,
    ...diagonals.map((view) => ({ ...view, mirror: true })),
  ],
} as const satisfies Record<string, readonly View[]>;

export interface MultiCropOptions {
  /** What is looked at: a set's name, or views of your own; "mirrorMove" by default. */
  readonly views?: keyof typeof views | readonly View[];
}

/**
 * A classifier that looks more than once, for {@link evaluate}.
 *
 * @example
 * const { accuracy } = await evaluate(new MultiCrop(model), loader);
 */
export class MultiCrop implements Classifier {
  readonly model: Classifier;
  readonly views: readonly View[];

  /** @throws {OptionError} where there is no view, a shift is not of whole pixels or weights do not add up to more than 0 */
  constructor(model: Classifier, options: MultiCropOptions = {}) {
    refuseUnknownOptions("MultiCrop", options, ["views"]);
    const { views: given = "mirrorMove" } = options;
    if (typeof model?.forward !== "function") {
      throw new OptionError("MultiCrop", "model", model, "a classifier: an object with forward(images)");
    }
    this.model = model;
    this.views = viewsOf(given);
  }

  get training(): boolean {
    return this.model.training;
  }

  train(mode?: boolean): unknown {
    return this.model.train(mode);
  }

  eval(): unknown {
    return this.model.eval();
  }

  /**
   * `[N, H, W, C]` -> the weighted mean of the views' logits, `[N, classes]`
   *
   * @throws {OptionError} where it is no batch of pictures, or a picture is too small to be moved by what its reflection fills
   */
  forward(images: tf.Tensor4D): tf.Tensor {
    this.#check(images);
    return tf.tidy(() => {
      const total = this.views.reduce((sum, { weight = 1 }) => sum + weight, 0);
      const parts = this.views.map((view) => {
        const logits = tf.tidy(() => this.model.forward(seen(images, view)));
        return tf.mul(logits, (view.weight ?? 1) / total);
      });
      return tf.addN(parts);
    });
  }

  #check(images: tf.Tensor4D): void {
    const shape = shapeOf("MultiCrop", images, "images");
    const [height, width] = [1, 2].map((axis) => {
      const across = this.views.map(({ move }) => Math.abs(move?.[axis - 1] ?? 0));
      return Math.max(1, ...across.map((by) => by + 1));
    }) as [number, number];
    if (shape.length !== 4 || at(shape, 1) < height || at(shape, 2) < width) {
      const expected = `[N, H, W, C] of at least ${height} by ${width} pixels, for these views`;
      throw new OptionError("MultiCrop", "images", shape, expected);
    }
  }
}

function viewsOf(given: keyof typeof views | readonly View[]): readonly View[] {
  if (typeof given === "string" && Object.hasOwn(views, given)) {
    return views[given];
  }
  if (!Array.isArray(given) || given.length === 0) {
    const names = Object.keys(views).join('", "');
    throw new OptionError("MultiCrop", "views", given, `"${names}" or a list of views`);
  }
  for (const [i, view] of (given as readonly View[]).entries()) {
    refuseUnknownOptions(`MultiCrop's views[${i}]`, view, ["mirror", "move", "weight"]);
    checkSwitches(`MultiCrop's views[${i}]`, view, { mirror: false });
    const { move = [0, 0], weight = 1 } = view;
    if (!Array.isArray(move) || move.length !== 2 || !move.every(Number.isInteger)) {
      throw new OptionError("MultiCrop", `views[${i}].move`, move, "two whole numbers of pixels");
    }
    if (!(weight > 0) || !Number.isFinite(weight)) {
      throw new OptionError("MultiCrop", `views[${i}].weight`, weight, "a number above 0");
    }
  }
  return given;
}

/** The pictures as a view shows them. */
function seen(images: tf.Tensor4D, { mirror = false, move = [0, 0] }: View): tf.Tensor4D {
  const [down, right] = move;
  let x = images;
  if (images.size > 0 && (down !== 0 || right !== 0)) {
    const around = ([down, right] as const).map((by): [number, number] => [Math.max(0, by), Math.max(0, -by)]);
    const [count, height, width, channels] = images.shape;
    const [rows, columns] = around as [[number, number], [number, number]];
    const padded = tf.mirrorPad(images, [[0, 0], rows, columns, [0, 0]], "reflect");
    x = tf.slice(padded, [0, Math.max(0, -down), Math.max(0, -right), 0], [count, height, width, channels]);
  }
  return mirror ? tf.reverse(x, 2) : x;
}
