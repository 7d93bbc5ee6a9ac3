/**
 * Convolutions of volumes as convolutions of images: an output plane is one of an image whose channels are those of all input planes that
 * the filter sees, and so are the gradients.
 */
import { backend_util, type TensorInfo } from "@tensorflow/tfjs-core";
import type { NativeBackend } from "../backend.ts";
import { activations } from "../native-numbers.ts";
import { roundsFactors } from "../precision.ts";
import { fallBack, isFloat, type KernelBody, type KernelTable, product } from "./kernel.ts";

type Info = backend_util.Conv3DInfo;

/** Planes [pixels, channels] one behind the other. */
interface Planes {
  readonly values: Float32Array;
  readonly pixels: number;
  readonly channels: number;
}

/** The numbers of the planes that lie side by side in one; undefined for a plane of zeros. */
type Side = readonly (number | undefined)[];

/** So many floats of planes side by side are made at a time: 16 MB. */
const most = 1 << 22;

/** Planes [pixels, side, channels]: the pixels of several planes side by side. */
function sideBySide(backend: NativeBackend, { values, pixels, channels }: Planes, sides: readonly Side[]): TensorInfo {
  const width = sides[0]?.length ?? 0;
  const y = backend.output([sides.length, pixels, width * channels]);
  const [bytes, rowBytes] = [channels * 4, width * channels * 4];
  const zeros = new Float32Array(channels);
  sides.forEach((side, i) => {
    side.forEach((plane, k) => {
      const [from, start, step] = plane === undefined ? [zeros, 0, 0] : [values, plane * pixels * bytes, bytes];
      backend.addon.copyRows(from, start, step, y.values, i * pixels * rowBytes + k * bytes, rowBytes, pixels, bytes);
    });
  });
  return y;
}

/** Calls back with the planes side by side, a part of `sides` at a time. */
function forParts(
  backend: NativeBackend,
  planes: Planes,
  sides: readonly Side[],
  body: (values: Float32Array, from: number, count: number) => void,
): void {
  const { values, pixels, channels } = planes;
  const size = pixels * channels;
  const first = sides[0]?.[0];
  const asTheyLie = first !== undefined && sides.every((side, i) => side.length === 1 && side[0] === first + i);
  if (asTheyLie) {
    body(values.subarray(first * size, (first + sides.length) * size), 0, sides.length);
    return;
  }
  const step = Math.max(1, Math.floor(most / Math.max(1, size * (sides[0]?.length ?? 1))));
  for (let from = 0; from < sides.length; from += step) {
    const part = sides.slice(from, from + step);
    const made = sideBySide(backend, planes, part);
    body(backend.values(made), from, part.length);
    backend.disposeData(made.dataId);
  }
}

/** For each output plane of all volumes, the input planes that the filter's planes see. */
function seenBy(info: Info): Side[] {
  const taps = Array.from({ length: info.filterDepth }, (_, k) => k * info.dilationDepth - info.padInfo.front);
  return Array.from({ length: info.batchSize * info.outDepth }, (_, plane) => {
    const volume = Math.floor(plane / info.outDepth);
    const start = (plane % info.outDepth) * info.strideDepth;
    return taps.map((tap) => {
      const at = start + tap;
      return at >= 0 && at < info.inDepth ? volume * info.inDepth + at : undefined;
    });
  });
}

/** The sizes of a convolution of planes as the native code reads them. */
function planeSizes(info: Info, images: number, inChannels: number, outChannels: number): Int32Array {
  const { top, left } = info.padInfo;
  return Int32Array.of(
    ...[images, info.inHeight, info.inWidth, inChannels, info.outHeight, info.outWidth, outChannels],
    ...[info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth, top, left],
    ...[info.dilationHeight, info.dilationWidth, 1],
  );
}

const inPixels = (info: Info): number => info.inHeight * info.inWidth;
const outPixels = (info: Info): number => info.outHeight * info.outWidth;
const filterPixels = (info: Info): number => info.filterHeight * info.filterWidth;

const counting = (length: number): number[] => Array.from({ length }, (_, i) => i);

const conv3D: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, filter }: { x: TensorInfo; filter: TensorInfo } = inputs;
  if (!isFloat(x, filter)) {
    return fallBack("Conv3D", call);
  }
  const info = infoOf(x.shape, filter.shape, attrs, attrs.dilations);
  const y = backend.output(info.outShape);
  if (product(x.shape) === 0 || y.values.length === 0) {
    y.values.fill(0);
    return y;
  }
  const { inChannels, outChannels, filterDepth } = info;
  const weights = { values: backend.values(filter), pixels: filterPixels(info), channels: inChannels * outChannels };
  const w = sideBySide(backend, weights, [counting(filterDepth)]);
  const planes = { values: backend.values(x), pixels: inPixels(info), channels: inChannels };
  forParts(backend, planes, seenBy(info), (values, from, count) => {
    const size = outPixels(info) * outChannels;
    backend.addon.conv2d(
      planeSizes(info, count, filterDepth * inChannels, outChannels),
      values,
      backend.values(w),
      undefined,
      undefined,
      activations.linear,
      y.values.subarray(from * size, (from + count) * size),
      roundsFactors(),
    );
  });
  backend.disposeData(w.dataId);
  return y;
};

