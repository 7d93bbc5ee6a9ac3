/** For tfjs's kernels along axes of arrays, which reduce, multiply, arrange and pick: where they are differentiated. */
import * as tf from "@tensorflow/tfjs";
import type { DerivativeCase } from "./check.ts";
import type { TensorFunction } from "./float64.ts";
import { apart, float, one, type T1, type T2, type T4, two } from "./make-cases.ts";

const segments = tf.tensor1d([2, 0, -1, 2], "int32");

export const arrayCases: Readonly<Record<string, readonly DerivativeCase[]>> = {
  ArgMax: [apart((x: tf.Tensor) => tf.add(float(tf.argMax(x, 1)), tf.sum(x, 1)), [2, 3])],
  ArgMin: [apart((x: tf.Tensor) => tf.add(float(tf.argMin(x, 1)), tf.sum(x, 1)), [2, 3])],
  BatchMatMul: [
    two((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b), [2, 3], [3, 2]),
    two((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, true), [3, 2], [3, 2]),
    two((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, false, true), [2, 2, 3], [2, 4, 3]),
    two((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, true, true), [1, 3, 2], [1, 4, 3]),
  ],
  Concat: [
    two((a: T2, b: T2) => tf.concat([a, b, a], 1), [2, 3], [2, 1]),
    two((a: T2, b: T2) => tf.concat([a, b], -2), [2, 3], [1, 3]),
  ],
  Cumprod: [
    one((x: tf.Tensor) => tf.cumprod(x), [4]),
    one((x: tf.Tensor) => tf.cumprod(x, 0, true), [3, 3]),
    one((x: tf.Tensor) => tf.cumprod(x, 1, true, true), [2, 3, 2]),
    one((x: tf.Tensor) => tf.cumprod(x, 1, false, true), [2, 3]),
    // A zero among them, and two.
    one((x: tf.Tensor) => tf.cumprod(tf.mul(x, [1, 0, 1, 1])), [4]),
    one((x: tf.Tensor) => tf.cumprod(tf.mul(x, [1, 0, 1, 0]), 0, true), [4]),
  ],
  Cumsum: [
    one((x: tf.Tensor) => tf.cumsum(x), [4]),
    one((x: tf.Tensor) => tf.cumsum(x, 0), [2, 3]),
    one((x: tf.Tensor) => tf.cumsum(x, 1, true, true), [2, 3, 2]),
  ],
  Einsum: [
    two((a: tf.Tensor, b: tf.Tensor) => tf.einsum("bij,bjk->bik", a, b), [2, 3, 2], [2, 2, 3]),
    two((a: tf.Tensor, b: tf.Tensor) => tf.einsum("abc,bd->da", a, b), [2, 3, 2], [3, 2]),
    one((x: tf.Tensor) => tf.einsum("ij->j", x), [2, 3]),
  ],
  ExpandDims: [one((x: tf.Tensor) => tf.expandDims(x, 1), [2, 3])],
  GatherV2: [
    one((x: tf.Tensor) => tf.gather(x, tf.tensor1d([2, 0, 2], "int32")), [3, 2]),
    one(
      (x: tf.Tensor) =>
        tf.gather(
          x,
          tf.tensor2d(
            [
              [1, 0],
              [1, 1],
            ],
            [2, 2],
            "int32",
          ),
          -1,
        ),
      [2, 3],
    ),
    one(
      (x: tf.Tensor) =>
        tf.gather(
          x,
          tf.tensor2d(
            [
              [1, 0],
              [2, 2],
            ],
            [2, 2],
            "int32",
          ),
          1,
          1,
        ),
      [2, 3, 2],
    ),
    one(
      (x: tf.Tensor) =>
        tf.gather(
          x,
          tf.tensor2d(
            [
              [1, 0],
              [1, 1],
            ],
            [2, 2],
            "int32",
          ),
          2,
          1,
        ),
      [2, 2, 2],
    ),
    one((x: tf.Tensor) => tf.gather(x, tf.tensor3d([1, 1, 0, 1, 1, 0, 0, 0], [2, 2, 2], "int32"), 2, 2), [2, 2, 2]),
  ],
  Max: [
    apart((x: tf.Tensor) => tf.square(tf.max(x, 1)), [2, 3]),
    apart((x: tf.Tensor) => tf.max(x, [0, 2], true), [2, 2, 3]),
    apart((x: tf.Tensor) => tf.max(x), [5]),
  ],
  Mean: [
    one((x: tf.Tensor) => tf.square(tf.mean(x, 1)), [2, 3]),
    one((x: tf.Tensor) => tf.mean(x, [0, -1], true), [2, 2, 2]),
    one((x: tf.Tensor) => tf.square(tf.mean(x)), [2, 3]),
  ],
  Min: [
    apart((x: tf.Tensor) => tf.square(tf.min(x, 1)), [2, 3]),
    apart((x: tf.Tensor) => tf.min(x, [0, 2], true), [2, 2, 3]),
  ],
  MirrorPad: [
    one((x: T1) => tf.mirrorPad(x, [[2, 3]], "reflect"), [4]),
    one(
      (x: T2) =>
        tf.mirrorPad(
          x,
          [
            [1, 2],
            [2, 0],
          ],
          "symmetric",
        ),
      [2, 3],
    ),
    one(
      (x: T4) =>
        tf.mirrorPad(
          x,
          [
            [0, 0],
            [1, 1],
            [1, 0],
            [0, 0],
          ],
          "reflect",
        ),
      [1, 3, 2, 2],
    ),
  ],
  OneHot: [one((x: tf.Tensor) => tf.mul(float(tf.oneHot(tf.tensor1d([1, 0], "int32"), 3)), x), [2, 3])],
  Pack: [two((a: T2, b: T2) => tf.stack([a, b, a], 1), [2, 3], [2, 3])],
  PadV2: [
    one(
      (x: T2) =>
        tf.pad(
          x,
          [
            [1, 0],
            [2, 1],
          ],
          5,
        ),
      [2, 3],
    ),
  ],
  Prod: [
    one((x: tf.Tensor) => tf.prod(x), [2, 2]),
    one((x: tf.Tensor) => tf.prod(x, 0), [3, 2]),
    one((x: tf.Tensor) => tf.prod(x, -1, true), [2, 3]),
    one((x: tf.Tensor) => tf.prod(x, [2, 0]), [2, 2, 2]),
    {
      f: ((x: tf.Tensor) => tf.prod(x, 1)) as TensorFunction,
      inputs: [{ values: [0, 2, -3, 0, 0, 1.5], shape: [2, 3] }],
    },
  ],
  Reshape: [one((x: tf.Tensor) => tf.square(tf.reshape(x, [3, 2])), [2, 3])],
  Reverse: [one((x: tf.Tensor) => tf.square(tf.reverse(x, [0, -1])), [2, 3])],
  Slice: [one((x: T2) => tf.square(tf.slice(x, [1, 0], [1, -1])), [2, 3])],
  Softmax: [one((x: tf.Tensor) => tf.softmax(x), [2, 4]), one((x: tf.Tensor) => tf.softmax(x), [4])],
  SplitV: [
    one((x: tf.Tensor) => (tf.split(x, [1, 2], 1)[1] as tf.Tensor).square(), [2, 3]),
    one((x: tf.Tensor) => (tf.split(x, 1, 0)[0] as tf.Tensor).square(), [2, 3]),
  ],
  Sum: [
    one((x: tf.Tensor) => tf.square(tf.sum(x, 1)), [2, 3]),
    one((x: tf.Tensor) => tf.sum(x, [0, -1], true), [2, 2, 2]),
    one((x: tf.Tensor) => tf.square(tf.sum(x)), [2, 3]),
  ],
  Tile: [
    one((x: tf.Tensor) => tf.tile(x, [2]), [3]),
    one((x: tf.Tensor) => tf.tile(x, [2, 1, 3]), [2, 1, 2]),
    one((x: tf.Tensor) => tf.tile(x, [1, 2, 1, 1, 2]), [1, 2, 1, 1, 2]),
  ],
  Transpose: [one((x: tf.Tensor) => tf.square(tf.transpose(x, [2, 0, 1])), [2, 3, 2])],
  Unpack: [
    one((x: tf.Tensor) => (tf.unstack(x, 1)[1] as tf.Tensor).square(), [2, 3]),
    one((x: tf.Tensor) => (tf.unstack(x)[0] as tf.Tensor).square(), [1, 3]),
  ],
  UnsortedSegmentSum: [one((x: tf.Tensor) => tf.unsortedSegmentSum(x, segments, 3), [4, 2])],
};
