/**
 * Operations that tfjs builds of many kernels or does not have, each as one kernel of the native backend with its
 * gradient: convolutions with groups and dilation, training batch normalization with residual and activation, max-pools
 * that keep where the maxima were, cross-entropy. They need the backend `native`; others know none of these kernels.
 */

import * as tf from "@tensorflow/tfjs-core";
import {
  type GradConfig,
  type NamedAttrMap,
  type NamedTensorMap,
  registerGradient,
  type Tensor,
  engine as tfEngine,
} from "@tensorflow/tfjs-core";
import { ArgumentError, checkInteger, checkIntegers, checkNumber } from "./arguments.ts";
import {
  batchNormComposed,
  crossEntropyComposed,
  gradientsOf,
  groupNormComposed,
  maxOfWindows,
} from "./differentiation/compositions.ts";
import { type PoolAttrs, windowsOf } from "./differentiation/pools.ts";
import { first } from "./differentiation/second-order.ts";
import { isNested, isRecording } from "./differentiation/tape.ts";
import type { ConvolutionAttrs } from "./kernels/fused-convolution.ts";

type Attrs = Record<string, unknown>;

function run<T = Tensor>(kernel: string, inputs: Record<string, Tensor>, attrs: Attrs): T {
  return tfEngine().runKernel(kernel, inputs as NamedTensorMap, attrs as unknown as NamedAttrMap) as T;
}

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
 * @throws {ArgumentError} for options that are no sizes
 * @throws Error when shapes do not fit together.
 */
export function convolution(x: tf.Tensor4D, filter: tf.Tensor4D, options: ConvolutionOptions = {}): tf.Tensor4D {
  const { bias, residual, strides = [1, 1], pad = [0, 0, 0, 0], dilations = [1, 1] } = options;
  const { groups = 1, activation = "linear" } = options;
  checkIntegers("convolution", "strides", strides, 1, 2);
  checkIntegers("convolution", "pad", pad, 0, 4);
  checkIntegers("convolution", "dilations", dilations, 1, 2);
  checkInteger("convolution", "groups", groups, 1);
  if (!["linear", "relu", "relu6"].includes(activation)) {
    throw new ArgumentError("convolution", "activation", activation, "linear, relu or relu6");
  }
  const inputs: Record<string, Tensor> = { x, filter };
  if (bias !== undefined) inputs.bias = bias;
  if (residual !== undefined) inputs.residual = residual;
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
  readonly activation?: "linear" | "relu";
}

/**
 * Batch normalization with the batch's own statistics over all axes but the last.
 *
 * @returns y of x's shape, and mean and biased variance [C] for the running statistics; only y has a gradient.
 */
export function batchNormTraining(
  x: Tensor,
  options: BatchNormTrainingOptions = {},
): { y: Tensor; mean: tf.Tensor1D; variance: tf.Tensor1D } {
  const { gamma, beta, residual, epsilon = 1e-5, activation = "linear" } = options;
  checkNumber("batchNormTraining", "epsilon", epsilon, 0);
  if (!["linear", "relu"].includes(activation)) {
    throw new ArgumentError("batchNormTraining", "activation", activation, "linear or relu");
  }
  const channels = x.shape[x.shape.length - 1] ?? 1;
  const inputs: Record<string, Tensor> = {
    x,
    gamma: gamma ?? tf.ones([channels]),
    beta: beta ?? tf.zeros([channels]),
  };
  if (residual !== undefined) inputs.residual = residual;
  const kernel = residual === undefined ? "BatchNormTraining" : "BatchNormTrainingResidual";
  const attrs = { epsilon, activation, residual: residual !== undefined };
  const [y, mean, variance] = run<[Tensor, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D]>(kernel, inputs, attrs);
  return { y, mean, variance };
}

/**
 * Group normalization of x [N, ..., C]: statistics over an image's pixels and each group of channels.
 *
 * @throws {ArgumentError} for groups that do not share out the channels, or an epsilon below 0
 */
