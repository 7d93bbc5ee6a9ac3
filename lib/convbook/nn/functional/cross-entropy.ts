import * as tf from "@tensorflow/tfjs-core";
import { hasKernel } from "./backend.ts";

/** How a loss sums up the samples' losses. */
export type Reduction = "mean" | "sum" | "none";

/**
 * Cross-entropy of logits [N, K] and class indices [N] (int32): −log softmax(logits) of the class, a number a sample, [N]. Logits of −∞, as those of
 * masked classes, count for nothing unless they are the class's own.
 *
 * @param smoothing share of the target that is spread evenly over all classes
 */
export function classCrossEntropy(logits: tf.Tensor2D, classes: tf.Tensor1D, smoothing: number): tf.Tensor1D {
  return tf.tidy(() => {
    if (hasKernel("SoftmaxCrossEntropy")) {
      const inputs = { logits, labels: classes };
      const outputs = tf.engine().runKernel("SoftmaxCrossEntropy", inputs, { labelSmoothing: smoothing });
      return (outputs as unknown as tf.Tensor[])[0] as tf.Tensor1D;
    }
    const count = logits.shape[1];
    const isClass = tf.cast(tf.oneHot(classes, count), "bool");
    const target = tf.add(tf.mul(tf.cast(isClass, "float32"), 1 - smoothing), smoothing / count);
    const op = tf.customGrad((...args) => {
      const [z, save] = args as unknown as [tf.Tensor2D, tf.GradSaveFunc];
      const shifted = tf.sub(z, tf.max(z, 1, true));
      const exponentials = tf.exp(shifted);
      const sums = tf.sum(exponentials, 1, true);
      const logarithms = tf.sub(shifted, tf.log(sums));
      save([tf.div(exponentials, sums), target]);
      const own = tf.sum(tf.where(isClass, logarithms, tf.zerosLike(logarithms)), 1);
      const all = smoothing === 0 ? own : tf.add(tf.mul(own, 1 - smoothing), tf.mul(tf.mean(logarithms, 1), smoothing));
      const gradFunc = (dy: tf.Tensor, [probabilities, t]: tf.Tensor[]) =>
        tf.mul(tf.sub(probabilities as tf.Tensor, t as tf.Tensor), tf.reshape(dy, [-1, 1]));
      return { value: tf.neg(all), gradFunc };
    });
    return op(logits) as tf.Tensor1D;
  });
}

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
  if (reduction === "none") {
    return losses;
  }
  return reduction === "mean" ? tf.mean(losses) : tf.sum(losses);
}
