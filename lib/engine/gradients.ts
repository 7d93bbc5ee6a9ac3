/** Values and gradients of a function, like tfjs's `variableGrads` with half the memory. */
import type * as tf from "@tensorflow/tfjs-core";
import { record } from "./recording.ts";

/** What {@link valueAndGrads} gives; the caller disposes of all of it. */
export interface ValueAndGrads {
  /** The function's value. */
  readonly value: tf.Scalar;
  /** One gradient for each variable, in order; null for those that the value does not depend on. */
  readonly grads: (tf.Tensor | null)[];
}

/**
 * Runs `f` and works out the gradients of its value by the variables.
 *
 * @param f Gives a scalar; tensors that it makes on the way are freed.
 * @param variables What to differentiate by.
 * @throws Error when the value is not a scalar, when it depends on none of the variables, or inside another gradient.
 */
export function valueAndGrads(f: () => tf.Scalar, variables: readonly tf.Tensor[]): ValueAndGrads {
  const recording = record(f);
  const value = recording.outputs;
  if (value.size !== 1) {
    const shape = `[${value.shape.join(", ")}]`;
    recording.dispose();
    value.dispose();
    throw new Error(`valueAndGrads: the function must give a scalar, got shape ${shape}`);
  }
  let gradients: Map<tf.Tensor, tf.Tensor>;
  try {
    gradients = recording.backward(value, variables);
  } catch (error) {
    value.dispose();
    throw error;
  }
  if (gradients.size === 0) {
    value.dispose();
    throw new Error("valueAndGrads: the function's value does not depend on any of the variables");
  }
  return { value, grads: variables.map((variable) => gradients.get(variable) ?? null) };
}
