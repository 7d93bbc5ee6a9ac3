/** BMP files that are not compressed, as images of bytes. */

import { DataError } from "../error.ts";
import type { ImageData8 } from "../sample.ts";
import { type DecodeOptions, type Fail, sizeCheck } from "./limits.ts";

/** Where a colour lies in a pixel of 16 or 32 bits. */
interface Field {
  readonly shift: number;
  readonly largest: number;
}

/**
 * Decodes a BMP of 1, 4, 8, 16, 24 or 32 bits a pixel, of Windows or OS/2, as Pillow's `convert("RGB")` does. Run-length encoding (RLE),
 * JPEG and PNG within BMP are refused by name.
 *
 * @param bytes the whole file
 * @param file its name, for messages
 * @returns uint8 [height, width, 3]
 * @throws {DataError} naming the file, when it is broken, does not hold all of its pixels, has too many or is compressed
 */
export function decodeBmp(bytes: Uint8Array, file: string, options: DecodeOptions = {}): ImageData8 {
  const fail: Fail = (message, cause) => {
    throw new DataError("format", `${file} is not a BMP image that can be read: ${message}.`, { file, cause });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 26) {
    fail("it ends within its header");
  }
  const start = view.getUint32(10, true);
  const headerBytes = view.getUint32(14, true);
  const old = headerBytes === 12;
  if (!old && headerBytes < 40) {
    fail(`its header has ${headerBytes} bytes, which is not known`);
  }
  if (bytes.length < 14 + headerBytes) {
    fail("it ends within its header");
  }
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = old ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(old ? 24 : 28, true);
  const compression = old ? 0 : view.getUint32(30, true);
  const height = Math.abs(signedHeight);
  if (width < 0) {
    fail(`its width is ${width}`);
  }
  sizeCheck(fail, options)(width, height);
  if (![1, 4, 8, 16, 24, 32].includes(bits)) {
    fail(`it has ${bits} bits a pixel`);
  }
  const byFields = (compression === 3 || compression === 6) && (bits === 16 || bits === 32);
  if (compression !== 0 && !byFields) {
    const names: Record<number, string> = { 1: "RLE8", 2: "RLE4", 4: "JPEG", 5: "PNG" };
    fail(`it is compressed by ${names[compression] ?? `method ${compression}`}, which is not read here`);
  }
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const left = Math.max(0, bytes.length - start);
  if (left < rowBytes * height) {
    fail(`it has ${left} of ${rowBytes * height} bytes of pixels`);
  }
  const paint = bits <= 8 ? palettePainter() : bits === 24 ? paintTrueColour : fieldPainter();
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = start + (signedHeight < 0 ? y : height - 1 - y) * rowBytes;
    for (let x = 0; x < width; x++) {
      paint(row, x, (y * width + x) * 3);
    }
  }
  return { dtype: "uint8", shape: [height, width, 3], data };

  function paintTrueColour(row: number, x: number, to: number): void {
    for (let c = 0; c < 3; c++) {
      data[to + c] = bytes[row + 3 * x + 2 - c] ?? 0;
    }
  }

  function palettePainter(): typeof paintTrueColour {
    const at = 14 + headerBytes;
    const entry = old ? 3 : 4;
    const told = old ? 0 : view.getUint32(46, true);
    const colours = told === 0 ? 2 ** bits : told;
    if (colours > 256 || at + colours * entry > bytes.length) {
      fail(`it does not hold its ${colours} colours`);
    }
    return (row, x, to) => {
      const first = x * bits;
      const index = ((bytes[row + (first >> 3)] ?? 0) >> (8 - bits - (first & 7))) & (2 ** bits - 1);
      if (index >= colours) {
        fail(`it has the colour ${index} of ${colours}`);
      }
      for (let c = 0; c < 3; c++) {
        data[to + c] = bytes[at + index * entry + 2 - c] ?? 0;
      }
    };
  }

  function fieldPainter(): typeof paintTrueColour {
    const fields = byFields
      ? colourMasks()
      : (bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff]).map(fieldOf);
    return (row, x, to) => {
      const pixel = bits === 16 ? view.getUint16(row + 2 * x, true) : view.getUint32(row + 4 * x, true);
      for (const [c, { shift, largest }] of fields.entries()) {
        data[to + c] = Math.floor((((pixel >>> shift) & largest) * 255) / largest);
      }
    };
  }

  function colourMasks(): Field[] {
    // Behind the smallest header, or where a larger one has them: the same place.
    if (bytes.length < 66) {
      fail("it ends before its colour masks");
    }
    return [54, 58, 62].map((place) => fieldOf(view.getUint32(place, true)));
  }

  function fieldOf(mask: number): Field {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    const largest = mask >>> shift;
    if (largest === 0 || (largest & (largest + 1)) !== 0 || largest > 255) {
      fail(`its colour mask is 0x${mask.toString(16)}, which is not up to eight bits in a row`);
    }
    return { shift, largest };
  }
}
