/** Grad-CAM: where in the picture a convolution found what speaks for a class. */
import * as tf from "@tensorflow/tfjs-core";
import { refuseUnknownOptions } from "../arguments/options.ts";
import type { AnyModule } from "../nn/index.ts";
import { Attribution } from "./attribution.ts";
import { InterpretError } from "./errors.ts";
import {
  asBatch,
  checkModel,
  evaluating,
  hooked,
  type ImageModel,
  type LayerRef,
  logitsOf,
  resolveLayer,
  resolveTargets,
  targetSum,
} from "./model.ts";
import { type AttributionOptions, keepImages, slices } from "./saliency.ts";

export interface GradCamOptions extends AttributionOptions {
  /** The layer whose feature maps are weighted, usually the last that still has a height and a width. */
  readonly layer: LayerRef;
}

/**
 * The layer's feature maps, each weighted by the mean gradient of the class's logit by it, added up, negative values cut off, enlarged to the picture's size
 * (Selvaraju et al. 2016, https://arxiv.org/abs/1610.02391).
 *
 * @param model a classifier; it is run in evaluation mode and left as it was
 * @param images [H, W, C] or [N, H, W, C], normalised as in training; not disposed
 * @throws InterpretError where there is no such layer, its output is no feature map, or a target is no class
 */
export async function gradCam(model: ImageModel, images: tf.Tensor, options: GradCamOptions): Promise<Attribution> {
  checkModel("gradCam", model);
  refuseUnknownOptions("gradCam", options, ["layer", "target"]);
  const { name, module } = resolveLayer(model, options.layer);
  return evaluating(model, async () => {
    const batch = asBatch(images);
    try {
      const targets = await resolveTargets(model, batch, options.target);
      const maps = tf.tidy(() => camOf(model, module, name, batch, targets));
      const all = await maps.data<"float32">();
      maps.dispose();
      return new Attribution("Grad-CAM", slices(all, targets.length), targets, await keepImages(batch));
    } finally {
      batch.dispose();
    }
  });
}

/** [N, H, W] */
function camOf(
  model: ImageModel,
  layer: AnyModule,
  name: string,
  batch: tf.Tensor4D,
  targets: readonly number[],
): tf.Tensor3D {
  const activation = activationOf(model, layer, name, batch);
  if (activation.rank !== 4) {
    throw new InterpretError(
      `the layer "${name}" gives [${activation.shape.join(", ")}]; expected feature maps [N, H, W, C]`,
    );
  }
  // The gradient by something that is added to the layer's output (zeros) is the gradient by the output.
  const byActivation = tf.grad((added: tf.Tensor) =>
    hooked(
      layer,
      (output) => tf.add(output, added),
      () => targetSum(logitsOf(model, batch), targets),
    ),
  )(tf.zerosLike(activation));
  const weights = tf.mean(byActivation, [1, 2], true);
  const sum = tf.relu(tf.sum<tf.Tensor4D>(tf.mul(activation, weights), 3, true));
  const [, height, width] = batch.shape;
  return tf.squeeze(tf.image.resizeBilinear(sum, [height, width], false, true), [3]);
}

/** What a layer gives for a batch. */
export function activationOf(model: ImageModel, layer: AnyModule, name: string, batch: tf.Tensor4D): tf.Tensor {
  let found: tf.Tensor | undefined;
  tf.tidy(() => {
    hooked(
      layer,
      (output) => {
        found?.dispose();
        found = tf.keep(tf.clone(output));
        return undefined;
      },
      () => logitsOf(model, batch),
    );
  });
  if (!found) {
    throw new InterpretError(`the layer "${name}" is not used in the model's forward pass`);
  }
  // `keep` took it out of the caller's tidy; a copy that is not kept goes back in.
  const kept = found;
  const copy = tf.clone(kept);
  kept.dispose();
  return copy;
}
