import * as tf from "@tensorflow/tfjs-core";

/** Tensors in whatever holds them: lists, Maps and objects within each other. */
export function tensorsIn(
  container: unknown,
  found: Set<tf.Tensor> = new Set(),
  seen = new Set<unknown>(),
): Set<tf.Tensor> {
  if (container === null || typeof container !== "object" || ArrayBuffer.isView(container)) {
    return found;
  }
  if (container instanceof tf.Tensor) {
    found.add(container);
    return found;
  }
  if (seen.has(container)) {
    return found;
  }
  seen.add(container);
  const items = container instanceof Map || container instanceof Set ? container.values() : Object.values(container);
  for (const item of items) {
    tensorsIn(item, found, seen);
  }
  return found;
}
