/** The tensors in what users' code gives: steps, hooks and loaders may give anything. */
import * as tf from "@tensorflow/tfjs-core";

/** What `tf.tidy` and `tf.dispose` walk through; they pass over what is no tensor. */
export function containerOf(value: unknown): tf.TensorContainer {
  return (value ?? null) as tf.TensorContainer;
}

/** Frees all tensors in the values. */
export function disposeTensors(...values: readonly unknown[]): void {
  tf.dispose(values.map(containerOf));
}
