/** What `make` says of each thing that can be wrong with an assignment: file, cell or line, and what was expected. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Cell } from "nbconvert-ts-runner";
import { describe, expect, test } from "vitest";
import { cellWith, folderWith, kernelDir, notebookOf, roles } from "../testing/notebooks.ts";
import { makeAssignment } from "./index.ts";

const title = cellWith("markdown", "# Sums");
const code = (source: string, metadata?: unknown) => cellWith("code", source, metadata);
const solution = (...lines: string[]) => code(lines.join("\n"), roles.solution("plus"));
const good = solution(
  "function plus(x: number) {",
  "// BEGIN SOLUTION",
  "return x + 1; // one more",
  "// END SOLUTION",
  "}",
);
const tests = code('if (plus(1) !== 2) throw new Error("plus(1)");', roles.tests("plus-tests", 2));
const testsWith = (source: string, more: object = {}) => code(source, { ...roles.tests("t", 2), ...more });
const manual = (...lines: string[]) => cellWith("markdown", lines.join("\n"), roles.manual("why", 1));
const sums = (...cells: Cell[]) => ({ "sums.ipynb": notebookOf([title, ...cells]) });
const settings = (text: string) => ({ ...sums(good, tests), "class.yaml": text });

/** The error, with the folder as a word, and nothing written. */
async function told(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = folderWith(files);
  const out = join(folder, "dist");
  const error: unknown = await makeAssignment(folder, out, { kernelDir }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(existsSync(out)).toBe(false);
  return error instanceof Error ? error.message.replaceAll(folder, "FOLDER") : "nothing";
}

type Row = readonly [fault: string, files: Readonly<Record<string, unknown>>, message: string];

const regions: Row[] = [
  [
    "a region without its end",
    sums(solution("// BEGIN SOLUTION", "return 1;"), tests),
    "FOLDER/sums.ipynb: cell 2 (plus): line 1: BEGIN SOLUTION without an END SOLUTION behind it",
  ],
  [
    "a region in another one",
    sums(solution("// BEGIN SOLUTION", "// BEGIN SOLUTION", "return 1;", "// END SOLUTION"), tests),
    "FOLDER/sums.ipynb: cell 2 (plus): line 2: BEGIN SOLUTION inside of the region that began in line 1",
  ],
  [
    "an end without its beginning",
    sums(solution("return 1;", "// END SOLUTION"), tests),
    "FOLDER/sums.ipynb: cell 2 (plus): line 2: END SOLUTION without a BEGIN SOLUTION before it",
  ],
  [
    "hidden tests without their end",
    sums(good, testsWith("1\n// BEGIN HIDDEN TESTS\n2")),
    "FOLDER/sums.ipynb: cell 3 (t): line 2: BEGIN HIDDEN TESTS without an END HIDDEN TESTS behind it",
  ],
  [
    "regions that overlap",
    sums(
      good,
      tests,
      manual("### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS", "x", "### END SOLUTION", "### END HIDDEN TESTS"),
    ),
    "FOLDER/sums.ipynb: cell 4 (why): line 2: BEGIN HIDDEN TESTS inside of SOLUTION, which began in line 1",
  ],
  [
    "hidden tests in a solution cell",
    sums(solution("// BEGIN HIDDEN TESTS", "1;", "// END HIDDEN TESTS", "plus();"), tests),
    "FOLDER/sums.ipynb: cell 2 (plus): line 1: hidden tests in a solution cell, which is replaced as a whole, so that they would never run; expected them in a cell with tests",
  ],
  [
    "hidden tests beside a solution's region",
    sums(
      solution("// BEGIN HIDDEN TESTS", "1;", "// END HIDDEN TESTS", "// BEGIN SOLUTION", "2;", "// END SOLUTION"),
      tests,
    ),
    "FOLDER/sums.ipynb: cell 2 (plus): line 1: hidden tests in a solution cell; expected it in cells that give points",
  ],
  [
    "a solution in a cell with tests",
    sums(good, testsWith("// BEGIN SOLUTION\n1;\n// END SOLUTION")),
    "FOLDER/sums.ipynb: cell 3 (t): line 1: a solution in a tests cell; expected it in cells with nbgrader's mark for solutions",
  ],
  [
    "a solution in a cell without a mark",
    sums(good, tests, code("// BEGIN SOLUTION\n1;\n// END SOLUTION")),
    "FOLDER/sums.ipynb: cell 4: line 1: a solution in a plain cell; expected it in cells with nbgrader's mark for solutions",
  ],
  ...(
    [
      ["// BEGIN HIDDEN TEST", "BEGIN HIDDEN TEST", "BEGIN HIDDEN TESTS"],
      ["# begin hidden tests", "begin hidden tests", "BEGIN HIDDEN TESTS"],
      ["//BEGIN_HIDDEN_TESTS", "BEGIN_HIDDEN_TESTS", "BEGIN HIDDEN TESTS"],
      ["/* End solutions */", "End solutions", "END SOLUTION"],
      ["// BEGIN MARKING SCHEME", "BEGIN MARKING SCHEME", "BEGIN MARK SCHEME"],
      ["// END HIDDEN: more", "END HIDDEN", "END HIDDEN TESTS"],
    ] as const
  ).map(
    ([line, found, mark]): Row => [
      `a mark that is none: ${line}`,
      sums(good, testsWith(`1;\n${line}\n2;`)),
      `FOLDER/sums.ipynb: cell 3 (t): line 2: "${found}" is no mark; expected ${mark}`,
    ],
  ),
  [
    "several things in several cells",
    sums(solution("// END SOLUTION"), testsWith("// BEGIN HIDDEN TESTS"), { ...manual("x"), cell_type: "raw" }),
    [
      "FOLDER/sums.ipynb:",
      "  cell 2 (plus): line 1: END SOLUTION without a BEGIN SOLUTION before it",
      "  cell 3 (t): line 1: BEGIN HIDDEN TESTS without an END HIDDEN TESTS behind it",
    ].join("\n"),
  ],
];

const metadata: Row[] = [
  [
    "points that nobody would give",
    sums(code("1;", { ...roles.solution("s"), points: 3 }), tests),
    'FOLDER/sums.ipynb: cell 2 (s) has points (3), but "grade" is false in its nbgrader metadata, so that nobody would give them; set it to true, or take the points away',
  ],
  ["no points", sums(good, testsWith("1;", { points: undefined })), "FOLDER/sums.ipynb: cell 3 (t) has no points"],
  [
    "points that are none",
    sums(good, testsWith("1;", { points: "2" })),
    'FOLDER/sums.ipynb: cell 3 (t) has "2" as its points; expected a number that is 0 or more',
  ],
  [
    "an id that is there twice",
    sums(good, tests, tests),
    'FOLDER/sums.ipynb: the grade_id "plus-tests" is that of the cells 3 and 4; expected one cell',
  ],
  [
    "an id with points in two notebooks",
    { "a.ipynb": notebookOf([good, tests]), "b.ipynb": notebookOf([title, good, tests]) },
    'FOLDER: the grade_id "plus-tests" is that of a.ipynb, cell 2, and of b.ipynb, cell 3; expected one cell',
  ],
  ["no id", sums(good, testsWith("1;", { grade_id: undefined })), "FOLDER/sums.ipynb: cell 3 has no grade_id"],
  [
    "a schema that is not known",
    sums(good, testsWith("1;", { schema_version: 4 })),
    "FOLDER/sums.ipynb: cell 3 (t) has nbgrader metadata of schema 4, which is newer than what is known here (3); save the notebook with nbgrader 0.9",
  ],
  [
    "a language without a stub",
    { "sums.ipynb": notebookOf([code("1", roles.solution("s"))], "cobol") },
    'FOLDER/sums.ipynb: cell 1 (s): there is no stub for solutions in the language "cobol"; known are ',
  ],
];

const files: Row[] = [
  ["no notebook", { "a.txt": "x" }, "FOLDER: has no notebook; expected at least one file that ends with .ipynb"],
  [
    "a notebook that is none",
    { "sums.ipynb": "{ x" },
    "FOLDER/sums.ipynb: is not JSON: expected a key in quotes (line 1, column 3)",
  ],
  [
    "a leak in a cell",
    sums(good, code("// return x + 1; // one more", roles.readonly("help")), tests),
    "FOLDER/sums.ipynb: in the student's version cell 3 (help) shows a line of the solution of cell 2 (plus): return x + 1; // one more",
  ],
  [
    "a leak in a cell's metadata",
    sums(good, tests, { ...code("1;"), metadata: { old: "return x + 1; // one more" } }),
    "FOLDER/sums.ipynb: in the student's version the metadata of cell 4 show a line of the solution of cell 2 (plus): return x + 1; // one more",
  ],
  [
    "a leak in a file",
    { ...sums(good, tests), "help.ts": "return x + 1; // one more" },
    [
      "FOLDER:",
      "  help.ts shows a line of the solution of cell 2 (plus): return x + 1; // one more",
      "  files in the folder teacher/ do not reach students",
    ].join("\n"),
  ],
];

const classYaml: Row[] = (
  [
    ["timout: 3", 'line 1: unknown setting "timout"; did you mean "timeout"?'],
    [
      "\ncolour: red",
      'line 2: unknown setting "colour"; known are title, due, points, seed, timeout, memory, threads, network, tolerance, variants',
    ],
    ["title: ''", 'line 1: title is ""; expected a text'],
    [
      "due: tomorrow",
      'line 1: due is "tomorrow"; expected a date such as 2027-03-31, or a time such as 2027-03-31T18:00+02:00',
    ],
    ["points: many", 'line 1: points is "many"; expected a number that is 0 or more'],
    ["points: 3", "says 3 points, but the cells give 2; change one of them"],
    ["seed: 1.5", "line 1: seed is 1.5; expected a whole number from 0 to 4294967295"],
    ["timeout: 0", "line 1: timeout is 0; expected a number of seconds greater than 0"],
    ["memory: 2Q", 'line 1: memory is "2Q"; expected an amount such as 2G or 512M'],
    ["threads: 0", "line 1: threads is 0; expected a whole number from 1 to 1024"],
    ["network: yes", 'line 1: network is "yes"; expected true or false'],
    [
      "tolerance: { rtol: -1 }",
      'line 1: tolerance is {"rtol":-1}; expected a number, or rtol and atol, each 0 or more',
    ],
    ["variants: {}", "line 1: variants is {}; expected names, each with its values, such as a: { growth: 12 }"],
    [
      "variants:\n  a b: { k: 3 }",
      'line 2: variants, a b is {"k":3}; expected a name of letters, digits, _ and - for it',
    ],
    ["variants:\n  a: 3", "line 2: variants, a is 3; expected values such as { growth: 12 }"],
    [
      "variants:\n  a: { k: 3 }\n  b:\n    k: [4]",
      "line 4: variants, b, k is [4]; expected a number, a text, true or false",
    ],
    ["points: 2\npoints: 2", "line 2: this setting is there already"],
    ["title: *other", "is not YAML: Unresolved alias"],
    ["title: [", "line 1: is not YAML: "],
    ["- title", "holds no settings; expected lines such as title: Residual blocks"],
  ] as const
).map(([text, message]) => [JSON.stringify(text), settings(text), `FOLDER/class.yaml: ${message}`]);

describe("before anything runs, make names what is wrong", () => {
  test.each<Row>([
    ...regions,
    ...metadata,
    ...files,
    ...classYaml,
    [
      "another name of class.yaml",
      { ...sums(good, tests), "class.yml": "points: 2" },
      "FOLDER/class.yml: is not read; call it class.yaml",
    ],
    [
      "a value that no cell takes",
      settings("variants:\n  a: { k: 3 }"),
      'FOLDER/sums.ipynb (variant a): has no cell tagged "parameters" that could declare k',
    ],
  ])("%s", async (_fault, given, message) => {
    const text = await told(given);
    expect(message.endsWith(" ") || message.endsWith("alias") ? text.slice(0, message.length) : text).toBe(message);
  });
});

const graded = (points: number, ...checks: readonly [name: string, passed: boolean, message?: string][]) => {
  const reasons = checks.map(([name, passed, message]) => ({ name, passed, points: 1, maxPoints: 1, message }));
  return `display.raw(${JSON.stringify({ "application/x-convbook-grade+json": { points, maxPoints: checks.length, reasons } })});`;
};

describe("where it ran, make names the cell and the check", () => {
  test.each<Row>([
    [
      "a solution that fails its own test",
      sums(solution("function plus(x: number) { return x; }"), tests),
      "FOLDER/sums.ipynb: the solution fails in cell 3 (plus-tests): Error: plus(1) (line 1)",
    ],
    [
      "a solution with an error of types",
      sums(solution("function plus(x: number): string { return x; }"), tests),
      "FOLDER/sums.ipynb: the solution fails in cell 2 (plus): TypeScriptError: TS2322: Type 'number' is not assignable to type 'string'. (In [1]:1:36) (line 1)",
    ],
    [
      "a solution that fails a check",
      sums(good, testsWith(graded(1, ["adds", true], ["adds one", false, "it adds 2"]))),
      'FOLDER/sums.ipynb: the solution gets 1 of 2 points in cell 3 (t): "adds one": it adds 2',
    ],
    [
      "a grade of other points than the cell's",
      sums(good, testsWith(graded(1, ["adds", true]))),
      "FOLDER/sums.ipynb: the solution gets 1 of 2 points in cell 3 (t): its grade is one of 1 points; expected the cell's 2",
    ],
    [
      "a number that is less",
      sums(good, testsWith("plus(0)")),
      "FOLDER/sums.ipynb: the solution gets 1 of 2 points in cell 3 (t): it gave 1 point",
    ],
    [
      "an untouched notebook that passes a test",
      sums(good, tests, testsWith("1 + 1;")),
      "FOLDER/sums.ipynb: an untouched notebook gets 2 of 2 points in cell 4 (t); expected 0: test what is asked for",
    ],
    [
      "an untouched notebook that passes a test with a warning",
      sums(good, tests, testsWith('console.error("a warning");')),
      "FOLDER/sums.ipynb: an untouched notebook gets 2 of 2 points in cell 4 (t); expected 0: test what is asked for",
    ],
    [
      "a test that shows two grades",
      sums(good, testsWith(`${graded(1, ["adds", true])} ${graded(2, ["adds", true])}`)),
      "FOLDER/sums.ipynb: the solution gets 0 of 2 points in cell 3 (t): it shows 2 grades; expected one",
    ],
    [
      "an untouched notebook that passes a check",
      sums(
        solution("// BEGIN SOLUTION", "(globalThis as { done?: boolean }).done = true;", "// END SOLUTION"),
        testsWith(
          "const passed = (globalThis as { done?: boolean }).done === true;\n" +
            'const reasons = [{ name: "is there", passed: true }, { name: "is right", passed }];\n' +
            'display.raw({ "application/x-convbook-grade+json": { points: passed ? 2 : 1, maxPoints: 2, reasons } });',
        ),
      ),
      'FOLDER/sums.ipynb: an untouched notebook gets 1 of 2 points in cell 3 (t) for "is there"; expected 0: test what is asked for',
    ],
  ])(
    "%s",
    async (_fault, given, message) => {
      expect(await told(given)).toBe(message);
    },
    60_000,
  );
});

test("tests that write to standard error give their points, and what nbgrader makes of them is said; so is a missing %grade", async () => {
  const folder = folderWith(
    sums(good, testsWith('console.error("a warning");\nif (plus(1) !== 2) throw new Error("no");')),
  );
  const { notes, points } = await makeAssignment(folder, join(folder, "dist"), { kernelDir });
  expect(points).toBe(2);
  expect(notes).toEqual([
    "sums: students have no %grade in it, unless its first locked cell says %load_ext @convbook/classroom/magic",
    "sums: cell 3 (t) writes to standard error; that costs no points here, but nbgrader's autograde gives none for it",
  ]);
}, 60_000);

test("an assignment without points is made, and that is said", async () => {
  const folder = folderWith(sums(good));
  const { notes } = await makeAssignment(folder, join(folder, "dist"), { kernelDir });
  expect(notes).toEqual(["sums: no cell gives points; mark those with tests, or whose answers a person grades"]);
}, 60_000);

test("an untouched notebook whose tests do not end proves nothing", async () => {
  // Of a type that holds in both: an error of types would end the tests before they wait.
  const typed = solution(
    "function plus(x: number): number {",
    "// BEGIN SOLUTION",
    "return x + 1;",
    "// END SOLUTION",
    "}",
  );
  const waiting = testsWith("let isRight = false;\ntry { isRight = plus(1) === 2; } catch {}\nwhile (!isRight) {}");
  const message = await told({ ...sums(typed, waiting), "class.yaml": "timeout: 5\n" });
  // Where the machine is so busy that the solution takes as long, that is said in the same way.
  expect(message).toMatch(
    /^FOLDER\/sums\.ipynb: (?:nothing is proven of an untouched notebook in cell 3 \(t\)|the solution fails in cell \d \(.*\)): TimeoutError: .*; give a longer timeout than 5 in class\.yaml(?: \(this machine was busy, with a load of [\d.]+ on \d+ processors\))?$/,
  );
});
