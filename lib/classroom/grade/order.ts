/** The order in which the cells of a submission run. */
import type { Finding } from "../results/index.ts";
import { type AssignmentCell, type AssignmentNotebook, isAnswer } from "../source/index.ts";
import type { MatchedCell } from "./match.ts";
import { type Found, movedCells } from "./moved.ts";

/** A cell in the order of the run: the submission's, or one of the grader's that was missing. */
export interface Placed {
  readonly of: AssignmentCell | undefined;
  readonly own: MatchedCell | undefined;
}

/**
 * The order in which cells run. It is the submission's, but for locked cells that were moved or are missing: they go behind the answers and
 * locked cells that they come after.
 *
 * @param cells The submission's.
 * @param findings What was found when they were matched: a copy of an answer that counts did not move.
 * @returns The order, and the grader's cells that stood elsewhere.
 */
export function ordered(
  cells: readonly MatchedCell[],
  grader: AssignmentNotebook,
  findings: readonly Finding[],
): { order: readonly Placed[]; moved: readonly AssignmentCell[] } {
  const copied = new Set(findings.flatMap(({ kind, cell }) => (kind === "copied" ? [cell] : [])));
  const found = cells.flatMap(({ index, of, dropped }) =>
    of === undefined || dropped || (isAnswer(of.role) && copied.has(of.id)) ? [] : [{ index, of }],
  );
  const moved = movedCells(found, ({ role }) => isAnswer(role));
  const isLocked = (of: AssignmentCell | undefined) => of !== undefined && !isAnswer(of.role);
  const order: Placed[] = cells
    .filter(({ of, dropped }) => !dropped && !isLocked(of))
    .map((own) => ({ of: own.of, own }));
  let last: AssignmentCell | undefined;
  for (const target of grader.cells) {
    if (target.role === "plain" || isAnswer(target.role)) {
      continue;
    }
    const own = cells.find(({ of }) => of === target);
    const stood = own === undefined || moved.includes(target) ? undefined : own.index;
    const answer = order.findLastIndex(({ of }) => of !== undefined && isAnswer(of.role) && of.index < target.index);
    const locked = last === undefined ? -1 : order.findIndex(({ of }) => of === last);
    const least = Math.max(answer, locked) + 1;
    let place =
      stood === undefined ? -1 : 1 + order.findLastIndex((each) => each.own !== undefined && each.own.index < stood);
    if (place < least) {
      place = least;
      // The student's own cells behind an answer belong to it, up to where the next locked cell stands.
      const end = nextLocked(target, grader, found, moved);
      while (place > locked + 1 && order[place]?.of === undefined && (order[place]?.own?.index ?? Infinity) < end) {
        place++;
      }
    }
    order.splice(place, 0, { of: target, own });
    last = target;
  }
  return { order, moved };
}

/** Where in the submission the next locked cell is that did not move. */
function nextLocked(
  { index }: AssignmentCell,
  grader: AssignmentNotebook,
  found: readonly Found[],
  moved: readonly AssignmentCell[],
): number {
  const next = grader.cells.find(
    (of) => of.index > index && !isAnswer(of.role) && !moved.includes(of) && found.some((each) => each.of === of),
  );
  return found.find(({ of }) => of === next)?.index ?? Infinity;
}
