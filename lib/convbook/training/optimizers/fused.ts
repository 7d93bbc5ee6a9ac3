/** The way to an engine that updates all parameters of a group in one call. */
import * as tf from "@tensorflow/tfjs-core";
import type { Update } from "./optimizer.ts";

/**
 * Runs an optimizer's update as one kernel of the backend, which changes the variables in place, when the backend registered such a kernel.
 *
 * The kernel's inputs are `p0, p1, ...` (parameters), `g0, ...` (gradients) and `a0, ...`, `b0, ...`, `c0, ...` (one letter a list of
 * slots); it changes parameters and slots in place and returns nothing.
 *
 * @returns whether it ran
 */
export function runFused(
  kernelName: string,
  attributes: Readonly<Record<string, number | boolean>>,
  updates: readonly Update[],
  slots: readonly (readonly tf.Variable[])[],
): boolean {
  const kernel = tf.getKernel(kernelName, tf.getBackend());
  if (kernel === undefined) return false;
  const inputs: Record<string, tf.Tensor> = {};
  for (const [i, { variable, gradient }] of updates.entries()) {
    inputs[`p${i}`] = variable;
    inputs[`g${i}`] = gradient;
  }
  for (const [s, list] of slots.entries()) {
    const letter = "abc"[s] as string;
    for (const [i, slot] of list.entries()) inputs[letter + i] = slot;
  }
  kernel.kernelFunc({ inputs, attrs: { ...attributes, count: updates.length }, backend: tf.backend() });
  return true;
}
