/** Grey dilation: the largest sum of a pixel and its place in the filter, with gradients that go to where it was. */
import { backend_util, type TensorInfo } from "@tensorflow/tfjs-core";
import { fallBack, isFloat, type KernelBody, type KernelCall, type KernelTable } from "./kernel.ts";

type Info = ReturnType<typeof backend_util.computeDilation2DInfo>;

/** What no sum is below, as in tfjs: windows without any, or with NaN alone, give it. */
const least = Number.MIN_SAFE_INTEGER;

function infoOf({ inputs, attrs }: KernelCall): Info {
  const [n = 1, h = 1, w = 1, c = 1]: number[] = inputs.x.shape;
  const [rows = 1, columns = 1, depth = 1]: number[] = inputs.filter.shape;
  return backend_util.computeDilation2DInfo(
    [n, h, w, c],
    [rows, columns, depth],
    attrs.strides,
    attrs.pad,
    "NHWC",
    attrs.dilations,
  );
}

/** A window's largest sums: for each channel the sum, the place in the filter and that in the image, of which none is -1. */
interface Found {
  readonly sums: Float64Array;
  readonly taps: Int32Array;
  readonly pixels: Int32Array;
}

/** Calls back with every window; `output` is the place of its first channel, `corner` that of the image's nearest pixel. */
function forWindows(
  info: Info,
  x: ArrayLike<number>,
  filter: ArrayLike<number>,
  body: (found: Found, output: number, corner: number) => void,
): void {
  const channels = info.inChannels;
  const found = {
    sums: new Float64Array(channels),
    taps: new Int32Array(channels),
    pixels: new Int32Array(channels),
  };
  const { sums, taps, pixels } = found;
  let output = 0;
  for (let n = 0; n < info.batchSize; n++) {
    for (let i = 0; i < info.outHeight; i++) {
      for (let j = 0; j < info.outWidth; j++, output += channels) {
        const [top, left] = [i * info.strideHeight - info.padInfo.top, j * info.strideWidth - info.padInfo.left];
        sums.fill(least);
        taps.fill(-1);
        for (let tap = 0; tap < info.filterHeight * info.filterWidth; tap++) {
          const row = top + Math.floor(tap / info.filterWidth) * info.dilationHeight;
          const column = left + (tap % info.filterWidth) * info.dilationWidth;
          if (row < 0 || row >= info.inHeight || column < 0 || column >= info.inWidth) {
            continue;
          }
          const pixel = ((n * info.inHeight + row) * info.inWidth + column) * channels;
          for (let c = 0; c < channels; c++) {
            const sum = (x[pixel + c] ?? 0) + (filter[tap * channels + c] ?? 0);
            if (sum > (sums[c] ?? 0)) {
              sums[c] = sum;
              taps[c] = tap;
              pixels[c] = pixel;
            }
          }
        }
        const corner = (n * info.inHeight + Math.max(0, top)) * info.inWidth + Math.max(0, left);
        body(found, output, corner * channels);
      }
    }
  }
}

const dilation2D: KernelBody = (call) => {
  const { backend, inputs } = call;
  const { x, filter }: { x: TensorInfo; filter: TensorInfo } = inputs;
  const dtype = x.dtype;
  if (dtype !== "float32" && dtype !== "int32") {
    return fallBack("Dilation2D", call);
  }
  const info = infoOf(call);
  const y = backend.output(info.outShape, dtype);
  forWindows(info, backend.values(x), backend.values(filter), ({ sums }, output) => y.values.set(sums, output));
  return y;
};

/** Where there is no largest sum, tfjs gives the gradient to the first place. */
const backpropFilter: KernelBody = (call) => {
  const { backend, inputs } = call;
  const { x, filter, dy }: { x: TensorInfo; filter: TensorInfo; dy: TensorInfo } = inputs;
  if (!isFloat(x, filter, dy)) {
    return fallBack("Dilation2DBackpropFilter", call);
  }
  const info = infoOf(call);
  const sums = new Float64Array(info.filterHeight * info.filterWidth * info.inChannels);
  const gradients = backend.values(dy);
  forWindows(info, backend.values(x), backend.values(filter), ({ taps }, output) => {
    for (let c = 0; c < info.inChannels; c++) {
      const at = Math.max(0, taps[c] ?? 0) * info.inChannels + c;
      sums[at] = (sums[at] ?? 0) + (gradients[output + c] ?? 0);
    }
  });
  const dw = backend.output(filter.shape);
  dw.values.set(sums);
  return dw;
};

const backpropInput: KernelBody = (call) => {
  const { backend, inputs } = call;
  const { x, filter, dy }: { x: TensorInfo; filter: TensorInfo; dy: TensorInfo } = inputs;
  if (!isFloat(x, filter, dy)) {
    return fallBack("Dilation2DBackpropInput", call);
  }
  const info = infoOf(call);
  const dx = backend.output(x.shape);
  dx.values.fill(0);
  const gradients = backend.values(dy);
  forWindows(info, backend.values(x), backend.values(filter), ({ taps, pixels }, output, corner) => {
    for (let c = 0; c < info.inChannels; c++) {
      const at = ((taps[c] ?? -1) < 0 ? corner : (pixels[c] ?? 0)) + c;
      dx.values[at] = (dx.values[at] ?? 0) + (gradients[output + c] ?? 0);
    }
  });
  return dx;
};

export const morphologyKernels: KernelTable = {
  Dilation2D: dilation2D,
  Dilation2DBackpropFilter: backpropFilter,
  Dilation2DBackpropInput: backpropInput,
};
