/** Sums of points. */
import type { Result, TaskResult } from "./result.ts";

/** Points and seconds without what binary fractions add to them. */
export function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** A result with other tasks: its points and its status follow from them. */
export function withTasks(result: Result, tasks: readonly TaskResult[]): Result {
  const isOpen = tasks.some(({ points }) => points === null);
  return {
    ...result,
    tasks,
    points: rounded(tasks.reduce((sum, { points }) => sum + (points ?? 0), 0)),
    status: result.status === "failed" ? "failed" : isOpen ? "needsManual" : "graded",
  };
}
