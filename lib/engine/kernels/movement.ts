/** Kernels that move elements without looking at them, for floats, integers and booleans alike. */
import { backend_util, slice_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { axisFromFront } from "../arguments.ts";
import {
  describe,
  elementBytes,
  fallBack,
  isMovable,
  type KernelBody,
  type KernelCall,
  type KernelTable,
  type Movable,
  product,
  stridesOf,
} from "./kernel.ts";

const concat: KernelBody = (call) => {
  const { backend, attrs } = call;
  const tensors = Object.values<TensorInfo>(call.inputs);
  const [first] = tensors;
  if (first === undefined || !isMovable(first.dtype) || tensors.some(({ dtype }) => dtype !== first.dtype)) {
    return fallBack("Concat", call);
  }
  const [axis = 0] = util.parseAxisParam(attrs.axis, first.shape);
  const shapes = tensors.map(({ shape }) => shape);
  backend_util.assertParamsConsistent(shapes, axis);
  const outShape = backend_util.computeOutShape(shapes, axis);
  const y = backend.output(outShape, first.dtype);
  const width = elementBytes(first.dtype) ?? 4;
  const rows = product(outShape, 0, axis);
  const rowBytes = product(outShape, axis) * width;
  let offset = 0;
  for (const tensor of tensors) {
    const bytes = product(tensor.shape, axis) * width;
    if (bytes > 0) {
      backend.addon.copyRows(backend.values(tensor), 0, bytes, y.values, offset, rowBytes, rows, bytes);
    }
    offset += bytes;
  }
  return y;
};

const splitV: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  if (!isMovable(x.dtype)) {
    return fallBack("SplitV", call);
  }
  const dtype = x.dtype;
  const [axis = 0] = util.parseAxisParam(attrs.axis, x.shape);
  const sizes = backend_util.prepareSplitSize(x, attrs.numOrSizeSplits, axis);
  const width = elementBytes(dtype) ?? 4;
  const rows = product(x.shape, 0, axis);
  const inner = product(x.shape, axis + 1) * width;
  const rowBytes = (x.shape[axis] ?? 1) * inner;
  let offset = 0;
  return sizes.map((size) => {
    const y = backend.output(
      x.shape.map((old, i) => (i === axis ? size : old)),
      dtype,
    );
    const bytes = size * inner;
    if (bytes > 0) {
      backend.addon.copyRows(backend.values(x), offset, rowBytes, y.values, 0, bytes, rows, bytes);
    }
    offset += bytes;
    return y;
  });
};

/** Copies `shape` elements from x, read through `strides` from `offset` on. */
export function copyFrom(
  { backend }: KernelCall,
  x: TensorInfo,
  dtype: Movable,
  shape: number[],
  strides: readonly number[],
  offset: number,
): TensorInfo {
  const y = backend.output(shape, dtype);
  if (y.values.length > 0) {
    const width = elementBytes(dtype) ?? 4;
    backend.addon.copyStrided(backend.values(x), offset, y.values, 0, width, describe(shape, strides), false);
  }
  return y;
}

const slice: KernelBody = (call) => {
  const x: TensorInfo = call.inputs.x;
  if (!isMovable(x.dtype)) {
    return fallBack("Slice", call);
  }
  const [begin = [], size = []] = slice_util.parseSliceParams(x, call.attrs.begin, call.attrs.size);
  slice_util.assertParamsValid(x, begin, size);
  const strides = stridesOf(x.shape);
  const offset = begin.reduce((sum, at, axis) => sum + at * (strides[axis] ?? 0), 0);
  return copyFrom(call, x, x.dtype, size, strides, offset);
};

const transpose: KernelBody = (call) => {
  const x: TensorInfo = call.inputs.x;
  const perm: number[] = call.attrs.perm;
  if (!isMovable(x.dtype)) {
    return fallBack("Transpose", call);
  }
  const strides = stridesOf(x.shape);
  return copyFrom(
    call,
    x,
    x.dtype,
    perm.map((axis) => x.shape[axis] ?? 1),
    perm.map((axis) => strides[axis] ?? 0),
    0,
  );
};

const padV2: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  const paddings: [number, number][] = attrs.paddings;
  if (!isMovable(x.dtype) || x.shape.length === 0) {
    return fallBack("PadV2", call);
  }
  const shape = x.shape.map((size, axis) => size + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0));
  const y = backend.output<Movable>(shape, x.dtype);
  if (y.values instanceof Float32Array) {
    backend.addon.fill(y.values, attrs.constantValue ?? 0, y.values.length);
  } else {
    y.values.fill(attrs.constantValue ?? 0);
  }
  const strides = stridesOf(shape);
  const offset = strides.reduce((sum, stride, axis) => sum + stride * (paddings[axis]?.[0] ?? 0), 0);
  if (product(x.shape) > 0) {
    const width = elementBytes(x.dtype) ?? 4;
    backend.addon.copyStrided(backend.values(x), 0, y.values, offset, width, describe(x.shape, strides), true);
  }
  return y;
};

