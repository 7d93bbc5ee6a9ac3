/** Cells that stand elsewhere, are missing or were added: only what moved is said to have moved. */
import { join } from "node:path";
import type { Cell } from "nbconvert-ts-runner";
import { describe, expect, test } from "vitest";
import { Random } from "../checks/index.ts";
import { type AssignmentNotebook, isAnswer, readAssignmentNotebook } from "../source/index.ts";
import { cellWith, folderWith, notebookOf, roles } from "../testing/notebooks.ts";
import { movedCells } from "./moved.ts";
import { restore } from "./restore.ts";

const own = (text: string) => cellWith("code", text);
const locked = (id: string) => cellWith("code", `locked("${id}");`, roles.readonly(id));
const answer = (id: string) => cellWith("code", `function ${id}() {}`, roles.solution(id));
const tests = (id: string) => cellWith("code", `test("${id}");`, roles.tests(id, 1));

function graderOf(cells: Cell[]): AssignmentNotebook {
  return readAssignmentNotebook(join(folderWith({ "a.ipynb": notebookOf(cells) }), "a.ipynb"));
}

function restored(submitted: Cell[], grader: AssignmentNotebook) {
  const { findings, cells } = restore(notebookOf(submitted), grader, undefined);
  return {
    moved: findings.filter(({ kind }) => kind === "moved").map(({ cell }) => cell),
    missing: findings.filter(({ kind }) => kind === "missing").map(({ cell }) => cell),
    findings,
    order: cells.map(({ cell, of }) => of?.id ?? cell.source.toString()),
  };
}

const course = [
  locked("setup"),
  answer("a1"),
  tests("t1"),
  locked("l2"),
  answer("a2"),
  tests("t2"),
  answer("a3"),
  tests("t3"),
];
const grader = graderOf(course);
const at = (index: number) => course[index] as Cell;
const without = (...ids: string[]) => course.filter((_, i) => !ids.includes(grader.cells[i]?.id ?? ""));

describe("neighbours of a cell", () => {
  test.each(grader.cells.map(({ id, index }) => [id as string, index] as const))(
    "do not move where %s is deleted, alone or with cells of the student's own around it",
    (id, index) => {
      expect(restored(without(id), grader)).toMatchObject({ moved: [], missing: [id] });
      const around = without(id).flatMap((each, i) => [own(`${i} before`), each, own(`${i} after`)]);
      expect(restored(around, grader)).toMatchObject({ moved: [], missing: [id] });
      const inserted = course.toSpliced(index, 0, own("x"), own("y"));
      expect(restored(inserted, grader)).toMatchObject({ moved: [], missing: [] });
    },
  );

  test("do not move where one is split, with its id in both pieces or in the first", () => {
    const [first, second] = [
      cellWith("code", "// one", roles.readonly("l2")),
      cellWith("code", "// two", roles.readonly("l2")),
    ];
    const two = graderOf(course.with(3, cellWith("code", "// one\n// two", roles.readonly("l2"))));
    expect(restored(course.toSpliced(3, 1, first, second), two)).toMatchObject({ moved: [], missing: [] });
    expect(restored(course.toSpliced(3, 1, first, own("// two")), two)).toMatchObject({ moved: [], missing: [] });
    expect(restored(course.toSpliced(4, 1, at(4), own("let more;")), grader).moved).toEqual([]);
  });

  test("do not move where one of several cells of the same text is deleted and ids are gone", () => {
    const same = () => cellWith("markdown", "## Your work", undefined);
    const marked = (id: string) => ({ ...same(), metadata: { nbgrader: roles.readonly(id) } });
    const twins = graderOf([marked("w1"), answer("a1"), marked("w2"), answer("a2"), marked("w3")]);
    const bare = (cells: Cell[]) => cells.map((each) => ({ ...each, metadata: {} }));
    const all = [same(), answer("a1"), same(), answer("a2"), same()];
    for (const [gone, id] of [
      [0, "w1"],
      [2, "w2"],
      [4, "w3"],
    ] as const) {
      expect(restored(bare(all.toSpliced(gone, 1)), twins)).toMatchObject({ moved: [], missing: [id] });
    }
  });
});

