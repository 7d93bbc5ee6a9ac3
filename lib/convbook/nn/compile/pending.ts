/**
 * Tensors that are still to be worked out: to everybody they are `tf.Tensor`s with a shape and a type, and whoever asks for their numbers gets them. Their
 * data belongs to a backend that has none; once they are known they take over the data, and the identity, of the tensor with the result, so that
 * gradients find their way. This reaches into tfjs's engine; tests pin its version.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Value } from "./graph.ts";

interface TensorInfo {
  readonly backend: tf.KernelBackend;
}

/** The part of tfjs's engine that keeps the books. */
export interface Books {
  readonly state: {
    readonly tensorInfo: WeakMap<object, TensorInfo>;
    readonly activeScope: object | null;
  };
  makeTensorFromTensorInfo(info: tf.TensorInfo, backend?: unknown): tf.Tensor;
  removeDataId(dataId: object, backend: unknown): void;
}

export function books(): Books {
  return tf.engine() as unknown as Books;
}

/** Stands where a tensor's data would be. */
class PendingData {
  readonly value: Value;

  constructor(value: Value) {
    this.value = value;
  }
}

/** What is still to be worked out, for as long as somebody's tensor stands for it. */
const pending = new Set<Value>();
const farewells = new Map<Value, () => void>();
/** Values that have just been worked out. */
const known: Value[] = [];
let resolve: (value: Value) => tf.Tensor = () => {
  throw new Error("Nothing works out tensors that are pending.");
};

/** Says what works out the tensor of a value. */
export function resolveWith(work: (value: Value) => tf.Tensor): void {
  resolve = work;
}

/** The backend of tensors without data. */
const pendingBackend = {
  disposeData({ value }: PendingData): boolean {
    pending.delete(value);
    sayFarewell(value);
    return true;
  },
  readSync({ value }: PendingData): tf.BackendValues {
    return resolve(value).dataSync() as unknown as tf.BackendValues;
  },
  read({ value }: PendingData): Promise<tf.BackendValues> {
    return resolve(value).data() as unknown as Promise<tf.BackendValues>;
  },
  readToGPU({ value }: PendingData, options: object): unknown {
    return resolve(value).dataToGPU(options);
  },
  refCount: () => 1,
  incRef(): void {},
  decRef(): void {},
};

/** Whether there are tensors to be worked out at all. */
export function hasPending(): boolean {
  return pending.size > 0;
}

/** All of them. */
export function pendingValues(): ReadonlySet<Value> {
  return pending;
}

/** Calls a function when none of some values is pending any more: they have been worked out, or nobody can ask for them. */
export function whenSettled(values: readonly Value[], call: () => void): void {
  let left = values.length;
  for (const value of values) {
    farewells.set(value, () => {
      left--;
      if (left === 0) {
        call();
      }
    });
  }
}

/** Does what {@link whenSettled} was told to do for values that have been worked out: not before all of a graph that was to run has run. */
export function sayFarewells(): void {
  for (const value of known.splice(0)) {
    sayFarewell(value);
  }
}

function sayFarewell(value: Value): void {
  const farewell = farewells.get(value);
  farewells.delete(value);
  farewell?.();
}

/** A tensor for a value. */
export function pendingTensor(value: Value): tf.Tensor {
  const dataId = new PendingData(value) as unknown as tf.TensorInfo["dataId"];
  const tensor = books().makeTensorFromTensorInfo(
    { dataId, shape: [...value.shape], dtype: "float32" },
    pendingBackend,
  );
  pending.add(value);
  value.tensor = tensor;
  return tensor;
}

/** The value that a tensor stands for while it is pending. */
export function pendingValue(tensor: unknown): Value | undefined {
  const dataId = (tensor as { dataId?: unknown } | null | undefined)?.dataId;
  return dataId instanceof PendingData ? dataId.value : undefined;
}

/** Another hold of a tensor's data, with the tensor's identity: what is recorded of the one is recorded of the other. */
export function hold(tensor: tf.Tensor): tf.Tensor {
  const { dataId, dtype, shape } = tensor;
  backendOf(tensor).incRef(dataId);
  const handle = tf.keep(books().makeTensorFromTensorInfo({ dataId, shape, dtype }));
  return Object.assign(handle, { id: tensor.id });
}

/** Makes a pending tensor the one that `result` was, which is not to be used any more. */
export function takeOver(tensor: tf.Tensor, result: tf.Tensor): void {
  const value = pendingValue(tensor);
  if (value !== undefined) {
    pending.delete(value);
    known.push(value);
  }
  const { removeDataId } = books();
  removeDataId.call(books(), tensor.dataId, pendingBackend);
  backendOf(result).incRef(result.dataId);
  Object.assign(tensor, { dataId: result.dataId, id: result.id });
  result.dispose();
}

function backendOf(tensor: tf.Tensor): tf.KernelBackend {
  return (books().state.tensorInfo.get(tensor.dataId) as TensorInfo).backend;
}
