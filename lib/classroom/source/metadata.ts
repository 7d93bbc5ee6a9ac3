/**
 * nbgrader's cell metadata, `metadata.nbgrader`: what older versions mean today, and what is wrong with it.
 *
 * Source: nbgrader 0.9, `nbgraderformat` (schemas 0 to 3). Other than there, older versions are upgraded wherever they are read, and
 * all that is wrong is told at once.
 */
import type { Cell, Notebook } from "nbconvert-ts-runner";

/** The version of nbgrader's cell metadata that is written, and the newest that is read. */
export const schemaVersion = 3;

/** A cell's `metadata.nbgrader`, of schema 3. */
export interface NbgraderMetadata {
  schema_version: number;
  grade: boolean;
  solution: boolean;
  locked: boolean;
  task?: boolean;
  grade_id?: string;
  points?: number;
  checksum?: string;
  cell_type?: Cell["cell_type"];
}

/** What the metadata of a cell turned out to be. */
export interface ReadMetadata {
  /** Of schema 3; undefined where the cell is none of nbgrader's, or cannot be one. */
  readonly metadata: NbgraderMetadata | undefined;
  /** What keeps it from being used, a sentence each. */
  readonly problems: readonly string[];
  /** What was mended, or is worth knowing, a sentence each. */
  readonly notes: readonly string[];
}

const fields = ["schema_version", "grade", "solution", "locked", "task", "grade_id", "points", "checksum", "cell_type"];
const cellTypes: readonly unknown[] = ["raw", "code", "markdown"];

/**
 * Reads a cell's nbgrader metadata, and brings it to schema 3.
 *
 * @param cell A cell of any notebook; it is not changed.
 * @returns The metadata with what is wrong with it. A cell without any has none, and no problems.
 */
export function readMetadata(cell: Cell): ReadMetadata {
  const stored = cell.metadata.nbgrader;
  if (stored === undefined) {
    return { metadata: undefined, problems: [], notes: [] };
  }
  if (!isRecord(stored)) {
    return bad(`has ${show(stored)} as its nbgrader metadata; expected an object`);
  }
  const version = stored.schema_version ?? 0;
  if (typeof version !== "number" || !Number.isInteger(version) || version < 0) {
    return bad(`has ${show(version)} as its schema_version; expected a whole number from 0 to ${schemaVersion}`);
  }
  if (version > schemaVersion) {
    return bad(
      `has nbgrader metadata of schema ${version}, which is newer than what is known here (${schemaVersion}); save the notebook with nbgrader 0.9`,
    );
  }
  const notes: string[] = [];
  const upgraded: Record<string, unknown> = { ...stored };
  if (version === 0) {
    const problem = upgradeFrom0(upgraded);
    if (problem !== undefined) {
      return bad(problem);
    }
    if (!upgraded.grade && !upgraded.solution && !upgraded.locked) {
      return { metadata: undefined, problems: [], notes: [] };
    }
  }
  if (version < 2 && upgraded.checksum !== undefined && upgraded.cell_type === undefined) {
    upgraded.cell_type = cell.cell_type;
  }
  if (version < schemaVersion) {
    notes.push(`has nbgrader metadata of schema ${version}, which was brought to ${schemaVersion}`);
  }
  upgraded.schema_version = schemaVersion;
  for (const key of Object.keys(upgraded).filter((name) => !fields.includes(name))) {
    delete upgraded[key];
    notes.push(`has "${key}" in its nbgrader metadata, which nbgrader does not know; it was left out`);
  }
  const problems = problemsOf(upgraded, cell);
  return { metadata: isSound(upgraded, problems) ? upgraded : undefined, problems, notes };
}

/** What has no problems is what schema 3 says. */
function isSound(
  metadata: Record<string, unknown>,
  problems: readonly string[],
): metadata is Record<string, unknown> & NbgraderMetadata {
  return problems.length === 0;
}

