/** Circles of files that import one another. */
import { posix } from "node:path";
import type { Import, Source } from "./sources.ts";

/**
 * The circles among sources (strongly connected components of more than one file), by Tarjan's algorithm.
 *
 * @param counts which imports are looked at
 */
export function circlesOf(sources: readonly Source[], counts: (kind: Import["kind"]) => boolean): readonly string[][] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const found = new Map<string, { index: number; low: number }>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (source: Source): { index: number; low: number } => {
    const mine = { index: found.size, low: found.size };
    found.set(source.path, mine);
    stack.push(source.path);
    for (const { file, kind } of source.imports) {
      const next = file === undefined || !counts(kind) ? undefined : byPath.get(file);
      if (next === undefined) {
        continue;
      }
      const seen = found.get(next.path);
      if (seen === undefined) {
        mine.low = Math.min(mine.low, visit(next).low);
      } else if (stack.includes(next.path)) {
        mine.low = Math.min(mine.low, seen.index);
      }
    }
    if (mine.low === mine.index) {
      const circle = stack.splice(stack.lastIndexOf(source.path));
      if (circle.length > 1) {
        circles.push(circle.sort());
      }
    }
    return mine;
  };
  for (const source of sources) {
    if (!found.has(source.path)) {
      visit(source);
    }
  }
  return circles;
}

/** Circles at run time, and circles by types that reach over several folders. */
export function forbiddenCircles(sources: readonly Source[]): readonly string[] {
  const running = circlesOf(sources, (kind) => kind === "value").map((circle) => `at run time: ${circle.join(", ")}`);
  const wide = circlesOf(sources, (kind) => kind !== "late")
    .filter((circle) => new Set(circle.map((path) => posix.dirname(path))).size > 1)
    .map((circle) => `by types, across folders: ${circle.join(", ")}`);
  return [...running, ...wide];
}
