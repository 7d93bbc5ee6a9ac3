/** Image files of any kind that is read, told by their first bytes and not by their names. */

import { DataError } from "../error.ts";
import type { ImageData8 } from "../sample.ts";
import { decodeBmp } from "./bmp.ts";
import { decodeGif } from "./gif.ts";
import { decodeJpeg, loadJpegDecoder } from "./jpeg.ts";
import type { DecodeOptions } from "./limits.ts";
import { decodePng } from "./png.ts";
import { decodePnm } from "./pnm.ts";

/** Names of image files that are looked for in folders: torchvision's. */
export const IMAGE_EXTENSIONS: readonly string[] = [
  ".jpg",
  ".jpeg",
  ".png",
  ".ppm",
  ".bmp",
  ".pgm",
  ".tif",
  ".tiff",
  ".webp",
];

/** Gets the decoders ready; {@link decodeImage} needs them. */
export const loadImageDecoders = loadJpegDecoder;

/**
 * Decodes a PNG, JPEG, GIF (its first picture), BMP or PBM/PGM/PPM to red, green and blue as Pillow's `convert("RGB")` does: grey is tripled, transparency dropped,
 * CMYK converted (a step or two apart). Of a PNG's 16 bits the upper eight are kept, of greys as of colours: Pillow cuts greys of 16 bits off
 * at 255 instead, which makes nearly all of them white.
 *
 * @param bytes the whole file
 * @param file its name, for messages
 * @returns uint8 [height, width, 3]
 * @throws {DataError} naming the file, when it is broken, too large or of another kind
 */
export function decodeImage(bytes: Uint8Array, file: string, options: DecodeOptions = {}): ImageData8 {
  if (begins(bytes, "\x89P")) {
    return decodePng(bytes, file, options);
  }
  if (begins(bytes, "\xff\xd8")) {
    return decodeJpeg(bytes, file, options);
  }
  if (begins(bytes, "BM")) {
    return decodeBmp(bytes, file, options);
  }
  if (begins(bytes, "GIF8")) {
    return decodeGif(bytes, file, options);
  }
  if (/^P[1-6][\s#]/.test(latin1(bytes, 3))) {
    return decodePnm(bytes, file, options);
  }
  const refused = refusedKind(bytes);
  if (refused !== undefined) {
    throw new DataError("format", `${file} is ${refused}, which is not read here; convert it to PNG.`, { file });
  }
  const start =
    bytes.length === 0 ? "it is empty" : `it begins with ${Buffer.from(bytes.subarray(0, 4)).toString("hex")}`;
  throw new DataError("format", `${file} is neither a PNG, JPEG, GIF, BMP nor PPM image: ${start}.`, { file });
}

/** What a file is, with its article, where it is an image of a kind that is known and not read. */
export function refusedKind(bytes: Uint8Array): string | undefined {
  if (begins(bytes, "RIFF") && latin1(bytes, 12).endsWith("WEBP")) {
    return "a WebP image";
  }
  if (begins(bytes, "II*\0") || begins(bytes, "MM\0*") || begins(bytes, "II+\0") || begins(bytes, "MM\0+")) {
    return "a TIFF image";
  }
  return undefined;
}

function begins(bytes: Uint8Array, start: string): boolean {
  return latin1(bytes, start.length) === start;
}

function latin1(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString("latin1");
}
