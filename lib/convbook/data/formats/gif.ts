/** The first picture of GIF files, as images of bytes. */

import { DataError } from "../error.ts";
import type { ImageData8 } from "../sample.ts";
import { type DecodeOptions, type Fail, sizeCheck } from "./limits.ts";

/** Rows in the order in which an interlaced picture has them: where each pass begins, and its step. */
const passes = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

/** LZW's codes have at most so many bits. */
const mostBits = 12;

/**
 * Decodes the first picture of a GIF as Pillow's `convert("RGB")` does: transparency is dropped, and where the picture does not reach, there is the colour
 * that is marked as transparent, or the first.
 *
 * Format: CompuServe, "Graphics Interchange Format, Version 89a", 1990.
 *
 * @param bytes the whole file
 * @param file its name, for messages
 * @returns uint8 [height, width, 3]
 * @throws {DataError} naming the file, when it is broken, does not hold all pixels of its first picture, or has too many
 */
export function decodeGif(bytes: Uint8Array, file: string, options: DecodeOptions = {}): ImageData8 {
  const fail: Fail = (message, cause) => {
    throw new DataError("format", `${file} is not a GIF image that can be read: ${message}.`, { file, cause });
  };
  const reader = new GifReader(bytes, fail);
  const version = reader.take(6);
  if (!["GIF87a", "GIF89a"].includes(Buffer.from(version).toString("latin1"))) {
    fail("it is of no version that is known");
  }
  const checkSize = sizeCheck(fail, options);
  const [screenWidth, screenHeight] = [reader.word(), reader.word()];
  const screenFlags = reader.byte();
  reader.take(2);
  const shared = paletteOf(reader, screenFlags);
  let transparent: number | undefined;
  for (let kind = reader.byte(); kind !== 0x2c; kind = reader.byte()) {
    if (kind === 0x3b) {
      fail("there is no picture in it");
    }
    if (kind === 0x21) {
      const control = reader.byte() === 0xf9;
      const [block] = reader.blocks();
      if (control && block !== undefined && block.length >= 4) {
        transparent = ((block[0] as number) & 1) === 1 ? block[3] : undefined;
      }
    }
  }
  const [left, top, width, height] = [reader.word(), reader.word(), reader.word(), reader.word()];
  const flags = reader.byte();
  const palette = paletteOf(reader, flags) ?? shared ?? greys();
  // A picture may reach beyond the screen that the file tells of.
  const [fullWidth, fullHeight] = [Math.max(screenWidth, left + width), Math.max(screenHeight, top + height)];
  checkSize(fullWidth, fullHeight);
  checkSize(width, height);
  const firstBits = reader.byte();
  if (firstBits < 1 || firstBits > 8) {
    fail(`its codes begin with ${firstBits} bits`);
  }
  const places = unpack(Buffer.concat(reader.blocks()), firstBits, width * height, fail);
  const data = new Uint8Array(fullWidth * fullHeight * 3);
  const paint = (pixel: number, place: number): void => {
    for (let c = 0; c < 3; c++) {
      data[3 * pixel + c] = palette[3 * place + c] ?? 0;
    }
  };
  if (width !== fullWidth || height !== fullHeight) {
    for (let pixel = 0; pixel < fullWidth * fullHeight; pixel++) {
      paint(pixel, transparent ?? 0);
    }
  }
  let row = 0;
  for (const [first, step] of (flags & 0x40) !== 0 ? passes : ([[0, 1]] as const)) {
    for (let y = first; y < height; y += step, row++) {
      for (let x = 0; x < width; x++) {
        paint((top + y) * fullWidth + left + x, places[row * width + x] as number);
      }
    }
  }
  return { dtype: "uint8", shape: [fullHeight, fullWidth, 3], data };
}

/** Reads on, and refuses to read beyond the end. */
class GifReader {
  readonly #bytes: Uint8Array;
  readonly #fail: Fail;
  #at = 0;

  constructor(bytes: Uint8Array, fail: Fail) {
    this.#bytes = bytes;
    this.#fail = fail;
  }

  take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) {
      this.#fail(`it is cut off after ${this.#bytes.length} bytes`);
    }
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  byte(): number {
    return this.take(1)[0] as number;
  }

  word(): number {
    const low = this.byte();
    return low + 256 * this.byte();
  }

  /** Blocks with their lengths in front, up to an empty one. */
  blocks(): Uint8Array[] {
    const found: Uint8Array[] = [];
    for (let length = this.byte(); length > 0; length = this.byte()) {
      found.push(this.take(length));
    }
    return found;
  }
}

/** Three bytes a colour, where flags say that there are some. */
function paletteOf(reader: GifReader, flags: number): Uint8Array | undefined {
  return (flags & 0x80) === 0 ? undefined : reader.take(3 * 2 ** ((flags & 7) + 1));
}

/** The colours of a file that has none. */
function greys(): Uint8Array {
  return Uint8Array.from({ length: 3 * 256 }, (_, i) => Math.floor(i / 3));
}

/** LZW with codes that grow, from the lowest bit on; what follows behind the last pixel is not looked at. */
function unpack(packed: Uint8Array, firstBits: number, count: number, fail: Fail): Uint8Array {
  const out = new Uint8Array(count);
  const clear = 2 ** firstBits;
  const end = clear + 1;
  // Each code is another one and a byte behind it.
  const before = new Uint16Array(2 ** mostBits);
  const last = new Uint8Array(2 ** mostBits);
  const lengths = new Uint16Array(2 ** mostBits);
  for (let code = 0; code < clear; code++) {
    last[code] = code;
    lengths[code] = 1;
  }
  let known = end + 1;
  let bits = firstBits + 1;
  let previous: number | undefined;
  let written = 0;
  let [waiting, waitingBits] = [0, 0];
  /** Writes what a code stands for, as far as there is room, and gives its first byte. */
  const write = (code: number, at: number): number => {
    let place = at + (lengths[code] as number) - 1;
    let rest = code;
    while (rest >= clear) {
      if (place < count) {
        out[place] = last[rest] as number;
      }
      place--;
      rest = before[rest] as number;
    }
    if (place < count) {
      out[place] = rest;
    }
    return rest;
  };
  for (let at = 0; written < count; ) {
    while (waitingBits < bits && at < packed.length) {
      waiting |= (packed[at++] as number) << waitingBits;
      waitingBits += 8;
    }
    if (waitingBits < bits) {
      break;
    }
    const code = waiting & (2 ** bits - 1);
    waiting >>>= bits;
    waitingBits -= bits;
    if (code === end) {
      break;
    }
    if (code === clear) {
      [known, bits, previous] = [end + 1, firstBits + 1, undefined];
      continue;
    }
    if (code > known || (previous === undefined ? code >= clear : code === known && known >= 2 ** mostBits)) {
      fail(`code ${code} stands for nothing`);
    }
    if (previous !== undefined && known < 2 ** mostBits) {
      // A code that is only now made stands for the one before it and that one's first byte.
      before[known] = previous;
      lengths[known] = (lengths[previous] as number) + 1;
      const first = code === known ? write(previous, written) : firstOf(code, before, clear);
      last[known] = first;
      known++;
      if (known === 2 ** bits && bits < mostBits) {
        bits++;
      }
    }
    write(code, written);
    written += lengths[code] as number;
    previous = code;
  }
  if (written < count) {
    fail(`it has ${written} of ${count} pixels`);
  }
  return out;
}

function firstOf(code: number, before: Uint16Array, clear: number): number {
  let rest = code;
  while (rest >= clear) {
    rest = before[rest] as number;
  }
  return rest;
}
