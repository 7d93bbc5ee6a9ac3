/** Pools of volumes: of their planes as images, then along the depth. Pools that keep positions are here, too. */
import { backend_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { NativeBackend, Output } from "../backend.ts";
import { fallBack, isFloat, type KernelBody, type KernelCall, type KernelTable } from "./kernel.ts";
import { infoOf, maxTaps, poolSizes } from "./pooling.ts";

type Info = backend_util.Conv3DInfo;

function volumeInfo({ attrs }: KernelCall, [n = 1, d = 1, h = 1, w = 1, c = 1]: readonly number[]): Info {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  return backend_util.computePool3DInfo([n, d, h, w, c], filterSize, strides, 1, pad, dimRoundingMode, "NDHWC");
}

/** The two pools that one of volumes is: [N * D, H, W, C] -> [N * D, H', W', C], then [N, D, H' * W', C] -> [N, D', H' * W', C]. */
function bothSizes(info: Info, countPad = false): [planes: Int32Array, depths: Int32Array] {
  const { batchSize: n, inDepth: d, inChannels: c, padInfo } = info;
  const flags = countPad ? 1 : 0;
  const pixels = info.outHeight * info.outWidth;
  return [
    Int32Array.of(
      ...[n * d, info.inHeight, info.inWidth, c, info.outHeight, info.outWidth, info.filterHeight, info.filterWidth],
      ...[info.strideHeight, info.strideWidth, padInfo.top, padInfo.left, info.dilationHeight, info.dilationWidth],
      flags,
    ),
    Int32Array.of(
      ...[n, d, pixels, c, info.outDepth, pixels, info.filterDepth, 1],
      ...[info.strideDepth, 1, padInfo.front, 0, info.dilationDepth, 1, flags],
    ),
  ];
}

/** What lies between the two pools. */
function between(backend: NativeBackend, info: Info): Output {
  return backend.output([info.batchSize, info.inDepth, info.outHeight, info.outWidth, info.inChannels]);
}

/** The places of an axis' outputs whose windows lie outside of the input altogether. */
function outsideOf(outputs: number, length: number, taps: readonly number[], stride: number): number[] {
  const isInside = (at: number): boolean => at >= 0 && at < length;
  return counting(outputs).filter((i) => !taps.some((tap) => isInside(i * stride + tap)));
}

const counting = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** Means of nothing are 0, as in the CPU backend. */
function clearOutside(info: Info, y: Float32Array): void {
  const tapsOf = (filter: number, dilation: number, before: number): number[] =>
    counting(filter).map((k) => k * dilation - before);
  const { front, top, left } = info.padInfo;
  const outside = [
    outsideOf(info.outDepth, info.inDepth, tapsOf(info.filterDepth, info.dilationDepth, front), info.strideDepth),
    outsideOf(info.outHeight, info.inHeight, tapsOf(info.filterHeight, info.dilationHeight, top), info.strideHeight),
    outsideOf(info.outWidth, info.inWidth, tapsOf(info.filterWidth, info.dilationWidth, left), info.strideWidth),
  ];
  let [outer, inner] = [info.batchSize, y.length / Math.max(1, info.batchSize)];
  for (const [axis, places] of outside.entries()) {
    const length = [info.outDepth, info.outHeight, info.outWidth][axis] ?? 1;
    inner /= length;
    for (const place of places) {
      for (let i = 0; i < outer; i++) {
        y.fill(0, (i * length + place) * inner, (i * length + place + 1) * inner);
      }
    }
    outer *= length;
  }
}

type Pool = (backend: NativeBackend, sizes: Int32Array, x: Float32Array, y: Float32Array) => void;

function pool(name: string, run: Pool, finish?: (info: Info, y: Float32Array) => void): KernelBody {
  return (call) => {
    const { backend } = call;
    const x: TensorInfo = call.inputs.x;
    if (!isFloat(x)) {
      return fallBack(name, call);
    }
    const info = volumeInfo(call, x.shape);
    const [planes, depths] = bothSizes(info);
    const middle = between(backend, info);
    run(backend, planes, backend.values(x), middle.values);
    const y = backend.output(info.outShape);
    run(backend, depths, middle.values, y.values);
    backend.disposeData(middle.dataId);
    finish?.(info, y.values);
    return y;
  };
}

const avgPool3DGrad: KernelBody = (call) => {
  const { backend, inputs } = call;
  const { dy, input }: { dy: TensorInfo; input: TensorInfo } = inputs;
  if (!isFloat(dy)) {
    return fallBack("AvgPool3DGrad", call);
  }
  const info = volumeInfo(call, input.shape);
  // tfjs spreads a gradient over the whole window, border or not.
  const [planes, depths] = bothSizes(info, true);
  const middle = between(backend, info);
  backend.addon.avgPoolGrad(depths, backend.values(dy), middle.values);
  const dx = backend.output(info.inShape);
  backend.addon.avgPoolGrad(planes, middle.values, dx.values);
  backend.disposeData(middle.dataId);
  return dx;
};

/** Of equal values the first takes the gradient, as in pools of images and in PyTorch. */
const maxPool3DGrad: KernelBody = (call) => {
  const { backend, inputs } = call;
  const { dy, input }: { dy: TensorInfo; input: TensorInfo } = inputs;
  const info = volumeInfo(call, input.shape);
  if (!isFloat(dy, input) || info.filterHeight * info.filterWidth > maxTaps || info.filterDepth > maxTaps) {
    return fallBack("MaxPool3DGrad", call);
  }
  const [planes, depths] = bothSizes(info);
  const middle = between(backend, info);
  const y = backend.output(info.outShape);
  const inPlane = backend.output(middle.shape, "bool");
  const inDepth = backend.output(info.outShape, "bool");
  backend.addon.maxPool(planes, backend.values(input), middle.values, inPlane.values);
  backend.addon.maxPool(depths, middle.values, y.values, inDepth.values);
  backend.addon.maxPoolGrad(depths, backend.values(dy), inDepth.values, middle.values);
  const dx = backend.output(info.inShape);
  backend.addon.maxPoolGrad(planes, middle.values, inPlane.values, dx.values);
  for (const { dataId } of [middle, y, inPlane, inDepth]) {
    backend.disposeData(dataId);
  }
  return dx;
};

/** [y, positions in the image, or in the batch]; -1 where a window holds nothing larger than -Infinity. */
const maxPoolWithArgmax: KernelBody = (call) => {
  const { backend, attrs } = call;
  const x: TensorInfo = call.inputs.x;
  util.assert(x.shape.length === 4, () => `maxPoolWithArgmax: x must be of rank 4, got rank ${x.shape.length}.`);
  const info = infoOf(call, x.shape);
  if (!isFloat(x) || info.filterHeight * info.filterWidth > maxTaps) {
    return fallBack("MaxPoolWithArgmax", call);
  }
  const y = backend.output(info.outShape);
  const taps = backend.output(info.outShape, "bool");
  backend.addon.maxPool(poolSizes(info), backend.values(x), y.values, taps.values);
  const positions = backend.output(info.outShape, "int32");
  const { inHeight, inWidth, inChannels, outHeight, outWidth, filterWidth, padInfo } = info;
  for (let at = 0, n = 0; n < info.batchSize; n++) {
    const image = attrs.includeBatchInIndex === true ? n * inHeight : 0;
    for (let i = 0; i < outHeight; i++) {
      for (let j = 0; j < outWidth; j++) {
        const [top, left] = [i * info.strideHeight - padInfo.top, j * info.strideWidth - padInfo.left];
        for (let c = 0; c < inChannels; c++, at++) {
          const tap = taps.values[at] ?? 0;
          const row = image + top + Math.floor(tap / filterWidth) * info.dilationHeight;
          const column = left + (tap % filterWidth) * info.dilationWidth;
          const found = y.values[at] !== Number.NEGATIVE_INFINITY;
          positions.values[at] = found ? (row * inWidth + column) * inChannels + c : -1;
        }
      }
    }
  }
  backend.disposeData(taps.dataId);
  return [y, positions];
};

export const volumePoolingKernels: KernelTable = {
  MaxPool3D: pool("MaxPool3D", ({ addon }, sizes, x, y) => addon.maxPool(sizes, x, y, undefined)),
  AvgPool3D: pool("AvgPool3D", ({ addon }, sizes, x, y) => addon.avgPool(sizes, x, y), clearOutside),
  AvgPool3DGrad: avgPool3DGrad,
  MaxPool3DGrad: maxPool3DGrad,
  MaxPoolWithArgmax: maxPoolWithArgmax,
};
