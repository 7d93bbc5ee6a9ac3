/**
 * Unpacking archives of images: plain files only, below one folder, of limited size. A file appears under its name when it is whole, and the
 * folder when all are there, so that what was interrupted goes on where it stopped.
 */
import { createReadStream, existsSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Parser, type ReadEntry } from "tar";
import { messageOf, unsafePathReason } from "../../files/index.ts";
import { DataError } from "../error.ts";

/** The largest image that is believed; ImageNet's largest has 16 MB. */
export const MAX_IMAGE_BYTES = 256 << 20;

/** Throws, saying what is wrong with the archive. */
export type Fail = (message: string, cause?: unknown) => never;

/** @returns what throws errors that name this archive */
export function failing(archive: string): Fail {
  return (message, cause) => {
    throw new DataError("format", `${archive}: ${message}.`, { file: archive, cause });
  };
}

/** A file in an archive. */
export interface ArchivedFile {
  /** Its path, safe below a folder, with forward slashes. */
  readonly path: string;
  readonly size: number;
  readonly entry: ReadEntry;
  /** Ends the going through with an error, from within the entry's events. */
  readonly stop: (error: unknown) => void;
}

/**
 * Goes through the files of an archive, one after the other; folders are passed over.
 *
 * @param maxBytes the largest file that is believed
 * @param onFile must take the entry's data at once, or leave it
 * @param options whether it is a .tgz, of which nothing but each file's size is bounded then: for archives whose hash is known
 * @throws {DataError} naming the archive and the entry that is a link or something else, has a path that leads out, or is too large
 */
export async function eachFile(
  archive: string,
  maxBytes: number,
  onFile: (file: ArchivedFile) => void,
  { signal, compressed = false }: { readonly signal?: AbortSignal | undefined; readonly compressed?: boolean } = {},
): Promise<void> {
  const fail = failing(archive);
  if (!compressed) {
    await refuseCompressed(archive, fail);
  }
  let problem: unknown;
  const stop = (error: unknown): void => {
    problem ??= error;
  };
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      try {
        const found = problem === undefined ? checked(entry, maxBytes, fail) : undefined;
        if (found !== undefined) {
          onFile({ ...found, entry, stop });
        }
      } catch (error) {
        stop(error);
      }
      entry.resume();
    },
  });
  parser.on("error", (error: unknown) => stop(asDataError(error, fail)));
  const ended = new Promise<void>((resolve) => parser.on("end", resolve));
  try {
    for await (const chunk of createReadStream(archive, { highWaterMark: 1 << 22, signal })) {
      parser.write(chunk);
      if (problem !== undefined) {
        break;
      }
    }
  } catch (error) {
    stop(signal?.aborted ? signal.reason : asDataError(error, fail));
  }
  if (problem === undefined) {
    parser.end();
    await ended;
  }
  if (problem !== undefined) {
    throw problem;
  }
}

function asDataError(error: unknown, fail: Fail): unknown {
  try {
    return fail(`not a whole .tar: ${messageOf(error)}`, error);
  } catch (made) {
    return made;
  }
}

async function refuseCompressed(archive: string, fail: Fail): Promise<void> {
  const start = Buffer.alloc(262);
  try {
    const handle = await open(archive, "r");
    await handle.read(start, 0, start.length, 0).finally(() => handle.close());
  } catch (error) {
    fail(`it cannot be read: ${messageOf(error)}`, error);
  }
  // Every kind of tar that is written today says so here.
  if (start.subarray(257, 262).toString("latin1") !== "ustar") {
    fail("it is not an uncompressed .tar");
  }
}

