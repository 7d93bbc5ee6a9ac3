/** What a folder is, so that a command says what it got where it needs another one. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { type MadeFor, madeFolders, markOfFile } from "./mark.ts";

/** What a path may lead to. */
export type Kind =
  | "nothing"
  | "file"
  | "empty"
  /** What `make` wrote: student/, solution/ and grader/. */
  | "made"
  | MadeFor
  /** What `grade` wrote. */
  | "results"
  /** A teacher's folder, with class.yaml. */
  | "source"
  /** Folders by student. */
  | "submissions"
  | "other";

/** Each kind, as a sentence about a path says it. */
export const described: Readonly<Record<Kind, string>> = {
  nothing: "is not there",
  file: "is a file",
  empty: "is an empty folder",
  made: "is the folder in which make put student, solution and grader",
  student: "holds what students get",
  solution: "holds the solution, without the hidden tests",
  grader: "holds what submissions are graded with",
  results: "holds the results of grading",
  source: "is the source of an assignment",
  submissions: "holds what students handed in",
  other: "is none that this command knows",
};

/** What a path leads to, by its names and the marks that `make` leaves. */
export function kindOf(path: string): Kind {
  const stats = statsOf(path);
  if (stats === undefined) {
    return "nothing";
  }
  if (!stats.isDirectory()) {
    return "file";
  }
  const entries = visible(path);
  if (entries.length === 0) {
    return "empty";
  }
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  if (isOfResults(path, folders)) {
    return "results";
  }
  if (madeFolders.filter((name) => folders.includes(name) && madeForOf(join(path, name)) === name).length > 1) {
    return "made";
  }
  const own = madeForOf(path);
  if (own !== undefined) {
    return own;
  }
  if (existsSync(join(path, "class.yaml"))) {
    return "source";
  }
  const isOfStudents = (name: string) => marksIn(join(path, name), 1).length > 0 && kindOf(join(path, name)) !== "made";
  return notebooksIn(path).length === 0 && folders.some(isOfStudents) ? "submissions" : "other";
}

/** For whom the notebooks of a folder, or of its folders by variant, were made; where they do not say, by the folders beside it. */
function madeForOf(folder: string): MadeFor | undefined {
  const marks = marksIn(folder, 0);
  const ofVariants = visible(folder)
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => marksIn(join(folder, name), 0).filter(({ variant }) => variant === name));
  const said = (marks.length > 0 ? marks : ofVariants).map(({ madeFor }) => madeFor);
  if (said[0] !== undefined) {
    return said[0];
  }
  const whole = resolve(folder);
  const names = notebooksIn(folder);
  const name = madeFolders.find((each) => each === basename(whole));
  const others = madeFolders.filter((each) => each !== name).map((each) => join(dirname(whole), each));
  const isBeside = others.some((other) => notebooksIn(other).some((each) => names.includes(each)));
  return name !== undefined && isBeside ? name : undefined;
}

function isOfResults(path: string, folders: readonly string[]): boolean {
  const graded = (folder: string) => existsSync(join(folder, "result.json")) && existsSync(join(folder, "graded.key"));
  return (
    graded(path) ||
    // A student may be called so.
    statsOf(join(path, "junit.xml"))?.isFile() === true ||
    (folders.length > 0 && folders.every((name) => graded(join(path, name))))
  );
}

/** The marks of the notebooks in a folder, and in those below. The first ones say enough. */
function marksIn(folder: string, depth: number) {
  const own = notebooksIn(folder)
    .slice(0, 3)
    .flatMap((name) => markOfFile(join(folder, name)) ?? []);
  const below: ReturnType<typeof own.slice> =
    depth === 0
      ? []
      : visible(folder)
          .filter((entry) => entry.isDirectory())
          .slice(0, 3)
          .flatMap(({ name }) => marksIn(join(folder, name), depth - 1));
  return [...own, ...below];
}

/** Names of the notebooks right in a folder. */
export function notebooksIn(folder: string): string[] {
  return visible(folder)
    .filter((entry) => entry.isFile() && extname(entry.name) === ".ipynb")
    .map(({ name }) => name);
}

function visible(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith("."));
  } catch {
    // It is not there, or may not be read: a command that needs it says so.
    return [];
  }
}

/** What is known of a path; undefined where nothing is there, also because a file stands where a folder should. */
export function statsOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
