/** The results of a class, wherever below a folder they lie. */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ClassroomError } from "../errors.ts";
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
 * @throws {ClassroomError} Where there is none at all.
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
    throw new ClassroomError(folder, `there is no ${resultFile} here or below; \`convbook class grade\` writes them`);
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
  if (isObject(value) && typeof value.version === "number" && value.version > 1) {
    throw new ClassroomError(
      path,
      `this result has version ${value.version}, and version 1 is the newest that is known here`,
    );
  }
  const wrong = faultOf(value);
  if (wrong !== undefined) {
    throw new ClassroomError(path, `this is no result: ${wrong}`);
  }
  return value as Result;
}

type Fields = Readonly<Record<string, unknown>>;

/** The first thing that keeps a value from being a result. */
function faultOf(value: unknown): string | undefined {
  if (!isObject(value)) {
    return "it is no object";
  }
  for (const [name, type] of [
    ["assignment", "string"],
    ["student", "string"],
    ["status", "string"],
    ["points", "number"],
    ["maxPoints", "number"],
  ] as const) {
    if (typeof value[name] !== type) {
      return `its ${name} is no ${type}`;
    }
  }
  for (const name of ["tasks", "findings"]) {
    if (!Array.isArray(value[name]) || !value[name].every(isObject)) {
      return `its ${name} are no list`;
    }
  }
  for (const [i, task] of (value.tasks as readonly Fields[]).entries()) {
    const wrong = taskFault(task);
    if (wrong !== undefined) {
      return `its task ${i + 1} ${wrong}`;
    }
  }
  return undefined;
}

function taskFault(task: Fields): string | undefined {
  if (typeof task.id !== "string" || typeof task.title !== "string" || typeof task.maxPoints !== "number") {
    return "has no id, title and points";
  }
  if (task.points !== null && typeof task.points !== "number") {
    return "has points that are no number";
  }
  const reasons = task.reasons;
  return Array.isArray(reasons) && reasons.every((reason) => isObject(reason) && typeof reason.name === "string")
    ? undefined
    : "has reasons that are no list of checks";
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
