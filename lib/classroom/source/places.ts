/** Paths that commands get: each is what it is meant to be, or the error says what it is. */
import { readFileSync, realpathSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { ClassroomError } from "../errors.ts";
import { firstLine } from "../values.ts";
import { described, type Kind, kindOf, statsOf } from "./kinds.ts";

/**
 * Refuses a path that leads to something else than what is meant.
 *
 * @param path As it was given.
 * @param wrong The kinds that it must not be.
 * @param expected What is meant, for the error.
 * @throws ClassroomError which names what is there.
 */
export function refuse(path: string, wrong: readonly Kind[], expected: string): void {
  const kind = kindOf(path);
  if (wrong.includes(kind)) {
    throw new ClassroomError(path, `${described[kind]}; expected ${expected}`);
  }
}

/** Folders that are somebody's work, into which no command writes anything else. */
const work: readonly Kind[] = ["student", "solution", "grader", "source", "made"];

/**
 * A folder into which a command writes: a new one, an empty one, or one of its own.
 *
 * @throws ClassroomError where it is a file, or folder of an assignment.
 */
export function outputFolder(path: string, others: readonly Kind[] = work): void {
  const above = firstThere(path);
  if (above !== undefined && statsOf(above)?.isDirectory() === false) {
    throw new ClassroomError(
      path,
      `${above === resolve(path) ? "" : `${above} `}is a file; expected a folder, or a new name`,
    );
  }
  refuse(path, others, "a folder of its own for what is written");
}

/** A file that a command writes. */
export function outputFile(path: string): void {
  if (statsOf(path)?.isDirectory() === true) {
    throw new ClassroomError(path, "is a folder; expected a file to write");
  }
  const above = firstThere(dirname(resolve(path)));
  if (above !== undefined && statsOf(above)?.isDirectory() === false) {
    throw new ClassroomError(path, `${above} is a file; expected a folder there`);
  }
}

/**
 * The text of a file that a command reads.
 *
 * @param expected What it should be, for the error.
 */
export function inputText(path: string, expected: string): string {
  const stats = statsOf(path);
  if (stats === undefined || stats.isDirectory()) {
    throw new ClassroomError(path, `${stats === undefined ? "no such file" : "is a folder"}; expected ${expected}`);
  }
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ClassroomError(path, `cannot be read: ${firstLine(error)}`, { cause: error });
  }
  return textOf(bytes, path);
}

/**
 * A file's bytes as text: UTF-8, or UTF-16 with its byte order mark, as spreadsheets write "Unicode text". Other encodings do not say which they are;
 * letters that were guessed would make somebody else of a name.
 *
 * @param path For messages.
 * @throws ClassroomError which shows the first line that is written otherwise.
 */
export function textOf(bytes: Uint8Array, path: string): string {
  const encoding = encodingOf(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    const lines = new TextDecoder(encoding).decode(bytes).split(/\r\n|\r|\n/);
    const at = lines.findIndex((line) => line.includes("\ufffd"));
    const line = (lines[at] ?? "").slice(0, 80);
    throw new ClassroomError(
      path,
      `is not ${encoding.slice(0, encoding === "utf-8" ? 5 : 6).toUpperCase()}: line ${at + 1} is ${JSON.stringify(line)}; save it as UTF-8 (in Excel: "CSV UTF-8")`,
      { cause: error },
    );
  }
}

/** How a text is written, by its byte order mark: Windows' programs write UTF-16, too. */
export function encodingOf([first, second]: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  return first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}

/** Whether a path is a folder or lies in it, whatever links lead there. */
export function isWithin(path: string, folder: string): boolean {
  return liesIn(resolve(path), resolve(folder)) || liesIn(realPath(path), realPath(folder));
}

function liesIn(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : `${outer}${sep}`);
}

/** Where a path really is, as far as it is there. */
function realPath(path: string): string {
  const there = firstThere(path);
  return there === undefined ? resolve(path) : join(realpathSync(there), relative(there, resolve(path)));
}

/** The path, or the nearest above it that is there. */
function firstThere(path: string): string | undefined {
  for (let place = resolve(path); ; place = dirname(place)) {
    if (statsOf(place) !== undefined) {
      return place;
    }
    if (dirname(place) === place) {
      return undefined;
    }
  }
}
