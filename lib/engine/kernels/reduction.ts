/** Sums, means, extremes and their places along axes. */
import { backend_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { reduceOps } from "../native.ts";
import { fallBack, isFloat, type KernelBody, type KernelCall, type KernelTable, product } from "./kernel.ts";

/**
 * Reduces one run of neighbouring axes after another, last first, so that any choice of axes needs no transposition.
 */
function reduceAxes(call: KernelCall, x: TensorInfo, axes: readonly number[], op: number, mean: boolean): TensorInfo {
  const { backend } = call;
  const runs: [from: number, to: number][] = [];
  for (const axis of axes) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last[1] === axis) last[1] = axis + 1;
    else runs.push([axis, axis + 1]);
  }
  // Axes of one element between two runs do not keep them apart.
  for (let i = runs.length - 1; i > 0; i--) {
    const [before, after] = [runs[i - 1], runs[i]];
    if (before === undefined || after === undefined) continue;
    if (product(x.shape, before[1], after[0]) === 1) {
      before[1] = after[1];
      runs.splice(i, 1);
    }
  }
  let current = x;
  let shape = x.shape;
  let scale = mean ? 1 / axes.reduce((count, axis) => count * (x.shape[axis] ?? 1), 1) : 1;
  for (let i = runs.length - 1; i >= 0; i--) {
    const [from, to] = runs[i] as [number, number];
    const next = shape.map((size, axis) => (axis >= from && axis < to ? 1 : size));
    const y = backend.output(next);
    backend.addon.reduce(
      op,
      backend.values(current),
      y.values,
      product(shape, 0, from),
      product(shape, from, to),
      product(shape, to),
      scale,
    );
    if (current !== x) backend.disposeData(current.dataId);
    current = y;
    shape = next;
    scale = 1;
  }
  return current;
}

function reduction(name: string, op: number, mean = false): KernelBody {
  return (call) => {
    const x: TensorInfo = call.inputs.x;
    const given = call.attrs.axis ?? call.attrs.reductionIndices;
    if (!isFloat(x)) return fallBack(name, call);
    const axes = util.parseAxisParam(given, x.shape).sort((a, b) => a - b);
    if (axes.length === 0) return fallBack(name, call);
    const y = reduceAxes(call, x, axes, op, mean);
    const [kept] = backend_util.computeOutAndReduceShapes(x.shape, axes);
    return { ...y, shape: call.attrs.keepDims ? backend_util.expandShapeToKeepDim(kept, axes) : kept };
  };
}

function argKernel(name: string, largest: boolean): KernelBody {
  return (call) => {
    const { backend, inputs, attrs } = call;
    const x: TensorInfo = inputs.x;
    const [axis] = util.parseAxisParam(attrs.axis ?? 0, x.shape);
    const middle = axis === undefined ? 0 : (x.shape[axis] ?? 0);
    if (!isFloat(x) || axis === undefined || middle === 0) return fallBack(name, call);
    const y = backend.output(
      x.shape.filter((_, i) => i !== axis),
      "int32",
    );
    const values = backend.values(x);
    backend.addon.argExtreme(largest, values, y.values, product(x.shape, 0, axis), middle, product(x.shape, axis + 1));
    return y;
  };
}

export const reductionKernels: KernelTable = {
  Sum: reduction("Sum", reduceOps.sum),
  Mean: reduction("Mean", reduceOps.sum, true),
  Max: reduction("Max", reduceOps.max),
  Min: reduction("Min", reduceOps.min),
  Prod: reduction("Prod", reduceOps.prod),
  ArgMax: argKernel("ArgMax", true),
  ArgMin: argKernel("ArgMin", false),
};
