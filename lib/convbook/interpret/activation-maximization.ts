/** Pictures that excite a class or a channel most: what it would like to see. */
import * as tf from "@tensorflow/tfjs-core";
import { checkInteger, checkNumber, checkSizeLists } from "../arguments/check.ts";
import { describeValue } from "../arguments/describe.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { type ImageGrid, type ImageGridOptions, imageGrid } from "../display/image-grid.ts";
import { displaySymbol, type MimeBundle, type MimeMetadata, metadataSymbol, type Showable } from "../display/mime.ts";
import type { AnyModule } from "../nn/index.ts";
import { Generator, randn } from "../random/index.ts";
import { InterpretError } from "./errors.ts";
import {
  checkModel,
  evaluating,
  hooked,
  type ImageModel,
  type LayerRef,
  logitsOf,
  maskOf,
  resolveLayer,
} from "./model.ts";

export interface MaximizationOptions {
  /** Size of the picture [H, W, C]. */
  readonly shape: readonly [number, number, number];
  /** The classes (logits) to excite; or, with `layer`, the channels. */
  readonly units: readonly number[];
  /** The layer whose channels' mean is excited; the model's logits without it. */
  readonly layer?: LayerRef;
  readonly steps?: number;
  /** Length of a step, in the images' normalised values: how far the mean pixel moves. */
  readonly stepSize?: number;
  /** Weight of the total variation that is held against the picture: higher is smoother. */
  readonly smoothness?: number;
  /** Share by which the picture shrinks towards the mean colour in each step. */
  readonly decay?: number;
  /** The picture is shifted (with wrapping) by up to so many pixels in each step, so that nothing hangs on single pixels. */
  readonly jitter?: number;
  readonly seed?: number;
}

/** One picture a unit. */
export class MaximizedInputs implements Showable {
  readonly shape: readonly [number, number, number];
  readonly units: readonly number[];
  /** The pictures, normalised, [N, H, W, C]. */
  readonly data: Float32Array;
  /** The units' values for their pictures. */
  readonly scores: readonly number[];

  constructor(
    shape: readonly [number, number, number],
    units: readonly number[],
    data: Float32Array,
    scores: readonly number[],
  ) {
    this.shape = shape;
    this.units = units;
    this.data = data;
    this.scores = scores;
  }

  toFigure({
    classes,
    ...options
  }: Omit<ImageGridOptions, "titles"> & { readonly classes?: readonly string[] } = {}): ImageGrid {
    const names = this.units.map((unit) => classes?.[unit] ?? String(unit));
    return imageGrid(
      { shape: [this.units.length, ...this.shape], data: this.data },
      {
        titles: names,
        normalize: options.mean === undefined,
        alt: `Pictures made to excite ${names.join(", ")}`,
        ...options,
      },
    );
  }

  [displaySymbol](): MimeBundle {
    return this.toFigure()[displaySymbol]();
  }

  [metadataSymbol](): MimeMetadata {
    return this.toFigure()[metadataSymbol]();
  }
}

/**
 * Gradient ascent from noise: each picture is moved, step by step, where its unit grows fastest, while smoothness and decay keep it a picture.
 *
 * @param model a network on images; it is run in evaluation mode and left as it was
 * @throws InterpretError where there is no such layer, class or channel
 */
