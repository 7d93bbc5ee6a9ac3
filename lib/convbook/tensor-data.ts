/**
 * A tensor outside of any backend: what a state dict, a checkpoint file and a random generator exchange.
 * Shapes and element order are PyTorch's (row-major; convolution weights OIHW, linear weights [out, in]).
 */

/** Element types by the names that PyTorch and safetensors share; bfloat16 and float16 are widened to float32 on reading. */
export type TensorDType = "float32" | "float64" | "int64" | "int32" | "int16" | "int8" | "uint8" | "bool";

/** The typed array that holds elements of each {@link TensorDType}. */
export interface TensorArrays {
  float32: Float32Array;
  float64: Float64Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int16: Int16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** `data` holds the product of `shape` elements; a scalar has the empty shape and one element. */
export type TensorData = {
  [D in TensorDType]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: TensorArrays[D] };
}[TensorDType];

/** Parameters and buffers by their dotted PyTorch names, in registration order. */
export type StateDict = Map<string, TensorData>;
