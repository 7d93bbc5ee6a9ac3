/** For every kernel that tfjs-core registers a gradient for: where it is differentiated. */
import * as tf from "@tensorflow/tfjs";
import type { DerivativeCase } from "./check.ts";
import type { TensorFunction } from "./float64.ts";
import { signed, spread } from "./numbers.ts";

type T1 = tf.Tensor1D;
type T2 = tf.Tensor2D;
type T3 = tf.Tensor3D;
type T4 = tf.Tensor4D;
type T5 = tf.Tensor5D;

/** A function of one tensor with numbers of both signs, or with numbers in a range. */
const unary = (f: (x: tf.Tensor) => tf.Tensor, low?: number, high?: number): DerivativeCase[] => [
  { f: f as TensorFunction, inputs: [low === undefined ? signed([2, 5]) : spread([2, 5], low, high as number)] },
];

/** A function of two, of one shape and broadcast either way. */
const binary = (f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, make = signed): DerivativeCase[] =>
  [
    [
      [2, 3],
      [2, 3],
    ],
    [[3], [2, 1]],
    [[2, 3], []],
    [
      [1, 1],
      [2, 3],
    ],
  ].map(([a, b]) => ({ f: f as TensorFunction, inputs: [make(a as number[], 1), make(b as number[], 2)] }));

const positive = (shape: readonly number[], seed?: number) => spread(shape, 0.5, 2.5, seed);
const one = (f: (x: never) => tf.Tensor, shape: number[], make = signed): DerivativeCase => ({
  f: f as unknown as TensorFunction,
  inputs: [make(shape)],
});
const two = (f: (a: never, b: never) => tf.Tensor, a: number[], b: number[]): DerivativeCase => ({
  f: f as unknown as TensorFunction,
  inputs: [signed(a, 1), signed(b, 2)],
});
/** Values a tenth and more apart, for what depends on their order. */
const apart = (f: (x: never) => tf.Tensor, shape: number[]): DerivativeCase => {
  const n = shape.reduce((product, size) => product * size, 1);
  return { f: f as unknown as TensorFunction, inputs: [spread(shape, -0.15 * n, 0.15 * n)] };
};
const segments = tf.tensor1d([2, 0, -1, 2], "int32");
const float = (x: tf.Tensor) => tf.cast(x, "float32");