export async function activationMaximization(
  model: ImageModel,
  options: MaximizationOptions,
): Promise<MaximizedInputs> {
  const owner = "activationMaximization";
  checkModel(owner, model);
  const known = ["shape", "units", "layer", "steps", "stepSize", "smoothness", "decay", "jitter", "seed"];
  refuseUnknownOptions(owner, options, known);
  const { shape, units, steps = 100, stepSize = 0.08, smoothness = 0.1, decay = 0.005, jitter = 3, seed = 0 } = options;
  if (shape?.length !== 3) {
    throw new OptionError(owner, "shape", shape, "the size of the picture, [H, W, C]");
  }
  checkSizeLists(owner, { shape });
  if (!Array.isArray(units)) {
    throw new OptionError(owner, "units", units, "a list of classes, or of a layer's channels");
  }
  // An endless number of steps would be an endless ascent.
  checkInteger(owner, "steps", steps, 0);
  checkNumber(owner, "stepSize", stepSize, 0);
  checkNumber(owner, "smoothness", smoothness, 0);
  checkNumber(owner, "decay", decay, 0, 1);
  checkInteger(owner, "jitter", jitter, 0);
  checkInteger(owner, "seed", seed, 0);
  if (units.length === 0) {
    throw new InterpretError("activationMaximization: units is empty; expected at least one");
  }
  const layer = options.layer === undefined ? undefined : resolveLayer(model, options.layer);
  const generator = new Generator(seed);
  const full: [number, number, number, number] = [units.length, ...shape];
  return evaluating(model, async () => {
    let x: tf.Tensor4D = tf.tidy(() =>
      tf.mul(tf.tensor4d(Float32Array.from(randn(full, { generator }).data), full), 0.1),
    );
    try {
      for (let step = 0; step < steps; step++) {
        const [dy, dx] = [offset(generator, jitter), offset(generator, jitter)];
        const next = tf.tidy(() => {
          const moved = roll(x, dy, dx);
          const gradient = tf.grad((input: tf.Tensor) => {
            const gain = tf.sum(excitations(model, layer, input as tf.Tensor4D, units));
            return tf.sub(gain, tf.mul(totalVariation(input as tf.Tensor4D), smoothness));
          })(moved);
          const length = tf.sqrt(tf.add(tf.mean(tf.square(gradient), [1, 2, 3], true), 1e-12));
          const stepped = tf.add<tf.Tensor4D>(tf.mul(moved, 1 - decay), tf.mul(tf.div(gradient, length), stepSize));
          return roll(stepped, -dy, -dx);
        });
        x.dispose();
        x = next;
        // Without a pause a long ascent would hold up everything else in the process.
        if (step % 8 === 7) {
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      const scores = tf.tidy(() => excitations(model, layer, x, units));
      const out = new MaximizedInputs(shape, units, Float32Array.from(await x.data()), Array.from(await scores.data()));
      scores.dispose();
      return out;
    } finally {
      x.dispose();
    }
  });
}

/** [N]: for each picture the value of its own unit. */
function excitations(
  model: ImageModel,
  layer: { name: string; module: AnyModule } | undefined,
  x: tf.Tensor4D,
  units: readonly number[],
): tf.Tensor1D {
  const values = layer === undefined ? logitsOf(model, x) : channelMeans(model, layer, x);
  const count = values.shape[1];
  for (const unit of units) {
    if (!Number.isInteger(unit) || unit < 0 || unit >= count) {
      throw new InterpretError(
        `activationMaximization: unit is ${describeValue(unit)}; expected ${layer ? `a channel of "${layer.name}"` : "a class"} from 0 to ${count - 1}`,
      );
    }
  }
  const result = tf.sum<tf.Tensor1D>(tf.mul(values, maskOf(units, count)), 1);
  // Kept beyond the forward pass's own tidy; the recording holds what it needs.
  if (layer !== undefined) {
    values.dispose();
  }
  return result;
}

/** [N, C]: the means of a layer's channels over height and width. Runs within the gradient's recording. */
function channelMeans(
  model: ImageModel,
  { name, module }: { name: string; module: AnyModule },
  x: tf.Tensor4D,
): tf.Tensor2D {
  let means: tf.Tensor | undefined;
  hooked(
    module,
    (output) => {
      means?.dispose();
      means = tf.keep(output.rank === 4 ? tf.mean(output, [1, 2]) : tf.clone(output));
      return undefined;
    },
    () => logitsOf(model, x),
  );
  if (means === undefined) {
    throw new InterpretError(`the layer "${name}" is not used in the model's forward pass`);
  }
  return means as tf.Tensor2D;
}

function totalVariation(x: tf.Tensor4D): tf.Scalar {
  const [n, height, width, channels] = x.shape;
  const part = (top: number, left: number, h: number, w: number): tf.Tensor =>
    tf.slice(x, [0, top, left, 0], [n, h, w, channels]);
  const vertical = tf.sub(part(1, 0, height - 1, width), part(0, 0, height - 1, width));
  const horizontal = tf.sub(part(0, 1, height, width - 1), part(0, 0, height, width - 1));
  return tf.add(tf.sum<tf.Scalar>(tf.square(vertical)), tf.sum(tf.square(horizontal)));
}

function offset(generator: Generator, jitter: number): number {
  return jitter === 0 ? 0 : generator.integer(-jitter, jitter + 1);
}

/** Shifts by whole pixels; what leaves on one side enters on the other. */
function roll(x: tf.Tensor4D, dy: number, dx: number): tf.Tensor4D {
  const along = (input: tf.Tensor4D, axis: 1 | 2, by: number): tf.Tensor4D => {
    const size = input.shape[axis];
    const shift = ((by % size) + size) % size;
    if (shift === 0) {
      return input;
    }
    return tf.concat(tf.split<tf.Tensor4D>(input, [size - shift, shift], axis).toReversed(), axis);
  };
  return along(along(x, 1, dy), 2, dx);
}
