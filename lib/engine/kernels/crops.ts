/** Parts of images, cut out, turned and warped: each output pixel is read at a place in the image. */
import { backend_util, type TensorInfo } from "@tensorflow/tfjs-core";
import { fallBack, isMovable, type KernelBody, type KernelTable } from "./kernel.ts";
import { mapped } from "./warps.ts";

/** Places along one axis: the pixels on both sides and how far between them; -1 outside of the image. */
interface Places {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly between: Float64Array;
  readonly nearest: Int32Array;
}

function placesOf(count: number, from: number, to: number, length: number): Places {
  const [low, high] = [new Int32Array(count), new Int32Array(count)];
  const [between, nearest] = [new Float64Array(count), new Int32Array(count)];
  const step = count > 1 ? ((to - from) * (length - 1)) / (count - 1) : 0;
  for (let i = 0; i < count; i++) {
    const at = count > 1 ? from * (length - 1) + i * step : 0.5 * (from + to) * (length - 1);
    const isInside = at >= 0 && at <= length - 1;
    low[i] = isInside ? Math.floor(at) : -1;
    high[i] = Math.ceil(at);
    between[i] = at - Math.floor(at);
    nearest[i] = Math.round(at);
  }
  return { low, high, between, nearest };
}

const cropAndResize: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { image, boxes, boxInd }: { image: TensorInfo; boxes: TensorInfo; boxInd: TensorInfo } = inputs;
  const [batch = 0, height = 0, width = 0, channels = 0] = image.shape;
  const [rows, columns]: [number, number] = attrs.cropSize;
  if (!isMovable(image.dtype)) {
    return fallBack("CropAndResize", call);
  }
  const count = boxes.shape[0] ?? 0;
  const y = backend.output([count, rows, columns, channels]);
  const out = y.values;
  const [x, corners, images] = [backend.values(image), backend.values(boxes), backend.values(boxInd)];
  const isBilinear = attrs.method === "bilinear";
  const line = columns * channels;
  for (let box = 0; box < count; box++) {
    const first = (images[box] ?? 0) * height * width * channels;
    const crop = box * rows * line;
    if ((images[box] ?? 0) >= batch) {
      out.fill(0, crop, crop + rows * line);
      continue;
    }
    const [top = 0, left = 0, bottom = 0, right = 0] = corners.subarray(box * 4, box * 4 + 4);
    const down = placesOf(rows, top, bottom, height);
    const across = placesOf(columns, left, right, width);
    for (let i = 0; i < rows; i++) {
      let to = crop + i * line;
      if ((down.low[i] ?? -1) < 0) {
        out.fill(attrs.extrapolationValue, to, to + line);
        continue;
      }
      const upper = first + (isBilinear ? (down.low[i] ?? 0) : (down.nearest[i] ?? 0)) * width * channels;
      const lower = first + (down.high[i] ?? 0) * width * channels;
      const share = down.between[i] ?? 0;
      for (let j = 0; j < columns; j++, to += channels) {
        const start = across.low[j] ?? -1;
        if (start < 0) {
          out.fill(attrs.extrapolationValue, to, to + channels);
        } else if (isBilinear) {
          const [a, b] = [start * channels, (across.high[j] ?? 0) * channels];
          const part = across.between[j] ?? 0;
          for (let c = 0; c < channels; c++) {
            const [p, q] = [x[upper + a + c] ?? 0, x[lower + a + c] ?? 0];
            const over = p + ((x[upper + b + c] ?? 0) - p) * part;
            const under = q + ((x[lower + b + c] ?? 0) - q) * part;
            out[to + c] = over + (under - over) * share;
          }
        } else {
          const at = upper + (across.nearest[j] ?? 0) * channels;
          for (let c = 0; c < channels; c++) {
            out[to + c] = x[at + c] ?? 0;
          }
        }
      }
    }
  }
  return y;
};

const rotateWithOffset: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const image: TensorInfo = inputs.image;
  const dtype = image.dtype;
  if (!isMovable(dtype)) {
    return fallBack("RotateWithOffset", call);
  }
  const [batch = 0, height = 0, width = 0, channels = 0] = image.shape;
  const [centerX, centerY] = backend_util.getImageCenter(attrs.center, height, width);
  const [sine, cosine] = [Math.sin(attrs.radians), Math.cos(attrs.radians)];
  const fill: number | readonly number[] = attrs.fillValue;
  // A colour to fill with has no opacity, which is full.
  const fills = Array.from({ length: channels }, (_, c) =>
    typeof fill === "number" ? fill : c === 3 ? 255 : (fill[c] ?? Number.NaN),
  );
  const x = backend.values(image);
  const y = backend.output(image.shape, dtype);
  const size = height * width * channels;
  for (let to = 0, row = 0; row < height; row++) {
    for (let column = 0; column < width; column++, to += channels) {
      const [right, down] = [column - centerX, row - centerY];
      const fromX = Math.round(right * cosine - down * sine + centerX);
      const fromY = Math.round(right * sine + down * cosine + centerY);
      const isInside = fromX >= 0 && fromX < width && fromY >= 0 && fromY < height;
      const from = (fromY * width + fromX) * channels;
      for (let n = 0; n < batch; n++) {
        for (let c = 0; c < channels; c++) {
          y.values[n * size + to + c] = isInside ? (x[n * size + from + c] ?? 0) : (fills[c] ?? 0);
        }
      }
    }
  }
  return y;
};

/** One projective transform an image, or one for all. */
const transform: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { image, transforms }: { image: TensorInfo; transforms: TensorInfo } = inputs;
  const dtype = image.dtype;
  if (!isMovable(dtype)) {
    return fallBack("Transform", call);
  }
  const [batch = 0, height = 0, width = 0, channels = 0] = image.shape;
  const [outHeight, outWidth]: [number, number] = attrs.outputShape ?? [height, width];
  const fill: number = attrs.fillValue;
  const isNearest = attrs.interpolation === "nearest";
  const [x, all] = [backend.values(image), backend.values(transforms)];
  const y = backend.output([batch, outHeight, outWidth, channels], dtype);
  for (let to = 0, n = 0; n < batch; n++) {
    const own = transforms.shape[0] === 1 ? 0 : n * 8;
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = all.subarray(own, own + 8);
    const read = (row: number, column: number, channel: number): number =>
      row >= 0 && row < height && column >= 0 && column < width
        ? (x[((n * height + row) * width + column) * channels + channel] ?? 0)
        : fill;
    for (let row = 0; row < outHeight; row++) {
      for (let column = 0; column < outWidth; column++, to += channels) {
        const depth = g * column + h * row + 1;
        if (depth === 0) {
          y.values.fill(fill, to, to + channels);
          continue;
        }
        const atX = mapped((a * column + b * row + c) / depth, width, attrs.fillMode);
        const atY = mapped((d * column + e * row + f) / depth, height, attrs.fillMode);
        const [left, top] = [Math.floor(atX), Math.floor(atY)];
        const [right, down] = [atX - left, atY - top];
        for (let k = 0; k < channels; k++) {
          if (isNearest) {
            y.values[to + k] = read(Math.round(atY), Math.round(atX), k);
          } else {
            const over = (1 - right) * read(top, left, k) + right * read(top, left + 1, k);
            const under = (1 - right) * read(top + 1, left, k) + right * read(top + 1, left + 1, k);
            y.values[to + k] = (1 - down) * over + down * under;
          }
        }
      }
    }
  }
  return y;
};

export const cropKernels: KernelTable = {
  CropAndResize: cropAndResize,
  RotateWithOffset: rotateWithOffset,
  Transform: transform,
};
