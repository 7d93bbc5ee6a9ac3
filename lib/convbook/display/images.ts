/** Pictures in the forms that callers hold them in, turned into bytes. */
import { DisplayError, wrongArgument } from "./errors.ts";
import type { Numbers } from "./figures/series.ts";
import type { Pixels } from "./png.ts";

/** A tensor's values outside of a backend, as data sets give them: shape [H, W], [H, W, C] or [N, H, W, C], with C 1, 3 or 4. */
export interface ImageArray {
  readonly shape: readonly number[];
  readonly data: Numbers | BigInt64Array;
}

/** The part of a TensorFlow.js tensor that is used, so that this folder needs no TensorFlow.js. */
export interface ImageTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  dataSync(): ArrayLike<unknown>;
}

/** One picture or a batch of them. */
export type ImageLike = ImageTensor | ImageArray | Pixels;

/** How numbers become brightness. */
export interface PixelScaling {
  /** Stretch each picture's own lowest and highest value to black and white. */
  readonly normalize?: boolean;
  /** Undo a normalisation: value * std + mean, one number or one a channel. */
  readonly mean?: number | readonly number[];
  readonly std?: number | readonly number[];
}

export interface PreparedImages {
  readonly images: Pixels[];
  /** How many of all values lay outside of black to white and were cut, as a share. */
  readonly clipped: number;
}

/**
 * Pictures as bytes. Bytes and int32 tensors hold 0 to 255, floating-point numbers 0 to 1 (after `mean` and `std`).
 *
 * @param given one picture, a batch, or an array of either
 * @throws DisplayError naming the picture whose shape is not one of a picture's
 */
export function prepareImages(given: ImageLike | readonly ImageLike[], scaling: PixelScaling = {}): PreparedImages {
  const list = [given].flat();
  for (const [name, value] of Object.entries({ mean: scaling.mean, std: scaling.std })) {
    const numbers: unknown[] = [value ?? 0].flat();
    if (value === null || !numbers.every((each) => typeof each === "number" && Number.isFinite(each))) {
      throw wrongArgument("imageGrid", name, value, "a number, or one a channel");
    }
  }
  const images: Pixels[] = [];
  let cut = 0;
  let total = 0;
  list.forEach((item, index) => {
    const { shape, data, bytes } = open(item, `images[${index}]`);
    const [n, height, width, channels] = shape;
    for (const [name, value] of Object.entries({ mean: scaling.mean, std: scaling.std })) {
      if (typeof value === "object" && value.length !== channels) {
        throw new DisplayError(`imageGrid: ${name} has ${value.length} numbers for ${channels} channels`);
      }
    }
    const size = height * width * channels;
    for (let i = 0; i < n; i++) {
      const out = new Uint8Array(size);
      cut += toBytes(data, i * size, out, channels, bytes, scaling);
      total += size;
      images.push({ width, height, channels: channels as Pixels["channels"], data: out });
    }
  });
  return { images, clipped: total === 0 ? 0 : cut / total };
}

function open(
  item: ImageLike,
  name: string,
): { shape: readonly [number, number, number, number]; data: Numbers; bytes: boolean } {
  if (item === null || typeof item !== "object") {
    throw wrongArgument("imageGrid", name, item, "a tensor or pixels");
  }
  let shape: readonly number[];
  let data: Numbers;
  let bytes: boolean;
  if ("width" in item) {
    shape = [item.height, item.width, item.channels];
    data = item.data;
    bytes = true;
  } else if ("dataSync" in item) {
    shape = item.shape;
    data = item.dataSync() as Numbers;
    bytes = item.dtype === "int32";
  } else {
    if (item.data instanceof BigInt64Array) {
      throw new DisplayError(`${name} holds 64-bit integers; expected bytes from 0 to 255 or floats from 0 to 1`);
    }
    ({ shape, data } = item);
    if (!Array.isArray(shape) || typeof data?.length !== "number") {
      throw wrongArgument("imageGrid", name, item, "a tensor, or pixels with a shape and data");
    }
    bytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray || data instanceof Int32Array;
  }
  const full = shape.length === 2 ? [1, ...shape, 1] : shape.length === 3 ? [1, ...shape] : [...shape];
  const [n = 0, height = 0, width = 0, channels = 0] = full;
  const wanted = "[H, W], [H, W, C] or [N, H, W, C] with C of 1, 3 or 4";
  if (full.length !== 4 || ![1, 2, 3, 4].includes(channels)) {
    const hint =
      shape.length >= 3 && [1, 3].includes(shape.at(-3) ?? 0) ? " (PyTorch's order [C, H, W]? transpose it)" : "";
    throw new DisplayError(`${name} has shape [${shape.join(", ")}]; expected ${wanted}${hint}`);
  }
  if (!(height > 0 && width > 0)) {
    throw new DisplayError(`${name} has shape [${shape.join(", ")}]: no pixels`);
  }
  if (data.length !== n * height * width * channels) {
    throw new DisplayError(`${name} has ${data.length} values for shape [${shape.join(", ")}]`);
  }
  return { shape: [n, height, width, channels], data, bytes };
}

/** Returns how many values were outside of the range by more than a rounding error. */
function toBytes(
  data: Numbers,
  at: number,
  out: Uint8Array,
  channels: number,
  bytes: boolean,
  scaling: PixelScaling,
): number {
  const perChannel = (value: number | readonly number[] | undefined, fallback: number): number[] =>
    Array.from({ length: channels }, (_, c) => (typeof value === "number" ? value : (value?.[c] ?? fallback)));
  let gain = perChannel(scaling.std, 1);
  let offset = perChannel(scaling.mean, 0);
  if (scaling.normalize) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < out.length; i++) {
      const value = data[at + i] ?? 0;
      if (value < low) {
        low = value;
      }
      if (value > high) {
        high = value;
      }
    }
    const span = high > low ? high - low : 1;
    gain = gain.map(() => 1 / span);
    offset = offset.map(() => (high > low ? -low / span : 0.5 - low));
  } else if (bytes) {
    gain = gain.map((value) => value / 255);
  }
  let cut = 0;
  for (let i = 0; i < out.length; i++) {
    const c = i % channels;
    const value = (data[at + i] ?? 0) * (gain[c] ?? 1) + (offset[c] ?? 0);
    if (!(value >= -0.002 && value <= 1.002)) {
      cut++;
    }
    out[i] = Math.max(0, Math.min(255, Math.round(value * 255)));
  }
  return cut;
}

/** `pixels` enlarged by a whole factor, each pixel a square. */
export function enlarge(pixels: Pixels, factor: number): Pixels {
  if (factor === 1) {
    return pixels;
  }
  const { width, height, channels, data } = pixels;
  const out = new Uint8Array(width * height * channels * factor * factor);
  const stride = width * factor * channels;
  for (let y = 0; y < height; y++) {
    const row = y * factor * stride;
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const value = data[(y * width + x) * channels + c] ?? 0;
        for (let k = 0; k < factor; k++) {
          out[row + (x * factor + k) * channels + c] = value;
        }
      }
    }
    for (let k = 1; k < factor; k++) {
      out.copyWithin(row + k * stride, row, row + stride);
    }
  }
  return { width: width * factor, height: height * factor, channels, data: out };
}
