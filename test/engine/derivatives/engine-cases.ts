/** For the engine's own operations: where they are differentiated, and the same made of tfjs's. */
import * as engine from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import type { DerivativeCase } from "./check.ts";
import type { TensorFunction } from "./float64.ts";
import { signed, spread } from "./numbers.ts";

type T1 = tf.Tensor1D;
type T2 = tf.Tensor2D;
type T4 = tf.Tensor4D;

const both = (
  f: (...x: never[]) => tf.Tensor,
  reference: (...x: never[]) => tf.Tensor,
  ...inputs: DerivativeCase["inputs"]
): DerivativeCase => ({
  f: f as unknown as TensorFunction,
  reference: reference as unknown as TensorFunction,
  inputs,
});

/** A convolution of two groups, padded unevenly. */
const grouped = { strides: [2, 1], pad: [1, 0, 2, 1], groups: 2 } as const;
function groupedReference(x: T4, w: T4): tf.Tensor {
  const [a, b] = tf.split(
    tf.pad(x, [
      [0, 0],
      [1, 0],
      [2, 1],
      [0, 0],
    ]),
    2,
    3,
  ) as [T4, T4];
  const [p, q] = tf.split(w, 2, 3) as [T4, T4];
  return tf.concat([tf.conv2d(a, p, [2, 1], "valid"), tf.conv2d(b, q, [2, 1], "valid")], 3);
}
const rectify = { relu: tf.relu, relu6: tf.relu6 } as const;
const activations = ["linear", "relu", "relu6"] as const;
type ActivationOf = (typeof activations)[number];
const activated = (y: tf.Tensor, activation: ActivationOf): tf.Tensor =>
  activation === "linear" ? y : rectify[activation](y);
/** What gamma is multiplied by, so that results lie on both sides of where an activation bends. */
const reach = { linear: 1, relu: 1, relu6: 9 } as const;

function normalized(x: tf.Tensor, axes: number[], epsilon: number): tf.Tensor {
  const { mean, variance } = tf.moments(x, axes, true);
  return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon)));
}

const batch = [signed([3, 2, 1, 2]), signed([2], 2), signed([2], 3)];
const crossEntropy = (z: T2, labels: T2) => tf.neg(tf.sum(tf.mul(labels, tf.logSoftmax(z)), 1));
const oneHot = tf.tensor2d([
  [0, 1, 0],
  [1, 0, 0],
]);

