/** Operations that sum, or that are loops over elements, of sizes and values that a generator says: what reproducible mode is tried on. */
import {
  adamStep,
  averagePool,
  batchNormTraining,
  type ConvolutionOptions,
  convolution,
  gelu,
  groupNorm,
  maxPool,
  randomNormal,
  randomUniform,
  rmspropStep,
  sgdStep,
  silu,
  softmaxCrossEntropy,
} from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { type Random, withGrads } from "../support.ts";

type Results = readonly tf.Tensor[];

/** An operation on what a generator says: sizes and values. */
export type Operation = (random: Random) => Results;

const tensor = (random: Random, shape: readonly number[], low = -1, high = 1): tf.Tensor =>
  tf.tensor(
    random.values(
      shape.reduce((a, b) => a * b, 1),
      low,
      high,
    ),
    [...shape],
  );

/** A convolution with its gradients by input, filter and bias. */
function conv(kernel: readonly number[], most: number, extra: Omit<ConvolutionOptions, "bias"> = {}): Operation {
  return (random) => {
    const { groups = 1 } = extra;
    const [channels, out] = [groups * random.integer(1, most), groups * random.integer(1, most)];
    const [height, width] = [random.integer(8, 19), random.integer(8, 19)];
    const x = tensor(random, [random.integer(1, 9), height, width, channels]);
    const filter = tensor(random, [...kernel, channels / groups, out]);
    const pad = Math.floor((kernel[0] as number) / 2);
    return withGrads(
      (image, weights, bias) =>
        convolution(image as tf.Tensor4D, weights as tf.Tensor4D, {
          pad: [pad, pad, pad, pad],
          bias: bias as tf.Tensor1D,
          ...extra,
        }),
      [x, filter, tensor(random, [out])],
    );
  };
}

function depthwise(kernel: number, stride: number, multiplier = 1): Operation {
  return (random) => {
    const channels = random.integer(1, 70);
    const x = tensor(random, [random.integer(1, 5), random.integer(8, 40), random.integer(8, 40), channels]);
    return withGrads(
      (image, filter) => tf.depthwiseConv2d(image as tf.Tensor4D, filter as tf.Tensor4D, stride, "same"),
      [x, tensor(random, [kernel, kernel, channels, multiplier])],
    );
  };
}

const images = (random: Random): tf.Tensor =>
  tensor(random, [random.integer(1, 12), random.integer(2, 30), random.integer(2, 30), 4 * random.integer(1, 20)]);

/** An operation of one tensor of images, with its gradient. */
const ofImages =
  (f: (x: tf.Tensor4D) => tf.Tensor): Operation =>
  (random) =>
    withGrads((x) => f(x as tf.Tensor4D), [images(random)]);

/** An operation of a long row, with its gradient. */
const ofRow =
  (f: (x: tf.Tensor) => tf.Tensor, low = -3, high = 3): Operation =>
  (random) =>
    withGrads(f, [tensor(random, [random.integer(1, 90_000)], low, high)]);

/** Two steps of an optimizer: its variables. */
function steps(step: (variables: tf.Variable[], gradients: tf.Tensor[], state: tf.Variable[][]) => void): Operation {
  return (random) => {
    const sizes = [random.integer(1, 9), random.integer(1000, 40_000)];
    const make = (low: number): tf.Variable[] => sizes.map((size) => tf.variable(tensor(random, [size], low, 1)));
    const [variables, state] = [make(-1), [make(0), make(0)]];
    for (let i = 0; i < 2; i++) {
      step(
        variables,
        sizes.map((size) => tensor(random, [size])),
        state,
      );
    }
    const results = [...variables, ...state.flat()].map((variable) => tf.clone(variable));
    tf.dispose([...variables, ...state.flat()]);
    return results;
  };
}