const tile: KernelBody = (call) => {
  const x: TensorInfo = call.inputs.x;
  const reps: number[] = call.attrs.reps;
  if (!isMovable(x.dtype) || x.shape.length > 4) {
    return fallBack("Tile", call);
  }
  // Every axis becomes two: repeats (stride 0) and the axis itself.
  const strides = stridesOf(x.shape);
  const shape = x.shape.flatMap((size, axis) => [reps[axis] ?? 1, size]);
  const twice = strides.flatMap((stride) => [0, stride]);
  const y = copyFrom(call, x, x.dtype, shape, twice, 0);
  return { ...y, shape: x.shape.map((size, axis) => size * (reps[axis] ?? 1)) };
};

const gatherV2: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, indices }: { x: TensorInfo; indices: TensorInfo } = inputs;
  const batchDims: number = attrs.batchDims ?? 0;
  if (!isMovable(x.dtype) || indices.dtype !== "int32") {
    return fallBack("GatherV2", call);
  }
  const [axis = 0] = util.parseAxisParam(attrs.axis, x.shape);
  const count = x.shape[axis] ?? 0;
  const picked = backend.ints(indices);
  for (const index of picked) {
    util.assert(index >= 0 && index < count, () => `GatherV2: the index value ${index} is not in [0, ${count - 1}]`);
  }
  const info = backend_util.segment_util.collectGatherOpShapeInfo(x, indices, axis, batchDims);
  const y = backend.output(info.outputShape, x.dtype);
  const { batchSize, outerSize: outer, sliceSize } = info;
  const values = backend.values(x);
  const [each, from] = [picked.length / batchSize, outer * count * sliceSize];
  const to = outer * each * sliceSize;
  for (let i = 0; i < batchSize; i++) {
    backend.addon.gather(
      values.subarray(i * from, (i + 1) * from),
      picked.subarray(i * each, (i + 1) * each),
      y.values.subarray(i * to, (i + 1) * to),
      outer,
      count,
      each,
      sliceSize * (elementBytes(x.dtype) ?? 4),
    );
  }
  return y;
};

const oneHot: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const indices: TensorInfo = inputs.indices;
  if (indices.dtype !== "int32" || attrs.dtype !== "float32") {
    return fallBack("OneHot", call);
  }
  const y = backend.output([...indices.shape, attrs.depth]);
  const values = backend.ints(indices);
  backend.addon.oneHot(values, y.values, values.length, attrs.depth, attrs.onValue, attrs.offValue);
  return y;
};

const pack: KernelBody = (call) => {
  const { backend, attrs } = call;
  const tensors: TensorInfo[] = call.inputs;
  const [first] = tensors;
  if (first === undefined || !isMovable(first.dtype) || tensors.some(({ dtype }) => dtype !== first.dtype)) {
    return fallBack("Pack", call);
  }
  for (const tensor of tensors) {
    util.assertShapesMatch(first.shape, tensor.shape, "All tensors passed to stack must have matching shapes");
  }
  const axis = axisFromFront("stack", attrs.axis, first.shape.length + 1);
  const shape = [...first.shape.slice(0, axis), tensors.length, ...first.shape.slice(axis)];
  const y = backend.output(shape, first.dtype);
  const bytes = product(first.shape, axis) * (elementBytes(first.dtype) ?? 4);
  const rows = product(first.shape, 0, axis);
  tensors.forEach((tensor, i) => {
    if (bytes === 0) {
      return;
    }
    backend.addon.copyRows(backend.values(tensor), 0, bytes, y.values, i * bytes, tensors.length * bytes, rows, bytes);
  });
  return y;
};

const unpack: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const value: TensorInfo = inputs.value;
  if (!isMovable(value.dtype)) {
    return fallBack("Unpack", call);
  }
  const dtype = value.dtype;
  const axis = axisFromFront("unstack", attrs.axis, value.shape.length);
  const count = value.shape[axis] ?? 0;
  const shape = value.shape.filter((_, i) => i !== axis);
  const bytes = product(value.shape, axis + 1) * (elementBytes(dtype) ?? 4);
  return Array.from({ length: count }, (_, i) => {
    const y = backend.output(shape, dtype);
    const rows = product(value.shape, 0, axis);
    if (bytes > 0) {
      backend.addon.copyRows(backend.values(value), i * bytes, count * bytes, y.values, 0, bytes, rows, bytes);
    }
    return y;
  });
};

export const movementKernels: KernelTable = {
  Concat: concat,
  SplitV: splitV,
  Slice: slice,
  Transpose: transpose,
  PadV2: padV2,
  Tile: tile,
  GatherV2: gatherV2,
  OneHot: oneHot,
  Pack: pack,
  Unpack: unpack,
};
