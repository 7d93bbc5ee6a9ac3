/** Which cell of a submission is which of the grader's: by grade id, then by the cell's own id, then by its text. */
import type { Notebook } from "nbconvert-ts-runner";
import type { Finding } from "../results/index.ts";
import { type AssignmentCell, type AssignmentNotebook, isAnswer, sourceOf } from "../source/index.ts";
import { fieldsOf } from "../values.ts";

/** A cell of a submission with the grader's cell that it is. */
export interface MatchedCell {
  /** Its place in the submission. */
  readonly index: number;
  readonly source: string;
  readonly type: "code" | "markdown" | "raw";
  /** The grader's; undefined for a cell of the student's own. */
  readonly of: AssignmentCell | undefined;
  /** A piece or a copy of a locked cell, which must not run beside the restored one. */
  readonly dropped: boolean;
}

export interface Matched {
  /** In the submission's order. */
  readonly cells: readonly MatchedCell[];
  /** The grader's cells that are not there. */
  readonly missing: readonly AssignmentCell[];
  readonly findings: readonly Finding[];
}

/**
 * Matches cells.
 *
 * @param submission The notebook as handed in.
 * @param grader The grader's.
 * @param given The text of each of the grader's cells as students got it.
 */
export function matchCells(
  submission: Notebook,
  grader: AssignmentNotebook,
  given: ReadonlyMap<AssignmentCell, string>,
): Matched {
  const findings: Finding[] = [];
  const cells = submission.cells.map((cell, index) => ({
    index,
    cell,
    source: sourceOf(cell),
    plain: normal(sourceOf(cell)),
    gradeId: gradeIdOf(cell),
  }));
  const found = new Map<number, AssignmentCell>();
  const dropped = new Set<number>();
  const wanted = grader.cells.filter(({ role }) => role !== "plain");
  const open = () => wanted.filter((target) => ![...found.values()].includes(target));
  const texts = new Map(wanted.map((target) => [target, normal(given.get(target) ?? target.source)]));
  const text = (target: AssignmentCell) => texts.get(target) ?? "";

  for (const target of wanted) {
    const candidates = cells.filter(({ gradeId }) => gradeId === target.id);
    if (candidates.length > 1) {
      const places = listed(candidates.map(({ index }) => index + 1));
      const split = isConsecutive(candidates) && joined(candidates) === text(target);
      findings.push({
        kind: split ? "split" : "copied",
        cell: target.id,
        message: split
          ? `The cell was split: cells ${places} are its pieces.`
          : `The id occurs more than once: cells ${places}. ${isAnswer(target.role) ? "The last one that was changed counts as the answer." : "One of them was restored."}`,
      });
    }
    const chosen = isAnswer(target.role)
      ? (candidates.findLast(({ plain }) => plain !== text(target)) ?? candidates.at(-1))
      : (candidates.find(({ plain }) => plain === text(target)) ?? candidates[0]);
    if (chosen !== undefined) {
      found.set(chosen.index, target);
      for (const other of candidates) {
        if (other !== chosen && (!isAnswer(target.role) || other.plain === text(target))) {
          dropped.add(other.index);
        }
      }
    }
  }
  const isFree = ({ index, gradeId }: (typeof cells)[number]) =>
    !found.has(index) && !dropped.has(index) && !wanted.some(({ id }) => id === gradeId);
  for (const target of open()) {
    const own = target.cell.id;
    const match = own === undefined ? undefined : cells.find((each) => isFree(each) && each.cell.id === own);
    if (match !== undefined) {
      found.set(match.index, target);
      findings.push(changedId(target, match.gradeId));
    }
  }
  const sameText = (target: AssignmentCell) =>
    target.source.trim() === "" ? [] : cells.filter((each) => each.plain === text(target) && isFree(each));
  // Of several cells of one text, each is the one that stands where it stood: those that are alone with their text come first.
  const rules: ((target: AssignmentCell, candidates: typeof cells) => (typeof cells)[number] | undefined)[] = [
    (target, candidates) =>
      candidates.length === 1 && !open().some((each) => each !== target && text(each) === text(target))
        ? candidates[0]
        : undefined,
    (target, candidates) => {
      const [after, before] = neighbours(target, found);
      return candidates.find(({ index }) => index > after && index < before);
    },
    (_target, [first]) => first,
  ];
  for (const rule of rules) {
    for (const target of open()) {
      const match = rule(target, sameText(target));
      if (match !== undefined) {
        found.set(match.index, target);
        findings.push(changedId(target, match.gradeId));
      }
    }
  }
  // What is left may stand in pieces, or inside of another cell.
  for (const target of open()) {
    const pieces = piecesOf(cells.filter(isFree), text(target));
    if (pieces !== undefined) {
      for (const [place, { index }] of pieces.entries()) {
        if (place === 0) {
          found.set(index, target);
        } else {
          dropped.add(index);
        }
      }
      findings.push({
        kind: "split",
        cell: target.id,
        message: `The cell was split into ${pieces.length}: it was put together again.`,
      });
    }
  }
  for (const target of open()) {
    const own = text(target);
    const host = own.length > 20 ? cells.find(({ plain }) => plain.includes(own)) : undefined;
    if (host !== undefined) {
      findings.push({
        kind: "merged",
        cell: target.id,
        message: `The cell was merged into cell ${host.index + 1}${host.gradeId === undefined ? "" : ` (${short(host.gradeId)})`}.`,
      });
    }
  }
  return {
    cells: cells.map(({ index, cell, source }) => ({
      index,
      source,
      type: cell.cell_type,
      of: found.get(index),
      dropped: dropped.has(index),
    })),
    missing: open(),
    findings,
  };
}

