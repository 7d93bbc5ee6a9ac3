/** Blocks of an image as images of a batch, and back: one copy, with another before or behind where there is a border. */
import { backend_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import {
  describe,
  fallBack,
  isMovable,
  type KernelBody,
  type KernelTable,
  kernelIn,
  maxRank,
  product,
  stridesOf,
} from "./kernel.ts";
import { copyFrom, movementKernels } from "./movement.ts";

type Sides = readonly (readonly [number, number])[];

const slice = kernelIn(movementKernels, "Slice");
const padV2 = kernelIn(movementKernels, "PadV2");

/** Whether a shape with strides is more than the native code can walk through. */
const isTooDeep = (shape: readonly number[], strides: readonly number[]): boolean =>
  (describe(shape, strides)[0] ?? 0) > maxRank;

const spaceToBatch: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  const blocks: number[] = attrs.blockShape;
  const paddings: Sides = attrs.paddings;
  if (!isMovable(x.dtype)) {
    return fallBack("SpaceToBatchND", call);
  }
  const sides = x.shape.map((_, axis) => (axis === 0 ? [0, 0] : (paddings[axis - 1] ?? [0, 0])));
  const hasBorder = sides.some(([before, after]) => before !== 0 || after !== 0);
  const shape = x.shape.map((size, axis) => size + (sides[axis]?.[0] ?? 0) + (sides[axis]?.[1] ?? 0));
  // [N, H, W, C] read as [block row, block column, N, H, W, C].
  const strides = stridesOf(shape);
  const inner = shape.map((size, axis) => (axis === 0 ? size : size / (blocks[axis - 1] ?? 1)));
  const steps = strides.map((stride, axis) => (axis === 0 ? stride : stride * (blocks[axis - 1] ?? 1)));
  const from = [...strides.slice(1, 1 + blocks.length), ...steps];
  if (isTooDeep([...blocks, ...inner], from)) {
    return fallBack("SpaceToBatchND", call);
  }
  const padded = hasBorder ? padV2({ backend, inputs: { x }, attrs: { paddings: sides, constantValue: 0 } }) : x;
  const y = copyFrom(call, padded, x.dtype, [...blocks, ...inner], from, 0);
  if (hasBorder) {
    backend.disposeData(padded.dataId);
  }
  return { ...y, shape: inner.with(0, (x.shape[0] ?? 0) * product(blocks)) };
};

const batchToSpace: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  const blocks: number[] = attrs.blockShape;
  const crops: [number, number][] = attrs.crops;
  const batch = (x.shape[0] ?? 0) / product(blocks);
  // [block row, block column, N, H, W, C] read as [N, H, block row, W, block column, C].
  const split = [...blocks, batch, ...x.shape.slice(1)];
  const own = stridesOf(split);
  const order = [blocks.length, ...blocks.flatMap((_, i) => [blocks.length + 1 + i, i])];
  const axes = [...order, ...split.flatMap((_, axis) => (axis > 2 * blocks.length ? [axis] : []))];
  const [sizes, strides] = [axes.map((axis) => split[axis] ?? 1), axes.map((axis) => own[axis] ?? 0)];
  if (!isMovable(x.dtype) || !Number.isInteger(batch) || isTooDeep(sizes, strides)) {
    return fallBack("BatchToSpaceND", call);
  }
  const shape = x.shape.map((size, axis) => (axis === 0 ? batch : size * (blocks[axis - 1] ?? 1)));
  const whole = { ...copyFrom(call, x, x.dtype, sizes, strides, 0), shape };
  const begin = backend_util.getSliceBeginCoords(crops, blocks.length);
  const size = backend_util.getSliceSize(shape, crops, blocks.length);
  if (util.arraysEqual(size, shape)) {
    return whole;
  }
  const y = slice({ backend, inputs: { x: whole }, attrs: { begin, size } });
  backend.disposeData(whole.dataId);
  return y;
};

export const blockKernels: KernelTable = { SpaceToBatchND: spaceToBatch, BatchToSpaceND: batchToSpace };
