/**
 * A stand-in for tfjs-node's backend `tensorflow`, whose library not everybody has: the CPU backend's kernels under its name, which refuse paddings as it
 * does. https://github.com/tensorflow/tfjs/blob/master/tfjs-node/src/kernels/Conv2D.ts
 */
import { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";

/** Whether libtensorflow's bindings know a padding: by name, or none at all. */
function isKnown(pad: unknown): boolean {
  return typeof pad === "string" || [pad].flat(2).every((side) => side === 0);
}

/** Registers it, with as little priority as there is. */
export function registerStandIn(): void {
  tf.registerBackend("tensorflow", () => new MathBackendCPU(), 0);
  for (const config of tf.getKernelsForBackend("cpu")) {
    const windows = /^(FusedConv2D|Conv2D|DepthwiseConv2d|MaxPool|AvgPool)/.test(config.kernelName);
    const kernelFunc: tf.KernelFunc = (call) => {
      const { pad } = { pad: 0, ...call.attrs };
      if (windows && !isKnown(pad)) {
        throw new Error(`TF Backend supports only 'valid' and 'same' padding while padding was ${JSON.stringify(pad)}`);
      }
      return config.kernelFunc(call);
    };
    tf.registerKernel({ ...config, backendName: "tensorflow", kernelFunc });
  }
}
