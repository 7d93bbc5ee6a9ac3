/** The contents of a zip archive's entries: as they lie in the file, or inflated where a program packed the archive anew. */
import { crc32, type InflateRaw, inflateRawSync } from "node:zlib";
import { ByteReader, quote } from "../byte-reader.ts";

/** One entry: where its bytes lie in the file. */
export interface ZipEntry {
  readonly name: string;
  /** Of the local header. */
  readonly start: number;
  readonly offset: number;
  /** Bytes in the file. */
  readonly packed: number;
  /** Bytes of its content. */
  readonly size: number;
  readonly isDeflated: boolean;
  /** CRC-32 of its content, as the directory has it. */
  readonly crc: number;
  /** Behind its data descriptor. */
  readonly end: number;
}

/**
 * The contents by the entries' names, compared with their checksums. torch can leave those out
 * (`torch.serialization.set_crc32_options(False)`): then all of them are 0, and damage goes unseen.
 *
 * @param budget bytes that the inflated contents may take beyond the file's own length
 * @throws CheckpointError for contents that are too large, damaged, or not of the size that the directory has
 */
export function readContents(
  bytes: Uint8Array,
  file: string,
  entries: readonly ZipEntry[],
  budget: number,
): Map<string, Uint8Array> {
  const inflated = entries.reduce((sum, { isDeflated, size }) => sum + (isDeflated ? size : 0), 0);
  if (inflated > bytes.length + budget) {
    throw new ByteReader(bytes, file).error(
      "limit",
      `its entries take ${inflated} bytes inflated; at most ${bytes.length + budget} are read from a file of its length (the option maxCopiedBytes allows more)`,
      0,
    );
  }
  const hasChecksums = entries.some(({ crc }) => crc !== 0);
  const contents = new Map<string, Uint8Array>();
  for (const entry of entries) {
    const { name, offset, packed, isDeflated, crc } = entry;
    const stored = bytes.subarray(offset, offset + packed);
    const content = isDeflated ? inflate(stored, entry) : stored;
    if (content === undefined || (hasChecksums && crc32(content) !== crc)) {
      const how = content === undefined ? "" : " (CRC-32)";
      throw new ByteReader(bytes, file).error(
        "malformed",
        `the content of entry ${quote(name)} is damaged${how}`,
        offset,
      );
    }
    contents.set(name, content);
  }
  return contents;
}

/** The content of a deflated entry; undefined where it is damaged, of another size, or something follows it. */
function inflate(packed: Uint8Array, { size }: ZipEntry): Uint8Array | undefined {
  try {
    // The size is that of the directory, so nothing larger is ever made.
    const { buffer, engine } = inflateRawSync(packed, {
      maxOutputLength: Math.max(1, size),
      info: true,
    }) as unknown as {
      buffer: Buffer;
      engine: InflateRaw;
    };
    return buffer.length === size && engine.bytesWritten === packed.length ? buffer : undefined;
  } catch {
    return undefined;
  }
}
