/**
 * Derivatives of functions of tensors without any gradient function: central differences of values that tfjs's CPU backend
 * computes in float64, with one step of Richardson's extrapolation.
 */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs";

/** Numbers in float64, with a shape. */
export interface Exact {
  readonly values: readonly number[];
  readonly shape: readonly number[];
}

/** A function of tensors, the same on every backend. */
export type TensorFunction = (...inputs: tf.Tensor[]) => tf.Tensor;

/**
 * Runs the CPU backend in float64: its kernels allocate and recognize their numbers by the global name Float32Array, which is
 * Float64Array meanwhile. Everything happens before this returns.
 */
function inFloat64<T>(body: () => T): T {
  const { Float32Array: single } = globalThis;
  const backend = tf.getBackend();
  tf.setBackend("cpu");
  try {
    globalThis.Float32Array = Float64Array as unknown as Float32ArrayConstructor;
    return body();
  } finally {
    globalThis.Float32Array = single;
    tf.setBackend(backend);
  }
}

/** Values of a function in float64. */
export function evaluate(f: TensorFunction, inputs: readonly Exact[]): Exact {
  return inFloat64(() => {
    const tensors = inputs.map(({ values, shape }) => tf.tensor([...values], [...shape]));
    const y = tf.tidy(() => f(...tensors));
    const result = { values: Array.from(y.dataSync()), shape: y.shape };
    tf.dispose([...tensors, y]);
    return result;
  });
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

function moved(inputs: readonly Exact[], directions: readonly (readonly number[])[], step: number): Exact[] {
  return inputs.map(({ values, shape }, k) => ({
    values: values.map((value, i) => value + step * (directions[k]?.[i] as number)),
    shape,
  }));
}

/** Small enough for the fourth order of the remainder, large enough for the 16 digits of the values. */
const step = 1 / 64;

function extrapolated(difference: (h: number) => number[]): number[] {
  const [coarse, fine] = [difference(step), difference(step / 2)];
  return fine.map((value, i) => (4 * value - (coarse[i] as number)) / 3);
}

const zeros = (inputs: readonly Exact[]) => inputs.map(({ values }) => values.map(() => 0));

/** Calls with each unit vector of the inputs, and collects the numbers by input. */
function byElement(inputs: readonly Exact[], partial: (unit: number[][]) => number): number[][] {
  return inputs.map(({ values }, k) =>
    values.map((_, i) => {
      const unit = zeros(inputs);
      (unit[k] as number[])[i] = 1;
      return partial(unit);
    }),
  );
}

/** Gradients of <f(inputs), dy> by all inputs. */
export function gradients(f: TensorFunction, inputs: readonly Exact[], dy: readonly number[]): number[][] {
  const value = (at: readonly Exact[]) => dot(evaluate(f, at).values, dy);
  return byElement(
    inputs,
    (unit) =>
      extrapolated((h) => [(value(moved(inputs, unit, h)) - value(moved(inputs, unit, -h))) / (2 * h)])[0] as number,
  );
}

/** Gradients of <gradients of <f(inputs), dy>, directions> by dy and by all inputs. */
export function secondGradients(
  f: TensorFunction,
  inputs: readonly Exact[],
  dy: readonly number[],
  directions: readonly (readonly number[])[],
): number[][] {
  const along = (at: readonly Exact[], h: number) => {
    const [after, before] = [
      evaluate(f, moved(at, directions, h)).values,
      evaluate(f, moved(at, directions, -h)).values,
    ];
    return after.map((value, i) => (value - (before[i] as number)) / (2 * h));
  };
  const byDy = extrapolated((h) => along(inputs, h));
  const byInputs = byElement(
    inputs,
    (unit) =>
      extrapolated((h) => [
        (dot(along(moved(inputs, unit, h), h), dy) - dot(along(moved(inputs, unit, -h), h), dy)) / (2 * h),
      ])[0] as number,
  );
  return [byDy, ...byInputs];
}
