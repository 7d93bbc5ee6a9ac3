/** The error with which a test fails when its cell did. */
import { resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { NotebookPositions } from "../notebook/positions.ts";
import { joinLines } from "../notebook/types.ts";
import type { CellResult } from "../run/types.ts";

interface CellErrorOptions {
  readonly path: string;
  readonly positions: NotebookPositions;
  /** The cell's index in the file; -1 for one that is not in it. */
  readonly place: number;
  /** False where another cell's test tells it. */
  readonly own: boolean;
}

/** An error that stands at the failing line of the notebook and shows the kernel's own traceback. */
export function cellError(result: CellResult, options: CellErrorOptions): Error {
  const { failure, number } = result;
  const said = stripVTControlCharacters(failure?.message ?? "");
  const headline = options.own ? said : `cell ${number}, which comes before, failed: ${said}`;
  const error = new Error(`${headline}${shownTraceback(result)}`);
  error.name = failure?.name ?? "Error";
  const at = options.positions.filePosition(Math.max(0, options.place), failure?.line ?? 1, failure?.column ?? 1);
  // Vitest shows the code at the first frame; names with parentheses would not be read as one.
  const where = failure?.line === undefined ? `cell_${number}` : `cell_${number}_line_${failure.line}`;
  error.stack = `${error.name}: ${error.message}\n    at ${where} (${resolve(options.path)}:${at?.line ?? 1}:${at?.column ?? 1})`;
  return error;
}

/**
 * The kernel's traceback behind a bar, or nothing where it says no more than the message. The bar also keeps Vitest from
 * taking the kernel's frames for ones of its own.
 */
function shownTraceback({ failure }: CellResult): string {
  const text = stripVTControlCharacters((failure?.traceback ?? []).map((line) => joinLines(line)).join("\n")).trimEnd();
  return text.includes("\n") ? `\n\n${text.replace(/^/gm, "│ ")}` : "";
}
