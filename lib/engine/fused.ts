/**
 * Operations that tfjs builds of many kernels or does not have, each as one kernel of the native backend with its
 * gradient: convolutions with groups and dilation, training batch normalization with residual and activation, max-pools
 * that keep where the maxima were, cross-entropy. They need the backend `native`; others know none of these kernels.
 */

import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { ArgumentError, checkFloats, checkInteger, checkIntegers, checkNumber } from "./arguments.ts";
import { run } from "./differentiation/gradient.ts";
import type { ConvolutionAttrs } from "./kernels/fused-convolution.ts";

export interface ConvolutionOptions {
  /** [out], added to every pixel. */
  readonly bias?: tf.Tensor1D | undefined;
  /** Of the output's shape, added before the activation. */
  readonly residual?: tf.Tensor4D | undefined;
  readonly strides?: readonly [height: number, width: number];
  /** Zeros around the image; default none. */
  readonly pad?: readonly [top: number, bottom: number, left: number, right: number];
  readonly dilations?: readonly [height: number, width: number];
  /** Input and output channels are cut into this many groups that do not see each other. */
  readonly groups?: number;
  readonly activation?: "linear" | "relu" | "relu6";
}

/**
 * A convolution [N, H, W, C] * [KH, KW, C/groups, K] -> [N, OH, OW, K] with everything around it in one pass.
 *
 * @throws {ArgumentError} for tensors that are not of float32, and options that are no sizes
 * @throws Error when shapes do not fit together.
 */
export function convolution(x: tf.Tensor4D, filter: tf.Tensor4D, options: ConvolutionOptions = {}): tf.Tensor4D {
  const { bias, residual, strides = [1, 1], pad = [0, 0, 0, 0], dilations = [1, 1] } = options;
  const { groups = 1, activation = "linear" } = options;
  checkFloats("convolution", { x, filter, bias, residual });
  checkIntegers("convolution", "strides", strides, 1, 2);
  checkIntegers("convolution", "pad", pad, 0, 4);
  checkIntegers("convolution", "dilations", dilations, 1, 2);
  checkInteger("convolution", "groups", groups, 1);
  if (!["linear", "relu", "relu6"].includes(activation)) {
    throw new ArgumentError("convolution", "activation", activation, "linear, relu or relu6");
  }
  const inputs: Record<string, Tensor> = { x, filter };
  if (bias !== undefined) {
    inputs.bias = bias;
  }
  if (residual !== undefined) {
    inputs.residual = residual;
  }
  const attrs: ConvolutionAttrs = { strides, pad, dilations, groups, activation };
  const kernel = activation === "linear" ? "Convolution" : "ConvolutionActivation";
  return run<tf.Tensor4D>(kernel, inputs, {
    ...attrs,
    bias: bias !== undefined,
    residual: residual !== undefined,
  });
}

export interface BatchNormTrainingOptions {
  /** Scale and shift, [C]; default 1 and 0. */
  readonly gamma?: tf.Tensor1D | undefined;
  readonly beta?: tf.Tensor1D | undefined;
  /** Of x's shape, added before the activation. */
  readonly residual?: Tensor | undefined;
  readonly epsilon?: number;
  readonly activation?: "linear" | "relu" | "relu6";
}

/**
 * Batch normalization with the batch's own statistics over all axes but the last.
 *
 * @returns y of x's shape, and mean and biased variance [C] for the running statistics; only y has a gradient.
 * @throws {ArgumentError} for tensors that are not of float32, an epsilon below 0, and an activation that it does not know
 */
export function batchNormTraining(
  x: Tensor,
  options: BatchNormTrainingOptions = {},
): { y: Tensor; mean: tf.Tensor1D; variance: tf.Tensor1D } {
  const { gamma, beta, residual, epsilon = 1e-5, activation = "linear" } = options;
  checkFloats("batchNormTraining", { x, gamma, beta, residual });
  checkNumber("batchNormTraining", "epsilon", epsilon, 0);
  if (!["linear", "relu", "relu6"].includes(activation)) {
    throw new ArgumentError("batchNormTraining", "activation", activation, "linear, relu or relu6");
  }
  const channels = x.shape[x.shape.length - 1] ?? 1;
  const inputs: Record<string, Tensor> = {
    x,
    gamma: gamma ?? tf.ones([channels]),
    beta: beta ?? tf.zeros([channels]),
  };
  if (residual !== undefined) {
    inputs.residual = residual;
  }
  const kernel = residual === undefined ? "BatchNormTraining" : "BatchNormTrainingResidual";
  const attrs = { epsilon, activation, residual: residual !== undefined };
  const [y, mean, variance] = run<[Tensor, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D]>(kernel, inputs, attrs);
  return { y, mean, variance };
}

/**
 * Group normalization of x [N, ..., C]: statistics over an image's pixels and each group of channels.
 *
 * @throws {ArgumentError} for tensors that are not of float32, groups that do not share out the channels, or an epsilon below 0
 */
export function groupNorm(
  x: Tensor,
  groups: number,
  options: { gamma?: tf.Tensor1D | undefined; beta?: tf.Tensor1D | undefined; epsilon?: number } = {},
): Tensor {
  checkFloats("groupNorm", { x, gamma: options.gamma, beta: options.beta });
  const channels = x.shape[x.shape.length - 1] ?? 1;
  checkInteger("groupNorm", "groups", groups, 1);
  if (channels % groups !== 0) {
    throw new ArgumentError("groupNorm", "groups", groups, `a divisor of the ${channels} channels`);
  }
  checkNumber("groupNorm", "epsilon", options.epsilon ?? 1e-5, 0);
  const inputs = { x, gamma: options.gamma ?? tf.ones([channels]), beta: options.beta ?? tf.zeros([channels]) };
  const [y] = run<[Tensor, Tensor, Tensor]>("GroupNorm", inputs, { groups, epsilon: options.epsilon ?? 1e-5 });
  return y;
}

