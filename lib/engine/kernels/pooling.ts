/** Pools, pools that keep where their maxima came from, and resizing. */
import { backend_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { castOps } from "../native-numbers.ts";
import { fallBack, isFloat, type KernelBody, type KernelCall, type KernelTable } from "./kernel.ts";

type PoolInfo = backend_util.Conv2DInfo;

/** Shapes and paddings that a call's attributes describe. */
export function infoOf({ attrs }: KernelCall, shape: number[]): PoolInfo {
  const [batch = 1, height = 1, width = 1, channels = 1] = shape;
  return backend_util.computePool2DInfo(
    [batch, height, width, channels],
    attrs.filterSize,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
}

/** How a pool deals with what is not an ordinary value. */
export interface PoolHabits {
  /** Whether a mean counts the border. */
  readonly countPad?: boolean;
  /** Whether a maximum of NaN and others is NaN, as in PyTorch; tfjs passes over NaN. */
  readonly keepNan?: boolean;
}

/** The same as the native code reads it. */
export function poolSizes(info: PoolInfo, { countPad = false, keepNan = false }: PoolHabits = {}): Int32Array {
  return Int32Array.of(
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outHeight,
    info.outWidth,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.padInfo.top,
    info.padInfo.left,
    info.dilationHeight,
    info.dilationWidth,
    (countPad ? 1 : 0) | (keepNan ? 2 : 0),
  );
}

/** So many pixels a window has at most whose maximum is kept in a byte. */
export const maxTaps = 255;

/** tfjs takes a pool of single pixels that keeps the shape for no pool at all, whatever its stride. */
function identity({ backend, inputs }: KernelCall, info: PoolInfo): TensorInfo | undefined {
  const x: TensorInfo = inputs.x;
  if (info.filterHeight !== 1 || info.filterWidth !== 1 || !util.arraysEqual(info.inShape, info.outShape)) {
    return undefined;
  }
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}

/** {x} -> y; with the attribute `keepNan` NaN is the largest value of all, which tfjs's own calls do not ask for. */
const maxPool: KernelBody = (call) => {
  const { backend, attrs } = call;
  const x: TensorInfo = call.inputs.x;
  if (!isFloat(x)) {
    return fallBack("MaxPool", call);
  }
  const info = infoOf(call, x.shape);
  const same = identity(call, info);
  if (same !== undefined) {
    return same;
  }
  const y = backend.output(info.outShape);
  backend.addon.maxPool(poolSizes(info, { keepNan: attrs.keepNan === true }), backend.values(x), y.values, undefined);
  return y;
};

const maxPoolGrad: KernelBody = (call) => {
  const { backend, inputs } = call;
  const { dy, input } = inputs;
  const info = infoOf(call, input.shape);
  if (!isFloat(dy, input) || info.filterHeight * info.filterWidth > maxTaps) {
    return fallBack("MaxPoolGrad", call);
  }
  const y = backend.output(info.outShape);
  const index = backend.output(info.outShape, "bool");
  const dx = backend.output(info.inShape);
  const sizes = poolSizes(info);
  backend.addon.maxPool(sizes, backend.values(input), y.values, index.values);
  backend.addon.maxPoolGrad(sizes, backend.values(dy), index.values, dx.values);
  backend.disposeData(y.dataId);
  backend.disposeData(index.dataId);
  return dx;
};

/** [y, index]: the index (one byte an output, kept as a boolean tensor) makes the gradient a single pass. */
const maxPoolKeepIndex: KernelBody = (call) => {
  const { backend } = call;
  const x: TensorInfo = call.inputs.x;
  const info = infoOf(call, x.shape);
  const y = backend.output(info.outShape);
  const index = backend.output(info.outShape, "bool");
  backend.addon.maxPool(poolSizes(info, { keepNan: true }), backend.values(x), y.values, index.values);
  return [y, index];
};

const maxPoolKeepIndexGrad: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const info = infoOf(call, attrs.inputShape);
  const dx = backend.output(info.inShape);
  backend.addon.maxPoolGrad(poolSizes(info), backend.values(inputs.dy), backend.bytes(inputs.index), dx.values);
  return dx;
};

function avgPool(name: string, countPad: boolean): KernelBody {
  return (call) => {
    const { backend } = call;
    const x: TensorInfo = call.inputs.x;
    if (!isFloat(x)) {
      return fallBack(name, call);
    }
    const info = infoOf(call, x.shape);
    const same = identity(call, info);
    if (same !== undefined) {
      return same;
    }
    const y = backend.output(info.outShape);
    backend.addon.avgPool(poolSizes(info, { countPad }), backend.values(x), y.values);
    return y;
  };
}

const avgPoolGrad: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { dy, input } = inputs;
  const info = infoOf(call, attrs.inputShape ?? input.shape);
  if (!isFloat(dy)) {
    return fallBack("AvgPoolGrad", call);
  }
  const dx = backend.output(info.inShape);
  // tfjs spreads a gradient over the whole window, border or not.
  backend.addon.avgPoolGrad(poolSizes(info, { countPad: true }), backend.values(dy), dx.values);
  return dx;
};

