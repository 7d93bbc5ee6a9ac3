import * as tf from "@tensorflow/tfjs-core";
import { hasKernel } from "./backend.ts";

/** How a loss sums up the samples' losses. */
export type Reduction = "mean" | "sum" | "none";

/**
 * Cross-entropy of logits [N, K] and target distributions [N, K]: −Σ target log softmax(logits), a number a sample, [N].
 *
 * The gradient is one step: softmax(logits) Σ target − target.
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => {
    if (hasKernel("SoftmaxCrossEntropy")) {
      const inputs = { logits, labels: targets };
      const outputs = tf.engine().runKernel("SoftmaxCrossEntropy", inputs, {}) as unknown as tf.Tensor[];
      return outputs[0] as tf.Tensor1D;
    }
    const op = tf.customGrad((...args) => {
      const [z, target, save] = args as unknown as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
      const shifted = tf.sub(z, tf.max(z, 1, true));
      const exponentials = tf.exp(shifted);
      const sums = tf.sum(exponentials, 1, true);
      const logProbabilities = tf.sub(shifted, tf.log(sums)) as tf.Tensor2D;
      save([tf.div(exponentials, sums), logProbabilities, target]);
      const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [probabilities, logs, t] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
        const column = tf.reshape(dy, [-1, 1]);
        const gradient = tf.sub(tf.mul(probabilities, tf.sum(t, 1, true)), t);
        return [tf.mul(gradient, column), tf.neg(tf.mul(logs, column))];
      };
      return { value: tf.neg(tf.sum(tf.mul(target, logProbabilities), 1)), gradFunc };
    });
    return op(logits, targets) as tf.Tensor1D;
  });
}

/** Mean, sum or nothing of a tensor of losses. */
export function reduceLoss(losses: tf.Tensor, reduction: Reduction): tf.Tensor {
  if (reduction === "none") return losses;
  return reduction === "mean" ? tf.mean(losses) : tf.sum(losses);
}
