/** Reading event files: the TFRecord frame, and the folders that TensorBoard calls runs. */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { checkText } from "../arguments/check.ts";
import { compareCodePoints, messageOf } from "../files/index.ts";
import { maskedCrc32c } from "./crc32c.ts";
import { EventFileError } from "./errors.ts";
import { decodeEvent, type TensorBoardEvent } from "./events.ts";
import { view, WireError } from "./protobuf.ts";

/** A record larger than this is refused: TensorBoard's own pictures and graphs stay far below. */
const maxRecordBytes = 256 * 1024 * 1024;

/** The events of one file, in order; can be iterated again and again. */
export class EventFile implements Iterable<TensorBoardEvent> {
  readonly path: string;
  #truncated = false;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Whether the last record is incomplete, as while the writer is still at work or after it was killed; known when an iteration has ended.
   * The events before it are whole.
   */
  get truncated(): boolean {
    return this.#truncated;
  }

  /** @throws EventFileError at a record whose checksum or content is wrong */
  *[Symbol.iterator](): Generator<TensorBoardEvent> {
    this.#truncated = false;
    for (const { offset, data } of this.#records()) {
      try {
        yield decodeEvent(data);
      } catch (error) {
        if (!(error instanceof WireError)) {
          throw error;
        }
        throw new EventFileError(this.path, offset + 12 + error.at, `the record is no event: ${error.message}`, {
          cause: error,
        });
      }
    }
  }

  *#records(): Generator<{ offset: number; data: Uint8Array }> {
    let file: number;
    try {
      file = openSync(this.path, "r");
    } catch (error) {
      throw new EventFileError(this.path, 0, `cannot be opened: ${messageOf(error)}`, { cause: error });
    }
    try {
      const size = fstatSync(file).size;
      let offset = 0;
      while (offset < size) {
        const header = offset + 12 <= size ? readAt(file, offset, 12) : undefined;
        if (!header) {
          this.#truncated = true;
          return;
        }
        const numbers = view(header);
        if (numbers.getUint32(8, true) !== maskedCrc32c(header.subarray(0, 8))) {
          const hint = offset === 0 ? " (is it an event file?)" : "";
          throw new EventFileError(this.path, offset, `the checksum of the record's length is wrong${hint}`);
        }
        const length = numbers.getBigUint64(0, true);
        if (length > BigInt(maxRecordBytes)) {
          throw new EventFileError(
            this.path,
            offset,
            `a record of ${length} bytes; at most ${maxRecordBytes} are read`,
          );
        }
        const end = offset + 12 + Number(length) + 4;
        const body = end <= size ? readAt(file, offset + 12, Number(length) + 4) : undefined;
        if (!body) {
          this.#truncated = true;
          return;
        }
        const data = body.subarray(0, Number(length));
        if (view(body).getUint32(Number(length), true) !== maskedCrc32c(data)) {
          throw new EventFileError(this.path, offset + 12, "the checksum of the record's data is wrong");
        }
        yield { offset, data };
        offset = end;
      }
    } finally {
      closeSync(file);
    }
  }
}

function readAt(file: number, offset: number, length: number): Uint8Array | undefined {
  const out = new Uint8Array(length);
  let got = 0;
  while (got < length) {
    const count = readSync(file, out, got, length - got, offset + got);
    if (count === 0) {
      return undefined;
    }
    got += count;
  }
  return out;
}

/**
 * The events of an event file, or of all event files directly in a folder one after the other (a run that was resumed has several).
 *
 * @param path an event file or a folder with some
 * @returns an iterable of events; its `truncated` says, after a pass, whether the last record of a file was incomplete
 * @throws EventFileError where there is no such file, no event file in the folder, or (while iterating) a file is damaged
 */
export function readEvents(path: string): Iterable<TensorBoardEvent> & { readonly truncated: boolean } {
  const files = eventFiles(path).map((file) => new EventFile(file));
  return {
    *[Symbol.iterator]() {
      for (const file of files) {
        yield* file;
      }
    },
    get truncated() {
      return files.some((file) => file.truncated);
    },
  };
}

/** One value of a scalar. */
export interface ScalarPoint {
  readonly step: number;
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly value: number;
}

/**
 * All scalars of a run by tag, in order of writing.
 *
 * @param path an event file or a folder with some
 * @throws EventFileError as {@link readEvents}
 */
export function scalars(path: string): Map<string, ScalarPoint[]> {
  const out = new Map<string, ScalarPoint[]>();
  for (const { step, wallTime, values } of readEvents(path)) {
    for (const value of values) {
      if (value.kind !== "scalar") {
        continue;
      }
      let points = out.get(value.tag);
      if (!points) {
        points = [];
        out.set(value.tag, points);
      }
      points.push({ step, wallTime, value: value.value });
    }
  }
  return out;
}

/** The event files that `path` stands for: itself, or those directly in it, oldest (by the time in the name) first. */
export function eventFiles(path: string): string[] {
  checkText("readEvents", "path", path, "the path of an event file, or of a folder with some");
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) {
    throw new EventFileError(path, 0, "there is no such file or folder");
  }
  if (!stat.isDirectory()) {
    return [path];
  }
  const files = filesIn(path);
  if (files.length === 0) {
    throw new EventFileError(path, 0, "the folder has no event file (…tfevents…)");
  }
  return files;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.includes("tfevents"))
    .map((entry) => join(folder, entry.name))
    .sort(compareCodePoints);
}

/**
 * The runs under a folder as TensorBoard sees them: every folder with event files is one, named by its way from the top ("." for the top itself).
 *
 * @throws EventFileError where there is no such folder, or no run under it
 */
export function findRuns(path: string): Map<string, string> {
  checkText("findRuns", "path", path, "the path of an event file, or of a folder with some");
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) {
    throw new EventFileError(path, 0, "there is no such file or folder");
  }
  if (!stat.isDirectory()) {
    return new Map([[basename(path), path]]);
  }
  const runs = new Map<string, string>();
  const visit = (folder: string, depth: number): void => {
    if (filesIn(folder).length > 0) {
      runs.set(relative(path, folder) || ".", folder);
    }
    if (depth === 0) {
      return;
    }
    const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const entry of inner.sort((a, b) => compareCodePoints(a.name, b.name))) {
      visit(join(folder, entry.name), depth - 1);
    }
  };
  visit(path, 8);
  if (runs.size === 0) {
    throw new EventFileError(path, 0, "the folder has no event file (…tfevents…), and none under it");
  }
  return runs;
}