/** Schema 0 left out what was false, and took points as text; returns what cannot be taken. */
function upgradeFrom0(metadata: Record<string, unknown>): string | undefined {
  for (const key of ["grade", "solution", "locked"]) {
    metadata[key] ??= false;
  }
  if (!metadata.grade) {
    delete metadata.points;
    return undefined;
  }
  const points = metadata.points === undefined || metadata.points === "" ? 0 : Number(metadata.points ?? NaN);
  if (Number.isNaN(points)) {
    return `has ${show(metadata.points)} as its points; expected a number`;
  }
  metadata.points = Math.max(0, points);
  return undefined;
}

/** What schema 3 and the rules beyond it forbid. */
function problemsOf(metadata: Readonly<Record<string, unknown>>, cell: Cell): string[] {
  const problems: string[] = [];
  for (const key of ["grade", "solution", "locked"]) {
    if (metadata[key] === undefined) {
      problems.push(`has no "${key}" in its nbgrader metadata; expected true or false`);
    } else if (typeof metadata[key] !== "boolean") {
      problems.push(`has ${show(metadata[key])} as its "${key}"; expected true or false`);
    }
  }
  const { grade, solution, locked, task, grade_id: id, points, checksum, cell_type: type } = metadata;
  if (task !== undefined && typeof task !== "boolean") {
    problems.push(`has ${show(task)} as its "task"; expected true or false`);
  }
  if (id !== undefined && (typeof id !== "string" || !/^[\w-]*$/.test(id))) {
    problems.push(`has the grade_id ${show(id)}; expected letters, digits, "_" and "-"`);
  }
  if (points !== undefined && (typeof points !== "number" || !(points >= 0) || points === Infinity)) {
    problems.push(`has ${show(points)} as its points; expected a number that is 0 or more`);
  }
  if (checksum !== undefined && (typeof checksum !== "string" || checksum.length !== 32)) {
    problems.push(`has ${show(checksum)} as its checksum; expected 32 characters`);
  }
  if (type !== undefined && !cellTypes.includes(type)) {
    problems.push(`has ${show(type)} as its cell_type; expected "code", "markdown" or "raw"`);
  }
  if (problems.length > 0) {
    return problems;
  }
  if ((grade || solution || locked || task) && (id === undefined || id === "")) {
    problems.push(id === "" ? "has an empty grade_id" : "has no grade_id");
  }
  if ((grade || task) && points === undefined) {
    problems.push("has no points");
  }
  if (task && cell.cell_type !== "markdown") {
    problems.push(`is a task, but a ${cell.cell_type} cell; tasks are Markdown`);
  } else if (!task && cell.cell_type === "markdown" && grade && !solution) {
    problems.push("is a Markdown cell with points, but no solution cell; what a person grades is both");
  } else if (!task && cell.cell_type === "markdown" && solution && !grade) {
    problems.push("is a Markdown solution cell without points; what a person grades is both");
  }
  return problems;
}

/**
 * Puts metadata into a cell, as nbgrader writes it.
 *
 * @param cell It is changed.
 * @param metadata `undefined` takes it away.
 */
export function writeMetadata(cell: Cell, metadata: NbgraderMetadata | undefined): void {
  if (metadata === undefined) {
    delete cell.metadata.nbgrader;
  } else {
    cell.metadata.nbgrader = metadata;
  }
}

/**
 * The ids that several cells of a notebook have.
 *
 * @returns For each, the places of its cells, from 0.
 */
export function duplicateIds(notebook: Notebook): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (const [index, cell] of notebook.cells.entries()) {
    const { metadata } = readMetadata(cell);
    if (metadata?.grade_id && (metadata.grade || metadata.solution || metadata.locked || metadata.task)) {
      places.set(metadata.grade_id, [...(places.get(metadata.grade_id) ?? []), index]);
    }
  }
  return new Map([...places].filter(([, indices]) => indices.length > 1));
}

function bad(problem: string): ReadMetadata {
  return { metadata: undefined, problems: [problem], notes: [] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value of a stranger's file, short enough for a message. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
