/** Sums, means, extremes and their places along axes. */
import { backend_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { castOps, reduceOps } from "../native-numbers.ts";
import { asIntegers } from "./integers.ts";
import { fallBack, isFloat, type KernelBody, type KernelCall, type KernelTable, product } from "./kernel.ts";

/** Reduces the middle axis of [outer, middle, inner] into a new tensor; the first step of a reduction may scale. */
type Step = (
  x: TensorInfo,
  shape: number[],
  sizes: [outer: number, middle: number, inner: number],
  isFirst: boolean,
) => TensorInfo;

/**
 * Reduces one run of neighbouring axes after another, last first, so that any choice of axes needs no transposition.
 */
function reduceAxes({ backend }: KernelCall, x: TensorInfo, axes: readonly number[], step: Step): TensorInfo {
  const runs: [from: number, to: number][] = [];
  for (const axis of axes) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last[1] === axis) {
      last[1] = axis + 1;
    } else {
      runs.push([axis, axis + 1]);
    }
  }
  // Axes of one element between two runs do not keep them apart.
  for (let i = runs.length - 1; i > 0; i--) {
    const [before, after] = [runs[i - 1], runs[i]];
    if (before === undefined || after === undefined) {
      continue;
    }
    if (product(x.shape, before[1], after[0]) === 1) {
      before[1] = after[1];
      runs.splice(i, 1);
    }
  }
  let current = x;
  let shape = x.shape;
  for (const [from, to] of runs.reverse()) {
    const next = shape.map((size, axis) => (axis >= from && axis < to ? 1 : size));
    const sizes: [number, number, number] = [product(shape, 0, from), product(shape, from, to), product(shape, to)];
    const y = step(current, next, sizes, current === x);
    if (current !== x) {
      backend.disposeData(current.dataId);
    }
    current = y;
    shape = next;
  }
  return current;
}

/** Reduces the axes that a call names; its result has them as tfjs wants them. */
function reduceCall(call: KernelCall, x: TensorInfo, step: Step): TensorInfo | undefined {
  const axes = util.parseAxisParam(call.attrs.axis ?? call.attrs.reductionIndices, x.shape).sort((a, b) => a - b);
  if (axes.length === 0) {
    return undefined;
  }
  const y = reduceAxes(call, x, axes, step);
  const [kept] = backend_util.computeOutAndReduceShapes(x.shape, axes);
  return { ...y, shape: call.attrs.keepDims ? backend_util.expandShapeToKeepDim(kept, axes) : kept };
}

function floatStep({ backend }: KernelCall, op: number, scale = 1): Step {
  return (x, shape, sizes, isFirst) => {
    const y = backend.output(shape);
    backend.addon.reduce(op, backend.values(x), y.values, ...sizes, isFirst ? scale : 1);
    return y;
  };
}

function intStep({ backend }: KernelCall, op: number): Step {
  return (x, shape, sizes) => {
    const y = backend.output(shape, "int32");
    backend.addon.intReduce(op, backend.ints(x), y.values, ...sizes);
    return y;
  };
}

function reduction(name: string, op: number): KernelBody {
  return (call) => {
    const x: TensorInfo = call.inputs.x;
    if (isFloat(x)) {
      return reduceCall(call, x, floatStep(call, op)) ?? fallBack(name, call);
    }
    if (product(x.shape) === 0) {
      return fallBack(name, call);
    }
    if (x.dtype === "int32") {
      return reduceCall(call, x, intStep(call, op)) ?? fallBack(name, call);
    }
    // Sums of booleans count them.
    if (x.dtype !== "bool" || op !== reduceOps.sum) {
      return fallBack(name, call);
    }
    const whole = asIntegers(call, x);
    const y = reduceCall(call, whole, intStep(call, op));
    call.backend.disposeData(whole.dataId);
    return y ?? fallBack(name, call);
  };
}

const mean: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  const axes = util.parseAxisParam(attrs.axis ?? attrs.reductionIndices, x.shape);
  const step = floatStep(call, reduceOps.sum, 1 / axes.reduce((count, axis) => count * (x.shape[axis] ?? 1), 1));
  if (isFloat(x)) {
    return reduceCall(call, x, step) ?? fallBack("Mean", call);
  }
  if (x.dtype !== "int32" && x.dtype !== "bool") {
    return fallBack("Mean", call);
  }
  const floats = backend.output(x.shape);
  const kind = x.dtype === "int32" ? castOps.intToFloat : castOps.byteToFloat;
  backend.addon.cast(kind, backend.values(x), floats.values, floats.values.length);
  const y = reduceCall(call, floats, step);
  backend.disposeData(floats.dataId);
  return y ?? fallBack("Mean", call);
};

function logical(name: string, all: boolean): KernelBody {
  return (call) => {
    const { backend, inputs } = call;
    if (inputs.x.dtype !== "bool" || product(inputs.x.shape) === 0) {
      return fallBack(name, call);
    }
    const step: Step = (x, shape, sizes) => {
      const y = backend.output(shape, "bool");
      backend.addon.byteReduce(all, backend.bytes(x), y.values, ...sizes);
      return y;
    };
    return reduceCall(call, inputs.x, step) ?? fallBack(name, call);
  };
}

function argKernel(name: string, largest: boolean): KernelBody {
  return (call) => {
    const { backend, inputs, attrs } = call;
    const x: TensorInfo = inputs.x;
    const [axis] = util.parseAxisParam(attrs.axis ?? 0, x.shape);
    const middle = axis === undefined ? 0 : (x.shape[axis] ?? 0);
    if (!isFloat(x) || axis === undefined || middle === 0) {
      return fallBack(name, call);
    }
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
  Mean: mean,
  Max: reduction("Max", reduceOps.max),
  Min: reduction("Min", reduceOps.min),
  Prod: reduction("Prod", reduceOps.prod),
  All: logical("All", true),
  Any: logical("Any", false),
  ArgMax: argKernel("ArgMax", true),
  ArgMin: argKernel("ArgMin", false),
};
