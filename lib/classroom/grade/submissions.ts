/** Finds what was handed in: folders by student (nbgrader's layout too), notebooks side by side, and zips of either. */
import { createHash } from "node:crypto";
import { closeSync, lstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ClassroomError } from "../errors.ts";
import { firstLine } from "../values.ts";
import { readZip } from "./zip.ts";

/** One student's files, as handed in. */
export interface Submission {
  /** By the folder's or the file's name. */
  readonly student: string;
  /** What is wrong with it as a whole, a sentence; it is graded with what there is. */
  readonly problem: string | undefined;
  /** Its files by their paths from the student's folder, with "/". They are read when they are asked for. */
  readonly files: ReadonlyMap<string, () => Uint8Array>;
}

/** More than any assignment has; what is beyond that is not read. */
const mostFiles = 10_000;
const mostBytes = 512 * 2 ** 20;
const leftOut = new Set(["node_modules", "__pycache__", "__MACOSX", ".ipynb_checkpoints", ".git", "feedback"]);

/**
 * Finds the submissions.
 *
 * @param path A folder (`STUDENT/x.ipynb`, `STUDENT/ASSIGNMENT/x.ipynb`, `STUDENT.ipynb`, `STUDENT.zip`), one notebook, or a zip that holds
 *   such files.
 * @returns Sorted by student. What cannot be read is a submission with a problem.
 * @throws ClassroomError where there is no such path, or nothing that could be a submission.
 */
export function findSubmissions(path: string): Submission[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new ClassroomError(
      path,
      "no such file or folder; expected a folder with a folder or a notebook for each student",
    );
  }
  let found: Submission[];
  if (stats.isDirectory()) {
    found = readdirSync(path, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith(".") && !leftOut.has(entry.name))
      .flatMap((entry) => {
        const place = join(path, entry.name);
        if (entry.isDirectory()) {
          return [outOfZip(filesBelow(entry.name, place))];
        }
        const problem = entry.isFile() ? whyUnreadable(place) : undefined;
        if (problem !== undefined && /\.(ipynb|zip)$/i.test(entry.name)) {
          const student = entry.name.replace(/\.[^.]*$/, "");
          return [{ student, problem: `cannot be read: ${problem}`, files: new Map() }];
        }
        return entry.isFile() ? ofFile(entry.name, () => readFileSync(place), true).map((each) => outOfZip(each)) : [];
      });
  } else {
    found = ofFile(basename(path), () => readFileSync(path), false);
  }
  if (found.length === 0) {
    throw new ClassroomError(
      path,
      "holds no submission; expected folders, notebooks (.ipynb) or zips, one for each student",
    );
  }
  if (found.every(({ files, problem }) => problem === undefined && !hasNotebook([...files.keys()]))) {
    throw new ClassroomError(
      path,
      `holds no notebook in any of its folders (${found
        .slice(0, 3)
        .map(({ student }) => student)
        .join(", ")}); expected a folder or a notebook for each student`,
    );
  }
  return named(found);
}

function hasNotebook(names: readonly string[]): boolean {
  return names.some((name) => /\.ipynb$/i.test(name));
}

