import * as tf from "@tensorflow/tfjs-core";
import { customGradient } from "./custom-gradient.ts";

/**
 * Each row to mean 0 and (biased) variance 1, [M, D] -> [M, D]: (x − mean) / √(variance + ε), with one step for the gradient.
 */
export function normalizeRows(x: tf.Tensor2D, epsilon: number): tf.Tensor2D {
  return tf.tidy(() => {
    const op = customGradient((rows: tf.Tensor2D) => {
      const centred = tf.sub(rows, tf.mean(rows, 1, true));
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
      const normal: tf.Tensor2D = tf.mul(centred, inverse);
      const gradient = (dy: tf.Tensor, [xHat, invStd]: readonly [tf.Tensor, tf.Tensor]) => {
        const along = tf.mul(xHat, tf.mean(tf.mul(dy, xHat), 1, true));
        return tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, 1, true)), along), invStd);
      };
      return { value: normal, saved: [normal, inverse], gradient };
    });
    return op(x);
  });
}
