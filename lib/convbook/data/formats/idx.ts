/** IDX files, in which MNIST and Fashion-MNIST are published: a magic number, big-endian sizes, then the values. */
import { gunzipSync } from "node:zlib";
import { DataError } from "../error.ts";

/** An array of bytes of any number of dimensions. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** The largest array that is believed: 2^31 - 1 bytes. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * Reads an IDX file of unsigned bytes, gzipped or not.
 * @param bytes the whole file
 * @param file its name, for messages
 * @throws {DataError} naming the file, when it is not IDX, not of unsigned bytes, or not as long as it says
 */
export function readIdx(bytes: Uint8Array, file: string): IdxArray {
  const fail = (message: string, cause?: unknown): never => {
    throw new DataError("format", `${file} is not an IDX file of bytes: ${message}.`, { file, cause });
  };
  let content = bytes;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      content = gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
    } catch (error) {
      return fail(`its compression is broken (${(error as Error).message})`, error);
    }
  }
  if (content.length < 4) return fail(`it has ${content.length} bytes`);
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const magic = view.getUint32(0);
  const dimensions = magic & 0xff;
  if (magic >>> 8 !== 0x08 || dimensions === 0) {
    return fail(`it begins with 0x${magic.toString(16).padStart(8, "0")}, not 0x000008 and a number of dimensions`);
  }
  const start = 4 + 4 * dimensions;
  if (content.length < start) return fail(`it ends within its header, after ${content.length} bytes`);
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((product, side) => product * side, 1);
  if (size !== content.length - start) {
    return fail(`its header tells of ${shape.join(" x ")} bytes, but ${content.length - start} follow`);
  }
  return { shape, data: content.subarray(start) };
}
