/** Counting, searching and drawing lots. */
import { shared } from "@tensorflow/tfjs-backend-cpu";
import { randomUniform, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { NativeBackend } from "../backend.ts";
import { fallBack, isFloat, isMovable, type KernelBody, type KernelTable, kernelIn, product } from "./kernel.ts";
import { normalizationKernels } from "./normalization.ts";

/** Counts, or sums of weights, of each row's whole numbers from 0 to `size` - 1. */
function counts(
  backend: NativeBackend,
  x: TensorInfo,
  weights: TensorInfo,
  shape: number[],
  isBinary: boolean,
): TensorInfo | undefined {
  if (!isMovable(weights.dtype)) {
    return undefined;
  }
  const size = shape[shape.length - 1] ?? 0;
  const rows = product(shape, 0, shape.length - 1);
  const [values, weight] = [backend.values(x), backend.values(weights)];
  const width = values.length / Math.max(rows, 1);
  const y = backend.output(shape, weights.dtype);
  y.values.fill(0);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value < 0) {
      backend.disposeData(y.dataId);
      throw new Error("Input x must be non-negative!");
    }
    if (value < size) {
      const at = Math.floor(i / width) * size + value;
      y.values[at] = isBinary ? 1 : (y.values[at] ?? 0) + (weight.length > 0 ? (weight[i] ?? 0) : 1);
    }
  }
  return y;
}

const bincount: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  return counts(backend, inputs.x, inputs.weights, [attrs.size], false) ?? fallBack("Bincount", call);
};

const denseBincount: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, weights }: { x: TensorInfo; weights: TensorInfo } = inputs;
  util.assert(
    x.shape.length <= 2,
    () => `Error in denseBincount: input must be at most rank 2, but got rank ${x.shape.length}.`,
  );
  const shape = [...x.shape.slice(0, -1), attrs.size];
  return counts(backend, x, weights, shape, attrs.binaryOutput === true) ?? fallBack("DenseBincount", call);
};

/** For each value, the place in its sorted row: of the first element that is not smaller, or with "right" that is larger. */
const searchSorted: KernelBody = ({ backend, inputs, attrs }) => {
  const { sortedSequence, values }: { sortedSequence: TensorInfo; values: TensorInfo } = inputs;
  const [rows = 0, length = 0] = sortedSequence.shape;
  const width = values.shape[1] ?? 0;
  const [sorted, wanted] = [backend.values(sortedSequence), backend.values(values)];
  const isLeft = attrs.side === "left";
  const y = backend.output(values.shape, "int32");
  for (let i = 0; i < rows * width; i++) {
    const [start, value] = [Math.floor(i / width) * length, wanted[i] ?? 0];
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = sorted[start + middle] ?? 0;
      if (isLeft ? at < value : at <= value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    y.values[i] = high;
  }
  return y;
};

function uniqueStrings(backend: NativeBackend, x: TensorInfo, axis: number): TensorInfo[] {
  const { outputValues, outputShape, indices } = shared.uniqueImpl(backend.strings(x), axis, x.shape, "string");
  return [
    backend.makeTensorInfo(outputShape, "string", outputValues),
    backend.makeTensorInfo([indices.length], "int32", indices),
  ];
}

/** The different elements of an axis in the order in which they come, and for each element which of these it is. */
const unique: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  if (x.dtype === "string") {
    return uniqueStrings(backend, x, attrs.axis);
  }
  if (!isMovable(x.dtype)) {
    return fallBack("Unique", call);
  }
  const [axis = 0] = util.parseAxisParam(attrs.axis, x.shape);
  const length = x.shape[axis] ?? 0;
  const [outer, inner] = [product(x.shape, 0, axis), product(x.shape, axis + 1)];
  const values = backend.values(x);
  const key = (i: number): number | string => {
    if (outer === 1 && inner === 1) {
      return values[i] ?? 0;
    }
    const parts = Array.from({ length: outer }, (_, m) =>
      values.subarray((m * length + i) * inner, (m * length + i + 1) * inner).join(),
    );
    return parts.join();
  };
  const numbers = new Map<number | string, number>();
  const firsts: number[] = [];
  const indices = backend.output([length], "int32");
  for (let i = 0; i < length; i++) {
    const own = key(i);
    let number = numbers.get(own);
    if (number === undefined) {
      number = firsts.push(i) - 1;
      numbers.set(own, number);
    }
    indices.values[i] = number;
  }
  const y = backend.output(x.shape.with(axis, firsts.length), x.dtype);
  for (let m = 0, to = 0; m < outer; m++) {
    for (const i of firsts) {
      y.values.set(values.subarray((m * length + i) * inner, (m * length + i + 1) * inner), to);
      to += inner;
    }
  }
  return [y, indices];
};

const softmax = kernelIn(normalizationKernels, "Softmax");

/** The CPU backend draws the same lots for every row; here each row has its own, the first the CPU backend's. */
const multinomial: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const logits: TensorInfo = inputs.logits;
  if (!isFloat(logits)) {
    return fallBack("Multinomial", call);
  }
  const [rows = 0, events = 0] = logits.shape;
  const samples: number = attrs.numSamples;
  const likely = attrs.normalized ? logits : softmax({ backend, inputs: { logits }, attrs: { dim: -1 } });
  const chances = backend.values(likely);
  const drawn = randomUniform([rows * samples], 0, 1, "float32", attrs.seed);
  const lots = drawn.dataSync();
  drawn.dispose();
  const y = backend.output([rows, samples], "int32");
  // Sums of chances that never fall; the last event is what is left.
  const sums = new Float32Array(Math.max(0, events - 1));
  for (let row = 0; row < rows; row++) {
    let [sum, most] = [0, Number.NEGATIVE_INFINITY];
    for (let event = 0; event < sums.length; event++) {
      sum = Math.fround(sum + (chances[row * events + event] ?? 0));
      most = sum > most ? sum : most;
      sums[event] = most;
    }
    for (let i = row * samples; i < (row + 1) * samples; i++) {
      let [low, high] = [0, sums.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((lots[i] ?? 0) < (sums[middle] ?? 0)) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      y.values[i] = high;
    }
  }
  if (likely !== logits) {
    backend.disposeData(likely.dataId);
  }
  return y;
};

export const countingKernels: KernelTable = {
  Bincount: bincount,
  DenseBincount: denseBincount,
  SearchSorted: searchSorted,
  Unique: unique,
  Multinomial: multinomial,
};
