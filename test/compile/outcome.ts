/** What a network that is drawn at random comes to, on the backend in use: outputs, gradients of input and parameters, running statistics, outputs in evaluation. */
import { valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { manualSeed } from "convbook";
import { RandomNetwork } from "./random-network.ts";

export type Numbers = Readonly<Record<string, Float32Array>>;

const batch = 3;
export const channels = 4;
export const side = 6;

/**
 * A step of training, and a forward pass in evaluation.
 *
 * @param seed of the network and all its numbers
 * @param frozen whether the step takes the running statistics
 * @returns tensors by names, which are the caller's
 */
export function outcome(seed: number, frozen: boolean): Record<string, tf.Tensor> {
  manualSeed(seed);
  const network = new RandomNetwork(seed, channels, side);
  const x: tf.Tensor = tf.tidy(() =>
    tf.variable(tf.randomNormal([batch, side, side, channels], 0, 1, "float32", seed + 1)),
  );
  const result: Record<string, tf.Tensor> = {};
  const keep = (name: string, tensor: tf.Tensor) => {
    result[name] = tf.keep(tf.clone(tensor));
  };
  // Frozen: a gradient, but the running statistics.
  if (frozen) {
    network.eval();
  }
  const parameters = network.namedParameters();
  const variables = [x, ...parameters.map(([, { variable }]) => variable)];
  const { value, grads } = valueAndGrads(() => {
    const outputs = network.forward(x as tf.Tensor4D);
    for (const [i, y] of outputs.entries()) {
      keep(`output ${i}`, y);
    }
    const sums = outputs.map((y, i) => tf.sum(tf.mul(y, tf.randomNormal(y.shape, 0, 1, "float32", seed + 2 + i))));
    return tf.addN(sums) as tf.Scalar;
  }, variables);
  for (const [i, name] of ["input", ...parameters.map(([key]) => key)].entries()) {
    const gradient = grads[i];
    if (gradient !== null && gradient !== undefined) {
      keep(`gradient of ${name}`, gradient);
    }
  }
  for (const [name, buffer] of network.namedBuffers()) {
    if ("variable" in buffer) {
      keep(name, buffer.variable);
    } else {
      result[name] = tf.tensor1d(Array.from(buffer.toTensorData().data, Number));
    }
  }
  network.eval();
  const evaluated = tf.tidy(() => network.forward(x as tf.Tensor4D));
  for (const [i, y] of evaluated.entries()) {
    keep(`output ${i} in evaluation`, y);
  }
  if (network.calls !== 2) {
    throw new Error(`forward was called ${network.calls} times, expected 2`);
  }
  tf.dispose([value, grads as tf.Tensor[], evaluated, x]);
  network.dispose();
  return result;
}

/** The numbers of tensors, which are disposed of. */
export function numbersOf(tensors: Readonly<Record<string, tf.Tensor>>): Numbers {
  const entries = Object.entries(tensors).map(([name, tensor]) => [name, Float32Array.from(tensor.dataSync())]);
  tf.dispose(Object.values(tensors));
  return Object.fromEntries(entries);
}
