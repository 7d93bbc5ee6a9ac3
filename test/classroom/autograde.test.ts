/**
 * nbgrader's own `autograde` (0.9.5) and `convbook class grade` give the same submissions the same points, cell by cell, and so do its export and ours.
 * nbgrader is looked for in
 * ../shared/nbgrader, or in the folder that CONVBOOK_NBGRADER names; `sh test/classroom/nbgrader-setup.sh ../shared/nbgrader` lays it out there.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Notebook, serializeNotebook } from "nbconvert-ts-runner";
import { afterAll, describe, expect, test } from "vitest";
import { gradesOf, nbgraderCsv, readCsv, readRoster } from "../../lib/classroom/exports/index.ts";
import { gradeClass } from "../../lib/classroom/grade/index.ts";
import { codeStub, release } from "../../lib/classroom/make/index.ts";
import { readResults } from "../../lib/classroom/results/index.ts";
import { type AssignmentNotebook, readAssignmentNotebook } from "../../lib/classroom/source/index.ts";
import { type Change, smallAnswers, smallSource, smallSubmissions } from "./autograde-class.ts";
import { notebook } from "./support.ts";

const checkout = resolve(process.env.CONVBOOK_NBGRADER ?? "../shared/nbgrader");
const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const python = "/usr/bin/python3";
const isThere = spawnSync(python, [join(here, "nbgrader_checkout.py"), checkout]).status === 0;

/** What somebody gets for a cell; `null` until a person gives it. */
type Points = Record<string, Record<string, { points: number | null; maxPoints: number }>>;

// Inside of the repository, where notebooks find its packages.
const room = isThere ? mkdtempSync(join(root, "node_modules", ".autograde-")) : "";
afterAll(() => rmSync(room, { recursive: true, force: true }));

describe.skipIf(!isThere)("nbgrader and we give the same points", () => {
  test("for each kind of test, and each way to fail it", async () => {
    const source = join(room, "small.ipynb");
    writeFileSync(source, notebook(smallSource));
    const { theirs, ours } = await graded(source, smallSubmissions);
    expect(ours).toEqual(theirs);
    // Both of them could be wrong.
    expect(summary(theirs)).toEqual({
      full: "2 2.5 3 1 ? ?",
      untouched: "0 0 0 0 0 0",
      "one answer": "2 0 0 0 0 0",
      "a hidden test fails": "0 2.5 3 1 0 0",
      "a part by a number": "2 1 3 1 0 0",
      "a part by grade": "2 2.5 2 0 0 0",
      "nothing by grade": "2 2.5 0 0 0 0",
      "grade throws": "2 2.5 0 0 0 0",
      "nothing by a number": "2 0 3 1 0 0",
      "a changed test": "0 0 0 0 0 0",
      "changed points": "2 0 0 0 0 0",
      "a test made text": "2 2.5 3 1 0 0",
      "an error of types": "2 0 3 1 0 0",
      "an error at once": "2 0 3 1 0 0",
      "a syntax error": "2 0 3 1 0 0",
      "a printed number": "2 2.5 3 1 0 ?",
      "cells of its own": "2 2.5 3 1 0 0",
    });
  }, 3_600_000);

  test("and we export what its own export writes", async () => {
    const source = join(room, "exported.ipynb");
    writeFileSync(source, notebook(smallSource));
    const { shout } = smallAnswers;
    const people = [
      { id: "bo", first_name: "Bo", last_name: "Li", email: "bo@uni.edu" },
      { id: "ada", first_name: "Ada", last_name: "Lovelace", email: "ada@uni.edu" },
      { id: "zoe", first_name: "Zoë", last_name: "Noone", email: null },
    ];
    const { course } = await graded(source, { ada: shout, bo: () => {} }, { due: "2027-03-31T18:00+02:00", people });
    const list = ["id,first_name,last_name,email", ...people.map((person) => Object.values(person).join(","))];
    writeFileSync(join(course, "list.csv"), list.join("\n"));
    const { results } = readResults(join(course, "out"));
    const options = { roster: readRoster(join(course, "list.csv")), column: "all" };
    const ours = readCsv(nbgraderCsv(gradesOf(results), options).text);
    const theirs = readCsv(readFileSync(join(course, "grades.csv"), "utf8"));
    expect(ours[0]).toEqual(theirs[0]);
    expect(ours.slice(1).sort()).toEqual(theirs.slice(1).sort());
    expect(theirs.map((row) => row.slice(0, 4))).toContainEqual([
      "all",
      "2027-03-31 16:00:00",
      "2027-03-31 15:58:23.948203",
      "ada",
    ]);
  }, 3_600_000);

  test.each(["augmentation", "dense-block", "residual-block", "training-loop"])(
    "for the exercise %s",
    async (name) => {
      const source = join(root, "notebooks/exercises", name, `${name}.ipynb`);
      const solved = release(readAssignmentNotebook(source), "solution");
      const answers = solved.cells.flatMap(({ metadata }, place) => (isSolution(metadata.nbgrader) ? [place] : []));
      const solve =
        (places: readonly number[]): Change =>
        ({ cells }) => {
          for (const place of places) {
            cells[place] = solved.cells[place] as Notebook["cells"][number];
          }
        };
      const half = answers.slice(0, Math.ceil(answers.length / 2));
      const { theirs, ours } = await graded(source, {
        full: (handedIn) => {
          handedIn.cells = solved.cells;
        },
        untouched: () => {},
        "the first answer": solve(answers.slice(0, 1)),
        "half of the answers": solve(half),
        "altered tests": (handedIn) => {
          solve(half)(handedIn);
          for (const cell of handedIn.cells) {
            if (isTests(cell.metadata.nbgrader)) {
              cell.source = "1 + 1;";
            }
          }
        },
      });
      expect(ours).toEqual(theirs);
      const automatic = Object.values(theirs.full ?? {}).filter(({ points }) => points !== null);
      expect(automatic.every(({ points, maxPoints }) => points === maxPoints)).toBe(true);
      expect(Object.values(theirs.untouched ?? {}).every(({ points }) => points === 0)).toBe(true);
    },
    3_600_000,
  );
});

