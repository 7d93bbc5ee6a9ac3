import * as tf from "@tensorflow/tfjs-core";
import { at } from "../../arguments/at.ts";
import { hasKernel } from "./backend.ts";
import { normalizeRows } from "./layer-norm.ts";

/** Scale γ and shift β, [C] each. */
export interface Affine {
  readonly weight: tf.Tensor1D;
  readonly bias: tf.Tensor1D;
}

/** The native engine's kernel, gradient included; its statistics are those of an image's places and a group's channels. */
function fused<R extends tf.Rank>(
  x: tf.Tensor<R>,
  groups: number,
  affine: Affine | null,
  epsilon: number,
): tf.Tensor<R> {
  const channels = at(x.shape, -1);
  const gamma = affine?.weight ?? tf.ones([channels]);
  const beta = affine?.bias ?? tf.zeros([channels]);
  const inputs = { x, gamma, beta };
  const [y] = tf.engine().runKernel<[tf.Tensor<R>, ...tf.Tensor[]]>("GroupNorm", inputs, { groups, epsilon });
  return y;
}

/**
 * Each sample of [N, ..., C] to mean 0 and (biased) variance 1 over groups of channels and all places, then scaled and shifted.
 *
 * @param groups a divisor of C
 * @param epsilon added to the variance
 */
export function groupNorm<R extends tf.Rank>(
  x: tf.Tensor<R>,
  groups: number,
  affine: Affine | null,
  epsilon: number,
): tf.Tensor<R> {
  return tf.tidy(() => {
    if (hasKernel("GroupNorm")) {
      return fused(x, groups, affine, epsilon);
    }
    const [batch, channels] = [at(x.shape, 0), at(x.shape, -1)];
    const places = x.shape.slice(1, -1).reduce((product, n) => product * n, 1);
    const width = channels / groups;
    const grouped = tf.transpose(tf.reshape(x, [batch, places, groups, width]), [0, 2, 1, 3]);
    const rows: tf.Tensor2D = tf.reshape(grouped, [batch * groups, places * width]);
    const normal = tf.reshape(normalizeRows(rows, epsilon), grouped.shape);
    const y = tf.reshape(tf.transpose(normal, [0, 2, 1, 3]), x.shape);
    return affine === null ? y : tf.add(tf.mul(y, affine.weight), affine.bias);
  });
}

/**
 * Each row of [M, D] to mean 0 and (biased) variance 1, then scaled and shifted by [D].
 */
export function layerNorm(rows: tf.Tensor2D, affine: Affine | null, epsilon: number): tf.Tensor2D {
  return tf.tidy(() => {
    if (hasKernel("GroupNorm")) {
      return fused(rows, 1, affine, epsilon);
    }
    const y = normalizeRows(rows, epsilon);
    return affine === null ? y : tf.add(tf.mul(y, affine.weight), affine.bias);
  });
}
