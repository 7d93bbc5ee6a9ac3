/** Gradients, and gradients of gradients, of a function on a backend against differences of its values in float64. */
import * as tf from "@tensorflow/tfjs";
import { expect } from "vitest";
import { type Exact, evaluate, gradients, secondGradients, type TensorFunction } from "./float64.ts";

/** What is differentiated, and where. */
export interface DerivativeCase {
  readonly f: TensorFunction;
  readonly inputs: readonly Exact[];
  /** The same of operations that the CPU backend has, for kernels that it does not have. */
  readonly reference?: TensorFunction;
  /** What the gradient of the gradient throws, where it cannot be had. */
  readonly secondThrows?: string;
}

/** Differences of the largest value: float32 has seven digits, of which a few are lost in sums and differences. */
const tolerance = 1e-4;

function compare(got: readonly tf.Tensor[], wanted: readonly number[][], what: string): void {
  const scale = Math.max(1e-3, ...wanted.flat().map(Math.abs));
  expect(got.length, what).toBe(wanted.length);
  got.forEach((tensor, k) => {
    const values = tensor.dataSync();
    for (const [i, value] of (wanted[k] as number[]).entries()) {
      const difference = Math.abs((values[i] as number) - value);
      if (!(difference <= tolerance * scale)) {
        expect.fail(`${what} ${k}, element ${i}: got ${values[i]}, differences give ${value}`);
      }
    }
  });
}

/** Numbers between 0.5 and 1.5 in size, of both signs, the same every time. */
const weights = (count: number, seed: number) =>
  Array.from({ length: count }, (_, i) => (1 + 0.5 * Math.sin(3 * i + seed)) * (i % 2 === 0 ? 1 : -1));

interface Wanted {
  readonly value: Exact;
  readonly dy: readonly number[];
  readonly directions: readonly number[][];
  readonly first: readonly number[][];
  readonly second: readonly number[][] | undefined;
}

const known = new WeakMap<DerivativeCase, Wanted>();

/** The derivatives by differences, worked out once for all backends. */
function wantedOf(each: DerivativeCase): Wanted {
  const { f, inputs, reference = f, secondThrows } = each;
  const before = known.get(each);
  if (before !== undefined) {
    return before;
  }
  const value = evaluate(reference, inputs);
  const dy = weights(value.values.length, 1);
  const directions = inputs.map(({ values }, k) => weights(values.length, k + 2));
  const first = gradients(reference, inputs, dy);
  const second = secondThrows === undefined ? secondGradients(reference, inputs, dy, directions) : undefined;
  const wanted = { value, dy, directions, first, second };
  known.set(each, wanted);
  return wanted;
}

/** Expects the derivatives of first and second order on the backend in use to be those of the function. */
export function expectDerivatives(each: DerivativeCase): void {
  const { f, inputs, secondThrows } = each;
  const wanted = wantedOf(each);
  const { directions } = wanted;
  const tensor = ({ values, shape }: Exact) => tf.tensor([...values], [...shape]);
  tf.tidy(() => {
    const at = inputs.map(tensor);
    const cotangent = tf.tensor([...wanted.dy], [...wanted.value.shape]);
    const value = f(...at);
    expect(value.shape).toEqual(wanted.value.shape);
    compare([value], [[...wanted.value.values]], "value");
    compare(tf.grads(f)(at, cotangent), wanted.first, "gradient by input");
    const along = directions.map((values, k) => tf.tensor(values, [...(inputs[k] as Exact).shape]));
    const second = (c: tf.Tensor, ...xs: tf.Tensor[]) =>
      tf.addN([
        ...tf
          .grads(f)(xs, c)
          .map((gradient, k) => tf.sum(tf.mul(gradient, along[k] as tf.Tensor))),
        // tfjs refuses gradients by what a value does not depend on, as the gradient of a linear function on its input.
        ...[c, ...xs].map((x) => tf.mul(tf.sum(x), 0)),
      ]);
    const twice = () => tf.grads(second)([cotangent, ...at]);
    if (wanted.second === undefined) {
      expect(twice).toThrow(secondThrows as string);
      return;
    }
    compare(twice(), wanted.second, "second gradient by dy (0) and inputs");
  });
}