export function groupNorm(
  x: Tensor,
  groups: number,
  options: { gamma?: tf.Tensor1D | undefined; beta?: tf.Tensor1D | undefined; epsilon?: number } = {},
): Tensor {
  const channels = x.shape[x.shape.length - 1] ?? 1;
  checkInteger("groupNorm", "groups", groups, 1);
  if (channels % groups !== 0) {
    throw new ArgumentError("groupNorm", "groups", groups, `a divisor of the ${channels} channels`);
  }
  checkNumber("groupNorm", "epsilon", options.epsilon ?? 1e-5, 0);
  const inputs = { x, gamma: options.gamma ?? tf.ones([channels]), beta: options.beta ?? tf.zeros([channels]) };
  return run<Tensor[]>("GroupNorm", inputs, { groups, epsilon: options.epsilon ?? 1e-5 })[0] as Tensor;
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
 * @throws {ArgumentError} for options that are no sizes
 */
export function maxPool(x: tf.Tensor4D, options: MaxPoolOptions): tf.Tensor4D {
  return run<tf.Tensor4D[]>(
    "MaxPoolKeepIndex",
    { x },
    { ...poolAttrs("maxPool", options), inputShape: x.shape },
  )[0] as tf.Tensor4D;
}

/**
 * Cross-entropy of softmax(logits) for each row, with its gradient worked out at once.
 *
 * @param logits [N, C]
 * @param labels Class indices, int32 [N] (those out of range count nothing), or probabilities, float32 [N, C].
 * @returns [N]
 */
export function softmaxCrossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D | tf.Tensor2D,
  options: { labelSmoothing?: number } = {},
): tf.Tensor1D {
  checkNumber("softmaxCrossEntropy", "labelSmoothing", options.labelSmoothing ?? 0, 0);
  return run<tf.Tensor1D[]>("SoftmaxCrossEntropy", { logits, labels }, { ...options })[0] as tf.Tensor1D;
}

/** Of the normal distribution. */
const densityAtZero = 1 / Math.sqrt(2 * Math.PI);

/** Exact GELU, x * Phi(x). */
export function gelu(x: Tensor): Tensor {
  return run("Gelu", { x }, {});
}

