/** Tensors that are made of a few numbers. */
import { backend_util, type TensorInfo } from "@tensorflow/tfjs-core";
import { fallBack, isMovable, type KernelBody, type KernelTable, product } from "./kernel.ts";

/** Each element is worked out by itself, so that no rounding adds up. */
const range: KernelBody = ({ backend, attrs }) => {
  const { start, stop } = attrs;
  const dtype: "float32" | "int32" = attrs.dtype ?? "float32";
  const isEmpty = start === stop || (start < stop && attrs.step < 0) || (stop < start && attrs.step > 1);
  const length = isEmpty ? 0 : Math.abs(Math.ceil((stop - start) / attrs.step));
  // tfjs lets a step of 1, which is what it takes where none is given, go down, too.
  const step = stop < start && attrs.step === 1 ? -1 : attrs.step;
  const y = backend.output([length], dtype);
  for (let i = 0; i < length; i++) {
    y.values[i] = start + i * step;
  }
  return y;
};

const linSpace: KernelBody = ({ backend, attrs }) => {
  const { start, stop, num } = attrs;
  const y = backend.output([num]);
  for (let i = 0; i < num; i++) {
    y.values[i] = i > 0 && i === num - 1 ? stop : start + (i === 0 ? 0 : (i * (stop - start)) / (num - 1));
  }
  return y;
};

const diag: KernelBody = (call) => {
  const { backend, inputs } = call;
  const x: TensorInfo = inputs.x;
  if (!isMovable(x.dtype)) {
    return fallBack("Diag", call);
  }
  const size = product(x.shape);
  const y = backend.output([...x.shape, ...x.shape], x.dtype);
  y.values.fill(0);
  backend.values(x).forEach((value, i) => {
    y.values[i * (size + 1)] = value;
  });
  return y;
};

const broadcastArgs: KernelBody = ({ backend, inputs }) => {
  const [a, b] = [Array.from(backend.values(inputs.s0)), Array.from(backend.values(inputs.s1))];
  const shape = backend_util.assertAndGetBroadcastShape(a, b);
  const y = backend.output([shape.length], "int32");
  y.values.set(shape);
  return y;
};

export const sequenceKernels: KernelTable = {
  Range: range,
  LinSpace: linSpace,
  Diag: diag,
  BroadcastArgs: broadcastArgs,
};
