/** The three convolutions of an inverted residual block in evaluation as one kernel of the engine. */
import * as tf from "@tensorflow/tfjs-core";
import type { ActivationName } from "./activation.ts";
import type { Conv2dGeometry, RunningNorm } from "./conv.ts";

/** A convolution with a normalisation by running statistics and an activation behind it. */
export interface NormalizedConvolution {
  /** [kernel height, kernel width, C / groups, O] */
  readonly weight: tf.Tensor4D;
  readonly bias: tf.Tensor1D | null;
  readonly geometry: Conv2dGeometry;
  readonly norm: RunningNorm;
  /** "identity", "relu" or "relu6". */
  readonly act: ActivationName;
}

/**
 * A pointwise convolution that widens, one of each channel by itself, a pointwise one that narrows, without gradients; needs the kernel "InvertedResidual".
 *
 * @param x [N, H, W, C]
 * @param residual [N, H', W', O], added before the last activation
 * @returns [N, H', W', O]
 */
export function invertedResidual(
  x: tf.Tensor4D,
  parts: readonly [widen: NormalizedConvolution, each: NormalizedConvolution, narrow: NormalizedConvolution],
  residual: tf.Tensor4D | undefined,
): tf.Tensor4D {
  const inputs: tf.NamedTensorMap = { x };
  for (const [i, { weight, bias, norm }] of parts.entries()) {
    const [height, width, , channels] = weight.shape;
    inputs[`filter${i}`] = i === 1 ? tf.reshape(weight, [height, width, channels, 1]) : weight;
    for (const [name, tensor] of Object.entries({
      bias,
      mean: norm.mean,
      variance: norm.variance,
      gamma: norm.gamma,
      beta: norm.beta,
    })) {
      if (tensor !== null) {
        inputs[`${name}${i}`] = tensor;
      }
    }
  }
  if (residual !== undefined) {
    inputs.residual = residual;
  }
  const { stride, padding, dilation } = parts[1].geometry;
  const attributes = {
    strides: [...stride],
    pad: padding.flat(),
    dilations: [...dilation],
    activations: parts.map(({ act }) => (act === "identity" ? "linear" : act)),
    epsilons: parts.map(({ norm }) => norm.epsilon),
  };
  return tf.engine().runKernel("InvertedResidual", inputs, attributes as unknown as tf.NamedAttrMap);
}