/** SiLU, x * sigmoid(x). */
export function silu(x: Tensor): Tensor {
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
function wantsGradientOf(input: string): boolean {
  return wanted?.(input) ?? true;
}

/** Kernels whose gradients do not look at the gradients of outputs but the first. */
export const firstOutputOnly: ReadonlySet<string> = new Set([
  "BlockTraining",
  "BatchNormTraining",
  "BatchNormTrainingResidual",
  "GroupNorm",
  "MaxPoolKeepIndex",
  "SoftmaxCrossEntropy",
]);

// tfjs asks for each input's gradient in a scope of its own, at whose end everything else made there is freed. What one
// kernel gives for several inputs is therefore worked out before any of them is asked for.

function convolutionGrad(dy: Tensor, x: Tensor, filter: Tensor, attrs: Attrs): Record<string, () => Tensor> {
  const wanted = { ...attrs, inputShape: x.shape, filterShape: filter.shape };
  const grads: Record<string, () => Tensor> = { x: () => run("ConvolutionInputGrad", { dy, filter }, wanted) };
  if (attrs.bias) {
    const [dfilter, dbias] = run<[Tensor, Tensor]>("ConvolutionFilterGrad", { x, dy }, wanted);
    grads.filter = () => dfilter;
    grads.bias = () => dbias;
  } else {
    grads.filter = () => run<[Tensor]>("ConvolutionFilterGrad", { x, dy }, wanted)[0];
  }
  if (attrs.residual) grads.residual = () => dy.clone();
  return grads;
}

/** The gradients of a convolution's gradients, which are convolutions again. */
const convolutionGradGradients: readonly GradConfig[] = [
  {
    kernelName: "ConvolutionInputGrad",
    inputsToSave: ["dy", "filter"],
    gradFunc: (ddx, saved, attrs) => {
      const [dy, filter] = saved as [Tensor, Tensor];
      const own = { ...attrs, activation: "linear", bias: false, residual: false };
      return {
        dy: () => run("Convolution", { x: first(ddx), filter }, own),
        filter: () =>
          run<[Tensor]>("ConvolutionFilterGrad", { x: first(ddx), dy }, { ...own, filterShape: filter.shape })[0],
      };
    },
  },
  {
    kernelName: "ConvolutionFilterGrad",
    inputsToSave: ["x", "dy"],
    gradFunc: (dds, saved, attrs) => {
      const [x, dy] = saved as [Tensor, Tensor];
      const own = { ...attrs, activation: "linear", bias: false, residual: false };
      return {
        x: () => run("ConvolutionInputGrad", { dy, filter: first(dds) }, own),
        dy: () => {
          const byFilter = run("Convolution", { x, filter: first(dds) }, own);
          return Array.isArray(dds) && dds.length > 1 ? tf.add(byFilter, dds[1] as Tensor) : byFilter;
        },
      };
    },
  },
];

function batchNormGrad(dy: Tensor, saved: Record<string, Tensor>, attrs: Attrs): Record<string, () => Tensor> {
  if (isRecording()) return batchNormGradComposed(dy, saved, attrs);
  const [x, gamma, beta, residual] = run<[Tensor, Tensor, Tensor, Tensor?]>(
    "BatchNormTrainingGrad",
    { dy, ...saved },
    attrs,
  );
  const grads: Record<string, () => Tensor> = { x: () => x, gamma: () => gamma, beta: () => beta };
  if (attrs.residual) grads.residual = () => residual ?? dy.clone();
  return grads;
}

function batchNormGradComposed(dy: Tensor, saved: Record<string, Tensor>, attrs: Attrs): Record<string, () => Tensor> {
  const { x, gamma, beta, y } = saved;
  // Behind a residual y says where a ReLU was open; without one it is worked out again.
  const open = attrs.activation === "relu" && y !== undefined ? tf.mul(dy, tf.step(y)) : dy;
  const own = {
    epsilon: attrs.epsilon as number,
    activation: y === undefined ? (attrs.activation as string) : "linear",
  };
  const composed = (...[t, g, b]: Tensor[]) => batchNormComposed(t as Tensor, g as Tensor, b as Tensor, own);
  const grads = gradientsOf(composed, [x, gamma, beta] as Tensor[], open);
  const named = Object.fromEntries(["x", "gamma", "beta"].map((name, i) => [name, () => grads[i] as Tensor]));
  return attrs.residual ? { ...named, residual: () => open.clone() } : named;
}

/** Registers the gradients; called once, when the backend is registered. */
export function registerFusedGradients(): void {
  registerGradient({
    kernelName: "BlockTraining",
    saveAllInputs: true,
    outputsToSave: [true, true],
    gradFunc: (dys, saved, attrs) => {
      if (isRecording()) {
        throw new Error(
          "BlockTraining: a block of layers in one kernel has no gradient of its gradient; run its layers one by one.",
        );
      }
      const inputs = saved.slice(0, -2);
      const [y, state] = saved.slice(-2) as [Tensor, Tensor];
      const wantsInput = wantsGradientOf("0");
      const grads = tfEngine().runKernel(
        "BlockTrainingGrad",
        [first(dys), y, state, ...inputs] as unknown as NamedTensorMap,
        { ...attrs, wantsInput },
      ) as unknown as Tensor[];
      return Object.fromEntries(grads.map((grad, i) => [`${wantsInput ? i : i + 1}`, () => grad]));
    },
  });
  for (const config of convolutionGradGradients) registerGradient(config);
  registerGradient({
    kernelName: "Convolution",
    inputsToSave: ["x", "filter"],
    gradFunc: (dy, saved, attrs) =>
      convolutionGrad(first(dy), saved[0] as Tensor, saved[1] as Tensor, attrs as unknown as Attrs),
  });
  registerGradient({
    kernelName: "ConvolutionActivation",
    inputsToSave: ["x", "filter"],
    outputsToSave: [true],
    gradFunc: (dy, [x, filter, y], attrs) => {
      const { activation } = attrs as unknown as ConvolutionAttrs;
      const open =
        activation === "relu6" ? tf.mul(tf.step(y as Tensor), tf.cast(tf.less(y as Tensor, 6), "float32")) : undefined;
      const masked =
        open === undefined ? run("ReluGrad", { dy: first(dy), y: y as Tensor }, {}) : tf.mul(first(dy), open);
      return convolutionGrad(masked, x as Tensor, filter as Tensor, attrs as unknown as Attrs);
    },
  });
  registerGradient({
    kernelName: "BatchNormTraining",
    inputsToSave: ["x", "gamma", "beta"],
    outputsToSave: [false, true, false, true],
    gradFunc: (dys, [x, gamma, beta, mean, inverse], attrs) =>
      batchNormGrad(first(dys), { x, gamma, beta, mean, inverse } as Record<string, Tensor>, attrs as unknown as Attrs),
  });
  registerGradient({
    kernelName: "BatchNormTrainingResidual",
    inputsToSave: ["x", "gamma", "beta"],
    outputsToSave: [true, true, false, true],
    gradFunc: (dys, [x, gamma, beta, y, mean, inverse], attrs) =>
      batchNormGrad(
        first(dys),
        { x, gamma, beta, y, mean, inverse } as Record<string, Tensor>,
        attrs as unknown as Attrs,
      ),
  });
  registerGradient({
    kernelName: "GroupNorm",
    inputsToSave: ["x", "gamma", "beta"],
    outputsToSave: [false, true, true],
    gradFunc: (dys, [x, gamma, beta, mean, inverse], attrs) => {
      if (isRecording()) {
        const own = attrs as unknown as { groups: number; epsilon: number };
        const saved = [x, gamma, beta] as Tensor[];
        const grads = gradientsOf(
          (...[t, g, b]) => groupNormComposed(t as Tensor, g as Tensor, b as Tensor, own),
          saved,
          first(dys),
        );
        return { x: () => grads[0] as Tensor, gamma: () => grads[1] as Tensor, beta: () => grads[2] as Tensor };
      }
      const inputs = { dy: first(dys), x, gamma, mean, inverse } as Record<string, Tensor>;
      const grads = run<[Tensor, Tensor, Tensor]>("GroupNormGrad", inputs, attrs as unknown as Attrs);
      return { x: () => grads[0], gamma: () => grads[1], beta: () => grads[2] };
    },
  });
  registerGradient({
    kernelName: "MaxPoolKeepIndex",
    // The index is enough, and smaller, unless the gradient may be differentiated again.
    get inputsToSave() {
      return isNested() ? ["x"] : [];
    },
    outputsToSave: [false, true],
    gradFunc: (dys, saved, attrs) => ({
      x: () => {
        if (!isRecording()) {
          return run(
            "MaxPoolKeepIndexGrad",
            { dy: first(dys), index: saved.at(-1) as Tensor },
            attrs as unknown as Attrs,
          );
        }
        const x = saved[0] as Tensor;
        const windows = windowsOf(x.shape, attrs as unknown as PoolAttrs);
        return gradientsOf((t) => maxOfWindows(t as Tensor, windows, true), [x], first(dys))[0] as Tensor;
      },
    }),
  });
  registerGradient({
    kernelName: "SoftmaxCrossEntropy",
    inputsToSave: ["logits", "labels"],
    outputsToSave: [false, true],
    gradFunc: (dys, [logits, labels, gradient], attrs) => {
      const dy = (): Tensor => tf.reshape(first(dys), [-1, 1]);
      if (isRecording()) {
        const { labelSmoothing = 0 } = attrs as unknown as { labelSmoothing?: number };
        const loss = (z: Tensor, target: Tensor) => crossEntropyComposed(z, target, labelSmoothing);
        const isIndices = labels?.dtype === "int32";
        const grads = gradientsOf(
          (...[z, target]) => loss(z as Tensor, target ?? (labels as Tensor)),
          isIndices ? [logits as Tensor] : [logits as Tensor, labels as Tensor],
          first(dys),
        );
        return { logits: () => grads[0] as Tensor, labels: () => grads[1] ?? tf.zeros((labels as Tensor).shape) };
      }
      return {
        logits: () => tf.mul(gradient as Tensor, dy()),
        labels: () => tf.neg(tf.mul(tf.logSoftmax(logits as Tensor), dy())),
      };
    },
  });
  registerGradient({
    kernelName: "Gelu",
    inputsToSave: ["x"],
    gradFunc: (dy, [x]) => ({
      x: () =>
        tf.tidy(() => {
          const z = x as Tensor;
          // The value is x times the distribution function, without 1 + erf, of which nothing is left far below 0.
          const isSmall = tf.less(tf.abs(z), 1e-3);
          const near = tf.add(0.5, tf.mul(z, densityAtZero));
          const phi = tf.where(isSmall, near, tf.div(run<Tensor>("Gelu", { x: z }, {}), tf.where(isSmall, 1, z)));
          const density = tf.mul(tf.exp(tf.mul(tf.square(z), -0.5)), densityAtZero);
          return tf.mul(first(dy), tf.add(phi, tf.mul(z, density)));
        }),
    }),
  });
  registerGradient({
    kernelName: "Silu",
    inputsToSave: ["x"],
    gradFunc: (dy, [x]) => ({
      x: () =>
        tf.tidy(() => {
          const s = tf.sigmoid(x as Tensor);
          return tf.mul(first(dy), tf.mul(s, tf.add(1, tf.mul(x as Tensor, tf.sub(1, s)))));
        }),
    }),
  });
}
