/** The chunks of a PNG file up to the end of its image data, each checked (https://www.w3.org/TR/png-3/, sections 5 and 11). */
import { crc32 } from "node:zlib";
import { PngError } from "./error.ts";

/** How colours are written: 0 grey, 2 RGB, 3 by palette, 4 grey and alpha, 6 RGB and alpha. */
export type ColorType = 0 | 2 | 3 | 4 | 6;

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits a sample, or an index into the palette. */
  readonly depth: 1 | 2 | 4 | 8 | 16;
  readonly colorType: ColorType;
  readonly interlaced: boolean;
}

export interface PngChunks {
  readonly header: PngHeader;
  /** Red, green and blue of each colour; undefined where there is none. */
  readonly palette: Uint8Array | undefined;
  /** As the file has it: alpha of palette entries, or the one colour that is transparent. */
  readonly transparency: Uint8Array | undefined;
  /** The compressed image data, in one piece. */
  readonly data: Uint8Array;
}

/** The size, before anything else is read; it is to refuse what is too large. */
export type CheckSize = (width: number, height: number) => void;

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const depths: Readonly<Record<ColorType, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/**
 * Reads what an image needs. What comes after its data (other chunks, bytes that belong to nothing) is not looked at.
 *
 * @param bytes the whole file
 * @param checkSize is told the size as soon as it is known
 * @throws PngError where a chunk is cut off, changed or not allowed, and where there is no image data
 */
export function readChunks(bytes: Uint8Array, checkSize: CheckSize): PngChunks {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!file.subarray(0, 8).equals(signature)) {
    throw new PngError("it does not begin as one");
  }
  let header: PngHeader | undefined;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  const parts: Uint8Array[] = [];
  for (let position = 8; position < file.length; ) {
    const chunk = readChunk(file, position, parts.length > 0);
    if (chunk === undefined) {
      break;
    }
    const { type, content } = chunk;
    position += 12 + content.length;
    if (header === undefined) {
      if (type !== "IHDR") {
        throw new PngError(`its first chunk is ${type}, not IHDR`);
      }
      header = parseHeader(content);
      checkSize(header.width, header.height);
    } else if (type === "IDAT") {
      parts.push(content);
    } else if (parts.length > 0 || type === "IEND") {
      break;
    } else if (type === "PLTE") {
      palette = content;
    } else if (type === "tRNS") {
      transparency = content;
    } else if (isCritical(type)) {
      throw new PngError(`it has a chunk ${type}, which is not known`);
    }
  }
  if (header === undefined) {
    throw new PngError("it ends before its header");
  }
  if (header.colorType === 3 && (palette === undefined || palette.length === 0 || palette.length % 3 !== 0)) {
    throw new PngError(palette === undefined ? "it has no palette" : `its palette has ${palette.length} bytes`);
  }
  if (parts.length === 0) {
    throw new PngError("it has no image data");
  }
  return { header, palette, transparency, data: parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts) };
}

interface Chunk {
  readonly type: string;
  readonly content: Uint8Array;
}

/** The chunk at a place; after image data undefined where something else than a chunk follows, which harms nothing. */
function readChunk(file: Buffer, position: number, afterData: boolean): Chunk | undefined {
  const name = file.toString("latin1", position + 4, position + 8);
  const isName = /^[A-Za-z]{4}$/.test(name);
  if (afterData && name !== "IDAT") {
    return undefined;
  }
  if (position + 12 > file.length) {
    throw new PngError("it is cut off");
  }
  if (!isName) {
    throw new PngError(`there is no chunk at byte ${position}`);
  }
  const end = position + 8 + file.readUInt32BE(position);
  if (end + 4 > file.length) {
    throw new PngError(`it is cut off within its chunk ${name}`);
  }
  if (crc32(file.subarray(position + 4, end)) !== file.readUInt32BE(end)) {
    throw new PngError(`the checksum of its chunk ${name} is wrong`);
  }
  return { type: name, content: file.subarray(position + 8, end) };
}

/** Capitals name chunks without which an image cannot be understood. */
function isCritical(type: string): boolean {
  return type.charCodeAt(0) < 0x61;
}

function parseHeader(content: Uint8Array): PngHeader {
  if (content.length !== 13) {
    throw new PngError(`its header has ${content.length} bytes, not 13`);
  }
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth = 0, colorType = 0, compression = 0, filter = 0, interlace = 0] = content.subarray(8);
  if (width === 0 || height === 0) {
    throw new PngError("it has no pixels");
  }
  if (!depths[colorType as ColorType]?.includes(depth)) {
    throw new PngError(`it has ${depth} bits of colour type ${colorType}, which do not go together`);
  }
  for (const [name, value, most] of [
    ["compression", compression, 0],
    ["filter", filter, 0],
    ["interlace", interlace, 1],
  ] as const) {
    if (value > most) {
      throw new PngError(`its ${name} method is ${value}, which is not known`);
    }
  }
  return { width, height, depth, colorType, interlaced: interlace === 1 } as PngHeader;
}
