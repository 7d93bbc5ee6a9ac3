import * as tf from "@tensorflow/tfjs-core";
import { at } from "../../arguments/at.ts";
import { type ActivationName, activation } from "./activation.ts";
import { columnSums, hasKernel, isRecording } from "./backend.ts";
import { customGradient } from "./custom-gradient.ts";

/** What may follow a normalisation in the same step: y = act(norm(x) + residual). */
export interface Epilogue {
  readonly residual?: tf.Tensor;
  readonly activation?: ActivationName;
}

/** Statistics of one training batch, [C] each; valid only during the call that receives them. */
export type StatisticsReceiver = (mean: tf.Tensor1D, biasedVariance: tf.Tensor1D, count: number) => void;

/** Adds the residual and applies the activation. */
export function epilogue<R extends tf.Rank>(
  y: tf.Tensor<R>,
  { residual, activation: act = "identity" }: Epilogue,
): tf.Tensor<R> {
  return activation(residual === undefined ? y : tf.add<tf.Tensor<R>>(y, residual), act);
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
export function batchNormTraining<R extends tf.Rank>(
  x: tf.Tensor<R>,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  epsilon: number,
  receive: StatisticsReceiver,
  after: Epilogue = {},
): tf.Tensor<R> {
  return tf.tidy(() => {
    const channels = at(x.shape, -1);
    const rows = channels === 0 ? 0 : x.size / channels;
    if (hasKernel("BatchNormTraining")) {
      return fusedTraining(x, weight, bias, epsilon, receive, after, rows);
    }
    const normalise = customGradient((matrix: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => {
      const mean: tf.Tensor1D = tf.div(columnSums(matrix), rows);
      const centred: tf.Tensor2D = tf.sub(matrix, mean);
      const variance: tf.Tensor1D = tf.div(columnSums(tf.square(centred)), rows);
      receive(mean, variance, rows);
      const inverse = tf.rsqrt(tf.add(variance, epsilon));
      const normal = tf.mul(centred, inverse);
      const saved = [normal, inverse, gamma] as const;
      const gradient = (dy: tf.Tensor2D, [xHat, invStd, g]: typeof saved) => {
        const dBeta = columnSums(dy);
        const dGamma = columnSums(tf.mul(dy, xHat));
        const inner = tf.sub(tf.sub(dy, tf.div(dBeta, rows)), tf.mul(xHat, tf.div(dGamma, rows)));
        return [tf.mul(inner, tf.mul(g, invStd)), dGamma, dBeta];
      };
      const value: tf.Tensor2D = tf.add(tf.mul(normal, gamma), beta);
      return { value, saved, gradient };
    });
    const y = normalise(tf.reshape(x, [rows, channels]), weight, bias);
    return epilogue(tf.reshape(y, x.shape), after);
  });
}

/** The native engine's kernel: statistics, normalisation, residual and ReLU in one step, and the same for the gradient. */
function fusedTraining<R extends tf.Rank>(
  x: tf.Tensor<R>,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
  receive: StatisticsReceiver,
  { residual, activation: act = "identity" }: Epilogue,
  rows: number,
): tf.Tensor<R> {
  const fused = act === "relu" || act === "relu6" ? act : "linear";
  const hasResidual = residual !== undefined;
  const inputs: tf.NamedTensorMap = hasResidual ? { x, gamma, beta, residual } : { x, gamma, beta };
  const kernel = hasResidual ? "BatchNormTrainingResidual" : "BatchNormTraining";
  const attributes = { epsilon, activation: fused, residual: hasResidual };
  type Outputs = [y: tf.Tensor<R>, mean: tf.Tensor1D, variance: tf.Tensor1D];
  const [y, mean, variance] = tf.engine().runKernel<Outputs>(kernel, inputs, attributes);
  receive(mean, variance, rows);
  return fused === act ? y : activation(y, act);
}

/**
 * Batch normalisation with running statistics: γ (x − mean) / √(variance + ε) + β over the last dimension.
 */
export function batchNormInference<R extends tf.Rank>(
  x: tf.Tensor<R>,
  mean: tf.Tensor1D,
  variance: tf.Tensor1D,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  epsilon: number,
  after: Epilogue = {},
): tf.Tensor<R> {
  return tf.tidy(() => {
    const channels = mean.shape[0];
    if (isRecording() || x.rank < 2) {
      const { scale, shift } = foldedScale(mean, variance, weight, bias, epsilon);
      return epilogue(tf.add<tf.Tensor<R>>(tf.mul(x, scale), shift), after);
    }
    const rows = x.size / channels;
    if (hasKernel("BatchNormTraining")) {
      const { residual, activation: act = "identity" } = after;
      const inputs: tf.NamedTensorMap = { x, mean, variance, scale: weight, offset: bias };
      if (residual !== undefined) {
        inputs.residual = residual;
      }
      const fused = act === "relu" || act === "relu6" ? act : "linear";
      const attributes = { varianceEpsilon: epsilon, activation: fused };
      const y = tf.engine().runKernel<tf.Tensor<R>>("FusedBatchNorm", inputs, attributes);
      return fused === act ? y : activation(y, act);
    }
    const image: tf.Tensor4D = tf.reshape(x, [1, 1, rows, channels]);
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
  const scale: tf.Tensor1D = tf.mul(weight, tf.rsqrt(tf.add(variance, epsilon)));
  return { scale, shift: tf.sub(bias, tf.mul(mean, scale)) };
}

/** A running statistic, [C], that takes a share of a batch's, times a factor. */
export function runningAverage(running: tf.Tensor, value: tf.Tensor, share: number, factor: number): tf.Tensor {
  if (hasKernel("RunningAverage")) {
    return tf.engine().runKernel<tf.Tensor>("RunningAverage", { running, value }, { share, factor });
  }
  return tf.tidy(() => tf.add(tf.mul(running, 1 - share), tf.mul(tf.mul(value, factor), share)));
}
