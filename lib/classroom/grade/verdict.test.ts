/** What a cell shows gives the same points when an assignment is made and when it is graded. */
import type { CodeCell, Output } from "nbconvert-ts-runner";
import { expect, test } from "vitest";
import type { AssignmentCell } from "../source/index.ts";
import { cellPoints, gradeType } from "../source/points.ts";
import type { Hidden } from "./hidden.ts";
import { judge } from "./verdict.ts";

const result = (text: string): Output => ({
  output_type: "execute_result",
  data: { "text/plain": text },
  metadata: {},
  execution_count: 1,
});
const shown = (grade: unknown): Output => ({
  output_type: "display_data",
  data: { [gradeType]: grade as never },
  metadata: {},
});
const written = (name: "stdout" | "stderr"): Output => ({ output_type: "stream", name, text: "a warning\n" });
const error: Output = { output_type: "error", ename: "Error", evalue: "no", traceback: [] };
const grades = "await grade(4, checks);";

test.each<[string, string, Output[], number]>([
  ["nothing", "check();", [], 4],
  ["text on standard output", "check();", [written("stdout")], 4],
  ["a warning on standard error", "check();", [written("stderr")], 4],
  ["a warning, and a number", "check();", [written("stderr"), result("2")], 2],
  ["an error", "check();", [error], 0],
  ["a number", "check();", [result("2.5")], 2.5],
  ["a number in colours", "check();", [result("\u001b[33m3\u001b[39m")], 3],
  ["a number below 0, which nbgrader takes for no number", "check();", [result("-1")], 4],
  ["what is computed of no number", "check();", [result("NaN")], 0],
  ["no end of points", "check();", [result("Infinity")], 0],
  ["more points than there are", "check();", [result("5")], 0],
  ["a text", "check();", [result("'2'")], 4],
  ["a grade", grades, [shown({ points: 1, reasons: [] })], 1],
  ["a grade that gives a text for points", grades, [shown({ points: "4" })], 0],
  ["a grade of more points than there are", grades, [shown({ points: 5 })], 0],
  ["two grades", grades, [shown({ points: 1 }), shown({ points: 4 })], 0],
  ["a grade that its text cannot show", "check();", [shown({ points: 1 })], 4],
  ["a grade through the assignment's own function", "report(checks);", [shown({ points: 1 })], 1],
  ["nothing, of a cell that has no tests", "// hidden tests stood here\n", [], 0],
])("%s", (_, source, outputs, points) => {
  const cell: CodeCell = { cell_type: "code", source, metadata: {}, outputs, execution_count: 1 };
  const helpers = ["report"];
  expect(cellPoints(cell, source, 4, helpers).points).toBe(points);
  const task = { source, points: 4, title: "t", id: "t", role: "tests" } as AssignmentCell;
  const shownGrades = outputs.flatMap((output) =>
    output.output_type === "display_data" ? [output.data[gradeType]] : [],
  );
  const run = { status: "ok", seconds: 0, outputs, shown: shownGrades, results: [] } as const;
  const hidden = { clean: (text: string) => text } as Hidden;
  expect(judge({ task, run, guarded: false, hidden, helpers, isUntouched: false }).points).toBe(points);
});
