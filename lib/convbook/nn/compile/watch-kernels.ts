/** Tells of TensorFlow.js's kernels as they run. */
import * as tf from "@tensorflow/tfjs-core";

/** A kernel that has run. */
export interface KernelRun {
  /** Its name; null where it was a function with a gradient of its own. */
  readonly kernel: string | null;
  /** The kernels that such a function called. */
  readonly within: readonly string[];
  readonly inputs: readonly tf.Tensor[];
  readonly outputs: readonly tf.Tensor[];
}

interface Parameters {
  readonly kernelName?: string;
  readonly inputs: Readonly<Record<string, tf.Tensor | null | undefined>> | readonly tf.Tensor[];
}

interface WatchedEngine {
  runKernelFunc(parameters: Parameters): tf.Tensor | tf.Tensor[];
}

/**
 * Runs a function and is told of each kernel that it calls; of what a function with a gradient of its own calls, only of that.
 *
 * @param watch is told, after each kernel
 * @param body runs kernels, synchronously and not put off (see `eagerly`)
 */
export function watchKernels<T>(watch: (run: KernelRun) => void, body: () => T): T {
  const engine = tf.engine() as unknown as WatchedEngine;
  const { runKernelFunc } = engine;
  let depth = 0;
  let within: string[] = [];
  engine.runKernelFunc = (parameters) => {
    depth++;
    if (depth === 1) {
      within = [];
    } else if (parameters.kernelName !== undefined) {
      within.push(parameters.kernelName);
    }
    try {
      const result = runKernelFunc.call(engine, parameters);
      if (depth === 1) {
        const inputs = Object.values(parameters.inputs).filter((tensor) => tensor !== null && tensor !== undefined);
        const outputs = Array.isArray(result) ? result : [result];
        watch({ kernel: parameters.kernelName ?? null, within, inputs, outputs });
      }
      return result;
    } finally {
      depth--;
    }
  };
  try {
    return body();
  } finally {
    engine.runKernelFunc = runKernelFunc;
  }
}
