/** Inflating to a length that is known beforehand, on Node's zlib. */
import { constants, inflateSync } from "node:zlib";
import { PngError } from "./error.ts";

/** The most bytes that a byte of deflate's output can become: four matches of two bits, each of 258 bytes. */
const maxRatio = 1032;
/** More than one more byte of input can bring: zlib holds back at most four bytes that did not make a whole code. */
const slack = 1 << 16;

/**
 * The first `size` bytes that a zlib stream inflates to. Nothing is allocated for a stream that is too short to hold them. Bytes behind
 * the stream, and what it holds beyond `size`, are passed over, as libpng does.
 *
 * @throws PngError where the stream is broken, fails its checksum or holds fewer
 */
export function inflateFirst(stream: Uint8Array, size: number): Uint8Array {
  if (size > stream.length * maxRatio) {
    throw new PngError(`its data has ${stream.length} bytes, which cannot hold the ${size} of its pixels`);
  }
  const whole = inflateAtMost(stream, size);
  const data = whole === "more" ? withoutSurplus(stream, size) : whole;
  if (data.length < size) {
    throw new PngError(`its data ends after ${data.length} of ${size} bytes`);
  }
  return data.subarray(0, size);
}

/** What a stream inflates to, as far as it goes; "more" where that is more than `limit` bytes. */
function inflateAtMost(stream: Uint8Array, limit: number): Uint8Array | "more" {
  try {
    // One piece of output, with room to see that there is more.
    const chunkSize = Math.max(constants.Z_MIN_CHUNK, limit + 1);
    return inflateSync(stream, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: limit, chunkSize });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") {
      return "more";
    }
    throw new PngError(`its data is broken (${message})`, { cause: error });
  }
}

/**
 * Of a stream that holds too much, what a beginning of it inflates to that holds enough. zlib cannot be told to stop at a length, so that
 * beginning is looked for by halving.
 */
function withoutSurplus(stream: Uint8Array, size: number): Uint8Array {
  let tooShort = 0;
  let tooLong = stream.length;
  let found: Uint8Array = new Uint8Array(0);
  while (found.length < size && tooLong - tooShort > 1) {
    const middle = (tooShort + tooLong) >> 1;
    const inflated = inflateAtMost(stream.subarray(0, middle), size + slack);
    if (inflated === "more") {
      tooLong = middle;
    } else {
      tooShort = middle;
      found = inflated;
    }
  }
  return found.length < size ? (inflateAtMost(stream.subarray(0, tooLong), size + slack) as Uint8Array) : found;
}
