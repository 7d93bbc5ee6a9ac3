/** Operations that tfjs makes of others, some of them with gradients of their own. */
import * as tf from "@tensorflow/tfjs";
import type { DerivativeCase } from "./check.ts";
import type { TensorFunction } from "./float64.ts";
import { one, type T1, type T2, type T4, unary } from "./make-cases.ts";
import { signed } from "./numbers.ts";

export const composedCases: Readonly<Record<string, readonly DerivativeCase[]>> = {
  broadcastTo: [
    one((x: tf.Tensor) => tf.broadcastTo(x, [2, 3]), [3]),
    one((x: tf.Tensor) => tf.broadcastTo(x, [2, 2, 3]), [2, 1, 3]),
  ],
  logSoftmax: [one((x: tf.Tensor) => tf.logSoftmax(x), [2, 4])],
  logSigmoid: unary((x) => tf.logSigmoid(x)),
  logSumExp: [one((x: tf.Tensor) => tf.logSumExp(x, 1), [2, 4])],
  softmaxCrossEntropy: [
    one(
      (x: tf.Tensor) =>
        tf.losses.softmaxCrossEntropy(
          tf.tensor2d([
            [0, 1, 0],
            [0.5, 0.2, 0.3],
          ]),
          x,
        ),
      [2, 3],
    ),
  ],
  sigmoidCrossEntropy: [one((x: tf.Tensor) => tf.losses.sigmoidCrossEntropy(tf.tensor1d([0, 1, 0.3]), x), [3])],
  huber: [one((x: tf.Tensor) => tf.losses.huberLoss(tf.tensor1d([0, 1, 0.3]), x), [3])],
  moments: [one((x: tf.Tensor) => tf.moments(x, [0]).variance, [4, 2])],
  norm: [one((x: tf.Tensor) => tf.norm(x), [2, 3])],
  "fused.matMul": [
    {
      f: ((a: T2, b: T2, bias: T1) => tf.fused.matMul({ a, b, bias, activation: "relu" })) as unknown as TensorFunction,
      inputs: [signed([2, 3]), signed([3, 2], 2), signed([2], 3)],
    },
    {
      f: ((a: T2, b: T2, bias: T1) => tf.fused.matMul({ a, b, bias })) as unknown as TensorFunction,
      inputs: [signed([2, 3]), signed([3, 2], 2), signed([2], 3)],
    },
  ],
  "fused.conv2d": [
    ...(["linear", "relu", "elu", "sigmoid"] as const).map((activation) => ({
      f: ((x: T4, filter: T4, bias: T1) =>
        tf.fused.conv2d({ x, filter, bias, strides: 1, pad: "same", activation })) as unknown as TensorFunction,
      inputs: [signed([1, 3, 2, 2]), signed([2, 2, 2, 2], 2), signed([2], 3)],
    })),
  ],
  "fused.depthwiseConv2d": [
    {
      f: ((x: T4, filter: T4, bias: T1) =>
        tf.fused.depthwiseConv2d({ x, filter, bias, strides: 1, pad: "same" })) as unknown as TensorFunction,
      inputs: [signed([1, 3, 2, 2]), signed([2, 2, 2, 1], 2), signed([2], 3)],
    },
  ],
  separableConv2d: [
    {
      f: ((x: T4, depthwise: T4, pointwise: T4) =>
        tf.separableConv2d(x, depthwise, pointwise, 1, "same")) as unknown as TensorFunction,
      inputs: [signed([1, 3, 2, 2]), signed([2, 2, 2, 1], 2), signed([1, 1, 2, 2], 3)],
    },
  ],
};
