/** PNG files as images of bytes. */
import { inflateSync } from "node:zlib";
import { PNG } from "pngjs";
import type { ImageData8 } from "../dataset.ts";
import { DataError } from "../error.ts";

/** The largest image that is believed, in pixels: above it a small file could ask for all memory. */
const MAX_PIXELS = 2 ** 28;

/**
 * Decodes a PNG of any colour type and depth. As Pillow's `convert("RGB")` does, transparency is dropped; of 16 bits a channel the
 * upper eight are kept.
 *
 * @param bytes the whole file
 * @param file its name, for messages
 * @returns uint8 [height, width, 3]
 * @throws {DataError} naming the file, when it is broken
 */
export function decodePng(bytes: Uint8Array, file: string): ImageData8 {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (message: string, cause?: unknown): never => {
    throw new DataError("format", `${file} is not a PNG image that can be read: ${message}.`, { file, cause });
  };
  if (buffer.length >= 24) {
    const pixels = buffer.readUInt32BE(16) * buffer.readUInt32BE(20);
    if (pixels > MAX_PIXELS) fail(`it tells of ${pixels} pixels; at most ${MAX_PIXELS} are read`);
  }
  if (buffer[28] === 1) checkInterlaced(buffer, fail);
  let decoded: { width: number; height: number; data: Uint8Array | Uint16Array; depth: number };
  try {
    decoded = PNG.sync.read(withoutTransparentColour(buffer), { skipRescale: true }) as unknown as typeof decoded;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return fail(message.replace(/\.$/, "") || "it ends too early", error);
  }
  const { width, height, data, depth } = decoded;
  const shift = Math.max(0, depth - 8);
  // Grey of fewer than eight bits comes unscaled; colours by palette are eight bits already.
  const scale = depth < 8 && buffer[25] === 0 ? 255 / (2 ** depth - 1) : 1;
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    for (let c = 0; c < 3; c++) rgb[to + c] = ((data[from + c] as number) >> shift) * scale;
  }
  return { dtype: "uint8", shape: [height, width, 3], data: rgb };
}

/**
 * The decoder sets no bound on what an interlaced image's data may inflate to: it is inflated here first, with one.
 */
function checkInterlaced(png: Buffer, fail: (message: string, cause?: unknown) => never): void {
  const parts: Buffer[] = [];
  for (const { type, start, end } of chunks(png)) {
    if (type === "IDAT") parts.push(png.subarray(start, end));
  }
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  // At most four channels of 16 bits, and a filter byte for each row of each of the seven passes.
  const maxOutputLength = width * height * 8 + 7 * (height + 8);
  try {
    inflateSync(Buffer.concat(parts), { maxOutputLength });
  } catch (error) {
    fail(`its data is broken or more than its size tells (${(error as Error).message})`, error);
  }
}

/** The chunks of a PNG: their types and where their data lies. */
function* chunks(png: Buffer): Generator<{ readonly type: string; readonly start: number; readonly end: number }> {
  for (let position = 8; position + 12 <= png.length; ) {
    const length = png.readUInt32BE(position);
    yield { type: png.toString("latin1", position + 4, position + 8), start: position + 8, end: position + 8 + length };
    position += 12 + length;
  }
}

/** Without the chunk that makes one colour of a grey or RGB image transparent: the decoder would paint those pixels black. */
function withoutTransparentColour(png: Buffer): Buffer {
  const paletted = png[25] === 3;
  if (paletted) return png;
  for (const { type, start, end } of chunks(png)) {
    if (type === "tRNS") return Buffer.concat([png.subarray(0, start - 8), png.subarray(end + 4)]);
    if (type === "IDAT") break;
  }
  return png;
}
