import * as tf from "@tensorflow/tfjs-core";
import { type ActivationName, activation } from "./activation.ts";
import { columnSums, hasKernel, isRecording } from "./backend.ts";

/** What may follow a normalisation in the same step: y = act(norm(x) + residual). */
export interface Epilogue {
  readonly residual?: tf.Tensor;
  readonly activation?: ActivationName;
}

/** Statistics of one training batch, [C] each; valid only during the call that receives them. */
export type StatisticsReceiver = (mean: tf.Tensor1D, biasedVariance: tf.Tensor1D, count: number) => void;

/** Adds the residual and applies the activation. */
export function epilogue(y: tf.Tensor, { residual, activation: act = "identity" }: Epilogue): tf.Tensor {
  return activation(residual === undefined ? y : tf.add(y, residual), act);
}

/**
 * Batch normalisation with the statistics of this batch, over all dimensions but the last: [..., C] -> [..., C].
 *
 * One step for the gradient instead of some twenty: dx = γ/σ (dy − mean(dy) − x̂ mean(dy x̂)).
 *
 * @param x input
 * @param weight γ [C]
 * @param bias β [C]
 * @param epsilon added to the biased variance
 * @param receive is given the batch's mean and biased variance, for the running statistics
 */
export function batchNormTraining(
  x: tf.Tensor,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  epsilon: number,
  receive: StatisticsReceiver,
  after: Epilogue = {},
): tf.Tensor {
  return tf.tidy(() => {
    const channels = x.shape[x.shape.length - 1] as number;
    const rows = channels === 0 ? 0 : x.size / channels;
    if (hasKernel("BatchNormTraining")) {
      return fusedTraining(x, weight, bias, epsilon, receive, after, rows);
    }
    const normalise = tf.customGrad((...args) => {
      const [matrix, gamma, beta, save] = args as unknown as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
      const mean = tf.div(columnSums(matrix), rows) as tf.Tensor1D;
      const centred = tf.sub(matrix, mean) as tf.Tensor2D;
      const variance = tf.div(columnSums(tf.square(centred)), rows) as tf.Tensor1D;
      receive(mean, variance, rows);
      const inverse = tf.rsqrt(tf.add(variance, epsilon)) as tf.Tensor1D;
      const normal = tf.mul(centred, inverse) as tf.Tensor2D;
      save([normal, inverse, gamma]);
      const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [xHat, invStd, g] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D];
        const dBeta = columnSums(dy as tf.Tensor2D);
        const dGamma = columnSums(tf.mul(dy, xHat) as tf.Tensor2D);
        const inner = tf.sub(tf.sub(dy, tf.div(dBeta, rows)), tf.mul(xHat, tf.div(dGamma, rows)));
        return [tf.mul(inner, tf.mul(g, invStd)), dGamma, dBeta];
      };
      return { value: tf.add(tf.mul(normal, gamma), beta), gradFunc };
    });
    const y = normalise(tf.reshape(x, [rows, channels]), weight, bias);
    return epilogue(tf.reshape(y, x.shape), after);
  });
}

/** The native engine's kernel: statistics, normalisation, residual and ReLU in one step, and the same for the gradient. */
function fusedTraining(
  x: tf.Tensor,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
  receive: StatisticsReceiver,
  { residual, activation: act = "identity" }: Epilogue,
  rows: number,
): tf.Tensor {
  const fused = act === "relu" ? "relu" : "linear";
  const hasResidual = residual !== undefined;
  const inputs: tf.NamedTensorMap = hasResidual ? { x, gamma, beta, residual } : { x, gamma, beta };
  const kernel = hasResidual ? "BatchNormTrainingResidual" : "BatchNormTraining";
  const attributes = { epsilon, activation: fused, residual: hasResidual };
  const outputs = tf.engine().runKernel(kernel, inputs, attributes) as unknown as tf.Tensor[];
  const [y, mean, variance] = outputs as [tf.Tensor, tf.Tensor1D, tf.Tensor1D];
  receive(mean, variance, rows);
  return act === "relu" ? y : activation(y, act);
}

/**
 * Batch normalisation with running statistics: γ (x − mean) / √(variance + ε) + β over the last dimension.
 */
export function batchNormInference(
  x: tf.Tensor,
  mean: tf.Tensor1D,
  variance: tf.Tensor1D,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  epsilon: number,
  after: Epilogue = {},
): tf.Tensor {
  return tf.tidy(() => {
    const channels = mean.shape[0];
    if (isRecording() || x.rank < 2) {
      const { scale, shift } = foldedScale(mean, variance, weight, bias, epsilon);
      return epilogue(tf.add(tf.mul(x, scale), shift), after);
    }
    const rows = x.size / channels;
    if (hasKernel("BatchNormTraining")) {
      const { residual, activation: act = "identity" } = after;
      const inputs: tf.NamedTensorMap = { x, mean, variance, scale: weight, offset: bias };
      if (residual !== undefined) {
        inputs.residual = residual;
      }
      const fused = act === "relu" || act === "relu6" ? act : "linear";
      const y = tf.engine().runKernel("FusedBatchNorm", inputs, { varianceEpsilon: epsilon, activation: fused });
      return fused === act ? (y as tf.Tensor) : activation(y as tf.Tensor, act);
    }
    const image = tf.reshape(x, [1, 1, rows, channels]) as tf.Tensor4D;
    const y = tf.batchNorm(image, mean, variance, bias, weight, epsilon);
    return epilogue(tf.reshape(y, x.shape), after);
  });
}

/** The same normalisation as scale and shift: y = x scale + shift. */
export function foldedScale(
  mean: tf.Tensor1D,
  variance: tf.Tensor1D,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  epsilon: number,
): { scale: tf.Tensor1D; shift: tf.Tensor1D } {
  const scale = tf.mul(weight, tf.rsqrt(tf.add(variance, epsilon))) as tf.Tensor1D;
  return { scale, shift: tf.sub(bias, tf.mul(mean, scale)) as tf.Tensor1D };
}
