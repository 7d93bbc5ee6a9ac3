/** Image files of any kind that is read, told by their first bytes and not by their names. */
import type { ImageData8 } from "../dataset.ts";
import { DataError } from "../error.ts";
import { decodeJpeg, loadJpegDecoder } from "./jpeg.ts";
import { decodePng } from "./png.ts";

/** Names of image files that are looked for in folders. */
export const IMAGE_EXTENSIONS: readonly string[] = [".jpg", ".jpeg", ".png"];

/** Gets the decoders ready; {@link decodeImage} needs them. */
export const loadImageDecoders = loadJpegDecoder;

/**
 * Decodes a PNG or JPEG to red, green and blue as Pillow's `convert("RGB")` does: grey is tripled, transparency dropped, CMYK converted, of
 * 16 bits the upper eight kept.
 *
 * @param bytes the whole file
 * @param file its name, for messages
 * @returns uint8 [height, width, 3]
 * @throws {DataError} naming the file, when it is broken or of another kind
 */
export function decodeImage(bytes: Uint8Array, file: string): ImageData8 {
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return decodePng(bytes, file);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return decodeJpeg(bytes, file);
  const start =
    bytes.length === 0 ? "it is empty" : `it begins with ${Buffer.from(bytes.subarray(0, 4)).toString("hex")}`;
  throw new DataError("format", `${file} is neither a PNG nor a JPEG image: ${start}.`, { file });
}
