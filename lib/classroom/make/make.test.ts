import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { isUnchanged, marked, readAssignment, sourceOf } from "../source/index.ts";
import { cellWith, folderWith, kernelDir, notebookOf, roles } from "../testing/notebooks.ts";
import { makeAssignment, variantOf, withValues } from "./index.ts";
import { writeWhole } from "./write.ts";

const parameters = cellWith("code", "const k: number = 1; // the summand", roles.readonly("k"));
parameters.metadata.tags = ["parameters"];
const solution = (line: string) =>
  cellWith(
    "code",
    `function plus(x: number): number {\n  // BEGIN SOLUTION\n  ${line}\n  // END SOLUTION\n}`,
    roles.solution("plus"),
  );
const tests = (visible: string) =>
  cellWith(
    "code",
    `${visible}\n// BEGIN HIDDEN TESTS\nif (plus(41) !== 41 + k) throw new Error("41");\n// END HIDDEN TESTS`,
    roles.tests("plus-tests", 2),
  );
const why = cellWith("markdown", "Because sums are sums.", roles.manual("why", 1));

function source(line = "return x + k; // the sum", visible = 'if (plus(1) !== 1 + k) throw new Error("1");') {
  return notebookOf([cellWith("markdown", "# Add {{k}}"), parameters, solution(line), tests(visible), why]);
}

test("writes and proves what students, graders and readers of solutions get, for each variant", async () => {
  const folder = folderWith({
    "work/sums.ipynb": source(),
    "work/class.yaml": "points: 3\ntimeout: 30\nvariants:\n  a: { k: 3 }\n",
    "work/data/x.csv": "1,2\n",
    "work/teacher/notes.md": "return x + k; // the sum\n",
  });
  const out = join(folder, "work", "made");
  const made = await makeAssignment(join(folder, "work"), out, { kernelDir, students: ["anna"] });
  expect(made.notebooks).toEqual([
    { name: "sums", variant: "a", automatic: 2, manual: 1, seconds: expect.any(Number) },
  ]);
  const files = readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1));
  expect(files.sort()).toEqual([
    "grader/a/class.yaml",
    "grader/a/data/x.csv",
    "grader/a/sums.ipynb",
    "grader/a/teacher/notes.md",
    "grader/class.yaml",
    "grader/variants.json",
    "solution/a/data/x.csv",
    "solution/a/sums.ipynb",
    "student/a/class.yaml",
    "student/a/data/x.csv",
    "student/a/sums.ipynb",
  ]);
  expect(JSON.parse(readFileSync(join(out, "grader/variants.json"), "utf8"))).toMatchObject({
    students: { anna: "a" },
  });
  expect(readdirSync(folder)).toEqual(["work"]);
  expect(parse(readFileSync(join(out, "student/a/class.yaml"), "utf8"))).toEqual({
    title: "work",
    timeout: 30,
    memory: expect.any(Number),
    threads: 1,
    network: false,
    tolerance: expect.any(Object),
  });

  const [student] = readAssignment(join(out, "student/a")).notebooks;
  expect(student?.cells.map(({ source: text }) => text)).toEqual([
    "# Add 3",
    "const k: number = 3; // the summand",
    'function plus(x: number): number {\n  // YOUR CODE HERE\n  throw new Error("Not done yet");\n}',
    'if (plus(1) !== 1 + k) throw new Error("1");',
    "YOUR ANSWER HERE",
  ]);
  expect(student?.cells.filter(({ id }) => id !== null).every(isUnchanged)).toBe(true);
  const grader = readAssignment(join(out, "grader/a"));
  expect(grader.settings).toMatchObject({ title: "work", points: 3, timeout: 30 });
  expect(grader.notebooks[0]?.cells[3]?.source).toContain("plus(41)");
  // Made again, what was made is no part of the source.
  expect(readAssignment(join(folder, "work"), { leaveOut: [out] }).notebooks).toHaveLength(1);
});

test("refuses a solution that does not get all points, and leaves what was there", async () => {
  const folder = folderWith({ "sums.ipynb": source("return x - k; // not the sum"), "out/student/old.txt": "old" });
  await expect(makeAssignment(join(folder, "sums.ipynb"), join(folder, "out"), { kernelDir })).rejects.toThrow(
    `${join(folder, "sums.ipynb")}: the solution fails in cell 4 (plus-tests): Error: 1 (line 1)`,
  );
  expect(readdirSync(join(folder, "out/student"))).toEqual(["old.txt"]);
  expect(readdirSync(folder).sort()).toEqual(["out", "sums.ipynb"]);
});

test("replaces what was made, and no other folder of that name", async () => {
  const folder = folderWith({
    "out/student/essay.txt": "mine",
    "out/grader/old.ipynb": marked(source(), "Sums", "grader", null),
  });
  const write = (...names: string[]) =>
    writeWhole(join(folder, "out"), async (staging) => {
      for (const name of names) {
        mkdirSync(join(staging, name));
      }
      return { folders: names };
    });
  await expect(write("grader", "student")).rejects.toThrow(
    `${join(folder, "out/student")}: is none that this command knows, and not what make wrote there; choose another folder with --output, or move it away`,
  );
  expect(readdirSync(join(folder, "out/grader"))).toEqual(["old.ipynb"]);
  await write("grader");
  expect(readdirSync(join(folder, "out/grader"))).toEqual([]);
  expect(readdirSync(join(folder, "out/student"))).toEqual(["essay.txt"]);
});

