/** Pictures between two classes: where the two highest logits nearly agree, and what would tip the balance. */
import * as tf from "@tensorflow/tfjs-core";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { type ImageGridOptions, type ImageTitle, imageGrid } from "../display/image-grid.ts";
import { type PixelScaling, prepareImages } from "../display/images.ts";
import {
  displaySymbol,
  type ImageGrid,
  type MimeBundle,
  type MimeMetadata,
  metadataSymbol,
  type Showable,
} from "../display/index.ts";
import type { Pixels } from "../display/png.ts";
import { signedColors, signedPixels } from "./color.ts";
import { InterpretError } from "./errors.ts";
import { type Flip, flips } from "./flip.ts";
import { asBatch, checkModel, evaluating, type ImageModel, logitsOf, targetSum } from "./model.ts";
import { keepImages, slices } from "./saliency.ts";

/** One picture that the model hesitates over. */
export interface Confusion {
  /** Its place in the batch. */
  readonly index: number;
  /** The classes of the highest and the second highest logit. */
  readonly first: number;
  readonly second: number;
  /** By how much the first logit is higher. */
  readonly margin: number;
  /** Gradient of the margin by the picture, added up over the channels, [H, W]: positive where a brighter pixel speaks for `first`. */
  readonly gradient: Float32Array;
  /** The picture, moved against the gradient until the answer is another; null where it never is. */
  readonly flip: Flip | null;
}

export class ConfusedLogits implements Showable {
  readonly confusions: readonly Confusion[];
  readonly #images: { readonly shape: readonly number[]; readonly data: Float32Array };

  constructor(
    confusions: readonly Confusion[],
    images: { readonly shape: readonly number[]; readonly data: Float32Array },
  ) {
    this.confusions = confusions;
    this.#images = images;
  }

  /**
   * Pictures above; below what tips them, blue for the first class and orange for the second; below that the picture that flips the answer, grey where
   * none does.
   */
  toFigure({
    classes,
    labels,
    mean,
    std,
    ...options
  }: PixelScaling &
    Pick<ImageGridOptions, "scale" | "title"> & {
      readonly classes?: readonly string[];
      readonly labels?: ArrayLike<number>;
    } = {}): ImageGrid {
    const [, height = 0, width = 0] = this.#images.shape;
    const scaling: PixelScaling =
      mean === undefined ? { normalize: true } : { mean, ...(std === undefined ? {} : { std }) };
    const [count = 0, , , channels = 0] = this.#images.shape;
    const size = height * width * channels;
    // One scale for the pictures and what became of them.
    const changed = this.confusions.map(
      ({ flip }, i) => flip?.data ?? this.#images.data.slice(i * size, (i + 1) * size),
    );
    const data = Float32Array.from([...this.#images.data, ...changed.flatMap((values) => [...values])]);
    const both = prepareImages({ shape: [2 * count, height, width, channels], data }, scaling).images;
    const images = both.slice(0, count);
    const flipped = both
      .slice(count)
      .map((picture, i) => (this.confusions[i]?.flip == null ? blank(height, width) : picture));
    const name = (index: number): string => classes?.[index] ?? `class ${index}`;
    const titles = this.confusions.map(({ index, first, second }): ImageTitle => {
      const text = `${name(first)} or ${name(second)}`;
      return labels ? { text, correct: labels[index] === first } : text;
    });
    const said = this.confusions.map(
      ({ first, second, margin, flip }) =>
        `${name(first)} or ${name(second)} (margin ${margin.toFixed(2)}, ${flip === null ? "no change flips it" : `a change of ${percent(flip)} makes it ${name(flip.answer)}`})`,
    );
    const tips = this.confusions.map(({ gradient }) => signedPixels(gradient, height, width));
    return imageGrid([...images, ...tips, ...flipped], {
      columns: images.length,
      colorScale: {
        colors: signedColors,
        low: "second class",
        high: "first class",
        label: "for which brighter pixels speak",
      },
      titles: [
        ...titles,
        ...this.confusions.map(({ margin }) => `margin ${margin.toFixed(2)}`),
        ...this.confusions.map(({ flip }) => (flip === null ? "stays" : `${name(flip.answer)}: ${percent(flip)}`)),
      ],
      alt: `Pictures that the model hesitates over: ${said.join(", ")}; below each, blue where brighter pixels speak for the first class, orange for the second, and the picture changed until it is taken for another class`,
      ...options,
    });
  }

  [displaySymbol](): MimeBundle {
    return this.toFigure()[displaySymbol]();
  }

  [metadataSymbol](): MimeMetadata {
    return this.toFigure()[metadataSymbol]();
  }
}

/** How much of a picture was changed; of a change that is small its first digit, since none would be 0. */
function percent({ change }: Flip): string {
  const share = 100 * change;
  return `${share < 0.1 ? Number(share.toPrecision(1)) : share.toFixed(share < 10 ? 1 : 0)} %`;
}

/** In the place of a picture that there is none of. */
function blank(height: number, width: number): Pixels {
  return { width, height, channels: 1, data: new Uint8Array(height * width).fill(128) };
}

/**
 * The pictures of a batch whose two highest logits are closest, closest first, each with what would tip it and with the picture, changed in that direction,
 * that flips the answer.
 *
 * @param model a classifier; it is run in evaluation mode and left as it was
 * @param images [N, H, W, C], normalised as in training; not disposed
 * @param options how many pictures
 */
export async function confusedLogits(
  model: ImageModel,
  images: tf.Tensor,
  options: { readonly count?: number } = {},
): Promise<ConfusedLogits> {
  checkModel("confusedLogits", model);
  refuseUnknownOptions("confusedLogits", options, ["count"]);
  const { count = 6 } = options;
  if (!Number.isInteger(count) || count < 1) {
    throw new InterpretError(`confusedLogits: count is ${count}; expected a positive integer`);
  }
  return evaluating(model, async () => {
    const batch = asBatch(images);
    try {
      const logits = tf.tidy(() => logitsOf(model, batch));
      const top = tf.topk(logits, 2);
      const values = await top.values.data();
      const indices = await top.indices.data();
      tf.dispose([logits, top.values, top.indices]);
      const found = Array.from({ length: batch.shape[0] }, (_, index) => ({
        index,
        first: indices[2 * index] ?? 0,
        second: indices[2 * index + 1] ?? 0,
        margin: (values[2 * index] ?? 0) - (values[2 * index + 1] ?? 0),
      }))
        .sort((a, b) => a.margin - b.margin)
        .slice(0, count);
      const chosen = tf.gather(
        batch,
        found.map(({ index }) => index),
      );
      const gradient = tf.tidy(() => {
        const byInput = tf.grad((x: tf.Tensor) => {
          const out = logitsOf(model, x);
          const firsts = targetSum(
            out,
            found.map(({ first }) => first),
          );
          return tf.sub(
            firsts,
            targetSum(
              out,
              found.map(({ second }) => second),
            ),
          );
        })(chosen);
        return byInput as tf.Tensor4D;
      });
      const summed = tf.sum(gradient, 3);
      const maps = slices(await summed.data<"float32">(), found.length);
      const flipped = await flips(model, chosen, gradient, found);
      tf.dispose([gradient, summed]);
      const kept = await keepImages(chosen);
      chosen.dispose();
      return new ConfusedLogits(
        found.map((one, i) => ({ ...one, gradient: maps[i] ?? new Float32Array(), flip: flipped[i] ?? null })),
        kept,
      );
    } finally {
      batch.dispose();
    }
  });
}
