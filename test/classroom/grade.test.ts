/** Grading a class from files to results. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { strToU8, zipSync } from "fflate";
import { expect, test } from "vitest";
import { gradeClass } from "../../lib/classroom/grade/index.ts";
import { readResult } from "../../lib/classroom/results/index.ts";
import {
  Classroom,
  cell,
  course,
  emptySquare,
  emptyTotal,
  goodSquare,
  goodTotal,
  hiddenLine,
  notebook,
  pointsOf,
  writeCourse,
} from "./support.ts";

test("folders, notebooks and zips are graded; what is broken stops nobody, and a second run keeps what is there", async () => {
  using room = new Classroom();
  writeCourse(room);
  const why = (text: string) =>
    course(goodSquare, goodTotal, false).map((each) => (each.source === "Why?" ? { ...each, source: text } : each));
  room.write("sub/anna/squares.ipynb", notebook(why("Because.")));
  room.write(
    "sub/ben/week1/squares.ipynb",
    notebook(course(goodSquare, "function total(a: number[]): number { return a.reduce((s, v) => s + v); }", false)),
  );
  room.write("sub/carl.ipynb", notebook(course(emptySquare, emptyTotal, false)));
  room.write(
    "sub/dora.zip",
    zipSync({
      "squares.ipynb": strToU8(notebook(course("function square(x: number) { return 2 * x; }", goodTotal, false))),
    }),
  );
  room.write("sub/emil/squares.ipynb", "{ not json");
  room.write("sub/fred/notes.txt", "I forgot it");
  const told: string[] = [];
  const options = {
    grader: room.path("grader"),
    out: room.path("out"),
    jobs: 2,
    onResult: ({ student }: { student: string }, kept: boolean) => told.push(`${student}${kept ? " kept" : ""}`),
  };
  const lines = await gradeClass(room.path("sub"), options);
  expect(lines).toEqual([
    { student: "anna", status: "needsManual", points: 5 },
    { student: "ben", status: "graded", points: 2 },
    { student: "carl", status: "graded", points: 0 },
    { student: "dora", status: "graded", points: 3 },
    { student: "emil", status: "failed", points: 0 },
    { student: "fred", status: "failed", points: 0 },
  ]);
  expect(pointsOf(room.result("anna"))).toEqual({ test_square: 2, test_total: 3, why: "null manual" });
  expect(pointsOf(room.result("ben"))).toEqual({ test_square: 2, test_total: "0 error", why: "0 notDone" });
  expect(pointsOf(room.result("carl"))).toEqual({
    test_square: "0 notDone",
    test_total: "0 notDone",
    why: "0 notDone",
  });
  expect(room.result("emil").findings).toMatchObject([
    { kind: "unreadable", message: expect.stringContaining("squares.ipynb: is not JSON") },
  ]);
  expect(room.result("fred").findings).toMatchObject([
    { kind: "missing", message: "The notebook squares.ipynb is missing; there is none." },
  ]);
  // What failed is a hidden test: students read its message, and no code of it.
  const dora = room.result("dora");
  expect(dora.tasks[0]).toMatchObject({ status: "failed", points: 0 });
  expect(dora.tasks[0]?.reasons[0]?.message).toBe("AssertionError: the hidden square of minus three");
  expect(JSON.stringify(dora)).not.toContain(hiddenLine.slice(0, 16));
  expect(room.result("anna").used?.engine).toBeNull();
  const xml = readFileSync(room.path("out/junit.xml"), "utf8");
  expect(xml).toContain('<testsuite name="grader: anna, 5 of 6" tests="3" failures="0" errors="0" skipped="1">');

  told.length = 0;
  room.write("sub/carl.ipynb", notebook([...course(goodSquare, emptyTotal, false), cell("1 + 1")]));
  expect(await gradeClass(room.path("sub"), options)).toMatchObject([
    {},
    {},
    { student: "carl", points: 2 },
    {},
    {},
    {},
  ]);
  expect(told.toSorted()).toEqual(["anna kept", "ben kept", "carl", "dora kept", "emil kept", "fred kept"]);
});

test("a result tells when it was handed in, and with which engine its cells computed", async () => {
  // Inside of the repository, where notebooks find its packages; what lies around a grader is hidden from submissions.
  const base = mkdtempSync(fileURLToPath(new URL("../../node_modules/.engine-", import.meta.url)));
  const folder = join(base, "course/dist");
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  try {
    const cells = [
      cell(
        'import "@convbook/engine";\nimport * as tf from "@tensorflow/tfjs";\nawait tf.ready();',
        "setup",
        "readonly",
      ),
      cell("const two = tf.scalar(2);", "two", "solution"),
      cell("if (tf.square(two).arraySync() !== 4) throw new Error('4');", "square", "tests", 1),
    ];
    write("grader/sums.ipynb", notebook(cells));
    write("grader/class.yaml", "title: Sums\ndue: 2027-03-31T18:00+02:00\n");
    write("sub/ada/sums.ipynb", notebook(cells));
    write("sub/ada/timestamp.txt", "2027-03-31 17:58:23.948203 Europe/Berlin\n");
    await gradeClass(join(folder, "sub"), { grader: join(folder, "grader"), out: join(folder, "out") });
    const result = readResult(join(folder, "out/ada/result.json"));
    expect(result).toMatchObject({ points: 1, due: "2027-03-31T18:00+02:00", submitted: "2027-03-31 15:58:23.948203" });
    // Native code is not loaded while a stranger's code is graded.
    expect(result.used?.engine).toEqual({ backend: "native", build: "wasm" });
  } finally {
    rmSync(base, { recursive: true });
  }
});
