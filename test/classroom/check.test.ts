/** What a student is told before handing in, and that grading takes what is written then. */
import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { checkFile } from "../../lib/classroom/check/index.ts";
import { gradeClass } from "../../lib/classroom/grade/index.ts";
import {
  Classroom,
  cell,
  course,
  emptyTotal,
  goodSquare,
  goodTotal,
  notebook,
  pointsOf,
  setup,
  writeCourse,
} from "./support.ts";

test("public tests, what was changed, and a zip that is graded", async () => {
  using room = new Classroom();
  writeCourse(room);
  const cells = course("function square(x: number): number { return x === 2 ? 4 : 0; }", goodTotal, false)
    .map((each) => (each.source === setup ? { ...each, source: setup.replace("1e-6", "1e6") } : each))
    .filter(({ source }) => !source.includes("earned"));
  const path = room.write("mine/squares.ipynb", notebook([...cells, cell("const more = 1;", "square", "solution")]));
  const { result, hash, zip } = await checkFile(path, { given: room.path("student") });
  // The hidden tests are not there: the public ones pass. The deleted one was put back.
  expect(pointsOf(result)).toEqual({ test_square: 2, test_total: 3, why: "0 notDone" });
  expect(result.findings.map(({ kind, cell: id }) => [kind, id])).toEqual([
    ["copied", "square"],
    ["changed", "setup"],
    ["missing", "test_total"],
  ]);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect((await checkFile(path)).zip).toEqual((await checkFile(path)).zip);

  room.write("sub/anna.zip", zip);
  await gradeClass(room.path("sub"), { grader: room.path("grader"), out: room.path("out") });
  const graded = room.result("anna");
  expect(pointsOf(graded)).toEqual({ test_square: "0 failed", test_total: 3, why: "0 notDone" });
  expect(graded.provenance.submission).toBe(hash);
});

test("a notebook that is no assignment is told", async () => {
  using room = new Classroom();
  const path = room.write("plain.ipynb", notebook([cell("1 + 1")]));
  await expect(checkFile(path)).rejects.toThrow(
    "plain.ipynb: has no cell of an assignment (nbgrader's metadata); expected a notebook that was handed out",
  );
});

test("each student is graded by the variant that the seed draws", async () => {
  using room = new Classroom();
  room.write("grader/class.yaml", "title: Factors\nvariants:\n  two: { factor: 2 }\n  three: { factor: 3 }\n");
  const of = (factor: number, answer: string) =>
    notebook([
      cell(answer, "times", "solution"),
      cell(`if (times(5) !== ${5 * factor}) throw new Error("no");`, "test_times", "tests", 1),
    ]);
  for (const [name, factor] of [
    ["two", 2],
    ["three", 3],
  ] as const) {
    room.write(
      `grader/${name}/factors.ipynb`,
      of(factor, `function times(x: number): number { return ${factor} * x; }`),
    );
  }
  room.write("grader/variants.json", JSON.stringify({ version: 1, students: { anna: "two", ben: "three" } }));
  for (const student of ["anna", "ben"]) {
    room.write(`sub/${student}/factors.ipynb`, of(2, "function times(x: number): number { return 2 * x; }"));
  }
  await gradeClass(room.path("sub"), { grader: room.path("grader"), out: room.path("out") });
  expect([room.result("anna").points, room.result("anna").provenance.variant]).toEqual([1, "two"]);
  expect([room.result("ben").points, room.result("ben").provenance.variant]).toEqual([0, "three"]);
});

test("a run that was interrupted goes on where it was", async () => {
  using room = new Classroom();
  writeCourse(room);
  for (const student of ["anna", "ben", "carl"]) {
    room.write(`sub/${student}.ipynb`, notebook(course(goodSquare, emptyTotal, false)));
  }
  const stop = new AbortController();
  const options = { grader: room.path("grader"), out: room.path("out") };
  const first = gradeClass(room.path("sub"), {
    ...options,
    signal: stop.signal,
    onResult: () => stop.abort(new Error("that is enough")),
  });
  await expect(first).rejects.toThrow("that is enough");
  const kept: string[] = [];
  await gradeClass(room.path("sub"), {
    ...options,
    onResult: ({ student }, isKept) => kept.push(`${student} ${isKept}`),
  });
  expect(kept).toEqual(["anna true", "ben false", "carl false"]);
});

test("what is no attack is none: the same import twice, a display of one's own, an own method of all arrays", async () => {
  using room = new Classroom();
  const of = (answer: string) =>
    notebook([
      cell('import assert from "node:assert";\nimport { inspect as display } from "node:util";', "setup", "readonly"),
      cell(answer, "last", "solution"),
      cell('assert.equal(last([1, 2]), 2);\nassert.equal(display(1), "1");', "test_last", "tests", 1),
      cell("const more = [3].at(0);", "more", "solution"),
      cell("assert.equal(last([4, 5]), 5);", "test_more", "tests", 1),
    ]);
  room.write("grader/last.ipynb", of("function last(a: number[]): number { return a[a.length - 1]!; }"));
  room.write(
    "sub/anna.ipynb",
    of(
      '// @ts-nocheck\nimport assert from "node:assert";\nArray.prototype.final = function () { return this[this.length - 1]; };\nMath.random = () => 0.5;\nError.prepareStackTrace = undefined;\nfunction last(a) { assert.ok(a.length > 0); return a.final(); }',
    ),
  );
  await gradeClass(room.path("sub"), { grader: room.path("grader"), out: room.path("out") });
  const result = room.result("anna");
  expect([pointsOf(result), result.findings]).toEqual([{ test_last: 1, test_more: 1 }, []]);
});

test("files of the student's own that the notebook names are handed in with it, and no others", async () => {
  using room = new Classroom();
  writeCourse(room);
  room.write("mine/helper.ts", 'import { two } from "./lib/numbers.js";\nexport const power = two;\n');
  room.write("mine/lib/numbers.ts", "export const two = 2;\n");
  room.write("mine/diary.txt", "private");
  const answer = 'import { power } from "./helper";\nfunction square(x: number): number { return x ** power; }';
  const path = room.write("mine/squares.ipynb", notebook(course(answer, goodTotal, false)));
  const { result, files, zip } = await checkFile(path, { given: room.path("student") });
  expect(files).toEqual(["squares.ipynb", "helper.ts", "lib/numbers.ts"]);
  expect(Object.keys(unzipSync(zip)).sort()).toEqual([
    "handed-in.json",
    "helper.ts",
    "lib/numbers.ts",
    "squares.ipynb",
  ]);
  expect(pointsOf(result)).toMatchObject({ test_square: 2 });
  room.write("sub/anna.zip", zip);
  await gradeClass(room.path("sub"), { grader: room.path("grader"), out: room.path("out") });
  expect(pointsOf(room.result("anna"))).toMatchObject({ test_square: 2 });
});
