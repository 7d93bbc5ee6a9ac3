/**
 * Decoded data sets on disk: a header, the labels and the images as they lie in memory, so that a later start reads them with one call
 * into memory that threads share. A file is written whole or not at all.
 */
import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { codeOf, writeFileAtomic } from "../files/index.ts";
import { elements } from "./sources/array-source.ts";

/** Images with their labels. */
export interface DecodedImages {
  /** Shape of one image, [height, width, channels]. */
  readonly shape: readonly number[];
  readonly images: Uint8Array;
  /** Kinds of labels ("label", or "fine" and "coarse"), each one number an image. */
  readonly labels: Readonly<Record<string, Int32Array>>;
  /** What a user should know about where the images come from; "" for nothing. */
  readonly note: string;
}

interface Header {
  readonly format: typeof FORMAT;
  /** What it was decoded from: SHA-256 of the files. */
  readonly source: string;
  readonly count: number;
  readonly shape: readonly number[];
  readonly labels: readonly string[];
  readonly note: string;
  /** CRC-32 of this header (with 0 here), the labels and the images: a disk may change a bit without telling. */
  readonly checksum: number;
}

const FORMAT = "convbook decoded images 3";
const HEADER_BYTES = 4096;
const MAX_READ = 1 << 30;

/** Writes images to a file that {@link readDecoded} reads. */
export async function writeDecoded(path: string, source: string, decoded: DecodedImages): Promise<void> {
  const { shape, images, labels, note } = decoded;
  const count = images.length / elements(shape);
  const parts = Object.values(labels).map((kind) => new Uint8Array(kind.buffer, kind.byteOffset, kind.byteLength));
  const plain = { format: FORMAT, source, count, shape, labels: Object.keys(labels), note, checksum: 0 } as const;
  const header: Header = { ...plain, checksum: checksumOf(plain, [...parts, images]) };
  const first = Buffer.alloc(HEADER_BYTES);
  first.write(`${JSON.stringify(header)}\n`);
  await writeFileAtomic(path, [first, ...parts, images]);
}

function checksumOf(header: Header, parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => crc32(part, sum), crc32(JSON.stringify({ ...header, checksum: 0 })));
}

/** The images where threads share them, as {@link readDecoded} gives them. */
export function inSharedMemory({ shape, images, labels, note }: DecodedImages): DecodedImages {
  const shared = new Uint8Array(new SharedArrayBuffer(images.length));
  shared.set(images);
  const kinds = Object.entries(labels).map(([kind, values]) => {
    const copy = new Int32Array(new SharedArrayBuffer(values.byteLength));
    copy.set(values);
    return [kind, copy] as const;
  });
  return { shape, images: shared, labels: Object.fromEntries(kinds), note };
}

/**
 * Reads what {@link writeDecoded} wrote.
 * @returns the images in shared memory, or undefined where there is no such file, it is of another source or format, or
 *   damaged
 */
export async function readDecoded(path: string, source: string): Promise<DecodedImages | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
  try {
    const { size } = await file.stat();
    const first = Buffer.alloc(HEADER_BYTES);
    if (size < HEADER_BYTES || !(await readAll(file, first, 0))) {
      return undefined;
    }
    const header = parseHeader(first);
    if (header === undefined || header.source !== source) {
      return undefined;
    }
    const { count, shape } = header;
    const imageBytes = count * elements(shape);
    if (size !== HEADER_BYTES + header.labels.length * count * 4 + imageBytes) {
      return undefined;
    }
    let position = HEADER_BYTES;
    const labels: Record<string, Int32Array> = {};
    for (const kind of header.labels) {
      const values = new Int32Array(new SharedArrayBuffer(count * 4));
      if (!(await readAll(file, new Uint8Array(values.buffer), position))) {
        return undefined;
      }
      labels[kind] = values;
      position += count * 4;
    }
    const images = new Uint8Array(new SharedArrayBuffer(imageBytes));
    if (!(await readAll(file, images, position))) {
      return undefined;
    }
    const parts = Object.values(labels).map(({ buffer }) => new Uint8Array(buffer));
    if (checksumOf(header, [...parts, images]) !== header.checksum) {
      return undefined;
    }
    return { shape, images, labels, note: header.note };
  } finally {
    await file.close();
  }
}

function parseHeader(bytes: Buffer): Header | undefined {
  try {
    const header: Header = JSON.parse(bytes.toString("utf8", 0, bytes.indexOf(10)));
    const whole = (n: unknown): boolean => typeof n === "number" && Number.isSafeInteger(n) && n >= 0;
    const sound =
      header.format === FORMAT &&
      whole(header.count) &&
      Array.isArray(header.shape) &&
      header.shape.every(whole) &&
      typeof header.note === "string" &&
      Array.isArray(header.labels) &&
      header.labels.every((kind) => typeof kind === "string" && kind !== "__proto__");
    return sound ? header : undefined;
  } catch {
    return undefined;
  }
}

async function readAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<boolean> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(MAX_READ, bytes.length - done), position + done);
    if (bytesRead === 0) {
      return false;
    }
    done += bytesRead;
  }
  return true;
}