/** An entry's path and size, or undefined for a folder. */
function checked(entry: ReadEntry, maxBytes: number, fail: Fail): Pick<ArchivedFile, "path" | "size"> | undefined {
  const { type, size } = entry;
  const path = entry.path.replace(/^(\.\/)+/, "");
  const shown = JSON.stringify(entry.path.slice(0, 100));
  if (type === "Directory" || type === "GNUDumpDir") {
    return undefined;
  }
  if (type !== "File" && type !== "OldFile" && type !== "ContiguousFile") {
    fail(`${shown} is no file in it but a ${type}, which is not unpacked`);
  }
  const reason = unsafePathReason(path);
  if (reason !== null) {
    fail(`${shown} cannot be unpacked below a folder: ${reason}`);
  }
  if (size > maxBytes) {
    fail(`${shown} has ${size} bytes; at most ${maxBytes} are believed`);
  }
  return { path, size };
}

/** Goes through an archive that is a file in another; its files are given to `onFile` as they come. */
export function eachInnerFile(
  { path, size, entry, stop }: ArchivedFile,
  archive: string,
  onFile: (file: ArchivedFile) => void,
): void {
  const fail = failing(`${archive}: ${path}`);
  let left = size;
  const parser = new Parser({
    strict: true,
    onReadEntry: (inner) => {
      try {
        const file = checked(inner, MAX_IMAGE_BYTES, fail);
        if (file !== undefined) {
          left -= file.size;
          if (left < 0) {
            fail("its files have more bytes than it has: it is compressed or broken");
          }
          onFile({ ...file, entry: inner, stop });
        }
      } catch (error) {
        stop(error);
      }
      inner.resume();
    },
  });
  parser.on("error", (error: unknown) => stop(asDataError(error, fail)));
  entry.on("data", (chunk) => parser.write(chunk));
  entry.on("end", () => parser.end());
}

/** Where a file is written before it gets its name. No path in an archive is this: files lie in classes' folders. */
const PART = ".part";

/** Writes files below one folder. */
export class Unpacking {
  readonly folder: string;
  readonly #seen = new Set<string>();
  readonly #onFile: (path: string) => void;

  /** @param onFile told of each file that is whole, also those that were before */
  constructor(folder: string, onFile: (path: string) => void) {
    this.folder = folder;
    this.#onFile = onFile;
  }

  /** How many files there are so far. */
  get count(): number {
    return this.#seen.size;
  }

  /** Writes an entry's data to a path below the folder, unless it is there in this size. */
  write({ size, entry, stop }: ArchivedFile, path: string, fail: Fail): void {
    // Two names that differ only in case are one file on some machines.
    const key = path.toLowerCase();
    if (this.#seen.has(key)) {
      fail(`${JSON.stringify(path)} is in it twice`);
    }
    this.#seen.add(key);
    const target = join(this.folder, ...path.split("/"));
    if (existsSync(target) && statSync(target).size === size) {
      this.#onFile(path);
      return;
    }
    const chunks: Buffer[] = [];
    entry.on("data", (chunk) => chunks.push(chunk));
    entry.on("end", () => {
      const bytes = Buffer.concat(chunks);
      // What the archive's end cuts off also ends; its archive is refused.
      if (bytes.length !== size) {
        return;
      }
      try {
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(join(this.folder, PART), bytes);
        renameSync(join(this.folder, PART), target);
        this.#onFile(path);
      } catch (error) {
        stop(error);
      }
    });
  }
}

/** Notes what a folder's files come from; no class has this name. */
const SOURCE = ".source.json";

/**
 * Unpacks an archive into a folder that appears when all of it is there.
 *
 * @param fill unpacks into the folder that it is given, which may hold files of an earlier attempt at the same archive
 */
export async function unpackInto(
  folder: string,
  archive: string,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const partial = `${folder}.partial`;
  const { size, mtimeMs } = await stat(archive).catch((error) =>
    failing(archive)(`it cannot be read: ${messageOf(error)}`, error),
  );
  const source = JSON.stringify({ size, mtimeMs });
  const before = await readFile(join(partial, SOURCE), "utf8").catch(() => undefined);
  if (before !== source) {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await writeFile(join(partial, SOURCE), source);
  }
  await fill(partial);
  await rm(join(partial, SOURCE));
  await rm(join(partial, PART), { force: true });
  await rename(partial, folder);
}
