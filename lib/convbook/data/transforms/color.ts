/**
 * Changes of colour as the Pillow library makes them (ImageEnhance, ImageOps, its HSV), on which torchvision's transforms of images rest.
 * The bytes are Pillow's own. None changes what it is given.
 */
import type { ImageData8 } from "../sample.ts";
import { imageShape } from "./transform.ts";

/** Brightness: 0 is black, 1 the image itself. */
export function adjustBrightness(image: ImageData8, factor: number): ImageData8 {
  return blend(image, factor, () => 0);
}

/** Contrast: 0 is the image's mean grey, 1 the image itself. */
export function adjustContrast(image: ImageData8, factor: number): ImageData8 {
  const grey = luma(image);
  const mean = Math.trunc(grey.reduce((sum, value) => sum + value, 0) / grey.length + 0.5);
  return blend(image, factor, () => mean);
}

/** Saturation: 0 is grey, 1 the image itself. */
export function adjustSaturation(image: ImageData8, factor: number): ImageData8 {
  const channels = imageShape(image)[2];
  if (channels === 1) {
    return image;
  }
  const grey = luma(image);
  return blend(image, factor, (i) => grey[Math.trunc(i / 3)] ?? 0);
}

/** Sharpness: 0 is smoothed, 1 the image itself, 2 sharpened. */
export function adjustSharpness(image: ImageData8, factor: number): ImageData8 {
  const smooth = smoothed(image);
  return blend(image, factor, (i) => smooth[i] ?? 0);
}

/** Turns the colours by `factor` of the colour circle, from -0.5 to 0.5. Grey images stay as they are. */
export function adjustHue(image: ImageData8, factor: number): ImageData8 {
  if (imageShape(image)[2] === 1) {
    return image;
  }
  const turn = Math.trunc(factor * 255);
  const from = image.data;
  const data = new Uint8Array(from.length);
  const f = Math.fround;
  for (let i = 0; i < from.length; i += 3) {
    const r = from[i] ?? 0;
    const g = from[i + 1] ?? 0;
    const b = from[i + 2] ?? 0;
    const max = Math.max(r, g, b);
    const range = max - Math.min(r, g, b);
    let hue = 0;
    let saturation = 0;
    if (range > 0) {
      const rc = f((max - r) / range);
      const gc = f((max - g) / range);
      const bc = f((max - b) / range);
      const sector = r === max ? f(bc - gc) : g === max ? f(2 + rc - bc) : f(4 + gc - rc);
      hue = Math.trunc(f((sector / 6 + 1) % 1) * 255);
      saturation = Math.trunc(f(range / max) * 255);
    }
    fromHsv((hue + turn) & 255, saturation, max, data, i);
  }
  return { dtype: "uint8", shape: image.shape, data };
}

/** Keeps the upper bits of every number. */
export function posterize(image: ImageData8, bits: number): ImageData8 {
  const mask = ~(2 ** (8 - bits) - 1);
  return lookUp(image, () => Uint8Array.from({ length: 256 }, (_, n) => n & mask));
}

/** Inverts the numbers from the threshold on. */
export function solarize(image: ImageData8, threshold: number): ImageData8 {
  return lookUp(image, () => Uint8Array.from({ length: 256 }, (_, n) => (n < threshold ? n : 255 - n)));
}

/** The negative: 255 less every number. */
export function invert(image: ImageData8): ImageData8 {
  return solarize(image, 0);
}

/** Stretches every channel to the whole range from 0 to 255. */
export function autocontrast(image: ImageData8): ImageData8 {
  return lookUp(image, (histogram) => {
    const low = histogram.findIndex((count) => count > 0);
    const high = histogram.findLastIndex((count) => count > 0);
    if (high <= low) {
      return identity;
    }
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return Uint8Array.from({ length: 256 }, (_, n) => Math.max(0, Math.min(255, Math.trunc(n * scale + offset))));
  });
}