describe("a cell that moved", () => {
  test("is named alone, and a locked one runs where it belongs", () => {
    const { moved, order } = restored([...without("t1"), at(2)], grader);
    expect(moved).toEqual(["t1"]);
    expect(order).toEqual(["setup", "a1", "t1", "l2", "a2", "t2", "a3", "t3"]);
    expect(restored([at(7), ...without("t3")], grader)).toMatchObject({
      moved: ["t3"],
      order: grader.cells.map(({ id }) => id),
    });
  });

  test("is the locked one where it changed places with an answer", () => {
    expect(restored([at(0), at(2), at(1), ...course.slice(3)], grader).moved).toEqual(["t1"]);
  });

  test("is an answer that runs where it stands, with its tests behind it", () => {
    const { findings, order } = restored([...without("a1"), at(1)], grader);
    expect(findings).toEqual([
      {
        kind: "moved",
        cell: "a1",
        message: "The answer stood elsewhere; it ran where it stood, and its tests behind it.",
      },
    ]);
    expect(order.indexOf("t1")).toBeGreaterThan(order.indexOf("a1"));
  });

  test("does not bring tests away from what the student wrote for them", () => {
    const { order } = restored([at(0), at(1), own("mine"), ...course.slice(3)], grader);
    expect(order.slice(0, 5)).toEqual(["setup", "a1", "mine", "t1", "l2"]);
    // What stands behind the next locked cell may use it.
    expect(restored([at(0), at(1), at(3), own("uses l2"), ...course.slice(4)], grader).order.slice(0, 5)).toEqual([
      "setup",
      "a1",
      "t1",
      "l2",
      "uses l2",
    ]);
  });
});

test("of any deletions, insertions and moves the fewest cells are named that explain the order", () => {
  const random = new Random(11);
  const pick = (n: number) => random.integer(0, n - 1);
  for (let round = 0; round < 300; round++) {
    const cells = [...course];
    for (let i = pick(4); i > 0; i--) {
      cells.splice(pick(cells.length), 1);
    }
    const missing = course.filter((each) => !cells.includes(each));
    const touched = new Set<Cell>();
    for (let i = pick(3); i > 0; i--) {
      const [taken] = cells.splice(pick(cells.length), 1);
      touched.add(taken as Cell);
      cells.splice(pick(cells.length + 1), 0, taken as Cell);
    }
    for (let i = pick(5); i > 0; i--) {
      cells.splice(pick(cells.length + 1), 0, own(`own ${round} ${i}`));
    }
    const result = restored(cells, grader);
    const ids = (list: Iterable<Cell>) => [...list].map((each) => grader.cells[course.indexOf(each)]?.id);
    expect(result.missing.sort()).toEqual(ids(missing).sort());
    // Never more than were taken to another place; without the named ones the rest is in order.
    expect(result.moved.length).toBeLessThanOrEqual(touched.size);
    const places = cells.map((each) => course.indexOf(each)).filter((place) => place >= 0);
    const kept = places.filter((place) => !result.moved.includes(grader.cells[place]?.id ?? null));
    expect(kept).toEqual(kept.toSorted((a, b) => a - b));
    expect(result.moved.length).toBe(places.length - longestRise(places));
    // Locked cells run in the grader's order, tests behind their answers.
    const run = result.order.flatMap((id) => grader.cells.filter((each) => each.id === id));
    const lockedRun = run.filter(({ role }) => !isAnswer(role)).map(({ index }) => index);
    expect(lockedRun).toEqual(grader.cells.filter(({ role }) => !isAnswer(role)).map(({ index }) => index));
    for (const number of ["1", "2", "3"]) {
      const [a, t] = [`a${number}`, `t${number}`].map((id) => result.order.indexOf(id)) as [number, number];
      expect(t).toBeGreaterThan(a);
    }
  }
});

test("answers stay where there are two ways to say what moved", () => {
  const [, a1, t1] = grader.cells as unknown as [
    unknown,
    AssignmentNotebook["cells"][number],
    AssignmentNotebook["cells"][number],
  ];
  const swapped = [
    { index: 0, of: t1 },
    { index: 1, of: a1 },
  ];
  expect(movedCells(swapped, ({ role }) => isAnswer(role))).toEqual([t1]);
  expect(movedCells(swapped, ({ role }) => !isAnswer(role))).toEqual([a1]);
  expect(movedCells([], () => true)).toEqual([]);
});

/** By looking at all of them: the length of the longest rising choice of numbers. */
function longestRise(numbers: readonly number[]): number {
  let longest = 0;
  for (let set = 0; set < 2 ** numbers.length; set++) {
    const chosen = numbers.filter((_, i) => (set >> i) & 1);
    if (chosen.every((value, i) => i === 0 || value > (chosen[i - 1] as number))) {
      longest = Math.max(longest, chosen.length);
    }
  }
  return longest;
}
