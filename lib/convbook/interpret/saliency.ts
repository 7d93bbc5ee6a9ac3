/** Saliency: which pixels the logit reacts to. */
import * as tf from "@tensorflow/tfjs-core";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { Attribution } from "./attribution.ts";
import { asBatch, checkModel, evaluating, type ImageModel, logitsOf, resolveTargets, targetSum } from "./model.ts";

export interface AttributionOptions {
  /** The class asked about, for all images or one each; what the model predicts without it. */
  readonly target?: number | readonly number[];
}

/**
 * The absolute gradient of a class's logit by the input, the largest of the channels (Simonyan, Vedaldi, Zisserman 2013,
 * https://arxiv.org/abs/1312.6034).
 *
 * @param model a classifier; it is run in evaluation mode and left as it was
 * @param images [H, W, C] or [N, H, W, C], normalised as in training; not disposed
 * @throws InterpretError where a target is no class of the model
 */
export async function saliency(
  model: ImageModel,
  images: tf.Tensor,
  options: AttributionOptions = {},
): Promise<Attribution> {
  checkModel("saliency", model);
  refuseUnknownOptions("saliency", options, ["target"]);
  return evaluating(model, async () => {
    const batch = asBatch(images);
    try {
      const targets = await resolveTargets(model, batch, options.target);
      const gradient = tf.tidy(() => {
        const byInput = tf.grad((x: tf.Tensor) => targetSum(logitsOf(model, x), targets))(batch);
        return tf.max(tf.abs(byInput), 3);
      });
      const all = await gradient.data<"float32">();
      gradient.dispose();
      return new Attribution("saliency", slices(all, targets.length), targets, await keepImages(batch));
    } finally {
      batch.dispose();
    }
  });
}

/** `all` cut into `count` equal parts. */
export function slices(all: Float32Array, count: number): Float32Array[] {
  const size = all.length / count;
  return Array.from({ length: count }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** The images' values, to be drawn later. */
export async function keepImages(batch: tf.Tensor4D): Promise<{ shape: number[]; data: Float32Array }> {
  return { shape: [...batch.shape], data: Float32Array.from(await batch.data()) };
}
