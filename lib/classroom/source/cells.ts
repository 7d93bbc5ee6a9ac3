/** The cells of an assignment with what they are for. */
import type { Cell, Notebook } from "nbconvert-ts-runner";
import { fieldsOf } from "../values.ts";
import { checksum } from "./checksum.ts";
import { duplicateIds, type NbgraderMetadata, readMetadata } from "./metadata.ts";

/** What a cell of an assignment is for. */
export type CellRole =
  /** Students answer here; what they write is tested elsewhere. */
  | "solution"
  /** A program gives its points. */
  | "tests"
  /** Students answer here, and a person gives the points. */
  | "manual"
  /** Text that asks for cells of the students' own, for which a person gives points. */
  | "task"
  /** Students read it and cannot change it. */
  | "readonly"
  /** Nothing that nbgrader knows of. */
  | "plain";

/** A cell of an assignment or of a submission. */
export interface AssignmentCell {
  /** Its place among all cells, from 0. */
  readonly index: number;
  readonly cell: Cell;
  readonly source: string;
  readonly role: CellRole;
  /** nbgrader's `grade_id`; null for plain cells. */
  readonly id: string | null;
  /** 0 where none are to be had. */
  readonly points: number;
  /** The nearest heading above it, or in it, in plain text; its id where there is none. */
  readonly title: string;
  /** Of schema 3, upgraded where it was older. */
  readonly metadata: NbgraderMetadata | undefined;
}

/** A notebook's cells, with what is wrong with their metadata. */
export interface ReadCells {
  readonly cells: readonly AssignmentCell[];
  /** What makes an assignment unusable, a sentence each; a submission is graded in spite of it. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/**
 * A notebook's cells with their roles. It never throws: cells whose metadata cannot be used are plain, and the problems say why.
 *
 * @param notebook An assignment or a submission; it is not changed.
 */
export function cellsOf(notebook: Notebook): ReadCells {
  const problems: string[] = [];
  const notes: string[] = [];
  let heading: string | undefined;
  const cells = notebook.cells.map((cell, index): AssignmentCell => {
    const source = sourceOf(cell);
    const read = readMetadata(cell);
    const where = cellName(index, read.metadata?.grade_id ?? storedId(cell));
    problems.push(...read.problems.map((problem) => `${where} ${problem}`));
    notes.push(...read.notes.map((note) => `${where} ${note}`));
    if (read.metadata?.cell_type !== undefined && read.metadata.cell_type !== cell.cell_type) {
      notes.push(`${where} was a ${read.metadata.cell_type} cell and is a ${cell.cell_type} cell now`);
    }
    heading = cell.cell_type === "markdown" ? (headingIn(source) ?? heading) : heading;
    const role = roleOf(read.metadata, cell.cell_type);
    const id = role === "plain" ? null : (read.metadata?.grade_id ?? null);
    const points = read.metadata?.grade || read.metadata?.task ? (read.metadata.points ?? 0) : 0;
    return { index, cell, source, role, id, points, title: heading ?? id ?? where, metadata: read.metadata };
  });
  for (const [id, places] of duplicateIds(notebook)) {
    problems.push(
      `the grade_id "${id}" is that of the cells ${listed(places.map((place) => place + 1))}; expected one cell`,
    );
  }
  return { cells, problems, notes };
}

/** What a cell is for, by its metadata. */
export function roleOf(metadata: NbgraderMetadata | undefined, cellType: Cell["cell_type"]): CellRole {
  if (metadata === undefined) {
    return "plain";
  }
  if (metadata.task) {
    return "task";
  }
  if (metadata.grade) {
    return metadata.solution || cellType !== "code" ? "manual" : "tests";
  }
  return metadata.solution ? "solution" : metadata.locked ? "readonly" : "plain";
}

/** True where students may write into the cell. */
export function isAnswer(role: CellRole): boolean {
  return role === "solution" || role === "manual";
}

/** True for a cell that is as it was handed out: its checksum is the stored one. */
export function isUnchanged({ source, cell, metadata }: AssignmentCell): boolean {
  return metadata?.checksum !== undefined && metadata.checksum === checksum(source, cell.cell_type, metadata);
}

/** A cell's text as one string. */
export function sourceOf(cell: Cell): string {
  return typeof cell.source === "string" ? cell.source : cell.source.join("");
}

/** The last heading of a Markdown text, outside of its code. */
function headingIn(source: string): string | undefined {
  let fence: string | undefined;
  let heading: string | undefined;
  for (const line of source.split("\n")) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || mark.startsWith(fence))) {
      fence = fence === undefined ? mark : undefined;
    } else if (fence === undefined) {
      heading = /^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$/.exec(line)?.[1] ?? heading;
    }
  }
  return heading?.replace(/[*_`]+/g, "");
}

/**
 * What a cell is called in messages: its place, as people count, and its id.
 *
 * @param index Its place among all cells, from 0.
 * @param id nbgrader's `grade_id`, where it has one.
 */
export function cellName(index: number, id: string | null | undefined): string {
  return `cell ${index + 1}${id ? ` (${id})` : ""}`;
}

/** The id of a cell whose metadata cannot be used for something else. */
function storedId({ metadata }: Cell): string | undefined {
  const id = fieldsOf(metadata.nbgrader).grade_id;
  return typeof id === "string" && /^[\w-]{1,60}$/.test(id) ? id : undefined;
}

function listed(numbers: readonly number[]): string {
  return `${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;
}
