/** Numbers as colours. */
import type { Pixels } from "../display/png.ts";

type Rgb = readonly [number, number, number];

/** From dark over red to light: brightness rises evenly, so it reads in grey and for colour-blind eyes (anchors of matplotlib's inferno). */
const heat: readonly Rgb[] = [
  [0, 0, 4],
  [50, 10, 94],
  [120, 28, 109],
  [188, 55, 84],
  [237, 105, 37],
  [251, 180, 26],
  [252, 255, 164],
];
/** Below zero orange, above zero blue. */
const diverging: readonly Rgb[] = [
  [179, 88, 6],
  [241, 163, 64],
  [254, 224, 182],
  [247, 247, 247],
  [198, 219, 239],
  [90, 160, 208],
  [8, 81, 156],
];

/** From black over green to a light yellow; brightness rises evenly. */
const green: readonly Rgb[] = [
  [0, 18, 6],
  [0, 62, 24],
  [0, 108, 44],
  [48, 152, 62],
  [120, 195, 96],
  [188, 228, 148],
  [247, 252, 215],
];
const grey: readonly Rgb[] = [
  [0, 0, 0],
  [255, 255, 255],
];

/** Colour maps of kernels, from the lowest weight to the highest. */
export const kernelMaps = { grey, green } as const;

/** A map in one of the {@link kernelMaps}: `low` and what lies below it is dark, `high` light. */
export function mapPixels(
  values: ArrayLike<number>,
  [height, width]: readonly [number, number],
  map: keyof typeof kernelMaps,
  [low, high]: readonly [number, number],
): Pixels {
  // One weight alone is neither low nor high.
  const position = (value: number) => (high > low ? (value - low) / (high - low) : 0.5);
  return paint(values, height, width, (value) => pick(kernelMaps[map], position(value)));
}

const black: Rgb = [0, 0, 0];

const hex = (scale: readonly Rgb[]): string[] =>
  scale.map((color) => `#${color.map((part) => part.toString(16).padStart(2, "0")).join("")}`);

/** The colours of {@link heatPixels}, low to high, for the bar under a figure. */
export const heatColors = hex(heat);
/** The colours of {@link signedPixels}, negative to positive. */
export const signedColors = hex(diverging);

/** The colours of a kernel map, for its scale. */
export function kernelColors(map: keyof typeof kernelMaps): readonly string[] {
  return hex(kernelMaps[map]);
}

function pick(scale: readonly Rgb[], position: number): Rgb {
  const at = Math.max(0, Math.min(1, Number.isFinite(position) ? position : 0)) * (scale.length - 1);
  const low = Math.min(scale.length - 2, Math.floor(at));
  const part = at - low;
  const [a = black, b = black] = [scale[low], scale[low + 1]];
  const mix = (c: 0 | 1 | 2): number => a[c] * (1 - part) + b[c] * part;
  return [mix(0), mix(1), mix(2)];
}

/** A map as a picture: lowest dark, highest light. */
export function heatPixels(values: ArrayLike<number>, height: number, width: number, range = rangeOf(values)): Pixels {
  const [low, high] = range;
  return paint(values, height, width, (value) => pick(heat, high > low ? (value - low) / (high - low) : 0));
}

/** A signed map: zero white, the larger of both extremes in full colour. */
export function signedPixels(
  values: ArrayLike<number>,
  height: number,
  width: number,
  reach = reachOf(values),
): Pixels {
  return paint(values, height, width, (value) => pick(diverging, 0.5 + (reach > 0 ? value / reach / 2 : 0)));
}

/** A map over a picture: where it is high, its colour covers the picture. */
export function overlay(values: ArrayLike<number>, image: Pixels): Pixels {
  const [low, high] = rangeOf(values);
  const data = new Uint8Array(image.width * image.height * 3);
  for (let i = 0; i < image.width * image.height; i++) {
    const share = high > low ? ((values[i] ?? 0) - low) / (high - low) : 0;
    const color = pick(heat, share);
    // The picture stays to be seen everywhere, as grey, so that its colours are not taken for the map's.
    const grey = greyAt(image, i);
    const cover = 0.25 + 0.45 * share;
    for (let c = 0; c < 3; c++) {
      data[3 * i + c] = Math.round(grey * (1 - cover) + (color[c] ?? 0) * cover);
    }
  }
  return { width: image.width, height: image.height, channels: 3, data };
}

function greyAt({ data, channels }: Pixels, i: number): number {
  if (channels <= 2) {
    return data[i * channels] ?? 0;
  }
  const [r = 0, g = 0, b = 0] = data.subarray(i * channels, i * channels + 3);
  return 0.299 * r + 0.587 * g + 0.114 * b;
}

function paint(values: ArrayLike<number>, height: number, width: number, color: (value: number) => Rgb): Pixels {
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    data.set(color(values[i] ?? 0).map(Math.round), 3 * i);
  }
  return { width, height, channels: 3, data };
}

export function rangeOf(values: ArrayLike<number>): [low: number, high: number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value < low) {
      low = value;
    }
    if (value > high) {
      high = value;
    }
  }
  return [low, high];
}

export function reachOf(values: ArrayLike<number>): number {
  const [low, high] = rangeOf(values);
  return Math.max(Math.abs(low), Math.abs(high));
}
