import * as tf from "@tensorflow/tfjs-core";
import { hasKernel } from "./backend.ts";
import { customGradient } from "./custom-gradient.ts";

/** How a loss sums up the samples' losses. */
export type Reduction = "mean" | "sum" | "none";

/** The native engine's kernel, gradient included. */
function fused(inputs: { logits: tf.Tensor2D; labels: tf.Tensor }, attributes: tf.NamedAttrMap): tf.Tensor1D {
  const [losses] = tf.engine().runKernel<[tf.Tensor1D, ...tf.Tensor[]]>("SoftmaxCrossEntropy", inputs, attributes);
  return losses;
}

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
      return fused(inputs, { labelSmoothing: smoothing });
    }
    const count = logits.shape[1];
    const isClass = tf.cast(tf.oneHot(classes, count), "bool");
    const target = tf.add(tf.mul(tf.cast(isClass, "float32"), 1 - smoothing), smoothing / count);
    const op = customGradient((z: tf.Tensor2D) => {
      const shifted = tf.sub(z, tf.max(z, 1, true));
      const exponentials = tf.exp(shifted);
      const sums = tf.sum(exponentials, 1, true);
      const logarithms = tf.sub(shifted, tf.log(sums));
      const own: tf.Tensor1D = tf.sum(tf.where(isClass, logarithms, tf.zerosLike(logarithms)), 1);
      const all: tf.Tensor1D =
        smoothing === 0 ? own : tf.add(tf.mul(own, 1 - smoothing), tf.mul(tf.mean(logarithms, 1), smoothing));
      const saved = [tf.div(exponentials, sums), target] as const;
      return { value: tf.neg(all), saved, gradient: (dy, [p, t]) => tf.mul(tf.sub(p, t), tf.reshape(dy, [-1, 1])) };
    });
    return op(logits);
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
      return fused(inputs, {});
    }
    const op = customGradient((z: tf.Tensor2D, target: tf.Tensor2D) => {
      const shifted = tf.sub(z, tf.max(z, 1, true));
      const exponentials = tf.exp(shifted);
      const sums = tf.sum(exponentials, 1, true);
      const logProbabilities = tf.sub(shifted, tf.log(sums));
      const saved = [tf.div(exponentials, sums), logProbabilities, target] as const;
      const gradient = (dy: tf.Tensor, [probabilities, logs, t]: typeof saved) => {
        const column = tf.reshape(dy, [-1, 1]);
        const byLogits = tf.sub(tf.mul(probabilities, tf.sum(t, 1, true)), t);
        return [tf.mul(byLogits, column), tf.neg(tf.mul(logs, column))];
      };
      const value: tf.Tensor1D = tf.neg(tf.sum(tf.mul(target, logProbabilities), 1));
      return { value, saved, gradient };
    });
    return op(logits, targets);
  });
}

/** Mean, sum or nothing of a tensor of losses. */
export function reduceLoss(losses: tf.Tensor, reduction: Reduction): tf.Tensor {
  if (reduction === "none") {
    return losses;
  }
  return reduction === "mean" ? tf.mean(losses) : tf.sum(losses);
}