/** Between which places of the submission a cell stood: those of the nearest of the grader's cells before and behind it that were found. */
function neighbours(
  target: AssignmentCell,
  found: ReadonlyMap<number, AssignmentCell>,
): [after: number, before: number] {
  let [after, before] = [-1, Infinity];
  let [last, next] = [-1, Infinity];
  for (const [index, { index: place }] of found) {
    if (place < target.index && place > last) {
      [last, after] = [place, index];
    }
    if (place > target.index && place < next) {
      [next, before] = [place, index];
    }
  }
  return [after, before];
}

function changedId(target: AssignmentCell, gradeId: string | undefined): Finding {
  return {
    kind: "changed",
    cell: target.id,
    message: `The cell's grade_id was ${gradeId === undefined ? "taken away" : `changed to "${short(gradeId)}"`}; it was recognised and restored.`,
  };
}

/** Free cells, one behind another, whose texts together are the wanted one. A class may hand in thousands of cells: no text is put together twice. */
function piecesOf<T extends { readonly index: number; readonly plain: string }>(
  free: readonly T[],
  wanted: string,
): T[] | undefined {
  for (const [start, first] of free.entries()) {
    if (first.plain === "" || !wanted.startsWith(first.plain)) {
      continue;
    }
    let end = first.plain.length;
    for (let i = start + 1; i < free.length && free[i]?.index === first.index + i - start; i++) {
      const next = free[i]?.plain ?? "";
      if (next === "") {
        continue;
      }
      if (!wanted.startsWith(`\n${next}`, end)) {
        break;
      }
      end += next.length + 1;
      if (end === wanted.length) {
        return free.slice(start, i + 1);
      }
    }
  }
  return undefined;
}

function isConsecutive(cells: readonly { readonly index: number }[]): boolean {
  return cells.every(({ index }, i) => i === 0 || index === (cells[i - 1]?.index ?? 0) + 1);
}

function joined(cells: readonly { readonly plain: string }[]): string {
  return cells
    .map(({ plain }) => plain)
    .filter((plain) => plain !== "")
    .join("\n");
}

/** Numbers for a message. */
function listed(numbers: readonly number[]): string {
  const most = 20;
  return numbers.length > most
    ? `${numbers.slice(0, most).join(", ")} and ${numbers.length - most} more`
    : numbers.join(", ");
}

/** nbgrader's id, whatever else is wrong with the metadata. */
function gradeIdOf({ metadata }: { readonly metadata: Readonly<Record<string, unknown>> }): string | undefined {
  const id = fieldsOf(metadata.nbgrader).grade_id;
  return typeof id === "string" && id !== "" ? id : undefined;
}

/** Texts that differ in nothing that anybody wrote: ends of lines, blanks at them, empty lines. */
export function same(a: string, b: string): boolean {
  return a === b || normal(a) === normal(b);
}

function normal(text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .join("\n");
}

/** A stranger's text in a message. */
export function short(text: string): string {
  const plain = text.replace(/\s+/g, " ");
  return plain.length > 60 ? `${plain.slice(0, 59)}…` : plain;
}
