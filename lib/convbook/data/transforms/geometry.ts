/** Cutting, padding and mirroring images: the steps that transforms are made of. None changes what it is given. */
import type { ImageData8 } from "../sample.ts";
import { imageShape } from "./transform.ts";

/** What lies outside of an image: one number, its border, its reflection without or with the border itself. */
export type PaddingMode = "constant" | "edge" | "reflect" | "symmetric";

/** The rectangle of `height` by `width` pixels from row `top` and column `left`, which lies within the image. */
export function crop(image: ImageData8, top: number, left: number, height: number, width: number): ImageData8 {
  const [imageHeight, imageWidth, channels] = imageShape(image);
  if (top === 0 && left === 0 && height === imageHeight && width === imageWidth) {
    return image;
  }
  const data = new Uint8Array(height * width * channels);
  const rowLength = width * channels;
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * imageWidth + left) * channels;
    data.set(image.data.subarray(start, start + rowLength), y * rowLength);
  }
  return { dtype: "uint8", shape: [height, width, channels], data };
}

/** The image mirrored left to right. */
export function flipHorizontally(image: ImageData8): ImageData8 {
  const [height, width, channels] = imageShape(image);
  const data = new Uint8Array(image.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + width - 1 - x) * channels;
      const to = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) {
        data[to + c] = image.data[from + c] ?? 0;
      }
    }
  }
  return { dtype: "uint8", shape: image.shape, data };
}

/** The image mirrored top to bottom. */
export function flipVertically(image: ImageData8): ImageData8 {
  const [height, width, channels] = imageShape(image);
  const rowLength = width * channels;
  const data = new Uint8Array(image.data.length);
  for (let y = 0; y < height; y++) {
    data.set(image.data.subarray((height - 1 - y) * rowLength, (height - y) * rowLength), y * rowLength);
  }
  return { dtype: "uint8", shape: image.shape, data };
}

/** Pixels to add on each side. */
export interface Padding {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * The image with pixels added on its sides.
 * @param fill the number for every channel where the mode is "constant"
 * @throws {RangeError} when a reflection would be wider than the image
 */
export function pad(image: ImageData8, padding: Padding, mode: PaddingMode, fill: number): ImageData8 {
  const { left, top, right, bottom } = padding;
  const [height, width, channels] = imageShape(image);
  const limit = mode === "reflect" ? 1 : 0;
  if (
    (mode === "reflect" || mode === "symmetric") &&
    (Math.max(left, right) > width - limit || Math.max(top, bottom) > height - limit)
  ) {
    throw new RangeError(
      `Padding of ${show(padding)} cannot be taken from the ${mode} image of ${height} by ${width} pixels.`,
    );
  }
  const newHeight = height + top + bottom;
  const newWidth = width + left + right;
  const data = new Uint8Array(newHeight * newWidth * channels);
  const columns = sources(newWidth, width, left, mode);
  const rows = sources(newHeight, height, top, mode);
  if (mode === "constant" && fill !== 0) {
    data.fill(fill);
  }
  for (let y = 0; y < newHeight; y++) {
    const row = rows[y] ?? 0;
    if (row < 0) {
      continue;
    }
    for (let x = 0; x < newWidth; x++) {
      const column = columns[x] ?? 0;
      if (column < 0) {
        continue;
      }
      const from = (row * width + column) * channels;
      const to = (y * newWidth + x) * channels;
      for (let c = 0; c < channels; c++) {
        data[to + c] = image.data[from + c] ?? 0;
      }
    }
  }
  return { dtype: "uint8", shape: [newHeight, newWidth, channels], data };
}

/** For each new position along one side, the old one that it shows, or -1 for the fill. */
function sources(newLength: number, length: number, before: number, mode: PaddingMode): Int32Array {
  const positions = new Int32Array(newLength);
  for (let i = 0; i < newLength; i++) {
    const p = i - before;
    if (p >= 0 && p < length) {
      positions[i] = p;
    } else if (mode === "constant") {
      positions[i] = -1;
    } else if (mode === "edge") {
      positions[i] = p < 0 ? 0 : length - 1;
    } else if (mode === "reflect") {
      positions[i] = p < 0 ? -p : 2 * length - 2 - p;
    } else {
      positions[i] = p < 0 ? -p - 1 : 2 * length - 1 - p;
    }
  }
  return positions;
}

function show({ left, top, right, bottom }: Padding): string {
  return `[${left}, ${top}, ${right}, ${bottom}]`;
}
