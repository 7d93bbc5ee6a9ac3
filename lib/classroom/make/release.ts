/**
 * From the teacher's notebook those of the student, of the grader, and with the solutions.
 *
 * The student's cells are those of nbgrader's `generate_assignment` (0.9), checksums included. Other than there, what a cell lost takes the
 * attachments along that only it showed, and a marking scheme may therefore have some.
 */
import { type Cell, type Notebook, splitLines } from "nbconvert-ts-runner";
import { ClassroomError } from "../errors.ts";
import {
  type AssignmentCell,
  type AssignmentNotebook,
  cellName,
  checksum,
  isAnswer,
  isLocked,
  type NbgraderMetadata,
  RegionError,
  type RegionKind,
  regionsOf,
  replaceRegions,
} from "../source/index.ts";
import { codeStub, knownLanguages, textStub } from "./stubs.ts";

/** For whom a notebook is made. */
export type Edition =
  /** Stubs for solutions; no hidden tests, no marking schemes. */
  | "student"
  /** Stubs for solutions, hidden tests and marking schemes. */
  | "grader"
  /** Solutions without their markers; no hidden tests, no marking schemes. */
  | "solution"
  /** Solutions and hidden tests: what must give all points. */
  | "proof";

/**
 * One edition of an assignment's notebook, without outputs.
 *
 * @param source The teacher's; it is not changed.
 * @throws ClassroomError with all regions that cannot be read or stand in cells of the wrong kind, and for a language without a stub.
 */
export function release(source: AssignmentNotebook, edition: Edition): Notebook {
  const problems: string[] = [];
  const cells = source.cells.map((cell) => {
    try {
      return releaseCell(cell, source.language, edition);
    } catch (error) {
      if (!(error instanceof RegionError)) {
        throw error;
      }
      problems.push(`${cellName(cell.index, cell.id)}: ${error.message}`);
      return cell.cell;
    }
  });
  if (problems.length > 0) {
    throw new ClassroomError(source.path, problems);
  }
  const { celltoolbar: _, ...metadata } = structuredClone(source.notebook.metadata);
  const { nbformat, nbformat_minor } = source.notebook;
  return { cells, metadata, nbformat, nbformat_minor };
}

/** Where each kind of region may stand: students must get the cell back as it was, or see that something is asked. */
const places: readonly {
  kind: RegionKind;
  name: string;
  cells: string;
  fits: (metadata?: NbgraderMetadata) => boolean;
}[] = [
  {
    kind: "SOLUTION",
    name: "a solution",
    cells: "cells with nbgrader's mark for solutions",
    fits: (metadata) => metadata?.solution === true,
  },
  {
    kind: "HIDDEN TESTS",
    name: "hidden tests",
    cells: "cells that give points",
    fits: (metadata) => metadata?.grade === true,
  },
  { kind: "MARK SCHEME", name: "a marking scheme", cells: "task cells", fits: (metadata) => metadata?.task === true },
];

function releaseCell(cell: AssignmentCell, language: string, edition: Edition): Cell {
  checkPlaces(cell);
  const released = cleared(cell.cell);
  const { metadata } = cell;
  if (metadata === undefined) {
    delete released.metadata.nbgrader;
    return released;
  }
  const source = textFor(cell, language, edition);
  released.source = splitLines(source);
  if (source !== cell.source) {
    dropAttachments(released, cell.source, source);
  }
  if (metadata.solution || metadata.grade || metadata.locked) {
    released.metadata.deletable = false;
  }
  if (isLocked(metadata)) {
    released.metadata.editable = false;
  }
  const marked = metadata.grade || metadata.solution || isLocked(metadata);
  released.metadata.nbgrader = marked
    ? { ...metadata, checksum: checksum(source, released.cell_type, metadata), cell_type: released.cell_type }
    : metadata;
  return released;
}

/** A region that stands in the wrong kind of cell would reach students, or be asked of nobody. */
function checkPlaces({ source, metadata, role }: AssignmentCell): void {
  if (/^\s*(#|\/\/|%)+\s*(HASHED\s+)?AUTOTEST\b/m.test(source) && role === "tests") {
    throw new RegionError("AUTOTEST: tests that nbgrader writes by itself are not there; write the checks out");
  }
  for (const { kind, name, cells, fits } of places) {
    const [region] = regionsOf(source, kind);
    const replaced = kind !== "SOLUTION" && metadata?.solution === true && regionsOf(source, "SOLUTION").length === 0;
    if (region !== undefined && !replaced && !fits(metadata)) {
      throw new RegionError(`line ${region.begin + 1}: ${name} in a ${role} cell; expected it in ${cells}`);
    }
  }
}

/**
 * A cell's text in one edition.
 *
 * @throws RegionError as {@link regionsOf}, and for a language without a stub.
 */
export function textFor(cell: AssignmentCell, language: string, edition: Edition): string {
  let { source } = cell;
  if (isAnswer(cell.role)) {
    source = edition === "student" || edition === "grader" ? stubbed(cell, language) : withoutMarkers(source);
  }
  if (edition === "student" || edition === "solution") {
    source = replaceRegions(replaceRegions(source, "HIDDEN TESTS"), "MARK SCHEME");
  }
  return source;
}

function stubbed({ source, cell }: AssignmentCell, language: string): string {
  const isCode = cell.cell_type === "code";
  const stub = isCode ? codeStub(language) : textStub;
  if (stub === undefined) {
    throw new RegionError(
      `there is no stub for solutions in the language "${language}"; known are ${knownLanguages.join(", ")}`,
    );
  }
  const regions = regionsOf(source, "SOLUTION");
  return regions.length === 0
    ? stub
    : replaceRegions(source, "SOLUTION", ({ stub: own, indent }) =>
        ((isCode ? own : undefined) ?? stub).split("\n").map((line) => indent + line),
      );
}

function withoutMarkers(source: string): string {
  return replaceRegions(source, "SOLUTION", ({ lines }) => lines);
}

/** A copy without outputs, as nbconvert's ClearOutput makes it. */
function cleared(cell: Cell): Cell {
  const copy = structuredClone(cell);
  if (copy.cell_type === "code") {
    copy.outputs = [];
    copy.execution_count = null;
    delete copy.metadata.collapsed;
    delete copy.metadata.scrolled;
  }
  return copy;
}

/** Takes away attachments that the text showed before and does not any more: they belong to what was taken out. */
function dropAttachments(cell: Cell, before: string, after: string): void {
  const { attachments } = cell;
  for (const name of Object.keys(attachments ?? {})) {
    if (before.includes(name) && !after.includes(name)) {
      delete attachments?.[name];
    }
  }
  if (attachments !== undefined && Object.keys(attachments).length === 0) {
    delete cell.attachments;
  }
}
