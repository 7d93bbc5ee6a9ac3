/** Kernels about where elements are and where they go: running sums, top-k, reversals, indexed rows, strides. */
import { backend_util, type DataType, slice_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { axisFromFront } from "../arguments.ts";
import type { NativeBackend } from "../backend.ts";
import {
  describe,
  elementBytes,
  fallBack,
  isMovable,
  type KernelBody,
  type KernelCall,
  type KernelTable,
  type Movable,
  maxRank,
  product,
  stridesOf,
} from "./kernel.ts";

/** The elements of a float32 or int32 tensor. */
function numbers(backend: NativeBackend, x: TensorInfo): Float32Array | Int32Array {
  return x.dtype === "int32" ? backend.ints(x) : backend.values(x);
}

const isNumber = (dtype: DataType): dtype is "float32" | "int32" => dtype === "float32" || dtype === "int32";

function scan(name: string, isProduct: boolean): KernelBody {
  return (call) => {
    const { backend, inputs, attrs } = call;
    const x: TensorInfo = inputs.x;
    if (!isNumber(x.dtype) || x.shape.length === 0) {
      return fallBack(name, call);
    }
    const axis = axisFromFront(name.toLowerCase(), attrs.axis, x.shape.length);
    const y = backend.output(x.shape, x.dtype);
    const sizes = [product(x.shape, 0, axis), x.shape[axis] ?? 1, product(x.shape, axis + 1)] as const;
    backend.addon.scan(numbers(backend, x), y.values, ...sizes, isProduct, attrs.exclusive, attrs.reverse);
    return y;
  };
}

/** {x, dy} -> dx of running products, for their gradient. */
const cumprodGrad: KernelBody = ({ backend, inputs, attrs }) => {
  const { x, dy }: { x: TensorInfo; dy: TensorInfo } = inputs;
  const axis = axisFromFront("cumprod", attrs.axis, x.shape.length);
  const dx = backend.output(x.shape);
  const sizes = [product(x.shape, 0, axis), x.shape[axis] ?? 1, product(x.shape, axis + 1)] as const;
  const { exclusive, reverse } = attrs;
  backend.addon.cumprodGrad(backend.values(x), backend.values(dy), dx.values, ...sizes, exclusive, reverse);
  return dx;
};

const topK: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  const n = x.shape[x.shape.length - 1] ?? 0;
  const k: number = attrs.k;
  if (!isNumber(x.dtype) || n === 0 || k > n) {
    return fallBack("TopK", call);
  }
  const shape = [...x.shape.slice(0, -1), k];
  const values = backend.output(shape, x.dtype);
  const indices = backend.output(shape, "int32");
  const rows = product(x.shape) / n;
  backend.addon.topK(numbers(backend, x), values.values, indices.values, rows, n, k);
  return [values, indices];
};

function reversed(name: string, call: KernelCall, x: TensorInfo, axes: readonly number[]): TensorInfo | TensorInfo[] {
  const { backend } = call;
  if (!isMovable(x.dtype) || x.shape.length === 0 || x.shape.length > maxRank) {
    return fallBack(name, call);
  }
  const y = backend.output(x.shape, x.dtype);
  const bits = axes.reduce((set, axis) => set | (1 << axis), 0);
  const shape = Int32Array.of(x.shape.length, ...x.shape);
  backend.addon.reverse(backend.values(x), y.values, elementBytes(x.dtype) ?? 4, shape, bits);
  return y;
}

const reverse: KernelBody = (call) => {
  const x: TensorInfo = call.inputs.x;
  return reversed("Reverse", call, x, util.parseAxisParam(call.attrs.dims, x.shape));
};

const flipLeftRight: KernelBody = (call) => reversed("FlipLeftRight", call, call.inputs.image, [2]);

/** The row that each multi-index names, as a number; throws as the reference does where there is none. */
export function rowsNamed(
  indices: Int32Array,
  count: number,
  rank: number,
  strides: readonly number[],
  rows: number,
  shape: readonly number[],
): Int32Array {
  const flat = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    let row = 0;
    for (let j = 0; j < rank; j++) {
      row += (indices[i * rank + j] ?? 0) * (strides[j] ?? 0);
    }
    if (row < 0 || row >= rows) {
      const index = Array.from(indices.subarray(i * rank, (i + 1) * rank));
      throw new Error(`Invalid indices: ${index} does not index into ${shape}`);
    }
    flat[i] = row;
  }
  return flat;
}

