/**
 * A correction of TensorFlow.js's WebAssembly backend (4.22): its OneHot kernel writes whole numbers into the output's memory whatever its type is, so
 * `tf.oneHot(labels, 10, 1, 0, "float32")` holds 1.4e-45 where it should hold 1.
 */
import * as tf from "@tensorflow/tfjs-core";

interface WasmBackend {
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array;
}

let original: tf.KernelConfig | undefined;

function oneHot(call: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | tf.TensorInfo[] {
  const { dtype, depth, onValue, offValue } = call.attrs as unknown as tf.OneHotAttrs;
  if (dtype !== "float32") {
    return (original as tf.KernelConfig).kernelFunc(call);
  }
  const backend = call.backend as WasmBackend;
  const indices = call.inputs.indices as tf.TensorInfo;
  const output = backend.makeOutput([...indices.shape, depth], "float32");
  // The memory may grow with the output, so it is looked at after that.
  const values = backend.typedArrayFromHeap(output);
  values.fill(offValue);
  backend.typedArrayFromHeap(indices).forEach((index, i) => {
    if (index >= 0 && index < depth) {
      values[i * depth + index] = onValue;
    }
  });
  return output;
}

/** Replaces the kernel once the backend is loaded; calling it again changes nothing. */
export function correctOneHot(): void {
  const registered = tf.getKernel("OneHot", "wasm");
  if (registered === undefined || registered.kernelFunc === oneHot) {
    return;
  }
  original = registered;
  tf.unregisterKernel("OneHot", "wasm");
  tf.registerKernel({ ...registered, kernelFunc: oneHot });
}
