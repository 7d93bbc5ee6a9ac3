/** Local response normalization: x / (bias + alpha * sum of squares of the neighbouring channels) ** beta. */
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { binaryOps } from "../native-numbers.ts";
import { runBinary, runUnary } from "./elementwise.ts";
import { describe, fallBack, isFloat, type KernelBody, type KernelCall, type KernelTable, product } from "./kernel.ts";

interface Attributes {
  readonly depthRadius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

/** Combines all elements with one number, in place. */
function withNumber({ backend }: KernelCall, op: "Add" | "Multiply" | "Pow", x: TensorInfo, value: number): void {
  const values = backend.values(x);
  const flat = Int32Array.of(1, values.length, 1, 0);
  backend.addon.binary(binaryOps.indexOf(op), values, Float32Array.of(value), values, flat);
}

/** Sums over the channels at most `radius` away; x is freed. */
function neighbours({ backend }: KernelCall, x: TensorInfo, radius: number): TensorInfo {
  const channels = x.shape[x.shape.length - 1] ?? 1;
  const rows = product(x.shape) / Math.max(channels, 1);
  const reach = Math.max(0, Math.min(radius, channels - 1));
  const wide = channels + 2 * reach;
  const padded = backend.output([rows, wide]);
  backend.addon.fill(padded.values, 0, padded.values.length);
  const bytes = channels * 4;
  backend.addon.copyRows(backend.values(x), 0, bytes, padded.values, reach * 4, wide * 4, rows, bytes);
  backend.disposeData(x.dataId);
  const y = backend.output(x.shape);
  backend.addon.copyRows(padded.values, 0, wide * 4, y.values, 0, bytes, rows, bytes);
  const description = describe([rows, channels], [channels, 1], [wide, 1]);
  for (let k = 1; k <= 2 * reach; k++) {
    backend.addon.binary(binaryOps.indexOf("Add"), y.values, padded.values.subarray(k), y.values, description);
  }
  backend.disposeData(padded.dataId);
  return y;
}

/** bias + alpha * the sum of squares around. */
function norms(call: KernelCall, x: TensorInfo, { depthRadius, bias, alpha }: Attributes): TensorInfo {
  const sums = neighbours(call, runUnary(call, "Square", x), depthRadius);
  withNumber(call, "Multiply", sums, alpha);
  withNumber(call, "Add", sums, bias);
  return sums;
}

/** a op b, of which `a` is freed. */
function then(call: KernelCall, op: string, a: TensorInfo, b: TensorInfo): TensorInfo {
  const y = runBinary(call, op, a, b);
  call.backend.disposeData(a.dataId);
  return y;
}

const lrn: KernelBody = (call) => {
  const x: TensorInfo = call.inputs.x;
  const attrs: Attributes = call.attrs;
  if (!isFloat(x)) {
    return fallBack("LRN", call);
  }
  const factors = norms(call, x, attrs);
  withNumber(call, "Pow", factors, -attrs.beta);
  return then(call, "Multiply", factors, x);
};

/** dy / norm ** beta - 2 * alpha * beta * x * the sum around of dy * y / norm. */
const lrnGrad: KernelBody = (call) => {
  const { backend, inputs } = call;
  const { x, y, dy }: { x: TensorInfo; y: TensorInfo; dy: TensorInfo } = inputs;
  const attrs: Attributes = call.attrs;
  if (!isFloat(x, y, dy)) {
    return fallBack("LRNGrad", call);
  }
  const norm = norms(call, x, attrs);
  const shares = then(call, "RealDiv", runBinary(call, "Multiply", dy, y), norm);
  const around = neighbours(call, shares, attrs.depthRadius);
  withNumber(call, "Multiply", around, -2 * attrs.alpha * attrs.beta);
  const others = then(call, "Multiply", around, x);
  withNumber(call, "Pow", norm, -attrs.beta);
  const own = then(call, "Multiply", norm, dy);
  const dx = then(call, "Add", own, others);
  backend.disposeData(others.dataId);
  return dx;
};

export const responseKernels: KernelTable = { LRN: lrn, LRNGrad: lrnGrad };
