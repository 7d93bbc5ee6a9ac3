/** The notebook that is run: the student's answers and additions, and all that is locked as the grader has it. */
import { type Cell, type Notebook, splitLines } from "nbconvert-ts-runner";
import type { Answer, Finding } from "../results/index.ts";
import { type AssignmentCell, type AssignmentNotebook, isAnswer, replaceRegions } from "../source/index.ts";
import { type MatchedCell, matchCells, same } from "./match.ts";
import { ordered } from "./order.ts";

/** A cell to run, or to read. */
export interface RestoredCell {
  readonly cell: Cell;
  /** The grader's; undefined for the student's own. */
  readonly of: AssignmentCell | undefined;
  /** Place in the submission; undefined for a cell that was missing there. */
  readonly index: number | undefined;
  /** As handed out; of an answer only. */
  readonly isUntouched: boolean;
}

export interface Restored {
  readonly cells: readonly RestoredCell[];
  readonly answers: readonly Answer[];
  readonly findings: readonly Finding[];
  /** Ids of cells with points that were not there. */
  readonly missing: ReadonlySet<string>;
}

/**
 * Restores a submission.
 *
 * @param submission As handed in.
 * @param grader The grader's notebook.
 * @param student The notebook that students got, where it is known; else it is guessed from the grader's.
 */
export function restore(
  submission: Notebook,
  grader: AssignmentNotebook,
  student: AssignmentNotebook | undefined,
): Restored {
  const given = givenTexts(grader, student);
  const matched = matchCells(submission, grader, given);
  const findings: Finding[] = [...matched.findings];
  for (const { of, source, type } of matched.cells) {
    if (of === undefined) {
      continue;
    }
    if (type !== of.cell.cell_type) {
      const message = `The cell's type was changed from ${of.cell.cell_type} to ${type}; it was changed back.`;
      findings.push({ kind: "retyped", cell: of.id, message });
    }
    if (!isAnswer(of.role) && !same(source, given.get(of) ?? of.source) && !same(source, of.source)) {
      findings.push({
        kind: "changed",
        cell: of.id,
        message: "The cell is locked, but its text was changed; it was restored.",
      });
    }
  }
  for (const cell of matched.missing) {
    const what = isAnswer(cell.role) ? "The cell for the answer is missing." : "The cell was missing; it was put back.";
    findings.push({ kind: "missing", cell: cell.id, message: what });
  }
  const { order, moved } = ordered(matched.cells, grader, matched.findings);
  for (const { id, role } of moved) {
    const message = isAnswer(role)
      ? "The answer stood elsewhere; it ran where it stood, and its tests behind it."
      : "The cell stood elsewhere; it was put back to its place.";
    findings.push({ kind: "moved", cell: id, message });
  }
  const cells = order.map(({ of, own }): RestoredCell => {
    if (own === undefined) {
      const { cell, source } = of as AssignmentCell;
      return { cell: asCell(of, source, cell), of, index: undefined, isUntouched: false };
    }
    const isOwn = of === undefined || isAnswer(of.role);
    return {
      cell: asCell(of, isOwn ? own.source : of.source, submission.cells[own.index] as Cell),
      of,
      index: own.index,
      isUntouched: of !== undefined && isOwn && isAsGiven(own, of, given),
    };
  });
  return {
    cells,
    answers: answersOf(matched.cells, given, grader),
    findings,
    missing: new Set(matched.missing.flatMap(({ id, points }) => (id !== null && points > 0 ? [id] : []))),
  };
}

/** The text of each of the grader's cells as students got it. */
export function givenTexts(
  grader: AssignmentNotebook,
  student: AssignmentNotebook | undefined,
): ReadonlyMap<AssignmentCell, string> {
  const handedOut = new Map(student?.cells.map((cell) => [cell.id ?? "", cell.source]));
  return new Map(
    grader.cells.map((cell) => [
      cell,
      (cell.id === null ? undefined : handedOut.get(cell.id)) ?? withoutHidden(cell.source),
    ]),
  );
}

function withoutHidden(source: string): string {
  try {
    return replaceRegions(source, "HIDDEN TESTS");
  } catch {
    // Regions without their ends: the grader's notebook is taken as it is.
    return source;
  }
}

function isAsGiven(cell: MatchedCell, of: AssignmentCell, given: ReadonlyMap<AssignmentCell, string>): boolean {
  return cell.source.trim() === "" || same(cell.source, given.get(of) ?? of.source);
}

/** A cell without outputs, with the grader's type and metadata where it is the grader's. */
function asCell(of: AssignmentCell | undefined, source: string, own: Cell): Cell {
  const { cell_type: type, metadata } = of?.cell ?? own;
  const base = {
    ...(own.id !== undefined && { id: own.id }),
    metadata: structuredClone(metadata),
    source: splitLines(source),
  };
  return type === "code"
    ? { cell_type: "code", ...base, execution_count: null, outputs: [] }
    : { cell_type: type, ...base, ...(own.attachments !== undefined && { attachments: own.attachments }) };
}

function answersOf(
  cells: readonly MatchedCell[],
  given: ReadonlyMap<AssignmentCell, string>,
  grader: AssignmentNotebook,
): Answer[] {
  const handedOut = grader.cells.filter(({ role }) => role === "plain");
  let asked: AssignmentCell | undefined;
  return cells.flatMap(({ of, source, type, dropped }): Answer[] => {
    const isLocked = of !== undefined && !isAnswer(of.role);
    const isHandedOut = of === undefined && handedOut.some((plain) => same(plain.source, source));
    if (of !== undefined || isHandedOut) {
      asked = of?.role === "task" ? of : undefined;
    }
    if (dropped || isLocked || isHandedOut) {
      return [];
    }
    const before = of === undefined ? undefined : given.get(of);
    return [
      {
        cell: of?.id ?? null,
        type,
        source,
        ...(before !== undefined && { given: before }),
        ...(of === undefined && asked?.id != null && { task: asked.id }),
      },
    ];
  });
}
