/**
 * Loss and gradients, for loops written by hand. The engine records and frees memory as early as it can, on every backend; `record` is its
 * two halves, so that hooks can run between them.
 */
import { record } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { ConfigurationError, requireOption } from "../errors.ts";

export { type GradientListener, Recording, record } from "@convbook/engine";

/**
 * The value of a scalar function and its gradients.
 *
 * @param f computes a scalar, synchronously
 * @param variables what to differentiate by, for example `optimizer.variables()`
 * @returns the value and the gradients of those variables that it depends on; the caller's to dispose of
 * @throws ConfigurationError when the value is not a scalar or depends on none of the variables
 * @example
 * const { value, gradients } = valueAndGrads(() => loss.forward(model.forward(images), labels), optimizer.variables());
 * optimizer.step(gradients);
 * tf.dispose([value, ...gradients.values()]);
 */
export function valueAndGrads(
  f: () => tf.Tensor,
  variables: readonly tf.Variable[],
): { value: tf.Tensor; gradients: Map<tf.Variable, tf.Tensor> } {
  requireOption(typeof f === "function", "valueAndGrads.f", f, "a function that computes a scalar");
  const areVariables = Array.isArray(variables) && variables.every((each) => each instanceof tf.Variable);
  requireOption(
    areVariables,
    "valueAndGrads.variables",
    variables,
    "a list of variables, as optimizer.variables() gives",
  );
  const recording = record(f);
  const value = recording.outputs;
  requireOption(Array.isArray(value?.shape), "The result of valueAndGrads.f", value, "a scalar tensor");
  if (value.size !== 1) {
    recording.dispose();
    const shape = `a tensor of shape [${value.shape.join(", ")}]`;
    value.dispose();
    throw new ConfigurationError("The value to differentiate", shape, "a scalar");
  }
  const gradients = recording.backward(value, variables);
  if (gradients.size === 0) {
    value.dispose();
    throw new ConfigurationError(
      "The value to differentiate",
      "one that does not",
      "computed from at least one of the variables",
    );
  }
  return { value, gradients };
}
