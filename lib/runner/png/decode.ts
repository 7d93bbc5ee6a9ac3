/** PNG files as pixels of eight bits, for files that nobody vouches for. */
import { type CheckSize, type PngChunks, type PngHeader, readChunks } from "./chunks.ts";
import { PngError } from "./error.ts";
import { removeFilters } from "./filters.ts";
import { inflateFirst } from "./inflate.ts";
import { rowWriter, samplesPerPixel } from "./pixels.ts";

/** The most pixels that are read where nothing else is said: as many as Pillow takes before it speaks of a decompression bomb. */
export const defaultMaxPixels = 178_956_970;

const checkDefault: CheckSize = (width, height) => {
  const pixels = width * height;
  if (pixels > defaultMaxPixels) {
    throw new PngError(`it tells of ${pixels} pixels; at most ${defaultMaxPixels} are read`);
  }
};

export interface DecodePngOptions {
  /** 3 for red, green and blue, which drops transparency; 4, the default, with alpha. */
  readonly channels?: 3 | 4;
  /** Is told the size before memory is taken, and throws what refuses it; more than {@link defaultMaxPixels} where it is left out. */
  readonly checkSize?: CheckSize;
}

export interface DecodedPng {
  readonly width: number;
  readonly height: number;
  /** Pixels row by row, channels interleaved. */
  readonly data: Uint8Array;
}

/** A part of an image that is stored for itself: every `dx`-th pixel from `x` of every `dy`-th row from `y`. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
}

const wholeImage: readonly Pass[] = [{ x: 0, y: 0, dx: 1, dy: 1 }];
const adam7: readonly Pass[] = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];

/**
 * Decodes a PNG of any colour type and depth, interlaced or not. Every pixel comes from the file: an image whose data is too short is
 * refused, and memory is taken only for what the data can hold. What stands behind the data is passed over.
 *
 * @param bytes the whole file
 * @returns eight bits a sample: of 16 the upper eight, of fewer spread over the whole range; palette and transparent colour applied
 * @throws PngError saying what is wrong, and whatever `checkSize` throws
 */
export function decodePng(
  bytes: Uint8Array,
  { channels = 4, checkSize = checkDefault }: DecodePngOptions = {},
): DecodedPng {
  const chunks = readChunks(bytes, checkSize);
  const { header } = chunks;
  const { width, height } = header;
  const raw = inflateFirst(chunks.data, sizeOf(header));
  const data = new Uint8Array(width * height * channels);
  paint(chunks, raw, data, channels);
  return { width, height, data };
}

/** A pass's own size; 0 by 0 where an image is too small to have pixels in it. */
function passSize({ width, height }: PngHeader, { x, y, dx, dy }: Pass): readonly [columns: number, rows: number] {
  const columns = Math.max(0, Math.ceil((width - x) / dx));
  const rows = Math.max(0, Math.ceil((height - y) / dy));
  return columns === 0 || rows === 0 ? [0, 0] : [columns, rows];
}

function bytesOfRow({ depth, colorType }: PngHeader, columns: number): number {
  return Math.ceil((columns * samplesPerPixel[colorType] * depth) / 8);
}

/** Bytes of all rows of all passes, with their filters' bytes. */
function sizeOf(header: PngHeader): number {
  return (header.interlaced ? adam7 : wholeImage).reduce((sum, pass) => {
    const [columns, rows] = passSize(header, pass);
    return sum + rows * (bytesOfRow(header, columns) + 1);
  }, 0);
}

function paint(chunks: PngChunks, raw: Uint8Array, out: Uint8Array, channels: 3 | 4): void {
  const { header } = chunks;
  const write = rowWriter(chunks, channels);
  const back = Math.max(1, bytesOfRow(header, 1));
  let at = 0;
  for (const pass of header.interlaced ? adam7 : wholeImage) {
    const [columns, rows] = passSize(header, pass);
    const rowBytes = bytesOfRow(header, columns);
    removeFilters(raw, at, rowBytes, rows, back);
    for (let row = 0; row < rows; row++, at += rowBytes + 1) {
      const to = (pass.y + row * pass.dy) * header.width + pass.x;
      write(raw.subarray(at + 1, at + 1 + rowBytes), columns, out, to * channels, pass.dx * channels);
    }
  }
}