export const engineCases: Readonly<Record<string, readonly DerivativeCase[]>> = {
  Convolution: [
    both(
      (x: T4, w: T4) => engine.convolution(x, w, grouped),
      groupedReference,
      signed([1, 3, 3, 4]),
      signed([2, 2, 2, 4], 2),
    ),
    both(
      (x: T4, w: T4, bias: T1, residual: T4) =>
        engine.convolution(x, w, { bias, residual, pad: [1, 1, 1, 1], dilations: [2, 1] }),
      (x: T4, w: T4, bias: T1, residual: T4) =>
        tf.add(
          tf.add(
            tf.conv2d(
              tf.pad(x, [
                [0, 0],
                [1, 1],
                [1, 1],
                [0, 0],
              ]),
              w,
              1,
              "valid",
              "NHWC",
              [2, 1],
            ),
            bias,
          ),
          residual,
        ),
      signed([1, 3, 3, 2]),
      signed([2, 2, 2, 2], 2),
      signed([2], 3),
      signed([1, 3, 4, 2], 4),
    ),
  ],
  ConvolutionActivation: (["relu", "relu6"] as const).map((activation) =>
    both(
      (x: T4, w: T4, bias: T1) => engine.convolution(x, w, { bias, activation }),
      (x: T4, w: T4, bias: T1) => rectify[activation](tf.add(tf.conv2d(x, w, 1, "valid"), bias)),
      signed([1, 3, 3, 2]),
      signed([2, 2, 2, 2], 2),
      signed([2], 3),
    ),
  ),
  // With a ReLU6 of something large, which closes it at both ends.
  BatchNormTraining: activations.map((activation) =>
    both(
      (x: tf.Tensor, gamma: T1, beta: T1) =>
        engine.batchNormTraining(x, { gamma: tf.mul(gamma, reach[activation]), beta, activation, epsilon: 0.1 }).y,
      (x: tf.Tensor, gamma: T1, beta: T1) => {
        const y = tf.add(tf.mul(normalized(x, [0, 1, 2], 0.1), tf.mul(gamma, reach[activation])), beta);
        return activated(y, activation);
      },
      ...batch,
    ),
  ),
  BatchNormTrainingResidual: activations.map((activation) =>
    both(
      (x: tf.Tensor, gamma: T1, beta: T1, residual: tf.Tensor) =>
        engine.batchNormTraining(x, { gamma, beta, residual, activation, epsilon: 0.1 }).y,
      (x: tf.Tensor, gamma: T1, beta: T1, residual: tf.Tensor) => {
        const y = tf.add(tf.add(tf.mul(normalized(x, [0, 1, 2], 0.1), gamma), beta), residual);
        return activated(y, activation);
      },
      ...batch,
      // So large that it alone decides where the ReLU is open.
      { values: signed([3, 2, 1, 2], 6).values.map((value) => value * 20), shape: [3, 2, 1, 2] },
    ),
  ),
  GroupNorm: [
    both(
      (x: tf.Tensor, gamma: T1, beta: T1) => engine.groupNorm(x, 2, { gamma, beta, epsilon: 0.1 }),
      (x: tf.Tensor, gamma: T1, beta: T1) =>
        tf.add(tf.mul(tf.reshape(normalized(tf.reshape(x, [2, 3, 2, 2]), [1, 3], 0.1), x.shape), gamma), beta),
      signed([2, 3, 1, 4]),
      signed([4], 2),
      signed([4], 3),
    ),
  ],
  MaxPoolKeepIndex: [
    both(
      (x: T4) => engine.maxPool(x, { filterSize: [3, 2], strides: [2, 1], pad: [1, 1, 0, 1] }),
      (x: T4) =>
        tf.maxPool(
          x,
          [3, 2],
          [2, 1],
          [
            [0, 0],
            [1, 1],
            [0, 1],
            [0, 0],
          ],
        ),
      spread([1, 4, 3, 2], -3, 3),
    ),
  ],
  AveragePool: [true, false].map((countIncludePad) =>
    both(
      (x: T4) => engine.averagePool(x, { filterSize: [3, 2], strides: [2, 1], pad: [1, 1, 1, 1], countIncludePad }),
      (x: T4) => {
        const pads: [number, number][] = [
          [0, 0],
          [1, 1],
          [1, 1],
          [0, 0],
        ];
        return countIncludePad
          ? tf.avgPool(tf.pad(x, pads), [3, 2], [2, 1], "valid")
          : tf.avgPool(
              x,
              [3, 2],
              [2, 1],
              pads as [[number, number], [number, number], [number, number], [number, number]],
            );
      },
      signed([1, 4, 3, 2]),
    ),
  ),
  SoftmaxCrossEntropy: [
    both(
      (z: T2, labels: T2) => engine.softmaxCrossEntropy(z, labels),
      crossEntropy,
      signed([2, 3]),
      spread([2, 3], 0.1, 0.7),
    ),
    both(
      (z: T2) => engine.softmaxCrossEntropy(z, tf.tensor1d([1, 0], "int32")),
      (z: T2) => crossEntropy(z, oneHot),
      signed([2, 3]),
    ),
    both(
      (z: T2) => engine.softmaxCrossEntropy(z, tf.tensor1d([1, 0], "int32"), { labelSmoothing: 0.3 }),
      (z: T2) => crossEntropy(z, tf.add(tf.mul(oneHot, 0.7), 0.1)),
      signed([2, 3]),
    ),
  ],
  LogSoftmax: [
    both(
      (logits: tf.Tensor) => tf.engine().runKernel("LogSoftmax", { logits }, { axis: 1 }) as tf.Tensor,
      (logits: T2) => tf.logSoftmax(logits),
      signed([2, 4]),
    ),
  ],
  Gelu: [
    both(
      engine.gelu,
      (x: tf.Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
      signed([2, 5]),
    ),
  ],
  Silu: [both(engine.silu, (x: tf.Tensor) => tf.mul(x, tf.sigmoid(x)), signed([2, 5]))],
};

/**
 * What the gradients of the gradients above are made of: kernels that are gradients themselves, and what joins conditions, by which
 * there are no first derivatives.
 */
export const gradientKernels: readonly string[] = [
  ..."LogicalAnd LogicalOr LogicalNot All Any".split(" "),
  "ReluGrad",
  "Relu6Grad",
  // None of tfjs's operations runs this one; the other says that it has no gradient.
  "BroadcastTo",
  "ComplexAbs",
  "AvgPoolGrad",
  "AvgPool3DGrad",
  "Conv2DBackpropFilter",
  "Conv3DBackpropFilterV2",
  "DepthwiseConv2dNativeBackpropFilter",
  "DepthwiseConv2dNativeBackpropInput",
  ...(engine.engine.available
    ? ["AveragePoolGrad", "ProgramTraining", "ConvolutionFilterGrad", "ConvolutionInputGrad"]
    : []),
];
