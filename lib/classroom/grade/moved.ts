/** Which cells stand elsewhere: all but those of the longest sequence that is in the grader's order. */
import type { AssignmentCell } from "../source/index.ts";

/** A cell of the grader's that was found in a submission. */
export interface Found {
  /** Its place in the submission. */
  readonly index: number;
  readonly of: AssignmentCell;
}

/**
 * The cells that were moved: the fewest that, taken out, leave the others in the grader's order. Neither a cell that is missing nor one that
 * was added makes its neighbours move.
 *
 * @param found Each of the grader's cells once.
 * @param isFirm Of two ways to explain an order, one that leaves more of these cells where they are is taken.
 * @returns In the grader's order.
 */
export function movedCells(found: readonly Found[], isFirm: (cell: AssignmentCell) => boolean): AssignmentCell[] {
  const cells = [...found].sort((a, b) => a.index - b.index);
  // The length counts; the firm ones only decide between sequences of one length.
  const weights = cells.map(({ of }) => cells.length + 1 + (isFirm(of) ? 1 : 0));
  const best: number[] = [];
  const before: (number | undefined)[] = [];
  for (const [i, { of }] of cells.entries()) {
    let longest = 0;
    for (let j = 0; j < i; j++) {
      const sum = best[j] ?? 0;
      if ((cells[j]?.of.index ?? 0) < of.index && sum > longest) {
        longest = sum;
        before[i] = j;
      }
    }
    best[i] = longest + (weights[i] ?? 0);
  }
  const kept = new Set<number>();
  let end: number | undefined = best.length === 0 ? undefined : best.indexOf(Math.max(...best));
  while (end !== undefined) {
    kept.add(end);
    end = before[end];
  }
  return cells
    .filter((_, i) => !kept.has(i))
    .map(({ of }) => of)
    .sort((a, b) => a.index - b.index);
}
