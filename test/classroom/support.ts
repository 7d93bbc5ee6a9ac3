/** Small classes for the tests of grading: a notebook with two tasks, and what students made of it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Result } from "../../lib/classroom/index.ts";

export type Role = "solution" | "tests" | "manual" | "readonly";

/** A cell with nbgrader's metadata. */
export function cell(source: string, id?: string, role?: Role, points?: number, type: "code" | "markdown" = "code") {
  const nbgrader = {
    schema_version: 3,
    grade: role === "tests" || role === "manual",
    solution: role === "solution" || role === "manual",
    locked: role === "tests" || role === "readonly",
    task: false,
    grade_id: id,
    ...(points !== undefined && { points }),
  };
  return {
    cell_type: type,
    id: (id ?? "own").replace(/\W/g, "-"),
    metadata: role === undefined ? {} : { nbgrader },
    source,
    ...(type === "code" && { outputs: [], execution_count: null }),
  };
}

export type TestCell = ReturnType<typeof cell>;

export function notebook(cells: readonly TestCell[]): string {
  const kernelspec = { name: "convbook", display_name: "TypeScript", language: "typescript" };
  // Ids of cells must differ.
  const seen = new Set<string>();
  const own = cells.map((each, i) => {
    const id = seen.has(each.id) ? `${each.id}-${i}` : each.id;
    seen.add(id);
    return { ...each, id };
  });
  return JSON.stringify({ cells: own, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 });
}

/** A folder for a test, which goes with it. */
export class Classroom implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "classroom-test-"));

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  write(name: string, contents: string | Uint8Array): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
    return path;
  }

  result(student: string, out = "out"): Result {
    return JSON.parse(readFileSync(this.path(out, student, "result.json"), "utf8")) as Result;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a test compares of a result. */
export function pointsOf(result: Result): Record<string, number | string | null> {
  return Object.fromEntries(
    result.tasks.map(({ id, points, status }) => [id, status === "passed" ? points : `${points} ${status}`]),
  );
}

export const setup =
  'import assert from "node:assert";\nfunction near(a: number, b: number): boolean { return Math.abs(a - b) < 1e-6; }';
export const hiddenLine = 'assert.equal(square(-3), 9, "the hidden square of minus three");';
const testSquare = `assert.equal(square(2), 4);\n// BEGIN HIDDEN TESTS\n${hiddenLine}\nassert.ok(near(square(0.5), 0.25));\nassert.ok(Math.abs(square(0.5) - 0.25) < 1e-6);\n// END HIDDEN TESTS`;
const testTotal = `let earned = 0;
if (total([1, 2]) === 3) earned += 1;
if (total([]) === 0) earned += 2;
display.raw({ "application/x-convbook-grade+json": { points: earned, reasons: ["sums"] } });`;

/** The cells of the course: with the two answers, and with hidden tests or without. */
export function course(square: string, total: string, hidden: boolean): TestCell[] {
  const visible = (source: string) =>
    hidden ? source : source.replace(/\n\/\/ BEGIN HIDDEN[\s\S]*END HIDDEN TESTS/, "");
  return [
    cell("# Squares", undefined, undefined, undefined, "markdown"),
    cell(setup, "setup", "readonly"),
    cell(square, "square", "solution"),
    cell(visible(testSquare), "test_square", "tests", 2),
    cell("# Sums", undefined, undefined, undefined, "markdown"),
    cell(total, "total", "solution"),
    cell(testTotal, "test_total", "tests", 3),
    cell("Why?", "why", "manual", 1, "markdown"),
  ];
}

export const goodSquare = "function square(x: number): number { return x * x; }";
export const goodTotal = "function total(a: number[]): number { return a.reduce((s, v) => s + v, 0); }";
export const emptySquare = 'function square(x: number): number { throw new Error("write it"); }';
export const emptyTotal = 'function total(a: number[]): number { throw new Error("write it"); }';

/** The grader's notebook, and beside it the students'. */
export function writeCourse(room: Classroom): void {
  room.write("grader/squares.ipynb", notebook(course(goodSquare, goodTotal, true)));
  room.write("student/squares.ipynb", notebook(course(emptySquare, emptyTotal, false)));
}
