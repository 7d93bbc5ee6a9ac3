import { expect, it } from "vitest";
import { resultOf, task } from "../results/testing/results.ts";
import { readCsv } from "./csv.ts";
import { manualTable, takeManual } from "./manual.ts";

const ada = resultOf("ada", [task("block", 2, 4), task("essay", null, 2), task("next", null, 1)], {
  answers: [{ cell: "essay", type: "markdown", source: "=1+1, as the text says" }],
});
const found = [{ path: "out/ada/result.json", result: ada }];

it("lists what a person grades, with what the student wrote", () => {
  expect(readCsv(manualTable(found))).toEqual([
    ["student", "assignment", "task", "title", "max", "points", "comment", "answer"],
    ["ada", "Residual blocks", "essay", "essay", "2", "", "", "'=1+1, as the text says"],
    ["ada", "Residual blocks", "next", "next", "1", "", "", ""],
  ]);
});

it("takes points and comments back, and adds them up", () => {
  const rows = readCsv(manualTable(found)).map((row) =>
    row[2] === "essay" ? [...row.slice(0, 5), "1,5", "'-1 for length", ""] : row,
  );
  const [first] = takeManual(found, rows, "manual.csv");
  expect(first?.result).toMatchObject({ points: 3.5, status: "needsManual" });
  expect(first?.result.tasks[1]).toMatchObject({ points: 1.5, comment: "-1 for length" });
  const second = takeManual(
    [{ path: "p", result: first?.result ?? ada }],
    [
      ["task", "student", "points"],
      ["next", "ada", "1"],
    ],
    "m.csv",
  );
  expect(second[0]?.result).toMatchObject({ points: 4.5, status: "graded" });
  expect(second[0]?.result.tasks[1]).toMatchObject({ points: 1.5, comment: "-1 for length" });
  expect(takeManual(found, readCsv(manualTable(found)), "manual.csv")).toEqual([]);
});

it("takes nothing where a line does not fit", () => {
  const rows = [
    ["student", "task", "points"],
    ["ada", "essay", "2"],
    ["ada", "essay", "3"],
    ["ada", "block", "4"],
    ["bo", "essay", "1"],
    ["ada", "next", "all"],
  ];
  expect(() => takeManual(found, rows, "m.csv")).toThrow(
    [
      "m.csv:",
      '  line 3 (ada, essay): the points are "3", expected a number from 0 to 2',
      "  line 4 (ada, block): a program gives the points of this task",
      "  line 5 (bo, essay): there is no such task in the results of this student",
      '  line 6 (ada, next): the points are "all", expected a number from 0 to 1',
    ].join("\n"),
  );
  expect(() => takeManual(found, [["name"]], "m.csv")).toThrow(
    'm.csv: it has no column "student" and "task" and "points"',
  );
});