const gatherNd: KernelBody = (call) => {
  const { backend, inputs } = call;
  const { params, indices }: { params: TensorInfo; indices: TensorInfo } = inputs;
  const [shape, count, width, strides] = backend_util.prepareAndValidate(params, indices);
  if (!isMovable(params.dtype)) {
    return fallBack("GatherNd", call);
  }
  const y = backend.output(shape, params.dtype);
  const rows = product(params.shape) / width;
  const rank = indices.shape[indices.shape.length - 1] ?? 0;
  const flat = rowsNamed(backend.ints(indices), count, rank, strides, rows, params.shape);
  const bytes = width * (elementBytes(params.dtype) ?? 4);
  backend.addon.gather(backend.values(params), flat, y.values, 1, rows, count, bytes);
  return y;
};

const scatterNd: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { indices, updates }: { indices: TensorInfo; updates: TensorInfo } = inputs;
  const shape: number[] = attrs.shape;
  const info = backend_util.calculateShapes(updates, indices, shape);
  if (!isNumber(updates.dtype) || info.outputSize === 0 || info.sliceSize === 0) {
    return fallBack("ScatterNd", call);
  }
  const rows = info.outputSize / info.sliceSize;
  const flat = rowsNamed(backend.ints(indices), info.numUpdates, info.sliceRank, info.strides, rows, shape);
  const y = backend.output(shape, updates.dtype);
  y.values.fill(0);
  backend.addon.scatter(numbers(backend, updates), flat, y.values, info.numUpdates, rows, info.sliceSize, false);
  return y;
};

const tensorScatterUpdate: KernelBody = (call) => {
  const { backend, inputs } = call;
  const { tensor, indices, updates }: { tensor: TensorInfo; indices: TensorInfo; updates: TensorInfo } = inputs;
  const info = backend_util.calculateShapes(updates, indices, tensor.shape);
  const fits = isMovable(tensor.dtype) && tensor.dtype === updates.dtype && updates.shape.length > 0;
  if (!fits || !isMovable(tensor.dtype) || info.outputSize === 0) {
    return fallBack("TensorScatterUpdate", call);
  }
  const rows = info.outputSize / info.sliceSize;
  const flat = rowsNamed(backend.ints(indices), info.numUpdates, info.sliceRank, info.strides, rows, tensor.shape);
  const y = backend.output(tensor.shape, tensor.dtype);
  y.values.set(backend.values(tensor));
  const bytes = info.sliceSize * (elementBytes(tensor.dtype) ?? 4);
  backend.addon.scatter(backend.values(updates), flat, y.values, info.numUpdates, rows, bytes, true);
  return y;
};

/**
 * Sums of the rows of each segment; rows of no segment are left out. The reference multiplies all rows by 0 or 1 for every segment, so
 * that one infinity there spoils every segment; here, as in TensorFlow, only its own.
 */
const unsortedSegmentSum: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, segmentIds }: { x: TensorInfo; segmentIds: TensorInfo } = inputs;
  const segments: number = attrs.numSegments;
  const ranks = segmentIds.shape.length;
  const leads = util.arraysEqual(x.shape.slice(0, ranks), segmentIds.shape);
  if (!isNumber(x.dtype) || segmentIds.dtype !== "int32" || ranks !== 1 || !leads) {
    return fallBack("UnsortedSegmentSum", call);
  }
  const y = backend.output([segments, ...x.shape.slice(1)], x.dtype);
  y.values.fill(0);
  const [count, width] = [x.shape[0] ?? 0, product(x.shape, 1)];
  backend.addon.scatter(numbers(backend, x), backend.ints(segmentIds), y.values, count, segments, width, false);
  return y;
};

/** A slice with steps backwards: one gather for each axis that is not taken as it is. */
function backwards(
  { backend }: KernelCall,
  x: TensorInfo,
  dtype: Movable,
  { begin, strides, counts, finalShape }: Readonly<Record<"begin" | "strides" | "counts" | "finalShape", number[]>>,
): TensorInfo {
  let current = x;
  for (const [axis, size] of x.shape.entries()) {
    const [first, step, count] = [begin[axis] ?? 0, strides[axis] ?? 1, counts[axis] ?? size];
    if (first === 0 && step === 1 && count === size) {
      continue;
    }
    const picked = Int32Array.from({ length: count }, (_, i) => first + i * step);
    const y = backend.output(current.shape.with(axis, count), dtype);
    const bytes = product(current.shape, axis + 1) * (elementBytes(dtype) ?? 4);
    const outer = product(current.shape, 0, axis);
    backend.addon.gather(backend.values(current), picked, y.values, outer, size, count, bytes);
    if (current !== x) {
      backend.disposeData(current.dataId);
    }
    current = y;
  }
  return { dataId: current.dataId, shape: finalShape, dtype };
}