export interface MaxPoolOptions {
  readonly filterSize: readonly [height: number, width: number];
  readonly strides: readonly [height: number, width: number];
  /** Pixels around the image that are never the maximum; default none. */
  readonly pad?: readonly [top: number, bottom: number, left: number, right: number];
  readonly dilations?: readonly [height: number, width: number];
  readonly dimRoundingMode?: "floor" | "ceil";
}

/**
 * The attributes of a pool's kernel.
 *
 * @throws {ArgumentError} for options that are no sizes
 */
export function poolAttrs(operation: string, options: MaxPoolOptions) {
  const { filterSize, strides, pad = [0, 0, 0, 0], dilations = [1, 1], dimRoundingMode } = options;
  checkIntegers(operation, "filterSize", filterSize, 1, 2);
  checkIntegers(operation, "strides", strides, 1, 2);
  checkIntegers(operation, "pad", pad, 0, 4);
  checkIntegers(operation, "dilations", dilations, 1, 2);
  const [top, bottom, left, right] = pad;
  const explicit = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  const attrs = { filterSize: [...filterSize], strides: [...strides], pad: explicit, dilations: [...dilations] };
  return { ...attrs, dimRoundingMode: dimRoundingMode ?? "floor" };
}

/**
 * Max-pool of x [N, H, W, C] that remembers where each maximum was, so that its gradient is one pass.
 *
 * @throws {ArgumentError} for a tensor that is not of float32, and options that are no sizes
 */
export function maxPool(x: tf.Tensor4D, options: MaxPoolOptions): tf.Tensor4D {
  checkFloats("maxPool", { x });
  const attrs = { ...poolAttrs("maxPool", options), inputShape: x.shape };
  const [y] = run<[tf.Tensor4D, Tensor]>("MaxPoolKeepIndex", { x }, attrs);
  return y;
}

/**
 * Cross-entropy of softmax(logits) for each row, with its gradient worked out at once.
 *
 * @param logits [N, C]
 * @param labels Class indices, int32 [N] (those out of range count nothing), or probabilities, float32 [N, C].
 * @returns [N]
 * @throws {ArgumentError} for logits that are not of float32, and smoothing below 0
 */
export function softmaxCrossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D | tf.Tensor2D,
  options: { labelSmoothing?: number } = {},
): tf.Tensor1D {
  checkFloats("softmaxCrossEntropy", { logits });
  checkNumber("softmaxCrossEntropy", "labelSmoothing", options.labelSmoothing ?? 0, 0);
  const [losses] = run<[tf.Tensor1D, Tensor]>("SoftmaxCrossEntropy", { logits, labels }, options);
  return losses;
}

/**
 * Exact GELU, x * Phi(x).
 *
 * @throws {ArgumentError} for a tensor that is not of float32
 */
export function gelu(x: Tensor): Tensor {
  checkFloats("gelu", { x });
  return run("Gelu", { x }, {});
}

/**
 * SiLU, x * sigmoid(x).
 *
 * @throws {ArgumentError} for a tensor that is not of float32
 */
export function silu(x: Tensor): Tensor {
  checkFloats("silu", { x });
  return run("Silu", { x }, {});
}

/** @throws {ArgumentError} for what is no shape or no seed */
function checkRandom(operation: string, shape: number[], seed: number): void {
  checkIntegers(operation, "shape", shape, 0);
  checkInteger(operation, "seed", seed, Number.MIN_SAFE_INTEGER);
}

/**
 * Uniform numbers in [low, high), the same for a seed on every machine and with any number of threads.
 *
 * @throws {ArgumentError} for what is no shape, bounds that are no numbers and a seed that is not whole
 */
export function randomUniform(shape: number[], low: number, high: number, seed: number): Tensor {
  checkRandom("randomUniform", shape, seed);
  checkNumber("randomUniform", "low", low);
  checkNumber("randomUniform", "high", high, low);
  return run("RandomFill", {}, { shape, normal: false, seed, a: low, b: high });
}

/**
 * Normal numbers, the same for a seed on every machine and with any number of threads.
 *
 * @throws {ArgumentError} for what is no shape, parameters that are no numbers and a seed that is not whole
 */
export function randomNormal(shape: number[], mean: number, standardDeviation: number, seed: number): Tensor {
  checkRandom("randomNormal", shape, seed);
  checkNumber("randomNormal", "mean", mean);
  checkNumber("randomNormal", "standardDeviation", standardDeviation, 0);
  return run("RandomFill", {}, { shape, normal: true, seed, a: mean, b: standardDeviation });
}

let wanted: ((input: string) => boolean) | undefined;

/** Says which inputs' gradients of an operation will be asked for while `body` works them out. */
export function askingFor<T>(inputs: (input: string) => boolean, body: () => T): T {
  const before = wanted;
  wanted = inputs;
  try {
    return body();
  } finally {
    wanted = before;
  }
}

/** Whether the gradient of an input will be asked for; it will be where nobody said otherwise. */
export function wantsGradientOf(input: string): boolean {
  return wanted?.(input) ?? true;
}

/** Kernels whose gradients do not look at the gradients of outputs but the first. */
export const firstOutputOnly: ReadonlySet<string> = new Set([
  "ProgramTraining",
  "BatchNormTraining",
  "BatchNormTrainingResidual",
  "GroupNorm",
  "MaxPoolKeepIndex",
  "SoftmaxCrossEntropy",
]);
