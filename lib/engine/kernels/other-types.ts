/** Kernels for element types that the native code has no loops for, in front of those that it has. */
import { broadcast_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { Attempt } from "./integers.ts";
import { broadcastStrides, product } from "./kernel.ts";
import { copyFrom } from "./movement.ts";

const areAll = (dtype: string, ...tensors: TensorInfo[]): boolean => tensors.every((tensor) => tensor.dtype === dtype);

const clip: Attempt = ({ backend, inputs: { x }, attrs }) => {
  if (!areAll("int32", x)) {
    return undefined;
  }
  const { clipValueMin, clipValueMax } = attrs;
  const y = backend.output(x.shape, "int32");
  backend.ints(x).forEach((value, i) => {
    y.values[i] = value > clipValueMax ? clipValueMax : value < clipValueMin ? clipValueMin : value;
  });
  return y;
};

/** Powers in float64, cut to integers. */
const pow: Attempt = (call) => {
  const { backend, inputs } = call;
  const { a, b }: { a: TensorInfo; b: TensorInfo } = inputs;
  if (!areAll("int32", a, b)) {
    return undefined;
  }
  const shape = broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const [bases, exponents] = [a, b].map((x) =>
    copyFrom(call, x, "int32", shape, broadcastStrides(x.shape, shape), 0),
  ) as [TensorInfo, TensorInfo];
  const y = backend.output(shape, "int32");
  const by = backend.ints(exponents);
  backend.ints(bases).forEach((base, i) => {
    y.values[i] = base ** (by[i] ?? 0);
  });
  backend.disposeData(bases.dataId);
  backend.disposeData(exponents.dataId);
  return y;
};

const oneHot: Attempt = ({ backend, inputs: { indices }, attrs }) => {
  const { dtype, depth, onValue, offValue } = attrs;
  if (!areAll("int32", indices) || (dtype !== "int32" && dtype !== "bool")) {
    return undefined;
  }
  const y = backend.output<"int32" | "bool">([...indices.shape, depth], dtype);
  y.values.fill(offValue);
  backend.ints(indices).forEach((index, i) => {
    if (index >= 0 && index < depth) {
      y.values[i * depth + index] = onValue;
    }
  });
  return y;
};

/** Booleans chosen by booleans, one by one or row by row. */
const select: Attempt = ({ backend, inputs: { condition, t, e } }) => {
  if (!areAll("bool", condition, t, e) || !util.arraysEqual(t.shape, e.shape)) {
    return undefined;
  }
  const inner = condition.shape.length === 1 ? product(t.shape, 1) : 1;
  const [chosen, yes, no] = [backend.bytes(condition), backend.bytes(t), backend.bytes(e)];
  const y = backend.output(t.shape, "bool");
  for (let i = 0; i < y.values.length; i++) {
    y.values[i] = (chosen[Math.floor(i / inner)] ? yes[i] : no[i]) ?? 0;
  }
  return y;
};

export const otherTypeKernels: Readonly<Record<string, Attempt>> = {
  ClipByValue: clip,
  Pow: pow,
  OneHot: oneHot,
  Select: select,
};
