/** What a student can know before handing in: points of the public tests, what was changed, and the zip that grading takes. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { strToU8, zipSync } from "fflate";
import { type Notebook, readNotebook } from "nbconvert-ts-runner";
import { ClassroomError } from "../errors.ts";
import { contextOf, filesBelow, type GivenLimits, gradeSubmission } from "../grade/index.ts";
import type { Finding, Result } from "../results/index.ts";
import {
  type Assignment,
  type AssignmentNotebook,
  cellsOf,
  described,
  duplicateIds,
  isLocked,
  isUnchanged,
  kindOf,
  languageOf,
  markOf,
  markOfFile,
  notebooksIn,
  readAssignment,
  readSettings,
  settingsFile,
} from "../source/index.ts";
import { namedFiles } from "./own-files.ts";

export interface CheckOptions {
  /** The notebook or folder as it was handed out: with it, missing cells are found, too. */
  readonly given?: string | undefined;
  readonly limits?: GivenLimits | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Checked {
  /** Of the public tests; hidden ones may give and take. */
  readonly result: Result;
  /** Of the file: what is recorded of it when it is graded. */
  readonly hash: string;
  /** Names of what is handed in: the notebook, and the student's own files that it names. */
  readonly files: readonly string[];
  /** What to hand in. */
  readonly zip: Uint8Array;
}

/** The time in the zip, so that the same notebook makes the same zip. */
const anyTime = new Date(1980, 0, 1, 12);

/**
 * Checks a notebook: runs it in a fresh kernel with its public tests, as grading does.
 *
 * @param path The student's notebook.
 * @throws ClassroomError or NotebookError where there is no notebook that could be graded.
 */
export async function checkFile(path: string, options: CheckOptions = {}): Promise<Checked> {
  checkPlaces(path, options.given);
  const { notebook } = readNotebook(path);
  const name = basename(path);
  const read = assignmentOf(path, notebook);
  const given =
    options.given === undefined ? undefined : withNotebook(readAssignment(options.given), options.given, name);
  const variant = markOf(notebook.metadata)?.variant ?? null;
  const context = await contextOf({
    grader: given ?? read,
    student: undefined,
    variant,
    limits: options.limits,
    hidden: [],
    execution: "validate",
    signal: options.signal,
  });
  const bytes = readFileSync(path);
  const beside = filesBeside(path);
  const own = namedFiles(notebook, beside).filter((file) => given?.files.includes(file) !== true);
  // Where it is known what was handed out, nothing lies there that grading will not have.
  const lies = given === undefined ? [...beside.keys()] : own;
  const files = new Map(lies.map((file) => [file, beside.get(file) as () => Uint8Array]));
  const { result } = await gradeSubmission(
    { student: "you", problem: undefined, files: new Map([...files, [name, () => bytes]]) },
    context,
  );
  const findings = given === undefined ? [...storedFindings(notebook, read), ...result.findings] : result.findings;
  // What was handed out is not known without it, and so not whether an answer for a person differs.
  const tasks =
    given === undefined
      ? result.tasks.map((task) =>
          task.kind === "manual" ? { ...task, points: null, status: "manual" as const, reasons: [] } : task,
        )
      : result.tasks;
  return {
    result: { ...result, tasks, findings },
    hash: createHash("sha256").update(bytes).digest("hex"),
    files: [name, ...own],
    zip: zipSync(
      {
        ...Object.fromEntries(own.map((file) => [file, (beside.get(file) as () => Uint8Array)()])),
        [name]: bytes,
        "handed-in.json": strToU8(manifest(result)),
      },
      { mtime: anyTime },
    ),
  };
}

