import * as tf from "@tensorflow/tfjs-core";
import { fillBernoulli, type Generator } from "../random/index.ts";

/**
 * Sets parts of a batch to zero and multiplies the others by `scale`: one number is drawn for each of `count` parts, which are the samples, or all of
 * them where `count` is 1.
 *
 * @param keep probability that a part stays
 */
export function dropParts<R extends tf.Rank>(
  x: tf.Tensor<R>,
  count: number,
  keep: number,
  scale: number,
  generator: Generator,
): tf.Tensor<R> {
  const kept = fillBernoulli(new Float32Array(count), keep, generator).map((drawn) => drawn * scale);
  return tf.tidy(() =>
    tf.mul(
      x,
      tf.tensor(
        kept,
        x.shape.map((_, i) => (i === 0 ? count : 1)),
      ),
    ),
  );
}
