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
    ["student", "assignment", "task", "title", "max", "points", "comment", "answer", "earlier"],
    ["ada", "Residual blocks", "essay", "essay", "2", "", "", "'=1+1, as the text says", ""],
    ["ada", "Residual blocks", "next", "next", "1", "", "", "", ""],
  ]);
});

it("says what is to be graded again, until it is", () => {
  const earlier = { points: 1, maxPoints: 2, comment: "Shorter.", answer: "1 + 1" };
  const again = resultOf("ada", [task("essay", null, 2, { earlier })], { answers: ada.answers ?? [] });
  const [, row = []] = readCsv(manualTable([{ path: "r", result: again }]));
  expect(row[8]).toBe("Needs grading again. An earlier answer got 1 of 2: Shorter.");
  const take = (points: string, comment: string) =>
    takeManual(
      [{ path: "r", result: again }],
      [
        ["task", "student", "points", "comment"],
        ["essay", "ada", points, comment],
      ],
      "m.csv",
    )[0]?.result.tasks[0];
  expect(take("2", "")).toEqual(task("essay", null, 2, { points: 2 }));
  expect(take("", "Soon.")).toEqual(task("essay", null, 2, { comment: "Soon.", earlier }));
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

it("changes nothing where the table says what is there", () => {
  const given = { ...ada, tasks: ada.tasks.map((each) => ({ ...each, points: each.points ?? 1, comment: "Yes." })) };
  const again = [{ path: "out/ada/result.json", result: given }];
  expect(takeManual(again, readCsv(manualTable(again)), "manual.csv")).toEqual([]);
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

it("finds students whatever their names begin with", () => {
  for (const name of ["=ada", "＝ada", "'ada", "@ada"]) {
    const place = [{ path: "r", result: resultOf(name, [task("essay", null, 2)]) }];
    const rows = readCsv(manualTable(place)).map((row, i) => (i === 0 ? row : [...row.slice(0, 5), "1", "＝ so", ""]));
    expect(takeManual(place, rows, "m.csv")[0]?.result.tasks[0]).toMatchObject({ points: 1, comment: "＝ so" });
  }
});

it("knows a student's number without the zeros that spreadsheets take away", () => {
  const place = (...names: string[]) =>
    names.map((name) => ({ path: name, result: resultOf(name, [task("essay", null, 2)]) }));
  const take = (found: ReturnType<typeof place>) =>
    takeManual(
      found,
      [
        ["student", "task", "points"],
        ["815", "essay", "1"],
      ],
      "m.csv",
    ).map(({ path }) => path);
  expect(take(place("0815", "0816"))).toEqual(["0815"]);
  expect(take(place("0815", "815"))).toEqual(["815"]);
  expect(() => take(place("0815", "00815"))).toThrow("line 2 (815, essay): there is no such task");
});
