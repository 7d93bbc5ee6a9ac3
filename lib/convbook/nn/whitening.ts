/**
 * A first convolution from the data: its filters turn patches of pixels into numbers that do not depend on each other and have variance 1. A network
 * need not learn that, and learns the rest faster (D. Page 2019, "How to Train Your ResNet"; K. Jordan 2024, arXiv:2404.00498).
 */
import * as tf from "@tensorflow/tfjs-core";
import { at } from "../arguments/at.ts";
import { checkNumber } from "../arguments/check.ts";
import { symmetricEigen } from "./eigen.ts";
import { OptionError, refuseUnknownOptions } from "./errors.ts";
import type { Parameter } from "./parameter.ts";

export interface WhiteningOptions {
  /** Added to the eigenvalues before their roots are taken, so that directions in which nothing varies are not blown up; 5e-4 by default. */
  readonly eps?: number;
}

/** Images whose patches are laid out at a time: a bound on memory. */
const atATime = 500;

/**
 * Sets the filters of a convolution of images to the whitening directions of their patches: eigenvectors of the patches' second moments, divided by
 * the roots of the eigenvalues, those of the largest first; then all of them once more with the other sign, because a ReLU behind lets through one side
 * only. The parameter is to be frozen by the caller (`requiresGrad = false`).
 *
 * @param weight of a Conv2d without groups: [2 C kh kw, C, kh, kw], or fewer filters, an even number
 * @param images [N, H, W, C], normalised as in training; some thousands will do
 * @returns the parameter
 * @throws {OptionError} where weight and images do not fit together, pixels are not finite, or `eps` is 0 and nothing varies
 * @example
 * const conv = new Conv2d(3, 24, { kernelSize: 2 });
 * init.whitening_(conv.weight, images).requiresGrad = false;
 */
export function whitening_(weight: Parameter, images: tf.Tensor4D, options: WhiteningOptions = {}): Parameter {
  refuseUnknownOptions("whitening_", options, ["eps"]);
  const { eps = 5e-4 } = options;
  checkNumber("whitening_", "eps", eps, 0);
  if (!Array.isArray(weight?.shape) || weight.shape.length !== 4) {
    throw new OptionError("whitening_", "weight", weight?.shape ?? weight, "the weight of a Conv2d");
  }
  const [filters, channels, height, width] = weight.shape as [number, number, number, number];
  const size = channels * height * width;
  if (filters % 2 !== 0 || filters > 2 * size) {
    throw new OptionError("whitening_", "the number of filters", filters, `even, and at most ${2 * size}`);
  }
  const given: unknown = images?.shape;
  if (!Array.isArray(given)) {
    throw new OptionError("whitening_", "images", images, "a tensor [N, H, W, C]");
  }
  if (images.dtype !== "float32") {
    throw new OptionError("whitening_", "images", `a tensor of ${images.dtype}`, "one of float32");
  }
  const fits = given.length === 4 && at(given, 1) >= height && at(given, 2) >= width && given[3] === channels;
  if (!fits || given[0] === 0) {
    throw new OptionError(
      "whitening_",
      "images",
      given,
      `[N, H, W, ${channels}] of at least ${height} by ${width} pixels`,
    );
  }
  const moments = patchMoments(images, height, width);
  const endless = moments.find((moment) => !Number.isFinite(moment));
  if (endless !== undefined) {
    throw new OptionError("whitening_", "the mean square of images", endless, "finite");
  }
  const { values, vectors } = symmetricEigen(moments, size);
  const half = filters / 2;
  const data = new Float32Array(filters * size);
  for (let i = 0; i < half; i++) {
    const variance = Math.max(0, at(values, i)) + eps;
    if (variance === 0) {
      throw new OptionError("whitening_", "eps", eps, `above 0, since the patches vary in ${i} directions alone`);
    }
    const factor = 1 / Math.sqrt(variance);
    for (const [j, value] of at(vectors, i).entries()) {
      data[i * size + j] = value * factor;
      data[(half + i) * size + j] = -value * factor;
    }
  }
  weight.load({ dtype: "float32", shape: weight.shape, data });
  return weight;
}

/** Means of the products of every two values of a patch, over all patches; a patch's values are in PyTorch's order, [C, h, w]. */
function patchMoments(images: tf.Tensor4D, height: number, width: number): Float64Array {
  const [count, rows, columns, channels] = images.shape;
  const size = channels * height * width;
  const moments = new Float64Array(size * size);
  const across: [number, number] = [rows - height + 1, columns - width + 1];
  for (let from = 0; from < count; from += atATime) {
    const taken = Math.min(atATime, count - from);
    const sums = tf.tidy(() => {
      const shifted: tf.Tensor4D[] = [];
      for (let c = 0; c < channels; c++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            shifted.push(tf.slice(images, [from, y, x, c], [taken, ...across, 1]));
          }
        }
      }
      const patches: tf.Tensor2D = tf.reshape(tf.concat(shifted, 3), [-1, size]);
      return tf.div(tf.matMul(patches, patches, true), patches.shape[0]).dataSync();
    });
    for (const [i, mean] of sums.entries()) {
      moments[i] = (moments[i] ?? 0) + (mean * taken) / count;
    }
  }
  return moments;
}
