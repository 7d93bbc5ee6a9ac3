/** The whole result for other programs. */
import { type NotebookOutcome, shownPath } from "../run/run-many.ts";

/** A JSON report; it holds no outputs, which are in the notebooks. */
export function jsonReport(outcomes: readonly NotebookOutcome[]): string {
  const notebooks = outcomes.map(({ path, status, seconds, result, error, differences, updated }) => ({
    path: shownPath(path),
    status,
    seconds: round(seconds),
    ...(updated && { updated }),
    ...(error !== undefined && { error: { name: error.name, message: error.message } }),
    ...(result !== undefined && {
      kernel: result.kernelName,
      startupSeconds: round(result.startupSeconds),
      saved: result.outputPath,
      warnings: result.warnings,
      cells: result.cells.map((cell) => ({ ...cell, seconds: round(cell.seconds) })),
    }),
    ...(differences.length > 0 && { differences }),
  }));
  return `${JSON.stringify({ notebooks }, null, 2)}\n`;
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