export const tfjsCases: Readonly<Record<string, readonly DerivativeCase[]>> = {
  Abs: unary(tf.abs),
  Acos: unary(tf.acos, -0.8, 0.8),
  Acosh: unary(tf.acosh, 1.5, 3),
  Add: binary(tf.add),
  AddN: [two((a: tf.Tensor, b: tf.Tensor) => tf.addN([a, b, a]), [2, 3], [2, 3])],
  ArgMax: [apart((x: tf.Tensor) => tf.add(float(tf.argMax(x, 1)), tf.sum(x, 1)), [2, 3])],
  ArgMin: [apart((x: tf.Tensor) => tf.add(float(tf.argMin(x, 1)), tf.sum(x, 1)), [2, 3])],
  Asin: unary(tf.asin, -0.8, 0.8),
  Asinh: unary(tf.asinh),
  Atan2: binary(tf.atan2),
  Atan: unary(tf.atan),
  Atanh: unary(tf.atanh, -0.8, 0.8),
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
  BatchMatMul: [
    two((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b), [2, 3], [3, 2]),
    two((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, true), [3, 2], [3, 2]),
    two((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, false, true), [2, 2, 3], [2, 4, 3]),
    two((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, true, true), [1, 3, 2], [1, 4, 3]),
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
  Cast: [one((x: tf.Tensor) => tf.cast(x, "float32"), [3])],
  Ceil: unary((x) => tf.add(tf.ceil(x), x), 0.1, 0.9),
  ClipByValue: unary((x) => tf.clipByValue(x, -0.86, 1.0)),
  Concat: [
    two((a: T2, b: T2) => tf.concat([a, b, a], 1), [2, 3], [2, 1]),
    two((a: T2, b: T2) => tf.concat([a, b], -2), [2, 3], [1, 3]),
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
  Cos: unary(tf.cos),
  Cosh: unary(tf.cosh),
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
  Einsum: [
    two((a: tf.Tensor, b: tf.Tensor) => tf.einsum("bij,bjk->bik", a, b), [2, 3, 2], [2, 2, 3]),
    two((a: tf.Tensor, b: tf.Tensor) => tf.einsum("abc,bd->da", a, b), [2, 3, 2], [3, 2]),
    one((x: tf.Tensor) => tf.einsum("ij->j", x), [2, 3]),
  ],
  Elu: unary(tf.elu),
  Erf: unary(tf.erf),
  Exp: unary(tf.exp),
  ExpandDims: [one((x: tf.Tensor) => tf.expandDims(x, 1), [2, 3])],
  Expm1: unary(tf.expm1),
  FloorDiv: binary(
    (a, b) => tf.add(tf.floorDiv(a, b), tf.mul(a, b)),
    (shape, seed) => (seed === 1 ? spread(shape, 1.1, 1.4, seed) : spread(shape, 2, 3, seed)),
  ),
  Floor: unary((x) => tf.add(tf.floor(x), x), 0.1, 0.9),
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
  Greater: [
    two((a: tf.Tensor, b: tf.Tensor) => tf.mul(float(tf.greater(a, b)), a), [2, 3], [3]),
    one((x: tf.Tensor) => tf.where(tf.greater(x, 0.6), tf.square(x), x), [2, 4]),
  ],
  GreaterEqual: [two((a: tf.Tensor, b: tf.Tensor) => tf.mul(float(tf.greaterEqual(a, b)), a), [2, 3], [3])],
  Identity: [one((x: tf.Tensor) => tf.clone(x), [3])],
  IsFinite: unary((x) => tf.mul(float(tf.isFinite(x)), x)),
  IsInf: unary((x) => tf.add(float(tf.isInf(x)), x)),
  IsNan: unary((x) => tf.add(float(tf.isNaN(x)), x)),
  LRN: [
    one((x: T4) => tf.localResponseNormalization(x, 1, 1.3, 0.7, 0.6), [1, 1, 2, 5]),
    one((x: T4) => tf.localResponseNormalization(x), [1, 1, 1, 4]),
  ],
  LeakyRelu: unary((x) => tf.leakyRelu(x, 0.3)),
  Log1p: unary(tf.log1p, -0.5, 2),
  Log: unary(tf.log, 0.5, 3),
  Max: [
    apart((x: tf.Tensor) => tf.square(tf.max(x, 1)), [2, 3]),
    apart((x: tf.Tensor) => tf.max(x, [0, 2], true), [2, 2, 3]),
    apart((x: tf.Tensor) => tf.max(x), [5]),
  ],
  Maximum: binary(tf.maximum),
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
  Mean: [
    one((x: tf.Tensor) => tf.square(tf.mean(x, 1)), [2, 3]),
    one((x: tf.Tensor) => tf.mean(x, [0, -1], true), [2, 2, 2]),
    one((x: tf.Tensor) => tf.square(tf.mean(x)), [2, 3]),
  ],
  Min: [
    apart((x: tf.Tensor) => tf.square(tf.min(x, 1)), [2, 3]),
    apart((x: tf.Tensor) => tf.min(x, [0, 2], true), [2, 2, 3]),
  ],
  Minimum: binary(tf.minimum),
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
  Mod: binary(tf.mod, (shape, seed) => (seed === 1 ? spread(shape, 3.2, 3.8, seed) : spread(shape, 1.25, 1.45, seed))),
  Multiply: binary(tf.mul),
  Equal: [two((a: tf.Tensor, b: tf.Tensor) => tf.mul(float(tf.equal(a, b)), a), [2, 3], [3])],
  NotEqual: [two((a: tf.Tensor, b: tf.Tensor) => tf.mul(float(tf.notEqual(a, b)), a), [2, 3], [3])],
  Less: [two((a: tf.Tensor, b: tf.Tensor) => tf.mul(float(tf.less(a, b)), a), [2, 3], [3])],
  LessEqual: [two((a: tf.Tensor, b: tf.Tensor) => tf.mul(float(tf.lessEqual(a, b)), a), [2, 3], [3])],
  Neg: unary(tf.neg),
  OneHot: [one((x: tf.Tensor) => tf.mul(float(tf.oneHot(tf.tensor1d([1, 0], "int32"), 3)), x), [2, 3])],
  OnesLike: [one((x: tf.Tensor) => tf.add(tf.onesLike(x), x), [3])],
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
  Pow: [
    ...binary(tf.pow, positive),
    one((x: tf.Tensor) => tf.pow(x, 3), [2, 3]),
    one((x: tf.Tensor) => tf.pow(x, tf.scalar(2, "int32")), [2, 3]),
    {
      f: ((x: tf.Tensor) => tf.pow(x, tf.tensor1d([0, 1, 2]))) as TensorFunction,
      inputs: [{ values: [0, 0, 0], shape: [3] }],
    },
  ],
  Prelu: binary(tf.prelu).slice(0, 3),
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
  RealDiv: binary(tf.div),
  Reciprocal: unary(tf.reciprocal),
  Relu6: unary((x) => tf.relu6(tf.mul(x, 5))),
  Relu: unary((x) => tf.square(tf.relu(x))),
  Reshape: [one((x: tf.Tensor) => tf.square(tf.reshape(x, [3, 2])), [2, 3])],
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
  Reverse: [one((x: tf.Tensor) => tf.square(tf.reverse(x, [0, -1])), [2, 3])],
  Round: unary((x) => tf.add(tf.round(x), x), 0.6, 1.4),
  Rsqrt: unary(tf.rsqrt, 0.5, 3),
  Select: [
    two((a: tf.Tensor, b: tf.Tensor) => tf.where(tf.tensor1d([1, 0, 1], "bool"), tf.square(a), b), [3], [3]),
    two(
      (a: tf.Tensor, b: tf.Tensor) => tf.where(tf.tensor2d([[1, 0]], [1, 2], "bool"), a, tf.square(b)),
      [2, 2],
      [2, 2],
    ),
    one((x: tf.Tensor) => tf.where(tf.greater(x, 0.5), tf.square(x), x), [2, 4]),
  ],
  Selu: unary(tf.selu),
  Sigmoid: unary(tf.sigmoid),
  Sign: unary((x) => tf.mul(tf.sign(x), x)),
  Sin: unary(tf.sin),
  Sinh: unary(tf.sinh),
  Slice: [one((x: T2) => tf.square(tf.slice(x, [1, 0], [1, -1])), [2, 3])],
  Softmax: [one((x: tf.Tensor) => tf.softmax(x), [2, 4]), one((x: tf.Tensor) => tf.softmax(x), [4])],
  Softplus: unary(tf.softplus),
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
  SplitV: [
    one((x: tf.Tensor) => (tf.split(x, [1, 2], 1)[1] as tf.Tensor).square(), [2, 3]),
    one((x: tf.Tensor) => (tf.split(x, 1, 0)[0] as tf.Tensor).square(), [2, 3]),
  ],
  Sqrt: unary(tf.sqrt, 0.5, 3),
  Square: unary(tf.square),
  SquaredDifference: binary(tf.squaredDifference),
  Step: unary((x) => tf.mul(tf.step(x, 0.2), x)),
  Sub: binary(tf.sub),
  Sum: [
    one((x: tf.Tensor) => tf.square(tf.sum(x, 1)), [2, 3]),
    one((x: tf.Tensor) => tf.sum(x, [0, -1], true), [2, 2, 2]),
    one((x: tf.Tensor) => tf.square(tf.sum(x)), [2, 3]),
  ],
  Tan: unary(tf.tan, -1, 1),
  Tanh: unary(tf.tanh),
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
  ZerosLike: [one((x: tf.Tensor) => tf.add(tf.zerosLike(x), x), [3])],
};

/** Operations that tfjs makes of others, some of them with gradients of their own. */
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