test.skipIf(isThere)(
  "nbgrader's autograde is left out: `sh test/classroom/nbgrader-setup.sh ../shared/nbgrader` gets it",
  () => {},
);

function isSolution(metadata: unknown): boolean {
  return (metadata as { solution?: boolean } | undefined)?.solution === true;
}

function isTests(metadata: unknown): boolean {
  const { grade, solution } = (metadata ?? {}) as { grade?: boolean; solution?: boolean };
  return grade === true && solution !== true;
}

interface CourseFacts {
  readonly due?: string;
  readonly people?: readonly Readonly<Record<string, string | null>>[];
}

/** Grades submissions with both. */
async function graded(path: string, submissions: Readonly<Record<string, Change>>, facts: CourseFacts = {}) {
  const source = readAssignmentNotebook(path);
  const course = mkdtempSync(join(room, `${source.name}-`));
  const write = (place: string, notebookThere: Notebook) => {
    mkdirSync(dirname(join(course, place)), { recursive: true });
    writeFileSync(join(course, place), serializeNotebook(notebookThere));
  };
  const file = `${source.name}.ipynb`;
  mkdirSync(join(course, "source/all"), { recursive: true });
  copyFileSync(path, join(course, "source/all", file));
  write(join("made/grader", file), release(source, "grader"));
  write(join("made/student", file), release(source, "student"));
  for (const [name, change] of Object.entries(submissions)) {
    const handedIn = release(source, "student");
    change(handedIn);
    write(join("submitted", name, "all", file), handedIn);
    if (facts.due !== undefined) {
      const time = "2027-03-31 17:58:23.948203 Europe/Berlin";
      writeFileSync(join(course, "submitted", name, "all/timestamp.txt"), time);
    }
  }
  if (facts.due !== undefined) {
    writeFileSync(join(course, "made/grader/class.yaml"), `due: ${facts.due}\n`);
  }
  const theirs = autograde(course, source, facts.people ?? Object.keys(submissions).map((id) => ({ id })), facts.due);
  await gradeClass(join(course, "submitted"), {
    grader: join(course, "made/grader"),
    out: join(course, "out"),
    limits: { timeout: 600 },
  });
  const ours: Points = {};
  for (const { result } of readResults(join(course, "out")).results) {
    ours[result.student] = Object.fromEntries(
      result.tasks.map(({ id, points, maxPoints }) => [id, { points, maxPoints }]),
    );
  }
  return { theirs, ours, course };
}

function autograde(
  course: string,
  { language }: AssignmentNotebook,
  students: NonNullable<CourseFacts["people"]>,
  duedate: string | null = null,
): Points {
  const argv = [process.execPath, join(root, "lib/kernel/dist/main.js"), "{connection_file}"];
  const spec = { argv, display_name: "TypeScript", language, interrupt_mode: "message" };
  mkdirSync(join(course, "jupyter/kernels/convbook"), { recursive: true });
  writeFileSync(join(course, "jupyter/kernels/convbook/kernel.json"), JSON.stringify(spec));
  writeFileSync(join(course, "course.json"), JSON.stringify({ duedate, students }));
  const args = [join(here, "nbgrader_autograde.py"), checkout, course, "all", codeStub(language) ?? ""];
  const env = { ...process.env, JUPYTER_PATH: join(course, "jupyter"), CONVBOOK_REPRODUCIBLE: "1" };
  const run = spawnSync(python, args, { encoding: "utf8", env });
  expect(run.status, run.stderr).toBe(0);
  return JSON.parse(readFileSync(join(course, "scores.json"), "utf8")) as Points;
}

/** A line for each student: the points of each task, and "?" for those that a person gives. */
function summary(points: Points): Record<string, string> {
  return Object.fromEntries(
    Object.entries(points).map(([student, tasks]) => [
      student,
      ["shout-tests", "half-tests", "sum-tests", "text-tests", "why", "code"]
        .map((id) => tasks[id]?.points ?? "?")
        .join(" "),
    ]),
  );
}
