/** PBM, PGM and PPM files, as text or as bytes (https://netpbm.sourceforge.net/doc/), as images of bytes. */

import { DataError } from "../error.ts";
import type { ImageData8 } from "../sample.ts";
import { roundHalfEven } from "../transforms/transform.ts";
import { type DecodeOptions, type Fail, sizeCheck } from "./limits.ts";

/**
 * Decodes the first image of a file of the kinds P1 to P6. Samples are scaled from the file's largest value to 255 and rounded as Pillow
 * does it with colours, and with greys up to 255; greys of a larger one, which Pillow cuts off at 255, are scaled as well.
 *
 * @param bytes the whole file
 * @param file its name, for messages
 * @returns uint8 [height, width, 3]
 * @throws {DataError} naming the file, when it is broken, does not hold all of its pixels or has too many
 */
export function decodePnm(bytes: Uint8Array, file: string, options: DecodeOptions = {}): ImageData8 {
  const fail: Fail = (message, cause) => {
    throw new DataError("format", `${file} is not a PPM image that can be read: ${message}.`, { file, cause });
  };
  const kind = (bytes[1] ?? 0) - 0x30;
  const words = new Words(bytes, 2);
  const number = (what: string): number => {
    const word = words.next();
    if (!/^\d{1,9}$/.test(word)) {
      fail(word === "" ? `it ends before its ${what}` : `its ${what} is no number`);
    }
    return Number(word);
  };
  const width = number("width");
  const height = number("height");
  sizeCheck(fail, options)(width, height);
  const bits = kind === 1 || kind === 4;
  const largest = bits ? 1 : number("largest value");
  if (largest < 1 || largest > 65_535) {
    fail(`its largest value is ${largest}, which is not from 1 to 65535`);
  }
  const channels = kind % 3 === 0 ? 3 : 1;
  const count = width * height * channels;
  const at = words.position + 1;
  const rowBytes = bits ? Math.ceil(width / 8) : width * channels * (largest > 255 ? 2 : 1);
  // As text a sample takes at least its digit.
  const needed = kind > 3 ? rowBytes * height : count;
  if (bytes.length - at < needed) {
    fail(`it has ${Math.max(0, bytes.length - at)} of ${needed} bytes of pixels`);
  }
  const scaled = (value: number): number => {
    if (value > largest) {
      fail(`it has the value ${value}, more than its largest, ${largest}`);
    }
    if (bits) {
      return 255 - 255 * value;
    }
    return largest === 255 ? value : roundHalfEven((value / largest) * 255);
  };
  const sampleAt = (i: number): number => {
    if (kind === 1) {
      return Number(words.nextBit() || fail("it ends before its last pixel"));
    }
    if (kind < 4) {
      return number(`sample ${i}`);
    }
    if (kind === 4) {
      const x = i % width;
      return ((bytes[at + Math.floor(i / width) * rowBytes + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1;
    }
    if (largest < 256) {
      return bytes[at + i] ?? 0;
    }
    return ((bytes[at + 2 * i] ?? 0) << 8) | (bytes[at + 2 * i + 1] ?? 0);
  };
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < count; i++) {
    const value = scaled(sampleAt(i));
    if (channels === 3) {
      data[i] = value;
    } else {
      data.fill(value, 3 * i, 3 * i + 3);
    }
  }
  return { dtype: "uint8", shape: [height, width, 3], data };
}

/** Words with white space and comments between them. */
class Words {
  readonly #bytes: Uint8Array;
  /** Where the last word ends. */
  position: number;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.position = position;
  }

  /** The next word, "" at the end. */
  next(): string {
    this.#skip();
    const start = this.position;
    while (this.position < this.#bytes.length && !this.#isSpace()) {
      this.position++;
    }
    return Buffer.from(this.#bytes.subarray(start, Math.min(this.position, start + 20))).toString("latin1");
  }

  /** The next digit of a bitmap, which needs no space before it; "" where there is none. */
  nextBit(): string {
    this.#skip();
    const digit = String.fromCharCode(this.#bytes[this.position++] ?? 0);
    return digit === "0" || digit === "1" ? digit : "";
  }

  #isSpace(): boolean {
    const byte = this.#bytes[this.position] ?? 0;
    return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
  }

  #skip(): void {
    const bytes = this.#bytes;
    while (this.position < bytes.length) {
      if (bytes[this.position] === 0x23) {
        while (this.position < bytes.length && bytes[this.position] !== 0x0a && bytes[this.position] !== 0x0d) {
          this.position++;
        }
      } else if (this.#isSpace()) {
        this.position++;
      } else {
        return;
      }
    }
  }
}
