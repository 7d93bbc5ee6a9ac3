/**
 * Resizing as the Pillow library does it (src/libImaging/Resample.c), on which torchvision's transforms of images rest: a
 * convolution that widens when it shrinks an image (so it does not alias), first along rows, then along columns, in integers of
 * 22 bits after the point, rounded to bytes in between. The bytes are Pillow's own.
 */
import type { ImageData8 } from "../sample.ts";
import { imageShape } from "./transform.ts";

/** Which neighbours count, and how much. */
export type Interpolation = "bilinear" | "bicubic" | "nearest";

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

interface Filter {
  /** How far from its centre the filter reaches, in pixels. */
  readonly support: number;
  readonly weight: (distance: number) => number;
}

const filters: Record<Exclude<Interpolation, "nearest">, Filter> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight: (distance) => {
      // Keys' cubic convolution with a = -0.5.
      const a = -0.5;
      const x = Math.abs(distance);
      if (x < 1) {
        return ((a + 2) * x - (a + 3)) * x * x + 1;
      }
      if (x < 2) {
        return (((x - 5) * x + 8) * x - 4) * a;
      }
      return 0;
    },
  },
};

/** For each new position: where its neighbours begin, how many they are, and their weights in fixed point. */
interface Coefficients {
  readonly size: number;
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Int32Array;
}

function coefficients(from: number, to: number, { support: filterSupport, weight }: Filter): Coefficients {
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const support = filterSupport * filterScale;
  const size = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Int32Array(to * size);
  const exact = new Float64Array(size);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - start;
    let sum = 0;
    for (let j = 0; j < count; j++) {
      const w = weight((j + start - center + 0.5) * (1 / filterScale));
      exact[j] = w;
      sum += w;
    }
    for (let j = 0; j < count; j++) {
      const normal = sum === 0 ? (exact[j] ?? 0) : (exact[j] ?? 0) / sum;
      const fixed = normal * (1 << PRECISION_BITS);
      weights[i * size + j] = Math.trunc(normal < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    starts[i] = start;
    counts[i] = count;
  }
  return { size, starts, counts, weights };
}

/** The last tables that were made: a data set's images mostly have one size. */
const tables = new Map<string, Coefficients>();
const MAX_TABLES = 4096;

function table(from: number, to: number, interpolation: Exclude<Interpolation, "nearest">): Coefficients {
  const key = `${interpolation} ${from} ${to}`;
  let known = tables.get(key);
  if (known === undefined) {
    if (tables.size >= MAX_TABLES) {
      tables.clear();
    }
    known = coefficients(from, to, filters[interpolation]);
    tables.set(key, known);
  }
  return known;
}

/**
 * The image at another size: Pillow's `Image.resize`.
 * @param image uint8 [h, w, channels]
 * @param height new height in pixels
 * @param width new width in pixels
 * @returns uint8 [height, width, channels]
 */
export function resize(
  image: ImageData8,
  height: number,
  width: number,
  interpolation: Interpolation = "bilinear",
): ImageData8 {
  const [fromHeight, fromWidth, channels] = imageShape(image);
  if (height === fromHeight && width === fromWidth) {
    return image;
  }
  if (interpolation === "nearest") {
    return nearest(image, height, width);
  }
  let { data } = image;
  if (width !== fromWidth) {
    data = alongRows(data, fromHeight, fromWidth, channels, table(fromWidth, width, interpolation));
  }
  if (height !== fromHeight) {
    data = alongColumns(data, width * channels, table(fromHeight, height, interpolation));
  }
  return { dtype: "uint8", shape: [height, width, channels], data };
}

function alongRows(
  from: Uint8Array,
  height: number,
  fromWidth: number,
  channels: number,
  { size, starts, counts, weights }: Coefficients,
): Uint8Array {
  const width = starts.length;
  const to = new Uint8Array(height * width * channels);
  for (let x = 0; x < width; x++) {
    const start = starts[x] ?? 0;
    const count = counts[x] ?? 0;
    const first = x * size;
    for (let y = 0; y < height; y++) {
      let p = (y * fromWidth + start) * channels;
      const target = (y * width + x) * channels;
      if (channels === 3) {
        // The common case, its three sums side by side.
        let red = HALF;
        let green = HALF;
        let blue = HALF;
        for (let j = first; j < first + count; j++, p += 3) {
          const weight = weights[j] ?? 0;
          red = (red + Math.imul(from[p] ?? 0, weight)) | 0;
          green = (green + Math.imul(from[p + 1] ?? 0, weight)) | 0;
          blue = (blue + Math.imul(from[p + 2] ?? 0, weight)) | 0;
        }
        to[target] = toByte(red);
        to[target + 1] = toByte(green);
        to[target + 2] = toByte(blue);
      } else {
        let sum = HALF;
        for (let j = first; j < first + count; j++, p++) {
          sum = (sum + Math.imul(from[p] ?? 0, weights[j] ?? 0)) | 0;
        }
        to[target] = toByte(sum);
      }
    }
  }
  return to;
}

function alongColumns(
  from: Uint8Array,
  rowLength: number,
  { size, starts, counts, weights }: Coefficients,
): Uint8Array {
  const height = starts.length;
  const to = new Uint8Array(height * rowLength);
  for (let y = 0; y < height; y++) {
    const base = (starts[y] ?? 0) * rowLength;
    const count = counts[y] ?? 0;
    const first = y * size;
    const target = y * rowLength;
    if (count === 3) {
      // What a slight change of size asks for most often.
      const w0 = weights[first] ?? 0;
      const w1 = weights[first + 1] ?? 0;
      const w2 = weights[first + 2] ?? 0;
      for (let i = 0, p = base; i < rowLength; i++, p++) {
        const a = Math.imul(from[p] ?? 0, w0);
        const b = Math.imul(from[p + rowLength] ?? 0, w1);
        const c = Math.imul(from[p + 2 * rowLength] ?? 0, w2);
        to[target + i] = toByte((HALF + a + b + c) | 0);
      }
      continue;
    }
    for (let i = 0; i < rowLength; i++) {
      let sum = HALF;
      let p = base + i;
      for (let j = first; j < first + count; j++, p += rowLength) {
        sum = (sum + Math.imul(from[p] ?? 0, weights[j] ?? 0)) | 0;
      }
      to[target + i] = toByte(sum);
    }
  }
  return to;
}

function toByte(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return Math.max(0, Math.min(255, value));
}

function nearest(image: ImageData8, height: number, width: number): ImageData8 {
  const [fromHeight, fromWidth, channels] = imageShape(image);
  const data = new Uint8Array(height * width * channels);
  const rows = nearestPlaces(fromHeight, height);
  const columns = nearestPlaces(fromWidth, width);
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * fromWidth + column) * channels;
      for (let c = 0; c < channels; c++) {
        data[to++] = image.data[from + c] ?? 0;
      }
    }
  }
  return { dtype: "uint8", shape: [height, width, channels], data };
}

/** Which old place each new one takes. The steps are added up, as Pillow adds them: a product is rounded otherwise. */
function nearestPlaces(from: number, to: number): Int32Array {
  const step = from / to;
  const places = new Int32Array(to);
  for (let i = 0, place = step * 0.5; i < to; i++, place += step) {
    places[i] = Math.min(from - 1, Math.trunc(place));
  }
  return places;
}
