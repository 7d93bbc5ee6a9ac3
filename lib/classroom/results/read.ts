/** The results of a class, wherever below a folder they lie. */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ClassroomError } from "../errors.ts";
import { described, kindOf } from "../source/index.ts";
import { checkedResult } from "./check.ts";
import type { Result } from "./result.ts";

/** What grading calls its file. */
export const resultFile = "result.json";

export interface FoundResult {
  readonly path: string;
  readonly result: Result;
}

export interface FoundResults {
  /** In the order of assignments and students. */
  readonly results: readonly FoundResult[];
  /** Files that are no results, each a sentence. */
  readonly problems: readonly string[];
}

/** A folder of results, one for each submission below it. */
const deepest = 4;
/** A result holds pictures. One that is larger was not made by grading. */
const largest = 256 * 2 ** 20;

/**
 * Reads all results below a folder. Links are not followed.
 *
 * @param folder What `grade` wrote, or one file.
 * @returns The results, and what could not be read.
 * @throws {ClassroomError} Where there is none at all, or none of them can be read.
 */
export function readResults(folder: string): FoundResults {
  const results: FoundResult[] = [];
  const problems: string[] = [];
  for (const path of [...filesIn(folder, 0)]) {
    try {
      results.push({ path, result: readResult(path) });
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (results.length === 0 && problems.length === 0) {
    const kind = kindOf(folder);
    const told = kind === "other" ? "" : `${described[kind]}: `;
    throw new ClassroomError(
      folder,
      `${told}there is no ${resultFile} here or below; \`convbook class grade\` writes them`,
    );
  }
  if (results.length === 0) {
    throw new ClassroomError(folder, problems);
  }
  const key = ({ result }: FoundResult) => `${result.assignment}\n${result.student}`;
  results.sort((a, b) => key(a).localeCompare(key(b), "en", { numeric: true }));
  return { results, problems };
}

function* filesIn(path: string, depth: number): Generator<string> {
  let stats: ReturnType<typeof lstatSync>;
  try {
    stats = lstatSync(path);
  } catch (error) {
    throw new ClassroomError(path, "there is no such file or folder", { cause: error });
  }
  if (stats.isFile()) {
    yield path;
    return;
  }
  if (!stats.isDirectory()) {
    return;
  }
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isFile() && entry.name === resultFile) {
      yield join(path, entry.name);
    } else if (entry.isDirectory() && entry.name !== "node_modules" && depth < deepest) {
      yield* filesIn(join(path, entry.name), depth + 1);
    }
  }
}

/**
 * Reads one result.
 *
 * @throws {ClassroomError} Where the file is none, or one of a newer version.
 */
export function readResult(path: string): Result {
  if (lstatSync(path).size > largest) {
    throw new ClassroomError(path, `this is no result: it has more than ${largest / 2 ** 20} MiB`);
  }
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ClassroomError(path, "this is no result: it is not JSON", { cause: error });
  }
  return checkedResult(value, path);
}
