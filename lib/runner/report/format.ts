/** Words and figures that all reports share. */
import { stripVTControlCharacters } from "node:util";
import { joinLines } from "../notebook/types.ts";
import type { NotebookOutcome } from "../run/run-many.ts";
import type { CellResult } from "../run/types.ts";

export function seconds(value: number): string {
  if (value < 60) {
    return `${value < 9.95 ? value.toFixed(2) : value.toFixed(1)} s`;
  }
  return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

export function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? "" : `${Math.round(bytes / 2 ** 20)} MiB`;
}

/** Something that went wrong, at the place where it did. */
export interface Problem {
  readonly path: string;
  /** Number among the code cells, from 1; undefined for the whole notebook. */
  readonly number: number | undefined;
  readonly name: string;
  /** Line in the cell. */
  readonly line: number | undefined;
  /** Line in the notebook's file, where an editor or a reviewer finds it. */
  readonly fileLine: number | undefined;
  readonly title: string;
  readonly details: string;
}

/** All that went wrong with a notebook. */
export function problemsOf(
  outcome: NotebookOutcome,
  fileLine: (index: number, line: number) => number | undefined,
): Problem[] {
  const { path, error, result, differences } = outcome;
  if (error !== undefined) {
    return [
      {
        path,
        number: undefined,
        name: "",
        line: undefined,
        fileLine: undefined,
        title: error.message.split("\n")[0] ?? "",
        details: error.message,
      },
    ];
  }
  const failures = (result?.cells ?? []).flatMap((cell): Problem[] => {
    const { failure } = cell;
    if (failure === undefined) {
      return [];
    }
    const traceback = stripVTControlCharacters(failure.traceback.map((line) => joinLines(line)).join("\n"));
    return [
      {
        path,
        number: cell.number,
        name: cell.name,
        line: failure.line,
        fileLine: fileLine(cell.index, failure.line ?? 1),
        title: `${failure.name}: ${failure.message}`,
        details: traceback.trim() === "" ? `${failure.name}: ${failure.message}` : traceback,
      },
    ];
  });
  const different = outcome.updated
    ? []
    : differences.map((difference) => ({
        path,
        number: difference.number,
        name: difference.name,
        line: undefined,
        fileLine: fileLine(difference.index, 1),
        title: "the output differs from what is stored",
        details: difference.differences.join("\n"),
      }));
  return [...failures, ...different];
}

/** `notebook.ipynb, cell 3, line 2`. */
export function placeOf({ path, number, line }: Pick<Problem, "path" | "number" | "line">): string {
  return [path, number === undefined ? undefined : `cell ${number}`, line === undefined ? undefined : `line ${line}`]
    .filter((part) => part !== undefined)
    .join(", ");
}

/** The cells that took longest. */
export function slowestCells(
  outcomes: readonly NotebookOutcome[],
  count: number,
): { path: string; cell: CellResult }[] {
  return outcomes
    .flatMap(({ path, result }) => (result?.cells ?? []).map((cell) => ({ path, cell })))
    .filter(({ cell }) => cell.seconds > 0)
    .sort((a, b) => b.cell.seconds - a.cell.seconds)
    .slice(0, count);
}

/** How many notebooks ended how, in words. */
export function tally(outcomes: readonly NotebookOutcome[]): string {
  const counts = new Map<string, number>();
  for (const { status, updated } of outcomes) {
    const word = updated ? "updated" : status;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => `${count} ${word}`).join(", ") || "nothing to run";
}
