/** Occlusion: what happens to a class when a part of the picture is covered. */
import * as tf from "@tensorflow/tfjs-core";
import { checkInteger, checkNumber } from "../arguments/check.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { Attribution } from "./attribution.ts";
import { InterpretError } from "./errors.ts";
import { asBatch, checkModel, evaluating, type ImageModel, logitsOf, resolveTargets } from "./model.ts";
import { type AttributionOptions, keepImages } from "./saliency.ts";

export interface OcclusionOptions extends AttributionOptions {
  /** Side of the square that covers a part, in pixels. */
  readonly size?: number;
  /** By how many pixels it moves. */
  readonly stride?: number;
  /** What it is filled with, in the images' own (normalised) values: 0 is the mean colour. */
  readonly value?: number;
  /** How many covered pictures run at once. */
  readonly batchSize?: number;
}

/**
 * How much the class's probability falls when a square is covered, averaged for each pixel over the squares that cover it (Zeiler and Fergus 2013,
 * https://arxiv.org/abs/1311.2901). Squares at the border are moved inside, so every pixel is covered.
 *
 * @param model a classifier; it is run in evaluation mode and left as it was
 * @param images [H, W, C] or [N, H, W, C], normalised as in training; not disposed
 * @throws InterpretError where a target is no class, or size or stride do not fit the picture
 */
export async function occlusionMap(
  model: ImageModel,
  images: tf.Tensor,
  options: OcclusionOptions = {},
): Promise<Attribution> {
  checkModel("occlusionMap", model);
  refuseUnknownOptions("occlusionMap", options, ["target", "size", "stride", "value", "batchSize"]);
  const { size = 8, stride = 4, value = 0, batchSize = 64 } = options;
  checkNumber("occlusionMap", "value", value);
  // With batches of none there would be no end.
  checkInteger("occlusionMap", "batchSize", batchSize, 1);
  return evaluating(model, async () => {
    const batch = asBatch(images);
    try {
      const [, height, width] = batch.shape;
      if (!Number.isInteger(size) || size < 1 || size > Math.min(height, width)) {
        throw new InterpretError(
          `occlusionMap: size is ${size}; expected an integer from 1 to ${Math.min(height, width)} (the picture's side)`,
        );
      }
      if (!Number.isInteger(stride) || stride < 1 || stride > size) {
        throw new InterpretError(
          `occlusionMap: stride is ${stride}; expected an integer from 1 to size (${size}), so that no pixel is left out`,
        );
      }
      const targets = await resolveTargets(model, batch, options.target);
      const kept = await keepImages(batch);
      const corners = positions(height, size, stride).flatMap((top) =>
        positions(width, size, stride).map((left) => ({ top, left })),
      );
      const maps: Float32Array[] = [];
      for (const [index, target] of targets.entries()) {
        const image = kept.data.subarray(
          (index * kept.data.length) / targets.length,
          ((index + 1) * kept.data.length) / targets.length,
        );
        maps.push(await mapOf(model, { image, shape: batch.shape, target, corners, size, value, batchSize }));
      }
      return new Attribution("occlusion", maps, targets, kept);
    } finally {
      batch.dispose();
    }
  });
}

function positions(length: number, size: number, stride: number): number[] {
  const out: number[] = [];
  for (let at = 0; at < length - size; at += stride) {
    out.push(at);
  }
  out.push(length - size);
  return out;
}

interface Work {
  readonly image: Float32Array;
  readonly shape: readonly [number, number, number, number];
  readonly target: number;
  readonly corners: readonly { readonly top: number; readonly left: number }[];
  readonly size: number;
  readonly value: number;
  readonly batchSize: number;
}

async function mapOf(
  model: ImageModel,
  { image, shape, target, corners, size, value, batchSize }: Work,
): Promise<Float32Array> {
  const [, height, width, channels] = shape;
  const [whole = 0] = await probabilities(model, image, [1, height, width, channels], target);
  const sums = new Float32Array(height * width);
  const counts = new Float32Array(height * width);
  for (let from = 0; from < corners.length; from += batchSize) {
    const some = corners.slice(from, from + batchSize);
    const covered = new Float32Array(some.length * image.length);
    some.forEach(({ top, left }, i) => {
      covered.set(image, i * image.length);
      for (let y = top; y < top + size; y++) {
        const row = i * image.length + (y * width + left) * channels;
        covered.fill(value, row, row + size * channels);
      }
    });
    const after = await probabilities(model, covered, [some.length, height, width, channels], target);
    some.forEach(({ top, left }, i) => {
      for (let y = top; y < top + size; y++) {
        for (let x = left; x < left + size; x++) {
          const at = y * width + x;
          sums[at] = (sums[at] ?? 0) + whole - (after[i] ?? 0);
          counts[at] = (counts[at] ?? 0) + 1;
        }
      }
    });
  }
  return sums.map((sum, i) => sum / (counts[i] ?? 0));
}

async function probabilities(
  model: ImageModel,
  data: Float32Array,
  shape: [number, number, number, number],
  target: number,
): Promise<Float32Array> {
  const column = tf.tidy(() => tf.gather(tf.softmax(logitsOf(model, tf.tensor4d(data, shape))), [target], 1));
  const out = Float32Array.from(await column.data());
  column.dispose();
  return out;
}
