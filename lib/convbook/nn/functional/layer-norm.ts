import * as tf from "@tensorflow/tfjs-core";

/**
 * Each row to mean 0 and (biased) variance 1, [M, D] -> [M, D]: (x − mean) / √(variance + ε), with one step for the gradient.
 */
export function normalizeRows(x: tf.Tensor2D, epsilon: number): tf.Tensor2D {
  return tf.tidy(() => {
    const op = tf.customGrad((...args) => {
      const [rows, save] = args as unknown as [tf.Tensor2D, tf.GradSaveFunc];
      const centred = tf.sub(rows, tf.mean(rows, 1, true));
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
      const normal = tf.mul(centred, inverse) as tf.Tensor2D;
      save([normal, inverse]);
      const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [xHat, invStd] = saved as [tf.Tensor2D, tf.Tensor2D];
        const along = tf.mul(xHat, tf.mean(tf.mul(dy, xHat), 1, true));
        return tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, 1, true)), along), invStd);
      };
      return { value: normal, gradFunc };
    });
    return op(x) as tf.Tensor2D;
  });
}