function checkPlaces(path: string, given: string | undefined): void {
  const kind = kindOf(path);
  if (kind !== "file") {
    const found = kind === "nothing" ? "is not there" : `is a folder${withNames(notebooksIn(path))}`;
    throw new ClassroomError(path, `${found}; expected a student's notebook`);
  }
  if (markOfFile(path)?.madeFor === "grader") {
    throw new ClassroomError(path, "is the grader's, with hidden tests; expected a student's notebook");
  }
  if (given !== undefined) {
    const of = markOfFile(given)?.madeFor ?? kindOf(given);
    if (["nothing", "empty", "made", "solution", "grader", "results", "submissions"].includes(of)) {
      throw new ClassroomError(given, `${described[of]}; expected what was handed out`);
    }
  }
}

function withNames(notebooks: readonly string[]): string {
  return notebooks.length === 0 ? "" : ` with ${notebooks.slice(0, 3).join(", ")}`;
}

/** The file as an assignment of its own: tests and points are those that stand in it. */
function assignmentOf(path: string, notebook: Notebook): Assignment {
  const read = cellsOf(notebook);
  if (read.cells.every(({ role }) => role === "plain")) {
    const [problem] = read.problems;
    throw new ClassroomError(
      path,
      problem ?? "has no cell of an assignment (nbgrader's metadata); expected a notebook that was handed out",
    );
  }
  const twice = duplicateIds(notebook);
  // Of an id that occurs more than once one cell counts, as in grading.
  const cells = read.cells.map((cell) => {
    const isCopy = cell.id !== null && (twice.get(cell.id)?.[0] ?? cell.index) !== cell.index;
    return isCopy ? { ...cell, role: "plain" as const, id: null, points: 0 } : cell;
  });
  const points = cells.reduce((sum, cell) => sum + cell.points, 0);
  const name = basename(path, ".ipynb");
  const own: AssignmentNotebook = {
    path,
    file: basename(path),
    name,
    notebook,
    language: languageOf(notebook),
    cells,
    points,
    notes: [],
  };
  const folder = resolve(dirname(path));
  const settings = readSettings(join(folder, settingsFile), name);
  return { folder, settings: { ...settings, points: null }, notebooks: [own], files: [], points };
}

/** The one notebook of an assignment that is checked. */
function withNotebook(assignment: Assignment, path: string, file: string): Assignment {
  const own =
    assignment.notebooks.find(({ name }) => `${name}.ipynb` === file) ??
    (assignment.notebooks.length === 1 ? assignment.notebooks[0] : undefined);
  if (own === undefined) {
    const names = assignment.notebooks.map(({ name }) => `${name}.ipynb`).join(", ");
    throw new ClassroomError(path, `has no notebook called ${file}; it has ${names}`);
  }
  return { ...assignment, notebooks: [own], points: own.points };
}

/** What lies beside a notebook and below, but for other notebooks and what was packed. */
function filesBeside(path: string): ReadonlyMap<string, () => Uint8Array> {
  const { files } = filesBelow("you", resolve(dirname(path)));
  return new Map([...files].filter(([name]) => !name.endsWith(".ipynb") && !name.endsWith(".zip")));
}

/** What the file's own metadata tell of changes: checksums of locked cells, ids that occur more than once. */
function storedFindings(notebook: Notebook, { notebooks }: Assignment): Finding[] {
  const changed = (notebooks[0]?.cells ?? [])
    .filter((cell) => cell.metadata?.checksum !== undefined && isLocked(cell.metadata) && !isUnchanged(cell))
    .map(
      ({ id }): Finding => ({
        kind: "changed",
        cell: id,
        message: "The cell is locked, but its text was changed; grading restores it.",
      }),
    );
  const copied = [...duplicateIds(notebook)].map(([id, places]): Finding => {
    const message = `The id occurs more than once: cells ${places.map((place) => place + 1).join(", ")}. Only one of them counts.`;
    return { kind: "copied", cell: id, message };
  });
  return [...changed, ...copied];
}

function manifest({ assignment, points, maxPoints, provenance }: Result): string {
  const { submission, variant, versions } = provenance;
  return `${JSON.stringify({ version: 1, assignment, variant, notebook: submission, publicPoints: points, maxPoints, versions }, undefined, 2)}\n`;
}
