/** PNG files as images of bytes. */
import { decodePng as decode, PngError } from "nbconvert-ts-runner/png";
import { DataError } from "../error.ts";
import type { ImageData8 } from "../sample.ts";
import { type DecodeOptions, type Fail, sizeCheck } from "./limits.ts";

/**
 * Decodes a PNG of any colour type and depth. As Pillow's `convert("RGB")` does, transparency is dropped. Of 16 bits a channel the
 * upper eight are kept; Pillow does so with colours, while it cuts greys of 16 bits off at 255, which makes nearly all of them white.
 *
 * @param bytes the whole file
 * @param file its name, for messages
 * @returns uint8 [height, width, 3]
 * @throws {DataError} naming the file, when it is broken, does not hold all of its pixels or has too many
 */
export function decodePng(bytes: Uint8Array, file: string, options: DecodeOptions = {}): ImageData8 {
  const fail: Fail = (message, cause) => {
    throw new DataError("format", `${file} is not a PNG image that can be read: ${message}.`, { file, cause });
  };
  try {
    const { width, height, data } = decode(bytes, { channels: 3, checkSize: sizeCheck(fail, options) });
    return { dtype: "uint8", shape: [height, width, 3], data };
  } catch (error) {
    if (!(error instanceof PngError)) {
      throw error;
    }
    return fail(error.message, error);
  }
}