const stridedSlice: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  const info = slice_util.sliceInfo(
    x.shape,
    attrs.begin,
    attrs.end,
    attrs.strides,
    attrs.beginMask,
    attrs.endMask,
    attrs.ellipsisMask,
    attrs.newAxisMask,
    attrs.shrinkAxisMask,
  );
  const { begin, strides, finalShape } = info;
  if (info.isIdentity) {
    backend.incRef(x.dataId);
    return { dataId: x.dataId, shape: finalShape, dtype: x.dtype };
  }
  if (!isMovable(x.dtype)) {
    return fallBack("StridedSlice", call);
  }
  // Of all axes of x; the final shape has others where some are taken away or put between.
  const counts = begin.map((first, axis) =>
    Math.max(0, Math.ceil(((info.end[axis] ?? 0) - first) / (strides[axis] ?? 1))),
  );
  if (strides.some((stride) => stride < 0)) {
    return backwards(call, x, x.dtype, { begin, strides, counts, finalShape });
  }
  const y = backend.output(finalShape, x.dtype);
  if (y.values.length === 0) {
    return y;
  }
  const own = stridesOf(x.shape);
  const offset = begin.reduce((sum, at, axis) => sum + at * (own[axis] ?? 0), 0);
  const steps = own.map((stride, axis) => stride * (strides[axis] ?? 1));
  const width = elementBytes(x.dtype) ?? 4;
  backend.addon.copyStrided(backend.values(x), offset, y.values, 0, width, describe(counts, steps), false);
  return y;
};

/** Borders that repeat the image backwards, with its edge ("symmetric") or without ("reflect"): one gather an axis. */
const mirrorPad: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  const paddings: [number, number][] = attrs.paddings;
  if (!isMovable(x.dtype) || product(x.shape) === 0) {
    return fallBack("MirrorPad", call);
  }
  const width = elementBytes(x.dtype) ?? 4;
  const offset = attrs.mode === "reflect" ? 0 : 1;
  let current = x;
  for (const [axis, [before, after]] of paddings.entries()) {
    if (before === 0 && after === 0) {
      continue;
    }
    const size = x.shape[axis] ?? 1;
    const from = Int32Array.from({ length: before + size + after }, (_, i) => {
      const at = i - before;
      if (at < 0) {
        return -at - offset;
      }
      return at >= size ? (size - 1) * 2 - at + offset : at;
    });
    const shape = current.shape.with(axis, from.length);
    const y = backend.output(shape, x.dtype);
    const bytes = product(shape, axis + 1) * width;
    backend.addon.gather(backend.values(current), from, y.values, product(shape, 0, axis), size, from.length, bytes);
    if (current !== x) {
      backend.disposeData(current.dataId);
    }
    current = y;
  }
  if (current === x) {
    backend.incRef(x.dataId);
  }
  return { dataId: current.dataId, shape: current.shape, dtype: current.dtype };
};

const depthToSpace: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  const side: number = attrs.blockSize;
  if (!isMovable(x.dtype) || attrs.dataFormat !== "NHWC") {
    return fallBack("DepthToSpace", call);
  }
  const [batch = 0, height = 0, width = 0, depth = 0] = x.shape;
  const channels = depth / (side * side);
  const y = backend.output([batch, height * side, width * side, channels], x.dtype);
  if (y.values.length === 0) {
    return y;
  }
  // [N, H, W, side, side, C] read as [N, H, side, W, side, C].
  const [n = 0, h = 0, w = 0, down = 0, right = 0, c = 0] = stridesOf([batch, height, width, side, side, channels]);
  const description = describe([batch, height, side, width, side, channels], [n, h, down, w, right, c]);
  backend.addon.copyStrided(backend.values(x), 0, y.values, 0, elementBytes(x.dtype) ?? 4, description, false);
  return y;
};

export const placeKernels: KernelTable = {
  Cumsum: scan("Cumsum", false),
  Cumprod: scan("Cumprod", true),
  CumprodGrad: cumprodGrad,
  TopK: topK,
  Reverse: reverse,
  FlipLeftRight: flipLeftRight,
  GatherNd: gatherNd,
  ScatterNd: scatterNd,
  TensorScatterUpdate: tensorScatterUpdate,
  UnsortedSegmentSum: unsortedSegmentSum,
  StridedSlice: stridedSlice,
  MirrorPad: mirrorPad,
  DepthToSpace: depthToSpace,
};
