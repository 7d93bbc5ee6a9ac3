/** IDX files, in which MNIST and Fashion-MNIST are published: a magic number, big-endian sizes, then the values. */
import { constants, gunzipSync } from "node:zlib";
import { codeOf, messageOf } from "../../files/index.ts";
import { DataError } from "../error.ts";

/** An array of bytes of any number of dimensions. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** The largest array that is believed: 2^31 - 1 bytes. */
const MAX_BYTES = 2 ** 31 - 1;
/** The most bytes that one of deflate's can become. */
const MAX_RATIO = 1032;
/** More than the longest header: 255 dimensions. */
const HEADER_BYTES = 4 + 4 * 255;

/**
 * Reads an IDX file of unsigned bytes, gzipped or not. Of a gzipped one its header is read first: no more is inflated than it tells of.
 * @param bytes the whole file
 * @param file its name, for messages
 * @throws {DataError} naming the file, when it is not IDX, not of unsigned bytes, or not as long as it says
 */
export function readIdx(bytes: Uint8Array, file: string): IdxArray {
  const fail = (message: string, cause?: unknown): never => {
    throw new DataError("format", `${file} is not an IDX file of bytes: ${message}.`, { file, cause });
  };
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const inflate = (packed: Uint8Array, most: number, finishFlush: number): Uint8Array => {
    try {
      return gunzipSync(packed, { maxOutputLength: most, finishFlush });
    } catch (error) {
      const code = codeOf(error);
      if (code === "ERR_BUFFER_TOO_LARGE") {
        return fail("more follows than its header tells of", error);
      }
      return fail(`its compression is broken (${messageOf(error)})`, error);
    }
  };
  // The beginning of a stream inflates to the beginning of what is in it.
  const head = gzipped
    ? inflate(bytes.subarray(0, 2 * HEADER_BYTES), 2 * HEADER_BYTES * MAX_RATIO, constants.Z_SYNC_FLUSH)
    : bytes;
  if (head.length < 4) {
    return fail(`it has ${head.length} bytes`);
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const magic = view.getUint32(0);
  const dimensions = magic & 0xff;
  if (magic >>> 8 !== 0x08 || dimensions === 0) {
    return fail(`it begins with 0x${magic.toString(16).padStart(8, "0")}, not 0x000008 and a number of dimensions`);
  }
  const start = 4 + 4 * dimensions;
  if (head.length < start) {
    return fail(`it ends within its header, after ${head.length} bytes`);
  }
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((product, side) => product * side, 1);
  if (gzipped && start + size > Math.min(MAX_BYTES, bytes.length * MAX_RATIO)) {
    return fail(`its header tells of ${shape.join(" x ")} bytes, which its ${bytes.length} cannot hold`);
  }
  const content = gzipped ? inflate(bytes, start + size, constants.Z_FINISH) : bytes;
  if (size !== content.length - start) {
    return fail(`its header tells of ${shape.join(" x ")} bytes, but ${content.length - start} follow`);
  }
  return { shape, data: content.subarray(start) };
}
