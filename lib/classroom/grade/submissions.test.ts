import { chmodSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterAll, expect, it } from "vitest";
import { cellWith, folderWith, notebookOf, roles } from "../testing/notebooks.ts";
import { gradeClass } from "./grade.ts";
import { findSubmissions } from "./submissions.ts";

const folders: string[] = [];
const folder = (files: Readonly<Record<string, unknown>>): string => {
  const made = folderWith(files);
  folders.push(made);
  return made;
};
afterAll(() => {
  for (const each of folders) {
    rmSync(each, { recursive: true });
  }
});
const students = (path: string) => findSubmissions(path).map(({ student, problem }) => [student, problem]);

// macOS takes letters and their accents apart; lists of a class, and whoever types a name, do not.
it("calls students as lists of a class do, whatever system named the files", () => {
  const name = "Jürgen Ålund";
  expect(students(folder({ [`${name.normalize("NFD")}/a.ipynb`]: "{}", "eve.ipynb": "{}" }))).toEqual([
    [name.normalize("NFC"), undefined],
    ["eve", undefined],
  ]);
  const twice = folder({ [`${name.normalize("NFD")}/a.ipynb`]: "{}", [`${name.normalize("NFC")}.ipynb`]: "{}" });
  expect(students(twice)).toEqual([
    [name.normalize("NFC"), undefined],
    [
      `${name.normalize("NFC")} (2)`,
      `is another submission of "${name.normalize("NFC")}"; only one of them should count`,
    ],
  ]);
});

it("reads a class's zip of macOS", () => {
  const path = join(folder({}), "class.zip");
  writeFileSync(path, zipSync({ ["Zoë/a.ipynb".normalize("NFD")]: strToU8("{}"), "bo/a.ipynb": strToU8("{}") }));
  expect(students(path).map(([name]) => name)).toEqual(["Zoë".normalize("NFC"), "bo"]);
});

it("gives each student the variant that was drawn, whatever their names, and says what it cannot read", async () => {
  const grader = folder({
    "class.yaml": "variants: { a: { k: 1 } }",
    "a/x.ipynb": notebookOf([cellWith("code", "check(k);", roles.tests("test", 1))]),
    "variants.json": JSON.stringify({ version: 1, students: {} }),
  });
  const out = folder({});
  const grade = () => gradeClass(folder({ "constructor.ipynb": "no notebook" }), { grader, out });
  expect(await grade()).toEqual([{ student: "constructor", status: "failed", points: 0 }]);
  writeFileSync(join(grader, "variants.json"), "{ not");
  await expect(grade()).rejects.toThrow(/variants\.json: cannot be read: .*; make the assignment anew$/);
});

it("writes no results among submissions, by whatever way", async () => {
  const one = notebookOf([cellWith("code", "check();", roles.tests("test", 1))]);
  const [grader, sub, other] = [folder({ "a.ipynb": one }), folder({ "ada/a.ipynb": one }), folder({})];
  symlinkSync(sub, join(other, "link"));
  await expect(gradeClass(sub, { grader, out: join(other, "link/new/out") })).rejects.toThrow(
    /results are to be written in the submissions/,
  );
});

// Points are exported and given by a person by their task's id.
it("takes no grader that has an id with points in two notebooks", async () => {
  const own = () => notebookOf([cellWith("code", "check();", roles.tests("test", 1))]);
  const grader = folder({ "a.ipynb": own(), "b.ipynb": own() });
  const sub = folder({ "ada/a.ipynb": own() });
  await expect(gradeClass(sub, { grader, out: folder({}) })).rejects.toThrow(
    'the grade_id "test" is that of a.ipynb, cell 1, and of b.ipynb, cell 1; expected one cell',
  );
});

// Learning platforms and editors leave files with odd permissions; one of them is no reason to stop the class.
it("tells what may not be read, and goes on with the others", () => {
  const path = folder({ "anna/a.ipynb": "{}", "anna/own/b.txt": "", "ben.ipynb": "{}", "eve/a.ipynb": "{}" });
  chmodSync(path, 0o755);
  for (const each of ["anna", "eve", "eve/a.ipynb"]) {
    chmodSync(join(path, each), 0o755);
  }
  chmodSync(join(path, "anna/a.ipynb"), 0o000);
  chmodSync(join(path, "anna/own"), 0o000);
  chmodSync(join(path, "ben.ipynb"), 0o000);
  const isRoot = process.getuid?.() === 0;
  // The administrator may read everything.
  if (isRoot) {
    process.seteuid?.(65534);
  }
  try {
    const denied = "EACCES: permission denied";
    const found = students(path);
    expect(found[0]?.[1]).toMatch(
      new RegExp(`^has a (file|folder) that cannot be read: (a.ipynb|own/) \\(${denied}\\)$`),
    );
    expect(found.slice(1)).toEqual([
      ["ben", `cannot be read: ${denied}`],
      ["eve", undefined],
    ]);
  } finally {
    if (isRoot) {
      process.seteuid?.(0);
    }
    chmodSync(join(path, "anna/own"), 0o755);
  }
});
