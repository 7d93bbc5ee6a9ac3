/** Tensors by name in the saved state of a callback. */
import type { StateDict, TensorData } from "../../tensor-data.ts";

/** What was saved as a Map; out of a `.ckpt` it comes as an object. */
export function savedTensors(saved: unknown): StateDict {
  return saved instanceof Map ? saved : new Map(Object.entries((saved ?? {}) as Readonly<Record<string, TensorData>>));
}
