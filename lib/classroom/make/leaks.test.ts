import { join } from "node:path";
import type { Notebook } from "nbconvert-ts-runner";
import { describe, expect, test } from "vitest";
import { readAssignmentNotebook } from "../source/index.ts";
import { cellWith, folderWith, notebookOf, roles } from "../testing/notebooks.ts";
import { leaksInFile, leaksInNotebook, secretsOf } from "./index.ts";

const solved = cellWith(
  "code",
  "f(x) {\n  // BEGIN SOLUTION\n  const sum = add(x, weights);\n  return x;\n  // END SOLUTION\n}",
  roles.solution("s"),
);
const tested = cellWith(
  "code",
  "check(1);\n// BEGIN HIDDEN TESTS\ncheckAgainst(reference, 41);\n// END HIDDEN TESTS",
  roles.tests("t", 1),
);
const written = cellWith("markdown", "Because it keeps the gradient.", roles.manual("m", 1));

function secrets(...cells: Notebook["cells"]) {
  return secretsOf(readAssignmentNotebook(join(folderWith({ "a.ipynb": notebookOf(cells) }), "a.ipynb")));
}

test("lines of solutions, hidden tests and answers are secrets, but for those that say nothing", () => {
  expect(secrets(solved, tested, written)).toEqual([
    { text: "const sum = add(x, weights);", of: "the solution of cell 1 (s)" },
    { text: "checkAgainst(reference, 41);", of: "the hidden tests of cell 2 (t)" },
    { text: "Because it keeps the gradient.", of: "the solution of cell 3 (m)" },
  ]);
});

describe("a secret is found", () => {
  const line = "const sum = add(x, weights);";
  const told = "a line of the solution of cell 1 (s): const sum = add(x, weights);";
  const base = () => cellWith("code", "x");
  const find = (cell: ReturnType<typeof base>) => leaksInNotebook(notebookOf([cell]), secrets(solved));

  test.each([
    "text: `const sum = add(x, weights);` is it",
    "  const   sum = add(x, weights);",
    "// const sum = add(x, weights);",
  ])("in a source: %s", (source) => {
    expect(find({ ...base(), source })).toEqual([`cell 1 shows ${told}`]);
  });

  test("in an output, also in a traceback or the alternative of a display", () => {
    const cell = cellWith("code", "x");
    if (cell.cell_type === "code") {
      cell.outputs = [{ output_type: "error", ename: "E", evalue: "", traceback: [`----> 3   ${line}`] }];
    }
    expect(find(cell)).toEqual([`the outputs of cell 1 show ${told}`]);
    if (cell.cell_type === "code") {
      cell.outputs = [{ output_type: "display_data", data: { "text/html": ["<b>\n", `${line}\n`] }, metadata: {} }];
    }
    expect(find(cell)).toEqual([`the outputs of cell 1 show ${told}`]);
  });

  test("in metadata and attachments, encoded as they may be", () => {
    expect(find({ ...base(), metadata: { old: { source: [`${line}\n`] } } })).toEqual([
      `the metadata of cell 1 show ${told}`,
    ]);
    const svg = Buffer.from(`<svg><!-- ${line} --></svg>`).toString("base64");
    expect(find({ ...base(), attachments: { "a.svg": { "image/svg+xml": svg } } })).toEqual([
      `the attachments of cell 1 show ${told}`,
    ]);
    const notebook = { ...notebookOf([base()]), metadata: { history: [line] } };
    expect(leaksInNotebook(notebook, secrets(solved))).toEqual([`the metadata of the notebook show ${told}`]);
  });

  test("in a file beside", () => {
    expect(leaksInFile(Buffer.from(`def f():\n    ${line}\n`), "help.py", secrets(solved))).toEqual([
      `help.py shows ${told}`,
    ]);
    expect(leaksInFile(Buffer.from([0, 1, 2]), "data.bin", secrets(solved))).toEqual([]);
  });

  test("and nothing is found where it is not", () => {
    expect(find({ ...base(), source: "const sum = add(x);\nreturn x;" })).toEqual([]);
  });
});
