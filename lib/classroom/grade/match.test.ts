import { expect, it } from "vitest";
import type { AssignmentNotebook } from "../source/index.ts";
import { cellsOf } from "../source/index.ts";
import { cellWith, notebookOf, roles } from "../testing/notebooks.ts";
import { matchCells } from "./match.ts";

const locked = "const a = 1;\n\nconst b = 2;\nconst c = a + b;";

const graderOf = (sources: readonly string[]): AssignmentNotebook => {
  const cells = sources.map((source, i) => cellWith("code", source, roles.readonly(`locked${i}`)));
  return { cells: cellsOf(notebookOf(cells)).cells } as unknown as AssignmentNotebook;
};
const matched = (sources: readonly string[], grader = graderOf([locked])) =>
  matchCells(notebookOf(sources.map((source) => cellWith("code", source))), grader, new Map());

it.each([
  [["const a = 1;", "const b = 2;\nconst c = a + b;"]],
  [["1", "const a = 1;  ", "", "const b = 2;", "\n", "const c = a + b;", "2"]],
  // The same beginning twice.
  [["const a = 1;", "const a = 1;\nconst b = 2;", "const c = a + b;"]],
])("a locked cell in pieces is found: %j", (sources) => {
  const { cells, missing, findings } = matched(sources);
  expect(missing).toEqual([]);
  const first = cells.findIndex(({ of }) => of?.id === "locked0");
  const last = cells.findLastIndex(({ dropped }) => dropped);
  expect(cells[first]?.source).toContain("const a = 1;");
  expect(cells[last]?.source).toContain("const c = a + b;");
  expect(findings).toEqual([
    {
      kind: "split",
      cell: "locked0",
      message: `The cell was split into ${last - first + 1}: it was put together again.`,
    },
  ]);
});

it.each([
  [["const a = 1;", "const b = 2;"]],
  [["const a = 1;", "const b = 2;", "let other;", "const c = a + b;"]],
  [["const a = 1;", "const b = 2;\nconst c = a + b;\nconst d = 4;"]],
])("what are not its pieces are not taken for them: %j", (sources) => {
  const { missing, cells } = matched(sources);
  expect(missing).toHaveLength(1);
  expect(cells.filter(({ dropped }) => dropped)).toEqual([]);
});

it("a submission of ten thousand cells is matched without trying every row of them", () => {
  // Each row of cells put together anew, for each cell that is missing: nobody would live to see the end of it.
  const grader = graderOf(Array.from({ length: 20 }, (_, i) => `const a = 1;\n${"x;\n".repeat(50)}const b${i} = 2;`));
  const { missing, cells } = matched(
    Array.from({ length: 10_000 }, (_, i) => (i % 3 === 0 ? "const a = 1;" : i % 3 === 1 ? "x;\nx;" : "")),
    grader,
  );
  expect([missing.length, cells.length]).toEqual([20, 10_000]);
});

it("a message does not list thousands of copies", () => {
  const copies = Array.from({ length: 500 }, () => cellWith("code", "changed", roles.readonly("locked0")));
  const { findings } = matchCells(notebookOf(copies), graderOf([locked]), new Map());
  expect(findings.map(({ message }) => message.slice(0, 110))).toEqual([
    "The id occurs more than once: cells 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 and ",
  ]);
});