function resizeSizes(shape: number[], size: readonly number[], attrs: KernelCall["attrs"]): Int32Array {
  const [batch = 0, height = 0, width = 0, channels = 0] = shape;
  const [outHeight = 0, outWidth = 0] = size;
  const flags = [attrs.alignCorners ? 1 : 0, attrs.halfPixelCenters ? 1 : 0];
  return Int32Array.of(batch, height, width, channels, outHeight, outWidth, ...flags);
}

/** Pixels that are only moved are four bytes each, whatever these mean. */
function bitsOf(values: Float32Array | Int32Array): Float32Array {
  return values instanceof Float32Array ? values : new Float32Array(values.buffer, values.byteOffset, values.length);
}

function resize(name: string, bilinear: boolean): KernelBody {
  return (call) => {
    const { backend, inputs, attrs } = call;
    const x: TensorInfo = inputs.images;
    const isInteger = x.dtype === "int32";
    if (!isFloat(x) && !isInteger) {
      return fallBack(name, call);
    }
    const [batch = 0, , , channels = 0] = x.shape;
    const shape = [batch, attrs.size[0], attrs.size[1], channels];
    const sizes = resizeSizes(x.shape, attrs.size, attrs);
    if (isInteger && bilinear) {
      const floats = backend.output(x.shape);
      backend.addon.cast(castOps.intToFloat, backend.ints(x), floats.values, floats.values.length);
      const y = backend.output(shape);
      backend.addon.resize(bilinear, sizes, floats.values, y.values);
      backend.disposeData(floats.dataId);
      return y;
    }
    const y = backend.output(shape, isInteger ? "int32" : "float32");
    backend.addon.resize(bilinear, sizes, bitsOf(backend.values(x)), bitsOf(y.values));
    return y;
  };
}

function resizeGrad(name: string, bilinear: boolean): KernelBody {
  return (call) => {
    const { backend, inputs, attrs } = call;
    const { images, dy }: { images: TensorInfo; dy: TensorInfo } = inputs;
    if (!isFloat(images, dy)) {
      return fallBack(name, call);
    }
    const dx = backend.output(images.shape);
    const sizes = resizeSizes(images.shape, dy.shape.slice(1, 3), attrs);
    backend.addon.resizeGrad(bilinear, sizes, backend.values(dy), dx.values);
    return dx;
  };
}

export const poolingKernels: KernelTable = {
  MaxPool: maxPool,
  MaxPoolGrad: maxPoolGrad,
  AvgPool: avgPool("AvgPool", false),
  AvgPoolCountPad: avgPool("AvgPoolCountPad", true),
  AvgPoolGrad: avgPoolGrad,
  MaxPoolKeepIndex: maxPoolKeepIndex,
  MaxPoolKeepIndexGrad: maxPoolKeepIndexGrad,
  ResizeBilinear: resize("ResizeBilinear", true),
  ResizeBilinearGrad: resizeGrad("ResizeBilinearGrad", true),
  ResizeNearestNeighbor: resize("ResizeNearestNeighbor", false),
  ResizeNearestNeighborGrad: resizeGrad("ResizeNearestNeighborGrad", false),
};