/** Makes every channel's numbers about equally frequent. */
export function equalize(image: ImageData8): ImageData8 {
  return lookUp(image, (histogram) => {
    const last = histogram.findLast((count) => count > 0) ?? 0;
    const step = Math.floor((histogram.reduce((a, b) => a + b, 0) - last) / 255);
    if (step === 0) {
      return identity;
    }
    let sum = Math.floor(step / 2);
    return Uint8Array.from(histogram, (count) => {
      const value = Math.min(255, Math.floor(sum / step));
      sum += count;
      return value;
    });
  });
}

const identity = Uint8Array.from({ length: 256 }, (_, n) => n);

/** Gives each channel's numbers by a table that is made from its histogram. */
function lookUp(image: ImageData8, table: (histogram: Float64Array) => Uint8Array): ImageData8 {
  const channels = imageShape(image)[2];
  const data = new Uint8Array(image.data.length);
  for (let c = 0; c < channels; c++) {
    const histogram = new Float64Array(256);
    for (let i = c; i < data.length; i += channels) {
      const value = image.data[i] ?? 0;
      histogram[value] = (histogram[value] ?? 0) + 1;
    }
    const values = table(histogram);
    for (let i = c; i < data.length; i += channels) {
      data[i] = values[image.data[i] ?? 0] ?? 0;
    }
  }
  return { dtype: "uint8", shape: image.shape, data };
}

/** The mixture (1 - factor) * other + factor * image, in float32 and cut off after the point. */
function blend(image: ImageData8, factor: number, other: (i: number) => number): ImageData8 {
  if (factor === 1) {
    return image;
  }
  const alpha = Math.fround(factor);
  const data = new Uint8Array(image.data.length);
  for (let i = 0; i < data.length; i++) {
    const from = other(i);
    const mixed = Math.fround(from + Math.fround(alpha * ((image.data[i] ?? 0) - from)));
    data[i] = Math.max(0, Math.min(255, Math.trunc(mixed)));
  }
  return { dtype: "uint8", shape: image.shape, data };
}

/** The grey of every pixel, by ITU-R 601-2's weights in 16 bits after the point. */
function luma(image: ImageData8): Uint8Array {
  const [height, width, channels] = imageShape(image);
  if (channels === 1) {
    return image.data;
  }
  const grey = new Uint8Array(height * width);
  for (let p = 0, i = 0; p < grey.length; p++, i += 3) {
    const r = image.data[i] ?? 0;
    const g = image.data[i + 1] ?? 0;
    const b = image.data[i + 2] ?? 0;
    grey[p] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
  }
  return grey;
}

/** Each number's mean with its eight neighbours, itself counted five times; the border stays as it is. */
function smoothed(image: ImageData8): Uint8Array {
  const [height, width, channels] = imageShape(image);
  const from = image.data;
  const to = from.slice();
  const row = width * channels;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + channels; i < (y + 1) * row - channels; i++) {
      let sum = 4 * (from[i] ?? 0);
      for (let above = i - row; above <= i + row; above += row) {
        sum += (from[above - channels] ?? 0) + (from[above] ?? 0) + (from[above + channels] ?? 0);
      }
      to[i] = Math.trunc(sum / 13 + 0.5);
    }
  }
  return to;
}

function fromHsv(hue: number, saturation: number, value: number, to: Uint8Array, i: number): void {
  let r = value;
  let g = value;
  let b = value;
  if (saturation > 0) {
    const s = Math.fround(saturation / 255);
    const sector = Math.floor((hue * 6) / 255);
    const rest = Math.fround((hue * 6) / 255 - sector);
    const p = Math.round(value * (1 - s));
    const q = Math.round(value * (1 - Math.fround(s * rest)));
    const t = Math.round(value * (1 - s * (1 - rest)));
    switch (sector % 6) {
      case 0:
        [g, b] = [t, p];
        break;
      case 1:
        [r, b] = [q, p];
        break;
      case 2:
        [r, b] = [p, t];
        break;
      case 3:
        [r, g] = [p, q];
        break;
      case 4:
        [r, g] = [t, p];
        break;
      default:
        [g, b] = [p, q];
    }
  }
  to[i] = r;
  to[i + 1] = g;
  to[i + 2] = b;
}
