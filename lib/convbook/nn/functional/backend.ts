/** What the backend in use can do: every choice between kernels is made here. */
// The umbrella package registers the gradients, which the core alone does not bring along in Node.
import "@tensorflow/tfjs";
// It mends gradients of TensorFlow.js's own operations, on all backends.
import { isNested } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";

/** Whether the backend in use has a kernel of this name. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

export { isNested };

/** Whether operations are being recorded for a gradient. */
export function isRecording(): boolean {
  return tf.engine().isTapeOn();
}

/** Whether convolutions and pools take explicit padding, gradients included. libtensorflow's bindings (tfjs-node) take only 'same' and 'valid'. */
export function takesExplicitPadding(): boolean {
  return tf.getBackend() !== "tensorflow";
}

/**
 * Sum of each column of a matrix, [M, C] -> [C].
 *
 * The portable backends sum over the first dimension by transposing the whole matrix first; a product with a row of ones does not.
 */
export function columnSums(matrix: tf.Tensor2D): tf.Tensor1D {
  const backend = tf.getBackend();
  if (backend !== "cpu" && backend !== "wasm") {
    return tf.sum(matrix, 0);
  }
  return tf.reshape(tf.matMul(tf.ones<tf.Rank.R2>([1, matrix.shape[0]]), matrix), [-1]);
}
