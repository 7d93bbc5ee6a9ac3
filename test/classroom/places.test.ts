/** Every folder that a command of `convbook class` takes, given each other kind of folder: an error that says what it got, and nothing written. */
import { readdirSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { classCommand } from "../../lib/classroom/index.ts";
import { resultOf, task } from "../../lib/classroom/results/testing/results.ts";
import { marked } from "../../lib/classroom/source/index.ts";
import { Classroom, course, emptySquare, emptyTotal, goodSquare, goodTotal, notebook } from "./support.ts";

const room = new Classroom();
afterAll(() => room[Symbol.dispose]());

/** The course as `make` writes it for somebody. */
function made(madeFor: string, hidden: boolean, isSolved: boolean, variant: string | null = null): string {
  const cells = course(isSolved ? goodSquare : emptySquare, isSolved ? goodTotal : emptyTotal, hidden);
  return JSON.stringify(marked(JSON.parse(notebook(cells)), "Squares", madeFor, variant));
}

room.write("source/squares.ipynb", notebook(course(goodSquare, goodTotal, true)));
room.write("source/class.yaml", "title: Squares\n");
room.write("dist/student/squares.ipynb", made("student", false, false));
room.write("dist/student/class.yaml", "title: Squares\n");
room.write("dist/solution/squares.ipynb", made("solution", false, true));
room.write("dist/grader/squares.ipynb", made("grader", true, false));
room.write("dist/grader/class.yaml", "title: Squares\n");
for (const variant of ["a", "b"]) {
  for (const part of ["student", "solution", "grader"]) {
    room.write(`variants/${part}/${variant}/squares.ipynb`, made(part, part === "grader", false, variant));
  }
}
room.write("variants/grader/class.yaml", "title: Squares\nvariants:\n  a: { n: 1 }\n  b: { n: 2 }\n");
// Made by hand, without a mark.
room.write("plain/student/squares.ipynb", notebook(course(emptySquare, emptyTotal, false)));
room.write("plain/solution/squares.ipynb", notebook(course(goodSquare, goodTotal, false)));
room.write("plain/grader/squares.ipynb", notebook(course(emptySquare, emptyTotal, true)));
room.write("submitted/ada/squares.ipynb", made("student", false, true));
room.write("submitted/bo/squares.ipynb", made("student", false, false));
room.write("out/ada/result.json", JSON.stringify(resultOf("ada", [task("square", 1, 1)])));
room.write("out/ada/graded.key", "key");
room.write("out/ada/squares.graded.ipynb", made("student", false, true));
room.write("other/cubes.ipynb", notebook(course(goodSquare, goodTotal, false)));
room.write("bare/x/notes.txt", "none");
room.write("nothing/readme.txt", "none");
room.write("a file.txt", "none");
room.write("empty/.hidden", "");
const before = everything();

const expectedGrader = "expected the grader's folder";
const cases: readonly (readonly [args: string, error: string])[] = [
  // grade --grader
  ...["dist/solution", "plain/solution"].map(
    (path) =>
      [
        `grade submitted -o new -g ${path}`,
        `${path}: holds the solution, without the hidden tests; ${expectedGrader}`,
      ] as const,
  ),
  ...["dist/student", "plain/student", "variants/student"].map(
    (path) => [`grade submitted -o new -g ${path}`, `${path}: holds what students get; ${expectedGrader}`] as const,
  ),
  [
    "grade submitted -o new -g dist",
    `dist: is the folder in which make put student, solution and grader; ${expectedGrader}, dist/grader`,
  ],
  ["grade submitted -o new -g submitted", "submitted: holds what students handed in; expected the grader's folder"],
  ["grade submitted -o new -g submitted/ada", "submitted/ada: holds what students get; expected the grader's folder"],
  ["grade submitted -o new -g out", "out: holds the results of grading; expected the grader's folder"],
  ["grade submitted -o new -g out/ada", "out/ada: holds the results of grading; expected the grader's folder"],
  ["grade submitted -o new -g empty", "empty: is an empty folder; expected the grader's folder"],
  ["grade submitted -o new -g nothing", "nothing: has no notebook"],
  ["grade submitted -o new -g missing", "missing: no such file or folder"],
  ["grade submitted -o new -g a_file", "a file.txt: has no notebook; expected at least one file that ends with .ipynb"],
  [
    "grade submitted -o new -g dist/solution/squares.ipynb",
    "squares.ipynb: is of the solution, without the hidden tests; expected the grader's notebook",
  ],
  ["grade submitted -o new -g variants/grader/a", 'a: is the variant "a" alone; expected the grader\'s folder'],
  // grade SUBMISSIONS
  [
    "grade dist -o new -g dist/grader",
    "dist: is the folder in which make put student, solution and grader; expected a folder with a folder or a notebook for each student",
  ],
  ["grade dist/student -o new -g dist/grader", "dist/student: holds what students get: it has squares.ipynb itself"],
  [
    "grade dist/solution -o new -g dist/grader",
    "dist/solution: holds the solution, without the hidden tests: it has squares.ipynb itself",
  ],
  [
    "grade dist/grader -o new -g dist/grader",
    "holds what submissions are graded with; expected what students handed in",
  ],
  ["grade source -o new -g dist/grader", "source: is the source of an assignment"],
  ["grade out -o new -g dist/grader", "out: holds the results of grading"],
  [
    "grade submitted/ada -o new -g dist/grader",
    "submitted/ada: holds what students get: it has squares.ipynb itself, as one student's folder does",
  ],
  ["grade empty -o new -g dist/grader", "empty: holds no submission"],
  ["grade nothing -o new -g dist/grader", "nothing: holds no submission"],
  ["grade bare -o new -g dist/grader", "bare: holds no notebook in any of its folders (x)"],
  ["grade missing -o new -g dist/grader", "missing: no such file or folder"],
  ["grade a_file -o new -g dist/grader", "a file.txt: holds no submission"],
  ["grade . -o ../new -g dist/grader", "dist/grader: the grader is in the submissions"],
  // grade --out
  ["grade submitted -o submitted -g dist/grader", "submitted: results are to be written in the submissions"],
  ["grade submitted -o submitted/new -g dist/grader", "new: results are to be written in the submissions"],
  ...["student", "solution", "grader"].map(
    (part) =>
      [`grade submitted -o dist/${part} -g dist/grader`, "; expected a folder of its own for what is written"] as const,
  ),
  [
    "grade submitted -o dist -g dist/grader",
    "dist: is the folder in which make put student, solution and grader; expected a folder of its own",
  ],
  ["grade submitted -o dist/grader/new -g dist/grader", "results are to be written in the grader's folder"],
  ["grade submitted -o a_file -g dist/grader", "a file.txt: is a file; expected a folder, or a new name"],
  ["grade submitted -o a_file/x -g dist/grader", "a file.txt is a file; expected a folder"],
  // grade --handed-out
  [
    "grade submitted -o new -g dist/grader --handed-out dist/grader",
    "holds what submissions are graded with; expected what students got",
  ],
  [
    "grade submitted -o new -g dist/grader --handed-out dist/solution",
    "holds the solution, without the hidden tests; expected what students got",
  ],
  ["grade submitted -o new -g dist/grader --handed-out dist", "expected what students got, dist/student"],
  [
    "grade submitted -o new -g dist/grader --handed-out submitted",
    "submitted: holds what students handed in; expected what students got",
  ],
  ["grade submitted -o new -g dist/grader --handed-out out", "out: holds the results of grading"],
  ["grade submitted -o new -g dist/grader --handed-out empty", "empty: is an empty folder"],
  ["grade submitted -o new -g dist/grader --handed-out missing", "missing: is not there"],
  [
    "grade submitted -o new -g dist/grader --handed-out other",
    "other: has cubes.ipynb; expected what students got of squares.ipynb",
  ],
  // make
  [
    "make dist -o new",
    "dist: is the folder in which make put student, solution and grader; expected the teacher's folder",
  ],
  ["make dist/student -o new", "dist/student: holds what students get; expected the teacher's folder"],
  ["make dist/solution -o new", "dist/solution: holds the solution"],
  ["make dist/grader -o new", "dist/grader: holds what submissions are graded with"],
  [
    "make dist/solution/squares.ipynb -o new",
    "is of the solution, without the hidden tests; expected the teacher's notebook",
  ],
  ["make submitted -o new", "submitted: holds what students handed in"],
  ["make out -o new", "out: holds the results of grading"],
  ["make empty -o new", "empty: is an empty folder"],
  ["make nothing -o new", "nothing: has no notebook"],
  ["make missing -o new", "missing: no such file or folder"],
  ["make a_file -o new", "a file.txt"],
  ["make source -o dist/student", "dist/student: holds what students get; expected a folder of its own"],
  ["make source -o out", "out: holds the results of grading; expected a folder of its own"],
  ["make source -o submitted", "submitted: holds what students handed in"],
  ["make source -o a_file", "a file.txt: is a file; expected a folder"],
  ["make source -o new --students empty", "empty: is a folder; expected a list of ids"],
  ["make source -o new --students missing", "missing: no such file; expected a list of ids"],
  // bundle
  ...["dist/student", "dist/grader", "source", "submitted", "out", "empty", "nothing", "missing", "a_file"].map(
    (path) => [`bundle ${path} -o new.zip`, "has no folder student; give what convbook class make wrote"] as const,
  ),
  ["bundle foreign -o new.zip", "student: has no notebook; give what convbook class make wrote"],
  ["bundle dist -o empty", "empty: is a folder; expected a file to write"],
  ["bundle dist -o new.zip --manifest empty --cache empty", "empty: is a folder; expected a manifest (JSON)"],
  [
    "bundle dist -o new.zip --manifest a_file --cache a_file",
    "a file.txt: is a file; expected the folder of downloads",
  ],
  ["bundle dist -o new.zip --manifest a_file --cache empty", "a file.txt: is no manifest: it is not JSON"],
  // check
  ["check submitted/ada", "submitted/ada: is a folder with squares.ipynb; expected a student's notebook"],
  ["check dist", "dist: is a folder; expected a student's notebook"],
  ["check empty", "empty: is a folder; expected a student's notebook"],
  ["check missing", "missing: is not there; expected a student's notebook"],
  ["check a_file", "a file.txt"],
  [
    "check dist/grader/squares.ipynb",
    "squares.ipynb: is the grader's, with hidden tests; expected a student's notebook",
  ],
  ["check submitted/ada/squares.ipynb -o empty", "empty: is a folder; expected a file to write"],
  ...["dist", "dist/grader", "dist/solution", "dist/grader/squares.ipynb", "submitted", "out", "empty", "missing"].map(
    (path) => [`check submitted/ada/squares.ipynb --no-zip --given ${path}`, "; expected what was handed out"] as const,
  ),
  [
    "check submitted/ada/squares.ipynb --no-zip --given variants/student",
    "has 2 notebooks of one name (a/squares.ipynb, b/squares.ipynb)",
  ],
  // What reads results
  ...["manual", "feedback", "report", "export --to csv"].flatMap((command) => [
    [
      `${command} dist`,
      "dist: is the folder in which make put student, solution and grader: there is no result.json",
    ] as const,
    [`${command} dist/grader`, "holds what submissions are graded with: there is no result.json"] as const,
    [`${command} submitted`, "submitted: holds what students handed in: there is no result.json"] as const,
    [`${command} empty`, "empty: is an empty folder: there is no result.json"] as const,
    [`${command} missing`, "missing: there is no such file or folder"] as const,
    [`${command} a_file`, "a file.txt: this is no result: it is not JSON"] as const,
  ]),
  ["manual out -o empty", "empty: is a folder; expected a file to write"],
  ["manual out --take empty", "empty: is a folder; expected the table that manual wrote"],
  ["feedback out -o a_file", "a file.txt: is a file; expected a folder"],
  ["feedback out -o dist/grader", "dist/grader: holds what submissions are graded with; expected a folder of its own"],
  ["report out -o empty", "empty: is a folder; expected a file to write"],
  ["export out --to csv -o empty", "empty: is a folder; expected a file to write"],
  ["export out --to canvas --roster empty", "empty: is a folder; expected a list of the class (CSV)"],
  ["export out --to gradescope -o a_file", "a file.txt: is a file; expected a folder"],
  ["export out --to gradescope -o dist", "dist: is the folder in which make put student, solution and grader"],
];

room.write("foreign/student/essay.txt", "mine");
before.push("foreign/student/essay.txt");

test.each(cases)("%s", async (line, message) => {
  const args = line
    .split(" ")
    .map((word) => (word === "a_file" ? "a file.txt" : word.replace("a_file/", "a file.txt/")));
  const here = process.cwd();
  process.chdir(room.folder);
  try {
    await expect(classCommand.parseAsync(args, { from: "user" })).rejects.toThrow(message);
  } finally {
    process.chdir(here);
  }
  expect(everything()).toEqual(before.sort());
});

function everything(): string[] {
  return readdirSync(room.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(room.folder.length + 1)}/${entry.name}`.replace(/^\//, ""))
    .sort();
}
