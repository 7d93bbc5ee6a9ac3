/** An assignment as a teacher wrote it, or as `make` wrote it for the grader: notebooks with their cells' roles, and settings. */
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { type Notebook, readNotebook } from "nbconvert-ts-runner";
import { ClassroomError } from "../errors.ts";
import { type AssignmentCell, cellName, cellsOf, type ReadCells } from "./cells.ts";
import { described, kindOf } from "./kinds.ts";
import { type ClassSettings, readSettings } from "./settings.ts";

/** A notebook of an assignment. */
export interface AssignmentNotebook {
  readonly path: string;
  /** From the assignment's folder, with "/". */
  readonly file: string;
  /** The file's name without `.ipynb`, by which a submission's notebook is found. */
  readonly name: string;
  /** As it is in the file. */
  readonly notebook: Notebook;
  /** Of its kernel, in small letters. */
  readonly language: string;
  readonly cells: readonly AssignmentCell[];
  /** All points that its cells give. */
  readonly points: number;
  /** What was upgraded or is worth knowing. */
  readonly notes: readonly string[];
}

/** An assignment: a folder, or one notebook. */
export interface Assignment {
  readonly folder: string;
  readonly settings: ClassSettings;
  readonly notebooks: readonly AssignmentNotebook[];
  /** What else is in the folder (data, pictures), by paths from it with "/", sorted. */
  readonly files: readonly string[];
  readonly points: number;
}

/** What to read of an assignment's folder. */
export interface ReadOptions {
  /** Folders in it that are left out. */
  readonly leaveOut?: readonly string[];
}

/** The file with an assignment's settings. */
export const settingsFile = "class.yaml";

/** The folder of an assignment whose files are for teachers alone. */
export const teacherFolder = "teacher/";

const leftOut = new Set(["node_modules", "__pycache__", "dist"]);

/**
 * Reads an assignment.
 *
 * @param path A folder with notebooks and perhaps a `class.yaml`, or a notebook, whose folder may have one.
 * @param options What of the folder does not belong to it.
 * @throws ClassroomError where there is none, where its settings or its cells' metadata cannot be used, or where its points are not those
 *   that `class.yaml` names.
 * @throws NotebookError for a notebook that is none.
 */
export function readAssignment(path: string, { leaveOut = [] }: ReadOptions = {}): Assignment {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new ClassroomError(path, "no such file or folder; expected an assignment's folder, or its notebook");
  }
  const folder = resolve(stats.isDirectory() ? path : dirname(path));
  const files = stats.isDirectory()
    ? filesBelow(
        folder,
        leaveOut.map((each) => resolve(each)),
      )
    : [basename(path)];
  const paths = files.filter((file) => extname(file) === ".ipynb");
  if (paths.length === 0) {
    throw new ClassroomError(path, "has no notebook; expected at least one file that ends with .ipynb");
  }
  const twice = paths.find((file) => paths.some((other) => other < file && basename(other) === basename(file)));
  if (twice !== undefined) {
    const same = paths.filter((file) => basename(file) === basename(twice));
    throw new ClassroomError(path, twoOf(path, same));
  }
  const notebooks = paths.map((file) => readAssignmentNotebook(join(folder, file), file));
  const settings = readSettings(
    join(folder, settingsFile),
    stats.isDirectory() ? basename(folder) : basename(path, ".ipynb"),
  );
  const points = notebooks.reduce((sum, notebook) => sum + notebook.points, 0);
  if (settings.points !== null && Math.abs(settings.points - points) > 1e-9) {
    throw new ClassroomError(
      join(folder, settingsFile),
      `says ${settings.points} points, but the cells give ${points}; change one of them`,
    );
  }
  const others = files.filter((file) => extname(file) !== ".ipynb" && file !== settingsFile);
  return { folder, settings, notebooks, files: others, points };
}

/**
 * Reads one notebook of an assignment.
 *
 * @param path The file.
 * @param file What it is called in its assignment; by default its name.
 * @throws ClassroomError with all that is wrong with its cells' metadata.
 * @throws NotebookError where it is no notebook.
 */
export function readAssignmentNotebook(path: string, file = basename(path)): AssignmentNotebook {
  const { notebook } = readNotebook(path);
  const read: ReadCells = cellsOf(notebook);
  if (read.problems.length > 0) {
    throw new ClassroomError(path, read.problems);
  }
  return {
    path,
    file,
    name: basename(path, ".ipynb"),
    notebook,
    language: languageOf(notebook),
    cells: read.cells,
    points: read.cells.reduce((sum, cell) => sum + cell.points, 0),
    notes: read.notes,
  };
}

/** The ids that cells with points of several notebooks have, a sentence each: points are told, given and exported by them. */
export function sharedIds(notebooks: readonly AssignmentNotebook[]): string[] {
  const seen = new Map<string, string>();
  return notebooks.flatMap(({ file, cells }) =>
    cells.flatMap(({ id, index, points }) => {
      if (id === null || points === 0) {
        return [];
      }
      const here = `${file}, ${cellName(index, undefined)}`;
      const before = seen.get(id);
      seen.set(id, here);
      return before === undefined
        ? []
        : [`the grade_id "${id}" is that of ${before}, and of ${here}; expected one cell`];
    }),
  );
}

/** Why a folder with notebooks of the same name is no assignment: grading finds a notebook by its name. */
function twoOf(path: string, same: readonly string[]): string {
  const [kind, names] = [kindOf(path), same.slice(0, 3).join(", ")];
  return `has ${same.length} notebooks of one name (${names})${kind === "other" ? "" : `: it ${described[kind]}`}; expected one assignment's`;
}

/** The language of a notebook's kernel; Python where it does not say, as nbgrader has it. */
export function languageOf(notebook: Notebook): string {
  const { kernelspec, language_info: info } = notebook.metadata;
  const language = kernelspec?.language ?? info?.name;
  return typeof language === "string" && language !== "" ? language.toLowerCase() : "python";
}

/** Files in a folder and below; no hidden ones, no links, nothing that tools put there. */
function filesBelow(folder: string, except: readonly string[]): string[] {
  const found: string[] = [];
  const visit = (place: string): void => {
    for (const entry of readdirSync(place, { withFileTypes: true })) {
      if (entry.name.startsWith(".") || leftOut.has(entry.name)) {
        continue;
      }
      const path = join(place, entry.name);
      if (entry.isDirectory()) {
        if (!except.includes(path)) {
          visit(path);
        }
      } else if (entry.isFile()) {
        found.push(relative(folder, path).split(sep).join("/"));
      }
    }
  };
  visit(folder);
  return found.sort();
}