test("puts back what it replaced where a later folder cannot be put in place", async () => {
  const folder = folderWith({
    "out/student/old.ipynb": marked(source(), "Sums", "student", null),
    "out/grader/old.ipynb": marked(source(), "Sums", "grader", null),
  });
  const write = (out: string) =>
    writeWhole(out, async (staging) => {
      mkdirSync(join(staging, "student"));
      // It is not there to be moved.
      return { folders: ["student", "grader"] };
    });
  await expect(write(join(folder, "out"))).rejects.toThrow(
    new RegExp(`^${join(folder, "out")}: cannot be written: ENOENT: .*; it is as it was$`),
  );
  expect(readdirSync(join(folder, "out/student"))).toEqual(["old.ipynb"]);
  expect(readdirSync(join(folder, "out/grader"))).toEqual(["old.ipynb"]);
  await expect(write(join(folder, "new"))).rejects.toThrow("it is as it was");
  expect(readdirSync(folder)).toEqual(["out"]);
});

test("refuses tests that an untouched notebook passes", async () => {
  const notebook = source();
  notebook.cells.push(cellWith("code", "typeof plus;", roles.tests("there", 1)));
  const folder = folderWith({ "sums.ipynb": notebook });
  await expect(makeAssignment(join(folder, "sums.ipynb"), join(folder, "out"), { kernelDir })).rejects.toThrow(
    "an untouched notebook gets 1 of 1 points in cell 6 (there); expected 0: test what is asked for",
  );
  expect(existsSync(join(folder, "out"))).toBe(false);
});

test("refuses what would show students a line of the solution, before anything runs", async () => {
  const folder = folderWith({ "sums.ipynb": source(undefined, "// return x + k; // the sum"), "help.ts": "" });
  const make = () => makeAssignment(folder, join(folder, "out"), { kernelDir: join(folder, "none") });
  await expect(make()).rejects.toThrow(
    `in the student's version cell 4 (plus-tests) shows a line of the solution of cell 3 (plus): return x + k; // the sum`,
  );
  mkdirSync(join(folder, "teacher"));
  writeFileSync(join(folder, "help.ts"), 'if (plus(41) !== 41 + k) throw new Error("41");');
  await expect(make()).rejects.toThrow(
    'help.ts shows a line of the hidden tests of cell 4 (plus-tests): if (plus(41) !== 41 + k) throw new Error("41");',
  );
});

test("outside of the packages' folder it is a package that is missing, not the kernel, which this package brings", async () => {
  const assignment = fileURLToPath(new URL("../../../notebooks/exercises/augmentation", import.meta.url));
  const elsewhere = folderWith({});
  await expect(makeAssignment(assignment, join(elsewhere, "out"))).rejects.toThrow(
    /the solution fails in cell 2 \(setup\): ModuleNotFoundError: Cannot find the package "@convbook\/classroom"/,
  );
  expect(readdirSync(elsewhere)).toEqual([]);
});

test("gives students variants by seed and id", () => {
  const variants = { a: {}, b: {}, c: {} };
  const drawn = Array.from({ length: 300 }, (_, index) => variantOf(`student-${index}`, { seed: 7, variants }));
  expect(drawn).toEqual(
    Array.from({ length: 300 }, (_, index) => variantOf(`student-${index}`, { seed: 7, variants })),
  );
  for (const name of Object.keys(variants)) {
    expect(drawn.filter((each) => each === name).length).toBeGreaterThan(60);
  }
  expect(drawn).not.toEqual(
    Array.from({ length: 300 }, (_, index) => variantOf(`student-${index}`, { seed: 8, variants })),
  );
  expect(variantOf("anna", { seed: 7, variants: {} })).toBeNull();
  // One name, as lists write it and as files from macOS have it.
  const names = Array.from({ length: 50 }, (_, index) => `Jürgen-${index}`);
  expect(names.map((name) => variantOf(name.normalize("NFD"), { seed: 7, variants }))).toEqual(
    names.map((name) => variantOf(name.normalize("NFC"), { seed: 7, variants })),
  );
});

test.each([
  ["typescript", "let a = 1, text = 'x';", { a: 2 }, undefined],
  [
    "typescript",
    "let a = 1;\nconst b: string = 'x; y'; // c = 3",
    { a: 2, b: "z" },
    'let a = 2;\nconst b: string = "z"; // c = 3',
  ],
  ["typescript", "const $rate = 1;\nconst größe = 2;", { $rate: 2, größe: 3 }, "const $rate = 2;\nconst größe = 3;"],
  ["python", "a = 1  # one\nflag = False", { a: 2.5, flag: true }, "a = 2.5  # one\nflag = True"],
])("sets values in a %s cell: %s", (language, before, values, after) => {
  const cell = cellWith("code", before);
  cell.metadata.tags = ["parameters"];
  const set = () => withValues(notebookOf([cell], language), values, "a.ipynb").cells.map(sourceOf);
  if (after === undefined) {
    expect(set).toThrow(
      'a.ipynb: the cell tagged "parameters" has no line such as const a = 1; and no text says {{a}}',
    );
  } else {
    expect(set()).toEqual([after]);
  }
});
