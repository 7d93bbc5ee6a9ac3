/** What makes cases of functions: of one tensor or two, on numbers that suit them. */
import * as tf from "@tensorflow/tfjs";
import type { DerivativeCase } from "./check.ts";
import type { TensorFunction } from "./float64.ts";
import { signed, spread } from "./numbers.ts";

export type T1 = tf.Tensor1D;
export type T2 = tf.Tensor2D;
export type T3 = tf.Tensor3D;
export type T4 = tf.Tensor4D;
export type T5 = tf.Tensor5D;

/** A function of one tensor with numbers of both signs, or with numbers in a range. */
export const unary = (f: (x: tf.Tensor) => tf.Tensor, low?: number, high?: number): DerivativeCase[] => [
  { f: f as TensorFunction, inputs: [low === undefined ? signed([2, 5]) : spread([2, 5], low, high as number)] },
];

/** A function of two, of one shape and broadcast either way. */
export const binary = (f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, make = signed): DerivativeCase[] =>
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

export const positive = (shape: readonly number[], seed?: number) => spread(shape, 0.5, 2.5, seed);
export const one = (f: (x: never) => tf.Tensor, shape: number[], make = signed): DerivativeCase => ({
  f: f as unknown as TensorFunction,
  inputs: [make(shape)],
});
export const two = (f: (a: never, b: never) => tf.Tensor, a: number[], b: number[]): DerivativeCase => ({
  f: f as unknown as TensorFunction,
  inputs: [signed(a, 1), signed(b, 2)],
});
/** Values a tenth and more apart, for what depends on their order. */
export const apart = (f: (x: never) => tf.Tensor, shape: number[]): DerivativeCase => {
  const n = shape.reduce((product, size) => product * size, 1);
  return { f: f as unknown as TensorFunction, inputs: [spread(shape, -0.15 * n, 0.15 * n)] };
};
export const float = (x: tf.Tensor) => tf.cast(x, "float32");