/** Where the stride is more than one, input planes of one remainder are seen by the same planes of the filter. */
const conv3DBackpropInput: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { dy, filter }: { dy: TensorInfo; filter: TensorInfo } = inputs;
  if (!isFloat(dy, filter)) {
    return fallBack("Conv3DBackpropInputV2", call);
  }
  const info = infoOf(attrs.inputShape, filter.shape, attrs, 1);
  const dx = backend.output(info.inShape);
  if (product(dy.shape) === 0 || dx.values.length === 0) {
    dx.values.fill(0);
    return dx;
  }
  const { inDepth, outDepth, inChannels, outChannels, strideDepth, padInfo } = info;
  const weights = {
    values: backend.values(filter),
    pixels: filterPixels(info) * inChannels,
    channels: outChannels,
  };
  const gradients = { values: backend.values(dy), pixels: outPixels(info), channels: outChannels };
  const size = inPixels(info) * inChannels;
  for (let remainder = 0; remainder < strideDepth; remainder++) {
    const taps = counting(info.filterDepth).filter((k) => k % strideDepth === remainder);
    const targets = counting(info.batchSize * inDepth).filter(
      (plane) => ((plane % inDepth) + padInfo.front) % strideDepth === remainder,
    );
    if (taps.length === 0) {
      for (const plane of targets) {
        dx.values.fill(0, plane * size, (plane + 1) * size);
      }
      continue;
    }
    const sides = targets.map((plane) =>
      taps.map((k) => {
        const at = ((plane % inDepth) + padInfo.front - k) / strideDepth;
        return at >= 0 && at < outDepth ? Math.floor(plane / inDepth) * outDepth + at : undefined;
      }),
    );
    const w = sideBySide(backend, weights, [taps]);
    forParts(backend, gradients, sides, (values, from, count) => {
      const sizes = planeSizes(info, count, inChannels, taps.length * outChannels);
      if (strideDepth === 1) {
        const part = dx.values.subarray(from * size, (from + count) * size);
        backend.addon.conv2dInputGrad(sizes, values, backend.values(w), part);
        return;
      }
      const part = backend.output([count, size]);
      backend.addon.conv2dInputGrad(sizes, values, backend.values(w), part.values);
      targets.slice(from, from + count).forEach((plane, i) => {
        dx.values.set(part.values.subarray(i * size, (i + 1) * size), plane * size);
      });
      backend.disposeData(part.dataId);
    });
    backend.disposeData(w.dataId);
  }
  return dx;
};

const conv3DBackpropFilter: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { x, dy }: { x: TensorInfo; dy: TensorInfo } = inputs;
  if (!isFloat(x, dy)) {
    return fallBack("Conv3DBackpropFilterV2", call);
  }
  const info = infoOf(x.shape, attrs.filterShape, attrs, 1);
  const dw = backend.output(info.filterShape);
  if (product(x.shape) === 0 || product(dy.shape) === 0) {
    dw.values.fill(0);
    return dw;
  }
  const { inChannels, outChannels, filterDepth } = info;
  const planes = { values: backend.values(x), pixels: inPixels(info), channels: inChannels };
  const gradients = backend.values(dy);
  let sum: TensorInfo | undefined;
  forParts(backend, planes, seenBy(info), (values, from, count) => {
    const size = outPixels(info) * outChannels;
    const part = backend.output([dw.values.length]);
    backend.addon.conv2dFilterGrad(
      planeSizes(info, count, filterDepth * inChannels, outChannels),
      values,
      gradients.subarray(from * size, (from + count) * size),
      part.values,
      undefined,
    );
    if (sum === undefined) {
      sum = part;
    } else {
      backend.addInPlace(sum, part);
      backend.disposeData(part.dataId);
    }
  });
  if (sum === undefined) {
    dw.values.fill(0);
    return dw;
  }
  const summed: TensorInfo = sum;
  const [pixels, bytes] = [filterPixels(info), inChannels * outChannels * 4];
  for (let k = 0; k < filterDepth; k++) {
    const to = k * pixels * bytes;
    backend.addon.copyRows(backend.values(summed), k * bytes, filterDepth * bytes, dw.values, to, bytes, pixels, bytes);
  }
  backend.disposeData(summed.dataId);
  return dw;
};

type Shape5D = Info["inShape"];

function infoOf(
  shape: readonly number[],
  filterShape: readonly number[],
  attrs: { readonly strides: number; readonly pad: "valid" | "same" },
  dilations: number | [number, number, number] | undefined,
): Info {
  return backend_util.computeConv3DInfo(
    fiveSizes(shape),
    fiveSizes(filterShape),
    attrs.strides,
    dilations ?? 1,
    attrs.pad,
  );
}

function fiveSizes([a = 1, b = 1, c = 1, d = 1, e = 1]: readonly number[]): Shape5D {
  return [a, b, c, d, e];
}

export const volumeKernels: KernelTable = {
  Conv3D: conv3D,
  Conv3DBackpropInputV2: conv3DBackpropInput,
  Conv3DBackpropFilterV2: conv3DBackpropFilter,
};
