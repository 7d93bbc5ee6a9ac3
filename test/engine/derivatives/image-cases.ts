/** For tfjs's kernels of images and volumes, which convolve, pool, normalize and resize: where they are differentiated. */
import * as tf from "@tensorflow/tfjs";
import type { DerivativeCase } from "./check.ts";
import type { TensorFunction } from "./float64.ts";
import { apart, one, positive, type T1, type T2, type T3, type T4, type T5, two } from "./make-cases.ts";
import { signed, spread } from "./numbers.ts";

export const imageCases: Readonly<Record<string, readonly DerivativeCase[]>> = {
  AvgPool3D: [
    one((x: T5) => tf.avgPool3d(x, 2, 1, "same"), [1, 2, 3, 2, 1]),
    one((x: T5) => tf.avgPool3d(x, [2, 2, 1], 2, "valid"), [1, 2, 4, 2, 2]),
  ],
  AvgPool: [
    one((x: T4) => tf.avgPool(x, 3, 1, "same"), [1, 3, 4, 1]),
    one((x: T4) => tf.avgPool(x, [3, 2], 2, "same"), [2, 4, 3, 2]),
    one((x: T4) => tf.avgPool(x, 2, 1, "valid"), [1, 3, 4, 2]),
    one(
      (x: T4) =>
        tf.avgPool(x, 3, 2, [
          [0, 0],
          [1, 1],
          [0, 2],
          [0, 0],
        ]),
      [1, 3, 4, 1],
    ),
    one((x: T4) => tf.avgPool(x, 2, 2, 1, "floor"), [1, 3, 5, 1]),
    one((x: T3) => tf.avgPool(x, 2, 2, "same"), [3, 3, 2]),
  ],
  BatchToSpaceND: [
    one(
      (x: T4) =>
        tf.batchToSpaceND(
          x,
          [2, 2],
          [
            [0, 1],
            [1, 0],
          ],
        ),
      [4, 2, 2, 1],
    ),
  ],
  Conv2DBackpropInput: [
    two((x: T4, w: T4) => tf.conv2dTranspose(x, w, [1, 4, 6, 1], 2, "same"), [1, 2, 3, 2], [3, 3, 1, 2]),
    two((x: T4, w: T4) => tf.conv2dTranspose(x, w, [1, 3, 4, 2], 1, "valid"), [1, 2, 3, 1], [2, 2, 2, 1]),
  ],
  Conv2D: [
    two((x: T4, w: T4) => tf.conv2d(x, w, 1, "same"), [1, 3, 4, 2], [3, 3, 2, 2]),
    two((x: T4, w: T4) => tf.conv2d(x, w, [2, 1], "valid"), [2, 4, 3, 1], [2, 2, 1, 2]),
    two(
      (x: T4, w: T4) =>
        tf.conv2d(x, w, 2, [
          [0, 0],
          [1, 0],
          [2, 1],
          [0, 0],
        ]),
      [1, 3, 3, 1],
      [2, 2, 1, 1],
    ),
    two((x: T4, w: T4) => tf.conv2d(x, w, 2, 1, "NHWC", 1, "floor"), [1, 4, 4, 1], [3, 3, 1, 1]),
    two((x: T3, w: T4) => tf.conv2d(x, w, 1, "valid"), [3, 3, 1], [1, 1, 1, 2]),
  ],
  Conv3D: [
    two((x: T5, w: T5) => tf.conv3d(x, w, 1, "same"), [1, 2, 3, 2, 1], [2, 2, 2, 1, 2]),
    two((x: T5, w: T5) => tf.conv3d(x, w, 2, "valid"), [1, 3, 3, 2, 1], [2, 2, 1, 1, 1]),
  ],
  Conv3DBackpropInputV2: [
    two((x: T5, w: T5) => tf.conv3dTranspose(x, w, [1, 2, 4, 2, 1], 2, "same"), [1, 1, 2, 1, 2], [2, 2, 2, 1, 2]),
  ],
  DepthwiseConv2dNative: [
    two((x: T4, w: T4) => tf.depthwiseConv2d(x, w, 1, "same"), [1, 3, 4, 2], [3, 2, 2, 2]),
    two((x: T4, w: T4) => tf.depthwiseConv2d(x, w, 2, "valid"), [1, 5, 4, 2], [2, 2, 2, 1]),
  ],
  Dilation2D: [
    {
      f: ((x: T4, w: T3) => tf.dilation2d(x, w, 1, "valid")) as unknown as TensorFunction,
      inputs: [spread([1, 3, 3, 1], -2, 2), spread([2, 2, 1], -0.37, 0.53)],
      secondThrows: "Dilation2DBackprop",
    },
  ],
  FusedBatchNorm: [
    {
      f: ((x: T4, mean: T1, variance: T1, offset: T1, scale: T1) =>
        tf.batchNorm(x, mean, variance, offset, scale, 0.1)) as unknown as TensorFunction,
      inputs: [signed([2, 2, 1, 2]), signed([2], 2), positive([2], 3), signed([2], 4), signed([2], 5)],
    },
    {
      f: ((x: T2, mean: T2, variance: T2) => tf.batchNorm(x, mean, variance)) as unknown as TensorFunction,
      inputs: [signed([2, 3]), signed([2, 3], 2), positive([2, 3], 3)],
    },
  ],
  LRN: [
    one((x: T4) => tf.localResponseNormalization(x, 1, 1.3, 0.7, 0.6), [1, 1, 2, 5]),
    one((x: T4) => tf.localResponseNormalization(x), [1, 1, 1, 4]),
  ],
  MaxPool3D: [
    apart((x: T5) => tf.square(tf.maxPool3d(x, 2, 1, "same")), [1, 2, 3, 2, 1]),
    apart((x: T5) => tf.maxPool3d(x, [1, 2, 2], 2, "valid"), [1, 2, 3, 4, 1]),
  ],
  MaxPool: [
    apart((x: T4) => tf.square(tf.maxPool(x, 3, 1, "same")), [1, 3, 4, 1]),
    apart((x: T4) => tf.maxPool(x, [3, 2], 2, "same"), [2, 3, 3, 2]),
    apart(
      (x: T4) =>
        tf.maxPool(x, 2, 2, [
          [0, 0],
          [1, 0],
          [0, 1],
          [0, 0],
        ]),
      [1, 3, 3, 1],
    ),
    apart((x: T4) => tf.maxPool(x, 3, 2, 1, "ceil"), [1, 4, 3, 1]),
    apart((x: T3) => tf.maxPool(x, 2, 1, "valid"), [3, 3, 1]),
  ],
  ResizeBilinear: [
    [[4, 5], false, false],
    [[4, 5], true, false],
    [[4, 5], false, true],
    [[2, 2], false, true],
    [[1, 7], true, false],
  ].map(([size, align, half]) =>
    one(
      (x: T4) => tf.image.resizeBilinear(x, size as [number, number], align as boolean, half as boolean),
      [2, 2, 3, 2],
    ),
  ),
  ResizeNearestNeighbor: [
    [[4, 5], false, false],
    [[4, 5], true, false],
    [[4, 5], false, true],
    [[2, 2], false, true],
    [[5, 7], false, false],
  ].map(([size, align, half]) =>
    one(
      (x: T4) => tf.image.resizeNearestNeighbor(x, size as [number, number], align as boolean, half as boolean),
      [2, 2, 3, 2],
    ),
  ),
  SpaceToBatchND: [
    one(
      (x: T4) =>
        tf.spaceToBatchND(
          x,
          [2, 2],
          [
            [1, 0],
            [0, 1],
          ],
        ),
      [1, 3, 3, 1],
    ),
  ],
};
