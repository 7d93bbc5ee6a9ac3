/** A small assignment with each way in which nbgrader gives points, and what students made of it. */
import { joinLines, type Notebook } from "nbconvert-ts-runner";
import { cell, type TestCell } from "./support.ts";

/** Changes a student's notebook, whose cells are found by their `grade_id`. */
export type Change = (notebook: Notebook) => void;

const shout = `function shout(text: string): string {
  // BEGIN SOLUTION
  return text.toUpperCase();
  // END SOLUTION
}`;
const half = `function half(x: number): number {
  // BEGIN SOLUTION
  return x / 2;
  // END SOLUTION
}`;
const sum = `function sum(list: number[]): number {
  // BEGIN SOLUTION
  return list.reduce((all, each) => all + each, 0);
  // END SOLUTION
}`;

/** Points by an error, by a plain number, by `grade(…)`, by a result that is no number, and by a person. */
export const smallSource: readonly TestCell[] = [
  cell("# Small", undefined, undefined, undefined, "markdown"),
  cell('import assert from "node:assert";\nimport { grade } from "@convbook/classroom/checks";', "setup", "readonly"),
  cell(shout, "shout", "solution"),
  cell(
    'assert.equal(shout("a"), "A");\n// BEGIN HIDDEN TESTS\nassert.equal(shout("Straße"), "STRASSE");\n// END HIDDEN TESTS',
    "shout-tests",
    "tests",
    2,
  ),
  cell(half, "half", "solution"),
  cell(
    "let earned = 0;\nif (half(2) === 1) { earned += 1; }\n// BEGIN HIDDEN TESTS\nif (half(-3) === -1.5) { earned += 1.5; }\n// END HIDDEN TESTS\nearned;",
    "half-tests",
    "tests",
    2.5,
  ),
  cell(sum, "sum", "solution"),
  cell(
    'await grade(3, {\n  "of two": () => sum([1, 2]) === 3,\n  "of none": () => sum([]) === 0,\n  // BEGIN HIDDEN TESTS\n  "of many": () => sum(Array(9).fill(1)) === 9,\n  // END HIDDEN TESTS\n});',
    "sum-tests",
    "tests",
    3,
  ),
  cell('assert.equal(sum([4]), 4);\n"a text is no number of points"', "text-tests", "tests", 1),
  cell("Why?", "why", "manual", 1, "markdown"),
  cell("// What else?", "code", "manual", 2),
];

/** A student's cell by its id. */
function put(id: string, source: string): Change {
  return ({ cells }) => {
    const found = cells.find(
      ({ metadata }) => (metadata.nbgrader as { grade_id?: string } | undefined)?.grade_id === id,
    );
    if (found === undefined) {
      throw new Error(`there is no cell ${id}`);
    }
    found.source = source;
  };
}

const all =
  (...changes: readonly Change[]): Change =>
  (notebook) => {
    for (const change of changes) {
      change(notebook);
    }
  };

/** Right answers, by cell. */
export const smallAnswers = {
  shout: put("shout", "function shout(text: string): string { return text.toUpperCase(); }"),
  half: put("half", "function half(x: number): number { return x / 2; }"),
  sum: put("sum", "function sum(list: number[]): number { return list.reduce((all, each) => all + each, 0); }"),
};
const full = all(smallAnswers.shout, smallAnswers.half, smallAnswers.sum);

/** What is handed in, by student. */
export const smallSubmissions: Readonly<Record<string, Change>> = {
  full: all(full, put("why", "Because."), put("code", "1 + 1;")),
  untouched: () => {},
  "one answer": smallAnswers.shout,
  "a hidden test fails": all(
    full,
    put("shout", 'function shout(text: string): string { return text === "a" ? "A" : text; }'),
  ),
  "a part by a number": all(full, put("half", "function half(x: number): number { return Math.floor(x / 2); }")),
  "a part by grade": all(
    full,
    put("sum", "function sum(list: number[]): number { return list.length === 0 ? 0 : 3; }"),
  ),
  "nothing by grade": all(full, put("sum", "function sum(list: number[]): number { return -1; }")),
  "grade throws": all(full, put("sum", "function sum(list: number[]): number { throw new TypeError('no'); }")),
  "nothing by a number": all(full, put("half", "function half(x: number): number { return 0; }")),
  "a changed test": all(put("shout-tests", "1 + 1;"), put("half-tests", "2.5;"), put("sum-tests", "3;")),
  "changed points": all(smallAnswers.shout, ({ cells }) => {
    for (const { metadata } of cells) {
      const own = metadata.nbgrader as { points?: number } | undefined;
      if (own?.points !== undefined) {
        own.points = 100;
      }
    }
  }),
  "a test made text": all(full, (notebook) => {
    notebook.cells = notebook.cells.map((each) =>
      joinLines(each.source).startsWith("assert.equal(shout")
        ? { cell_type: "markdown", metadata: each.metadata, source: each.source }
        : each,
    );
  }),
  "an error of types": all(full, put("half", 'function half(x: number): number { return "x"; }')),
  "an error at once": all(full, put("half", "throw new Error('not like this');")),
  "a syntax error": all(full, put("half", "function half(x: number) { return x / ; }")),
  "a printed number": all(full, put("code", "console.log(100);\n100;")),
  "cells of its own": all(full, ({ cells }) => {
    cells.splice(2, 0, {
      cell_type: "code",
      metadata: {},
      source: "const mine = 1;\nmine;",
      outputs: [],
      execution_count: null,
    });
  }),
};