export const operations: Readonly<Record<string, Operation>> = {
  "3x3 convolutions": conv([3, 3], 90),
  "5x5 convolutions": conv([5, 5], 40),
  "1x1 convolutions": conv([1, 1], 150),
  "convolutions with a stride": conv([3, 3], 60, { strides: [2, 2] }),
  "1x1 convolutions with a stride": conv([1, 1], 60, { strides: [2, 2] }),
  "dilated convolutions": conv([3, 3], 40, { dilations: [2, 2] }),
  "convolutions in groups": conv([3, 3], 20, { groups: 3 }),
  "convolutions of three channels": conv([7, 7], 3),
  "depthwise convolutions": depthwise(3, 1),
  "depthwise convolutions with a stride": depthwise(5, 2),
  "depthwise convolutions with several outputs a channel": depthwise(3, 1, 2),
  "products of matrices": (random) => {
    const [m, k, n] = [random.integer(1, 200), random.integer(1, 300), random.integer(1, 200)];
    return withGrads((a, b) => tf.matMul(a, b), [tensor(random, [m, k]), tensor(random, [k, n])]);
  },
  "products of many matrices": (random) => {
    const [m, k, n] = [random.integer(1, 20), random.integer(1, 60), random.integer(1, 30)];
    return withGrads((a, b) => tf.matMul(a, b, true, true), [tensor(random, [9, k, m]), tensor(random, [9, n, k])]);
  },
  "batch normalization": (random) => {
    const x = images(random);
    const [channels] = x.shape.slice(-1) as [number];
    return withGrads(
      (input, gamma, beta) =>
        batchNormTraining(input as tf.Tensor4D, {
          gamma: gamma as tf.Tensor1D,
          beta: beta as tf.Tensor1D,
          activation: "relu",
        }).y,
      [x, tensor(random, [channels], 0.5, 2), tensor(random, [channels])],
    );
  },
  "group normalization": (random) => {
    const x = images(random);
    const [channels] = x.shape.slice(-1) as [number];
    const groups = random.pick([1, 4]);
    return withGrads(
      (input, gamma, beta) =>
        groupNorm(input, groups, {
          gamma: gamma as tf.Tensor1D,
          beta: beta as tf.Tensor1D,
        }),
      [x, tensor(random, [channels]), tensor(random, [channels])],
    );
  },
  "cross-entropy": (random) => {
    const [rows, classes] = [random.integer(1, 700), random.integer(2, 300)];
    const labels = tf.tensor1d(
      Array.from({ length: rows }, () => random.integer(0, classes - 1)),
      "int32",
    );
    return withGrads((logits) => softmaxCrossEntropy(logits as tf.Tensor2D, labels), [tensor(random, [rows, classes])]);
  },
  softmax: (random) =>
    withGrads((x) => tf.softmax(x), [tensor(random, [random.integer(1, 300), random.integer(1, 2000)])]),
  "logarithm of softmax": (random) =>
    withGrads((x) => tf.logSoftmax(x), [tensor(random, [random.integer(1, 300), random.integer(1, 2000)])]),
  "max-pools": ofImages((x) => maxPool(x, { filterSize: [3, 3], strides: [2, 2], pad: [1, 1, 1, 1] })),
  "average pools": ofImages((x) => averagePool(x, { filterSize: [3, 3], strides: [1, 1], pad: [1, 1, 1, 1] })),
  "global means": ofImages((x) => tf.mean(x, [1, 2])),
  "means of channels": ofImages((x) => tf.mean(x, [0, 1, 2])),
  moments: ofImages((x) => tf.moments(x, [0, 1, 2]).variance),
  "resized images": ofImages((x) => tf.image.resizeBilinear(x, [33, 17])),
  "sums of all": ofRow((x) => tf.sum(x), -1, 1),
  "products of all": ofRow((x) => tf.prod(x), 0.99, 1.01),
  "largest of all": ofRow((x) => tf.max(x)),
  "running sums": ofRow((x) => tf.cumsum(x)),
  norms: ofRow((x) => tf.norm(x)),
  "logarithms of sums of exponentials": ofRow((x) => tf.logSumExp(x)),
  "sums of integers": (random) => {
    const x = tf.cast(tensor(random, [random.integer(20_000, 90_000)], -100, 100), "int32");
    return [tf.sum(x), tf.mean(x), tf.sum(tf.reshape(tf.concat([x, x]), [2, -1]), 0)];
  },
  "sums of columns": (random) =>
    withGrads((x) => tf.sum(x, 0), [tensor(random, [random.integer(1, 4000), random.integer(1, 60)])]),
  "sums of middle axes": (random) =>
    withGrads((x) => tf.sum(x, 1), [tensor(random, [random.integer(2, 9), random.integer(1, 600), 33])]),
  gathering: (random) => {
    const rows = random.integer(5, 50);
    const picked = Array.from({ length: 900 }, () => random.integer(0, rows - 1));
    return withGrads((x) => tf.gather(x, tf.tensor1d(picked, "int32")), [tensor(random, [rows, 41])]);
  },
  einsum: (random) =>
    withGrads((a, b) => tf.einsum("bij,bjk->ik", a, b), [tensor(random, [7, 30, 40]), tensor(random, [7, 40, 21])]),
  "Fourier transforms": (random) => {
    const [rows, length] = [random.integer(1, 60), random.pick([64, 210, 211, 1021])];
    const x = tf.complex(tensor(random, [rows, length]), tensor(random, [rows, length]));
    const y = tf.fft(x);
    return [tf.real(y), tf.imag(y)];
  },
  exponentials: ofRow((x) => tf.add(tf.exp(x), tf.expm1(x))),
  logarithms: ofRow((x) => tf.add(tf.log(x), tf.log1p(x)), 0.001, 9),
  "sigmoids and their like": ofRow((x) =>
    tf.addN([tf.sigmoid(x), tf.tanh(x), gelu(x), silu(x), tf.elu(x), tf.selu(x), tf.softplus(x), tf.erf(x)]),
  ),
  "circular functions": ofRow((x) =>
    tf.addN([tf.sin(x), tf.cos(x), tf.tan(x), tf.atan(x), tf.sinh(x), tf.cosh(x), tf.asinh(x)]),
  ),
  powers: ofRow((x) => tf.addN([tf.pow(x, 2.5), tf.sqrt(x), tf.rsqrt(x), tf.reciprocal(x)]), 0.1, 9),
  "random numbers": (random) => {
    const [size, seed] = [random.integer(1, 90_000), random.integer(1, 1000)];
    return [randomUniform([size], -1, 2, seed), randomNormal([size], 1, 2, seed)];
  },
  SGD: steps((variables, gradients, [velocities]) =>
    sgdStep(variables, gradients, velocities, {
      learningRate: 0.1,
      momentum: 0.9,
      nesterov: true,
      weightDecay: 1e-3,
      first: false,
    }),
  ),
  Adam: steps((variables, gradients, [m = [], v = []]) =>
    adamStep(variables, gradients, m, v, undefined, { learningRate: 0.01, weightDecay: 0.01, step: 3 }),
  ),
  RMSprop: steps((variables, gradients, [squares = [], buffers = []]) =>
    rmspropStep(variables, gradients, squares, undefined, buffers, { learningRate: 0.01, momentum: 0.9 }),
  ),
};
