/**
 * nbgrader's own notebooks (https://github.com/jupyter/nbgrader, `nbgrader/tests`), graded: each outcome is what nbgrader's tests say of it. They are
 * looked for in ../shared/nbgrader, or in the checkout that CONVBOOK_NBGRADER names.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { type GivenLimits, gradeClass } from "../../lib/classroom/grade/index.ts";
import type { Finding } from "../../lib/classroom/index.ts";
import { readAssignment } from "../../lib/classroom/index.ts";
import { Classroom } from "./support.ts";

const checkout = resolve(process.env.CONVBOOK_NBGRADER ?? "../shared/nbgrader");
const files = join(checkout, "nbgrader/tests");
const hasPython = spawnSync("/usr/bin/python3", ["-c", "import ipykernel"]).status === 0;
const isThere = existsSync(join(files, "apps/files/submitted-unchanged.ipynb")) && hasPython;

interface Outcome {
  readonly source: string;
  readonly submitted: string;
  readonly points: number;
  readonly of: number;
  readonly byHand: boolean;
  readonly findings?: readonly Finding["kind"][];
  readonly limits?: GivenLimits;
}

const unchanged = "apps/submitted-unchanged";
const outcomes: Readonly<Record<string, Outcome>> = {
  unchanged: { source: unchanged, submitted: unchanged, points: 1, of: 7, byHand: false },
  changed: { source: unchanged, submitted: "apps/submitted-changed", points: 2, of: 7, byHand: true },
  "cheat: showtraceback does nothing": {
    source: unchanged,
    submitted: "apps/submitted-cheat-attempt",
    points: 1,
    of: 7,
    byHand: true,
  },
  // nbgrader waits without end for this one, but for IPython's newer versions.
  "cheat: showtraceback is nothing": {
    source: unchanged,
    submitted: "apps/submitted-cheat-attempt-alternative",
    points: 1,
    of: 7,
    byHand: true,
    limits: { timeout: 20 },
  },
  "grade cell changed": {
    source: unchanged,
    submitted: "apps/submitted-grade-cell-changed",
    points: 1,
    of: 7,
    byHand: false,
    findings: ["changed"],
  },
  "locked cells changed": {
    source: unchanged,
    submitted: "apps/submitted-locked-cell-changed",
    points: 1,
    of: 7,
    byHand: false,
    findings: ["changed", "changed"],
  },
  "type of a grade cell changed": {
    source: unchanged,
    submitted: "preprocessors/submitted-grade-cell-type-changed",
    points: 1,
    of: 7,
    byHand: false,
    findings: ["retyped"],
  },
  "type of an answer changed": {
    source: unchanged,
    submitted: "preprocessors/submitted-answer-cell-type-changed",
    points: 1,
    of: 7,
    byHand: false,
    findings: ["retyped"],
  },
  "infinite loop": {
    source: "apps/infinite-loop",
    submitted: "apps/infinite-loop",
    points: 0,
    of: 0,
    byHand: false,
    findings: ["limit"],
    limits: { timeout: 1 },
  },
  "infinite loop with output": {
    source: "apps/infinite-loop-with-output",
    submitted: "apps/infinite-loop-with-output",
    points: 0,
    of: 0,
    byHand: false,
    // It prints nothing, whatever it is called, but takes memory without end.
    findings: ["limit"],
    limits: { timeout: 20, memory: 400 * 2 ** 20 },
  },
  "infinite recursion": {
    source: "preprocessors/infinite-recursion",
    submitted: "preprocessors/infinite-recursion",
    points: 0,
    of: 0,
    byHand: false,
    findings: ["error"],
  },
  "long output": {
    source: "preprocessors/long-output",
    submitted: "preprocessors/long-output",
    points: 0,
    of: 0,
    byHand: false,
    findings: ["output"],
    limits: { output: 5000 },
  },
  "enough time": { source: "apps/timeout", submitted: "apps/timeout", points: 1, of: 1, byHand: false },
  "too little time": {
    source: "apps/timeout",
    submitted: "apps/timeout",
    points: 0,
    of: 1,
    byHand: false,
    findings: ["limit"],
    limits: { timeout: 2 },
  },
  "environment variable": {
    source: "apps/validating-environment-variable",
    submitted: "apps/validating-environment-variable",
    points: 0,
    of: 1,
    byHand: false,
  },
  "file beside the notebook": {
    source: "apps/open_relative_file",
    submitted: "apps/open_relative_file",
    points: 10,
    of: 10,
    byHand: false,
  },
  // nbgrader's test: the source itself, which has an empty solution for the sum's first test.
  "hidden tests, the source itself": {
    source: "apps/test-hidden-tests",
    submitted: "apps/test-hidden-tests",
    points: 1.5,
    of: 3,
    byHand: false,
  },
  "schema 0": { source: "apps/test-v0", submitted: "apps/test-v0", points: 3, of: 6, byHand: false },
  "schema 1": { source: "apps/test-v1", submitted: "apps/test-v1", points: 3, of: 6, byHand: false },
  "schema 2": { source: "apps/test-v2", submitted: "apps/test-v2", points: 3, of: 6, byHand: false },
  "schema 3": { source: "apps/test", submitted: "apps/test", points: 3, of: 6, byHand: false },
  "ids that occur twice": {
    source: unchanged,
    submitted: "preprocessors/duplicate-grade-ids",
    points: 1,
    of: 7,
    byHand: false,
    findings: ["missing", "missing", "missing", "missing", "missing", "missing", "missing"],
  },
  "no notebook of this assignment": {
    source: unchanged,
    submitted: "apps/too-new",
    points: 1,
    of: 7,
    byHand: false,
    findings: ["missing", "missing", "missing", "missing", "missing", "missing", "missing"],
  },
};

/** Sources that nbgrader refuses, and what is said of them here. */
const refused: Readonly<Record<string, string>> = {
  "apps/too-new": "schema",
  "apps/test-v0-invalid": "grade_id",
  "preprocessors/bad-markdown-cell-1": "is a Markdown cell with points, but no solution cell",
  "preprocessors/bad-markdown-cell-2": "has no grade_id",
  "preprocessors/blank-grade-id": "has an empty grade_id",
  "preprocessors/blank-points": "has no points",
  "preprocessors/duplicate-grade-ids": 'the grade_id "id1" is that of the cells 1 and 2',
};