/** SHA-256 over all files of a submission: their names and their bytes. */
export function submissionHash({ files, problem }: Submission): string {
  const hash = createHash("sha256").update(problem ?? "");
  for (const [name, read] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const bytes = read();
    hash.update(`${JSON.stringify(name)} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}

/** Archives that are not unpacked. */
const otherArchive = /\.(?:tar(?:\.\w+)?|tgz|txz|tbz2?|7z|rar|gz|xz|bz2)$/i;

/** The names of a submission's archives, none of which is its notebook. */
export function archivesIn(names: readonly string[]): string[] {
  return names.filter((name) => /\.zip$/i.test(name) || otherArchive.test(name));
}

/** A file in a folder of submissions, or by itself: a notebook, or a zip of one student's files or, by itself, of all students'. */
function ofFile(name: string, read: () => Uint8Array, oneStudent: boolean): Submission[] {
  const student = name.replace(otherArchive.test(name) ? otherArchive : /\.[^.]*$/, "");
  if (/\.ipynb$/i.test(name)) {
    return [{ student, problem: undefined, files: new Map([[name, read]]) }];
  }
  if (otherArchive.test(name)) {
    const problem = `${name} is an archive that is not unpacked; expected a notebook, a folder or a zip`;
    return [{ student, problem, files: new Map() }];
  }
  if (!/\.zip$/i.test(name)) {
    return [];
  }
  let files: Map<string, () => Uint8Array>;
  let problem: string | undefined;
  try {
    const zip = readZip(read, { files: mostFiles, bytes: mostBytes }, isNoTools);
    files = new Map(zip.files.map((each) => [each.name, each.read]));
    problem = zip.problems.length === 0 ? undefined : `the zip ${listed(zip.problems)}`;
  } catch (error) {
    return [{ student, problem: `the zip cannot be read: ${firstLine(error)}`, files: new Map() }];
  }
  return oneStudent || !hasStudents([...files.keys()])
    ? [{ student, problem, files: withoutFolder(files) }]
    : ofClass(files);
}

function listed(problems: readonly string[]): string {
  const most = 5;
  const more = problems.length > most ? `, and ${problems.length - most} more` : "";
  return `${problems.slice(0, most).join("; ")}${more}`;
}

/** Whether a zip's files are those of several students: several folders or notebooks on its outermost level, none of which is alone. */
function hasStudents(names: readonly string[]): boolean {
  const notebooks = names.filter((name) => /\.(ipynb|zip)$/i.test(name));
  return new Set(notebooks.map((name) => name.split("/")[0])).size > 1;
}

function ofClass(files: ReadonlyMap<string, () => Uint8Array>): Submission[] {
  const folders = new Map<string, Map<string, () => Uint8Array>>();
  const single: Submission[] = [];
  for (const [name, read] of files) {
    const [first = "", ...rest] = name.split("/");
    if (rest.length === 0) {
      single.push(...ofFile(first, read, true));
    } else {
      const folder = folders.get(first) ?? new Map<string, () => Uint8Array>();
      folders.set(first, folder.set(rest.join("/"), read));
    }
  }
  return [...single, ...[...folders].map(([student, own]) => ({ student, problem: undefined, files: own }))].map(
    (each) => outOfZip(each),
  );
}

/** A zip's files without the one folder that all of them are in. */
function withoutFolder(files: Map<string, () => Uint8Array>): Map<string, () => Uint8Array> {
  const [first] = [...files.keys()][0]?.split("/") ?? [];
  const isIn = (name: string) => name.startsWith(`${first}/`);
  return files.size > 0 && [...files.keys()].every(isIn)
    ? new Map([...files].map(([name, read]) => [name.slice((first as string).length + 1), read]))
    : files;
}

/** A student's folder, or zip, that holds what `check` writes, a zip, and no notebook: what is in the zip. */
function outOfZip(submission: Submission, depth = 0): Submission {
  const names = [...submission.files.keys()];
  const zips = names.filter((name) => /\.zip$/i.test(name));
  const [zip = ""] = zips;
  const read = submission.files.get(zip);
  if (depth >= 3 || zips.length !== 1 || read === undefined || hasNotebook(names)) {
    return submission;
  }
  const [inside] = ofFile(basename(zip), read, true);
  return inside === undefined
    ? submission
    : outOfZip({ ...inside, student: submission.student, problem: submission.problem ?? inside.problem }, depth + 1);
}

/** A student's folder as a submission. */
export function filesBelow(student: string, folder: string): Submission {
  const files = new Map<string, () => Uint8Array>();
  let bytes = 0;
  let problem: string | undefined;
  const visit = (place: string, prefix: string, depth: number): void => {
    const closed = whyUnreadable(place);
    if (closed !== undefined) {
      problem ??= `has a folder that cannot be read: ${prefix === "" ? "its own" : prefix} (${closed})`;
      return;
    }
    for (const entry of readdirSync(place, { withFileTypes: true })) {
      const path = join(place, entry.name);
      if (entry.name.startsWith(".") || leftOut.has(entry.name)) {
        continue;
      }
      if (entry.isDirectory() && depth < 8) {
        visit(path, `${prefix}${entry.name}/`, depth + 1);
      } else if (entry.isFile()) {
        // Links lead out of the folder, and are no submission.
        const unreadable = whyUnreadable(path);
        if (unreadable !== undefined) {
          problem ??= `has a file that cannot be read: ${prefix}${entry.name} (${unreadable})`;
          continue;
        }
        bytes += lstatSync(path).size;
        if (files.size >= mostFiles || bytes > mostBytes) {
          problem = `has more than ${mostFiles} files or ${mostBytes / 2 ** 20} MiB; the rest was not read`;
          return;
        }
        files.set(`${prefix}${entry.name}`, () => readFileSync(path));
      }
    }
  };
  visit(folder, "", 0);
  return { student, problem, files };
}

/** Why a file or a folder cannot be read by whoever grades. */
function whyUnreadable(path: string): string | undefined {
  try {
    // A folder is opened to list it.
    closeSync(openSync(path, "r"));
    return undefined;
  } catch (error) {
    return firstLine(error).replace(/, .*$/, "");
  }
}

/** Whether a file of a zip is a student's, and no tool's own. */
function isNoTools(name: string): boolean {
  return !name.split("/").some((part) => part.startsWith(".") || leftOut.has(part));
}

/** Sorted, and with names that differ, in the form in which lists of a class write them: macOS takes letters and their accents apart. */
function named(submissions: readonly Submission[]): Submission[] {
  const seen = new Map<string, number>();
  return submissions
    .map((submission) => ({ ...submission, student: submission.student.normalize("NFC") }))
    .sort((a, b) => (a.student < b.student ? -1 : a.student > b.student ? 1 : 0))
    .map((submission) => {
      const count = (seen.get(submission.student) ?? 0) + 1;
      seen.set(submission.student, count);
      return count === 1
        ? submission
        : {
            ...submission,
            student: `${submission.student} (${count})`,
            problem:
              submission.problem ?? `is another submission of "${submission.student}"; only one of them should count`,
          };
    });
}