describe.runIf(isThere)("nbgrader's notebooks", () => {
  it.each(Object.entries(outcomes))("%s", async (_, outcome) => {
    const { source, submitted, points, of, byHand, findings = [], limits = { timeout: 20 } } = outcome;
    using room = new Classroom();
    put(room, source, "source/p1.ipynb");
    put(room, submitted, "sub/foo/ps1/p1.ipynb");
    copyFileSync(join(files, "apps/files/data.txt"), room.path("source/data.txt"));
    await gradeClass(room.path("sub"), { grader: room.path("source"), out: room.path("out"), limits });
    const result = room.result("foo");
    expect([result.points, result.maxPoints, result.tasks.some((task) => task.points === null)]).toEqual([
      points,
      of,
      byHand,
    ]);
    expect(result.findings.map(({ kind }) => kind)).toEqual(expect.arrayContaining([...findings]));
    const told = result.findings.filter(({ kind }) => kind !== "limit" && kind !== "output");
    expect(told.length).toBe(findings.filter((kind) => kind !== "limit" && kind !== "output").length);
  });

  it.each(Object.entries(refused))("refuses the source %s", (name, message) => {
    using room = new Classroom();
    put(room, name, "source/p1.ipynb");
    expect(() => readAssignment(room.path("source"))).toThrow(message);
  });
});

it.runIf(!isThere)(
  "nbgrader's notebooks are left out: they are not in ../shared/nbgrader, or Debian's Python has no ipykernel",
  () => {},
);

function put(room: Classroom, name: string, place: string): void {
  const [folder = "", file = ""] = name.split("/");
  mkdirSync(dirname(room.path(place)), { recursive: true });
  copyFileSync(join(files, folder, "files", `${file}.ipynb`), room.path(place));
}
