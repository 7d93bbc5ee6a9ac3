import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Cell, Notebook } from "nbconvert-ts-runner";
import { describe, expect, test } from "vitest";
import { readAssignmentNotebook, sourceOf } from "../source/index.ts";
import { cellWith, folderWith, notebookOf, roles } from "../testing/notebooks.ts";
import { type Edition, release } from "./index.ts";

// Made by nbgrader's own preprocessors, in the order of its generate_assignment (nbgrader_oracle.py beside the file).
const oracle = JSON.parse(readFileSync(new URL("../source/testing/nbgrader.json", import.meta.url), "utf8")) as {
  release: {
    language: string;
    cellType: Cell["cell_type"];
    given: unknown;
    text: string;
    error?: string;
    source?: string;
    metadata?: unknown;
  }[];
};

function released(notebook: Notebook, edition: Edition): Notebook {
  return release(readAssignmentNotebook(join(folderWith({ "a.ipynb": notebook }), "a.ipynb")), edition);
}

function text(source: string, nbgrader: unknown, edition: Edition, type: Cell["cell_type"] = "code"): string {
  const [cell] = released(notebookOf([cellWith(type, source, nbgrader)]), edition).cells;
  return cell === undefined ? "" : sourceOf(cell);
}

describe("the student's cells are nbgrader's", () => {
  test.each(
    oracle.release.map((each) => [`${each.language} ${each.cellType} ${JSON.stringify(each.text)}`, each] as const),
  )("%s", (_name, { language, cellType, given, text: source, error, source: expected, metadata }) => {
    const notebook = notebookOf([cellWith(cellType, source, given ?? undefined)], language);
    // What nbgrader refuses in a marking scheme is a picture that it would leave with the student; here it goes, too.
    if (error !== undefined && !source.includes("attachment:")) {
      expect(() => released(notebook, "student")).toThrow();
      return;
    }
    const [cell] = released(notebook, "student").cells;
    expect(cell === undefined ? "" : sourceOf(cell)).toBe(expected ?? "");
    expect(cell?.metadata).toEqual(metadata ?? expect.anything());
  });
});

const block = "f(x) {\n  // BEGIN SOLUTION\n  if (x) {\n\n    go();\n  }\n  // END SOLUTION\n}";
const checked = "check(1);\n// BEGIN HIDDEN TESTS\ncheck(2);\n// END HIDDEN TESTS";

test("editions hold what they are for", () => {
  expect(text(block, roles.solution("s"), "student")).toBe(
    'f(x) {\n  // YOUR CODE HERE\n  throw new Error("Not done yet");\n}',
  );
  expect(text(block, roles.solution("s"), "grader")).toBe(text(block, roles.solution("s"), "student"));
  expect(text(block, roles.solution("s"), "solution")).toBe("f(x) {\n  if (x) {\n\n    go();\n  }\n}");
  expect(text(block, roles.solution("s"), "proof")).toBe(text(block, roles.solution("s"), "solution"));
  expect(text(checked, roles.tests("t", 1), "student")).toBe("check(1);");
  expect(text(checked, roles.tests("t", 1), "solution")).toBe("check(1);");
  expect(text(checked, roles.tests("t", 1), "grader")).toBe(checked);
  expect(text(checked, roles.tests("t", 1), "proof")).toBe(checked);
});

test("a typed hole stands where the solution was", () => {
  const source = '  // BEGIN SOLUTION: return todo<number>("x + F(x)");\n  return x + f(x);\n  // END SOLUTION';
  expect(text(source, roles.solution("s"), "student")).toBe('  return todo<number>("x + F(x)");');
});

test("attachments that only the solution showed go with it", () => {
  const cell = cellWith(
    "markdown",
    "See ![](attachment:task.png)\n### BEGIN SOLUTION\n![](attachment:answer.png)\n### END SOLUTION",
    roles.manual("m", 1),
  );
  cell.attachments = { "task.png": { "image/png": "AA==" }, "answer.png": { "image/png": "AA==" } };
  const [student] = released(notebookOf([cell]), "student").cells;
  expect(Object.keys(student?.attachments ?? {})).toEqual(["task.png"]);
  const [solution] = released(notebookOf([cell]), "solution").cells;
  expect(Object.keys(solution?.attachments ?? {})).toEqual(["task.png", "answer.png"]);
});

test.each([
  [
    block,
    roles.readonly("r"),
    "cell 1 (r): line 2: a solution in a readonly cell; expected it in cells with nbgrader's mark for solutions",
  ],
  [
    checked,
    roles.readonly("r"),
    "cell 1 (r): line 2: hidden tests in a readonly cell; expected it in cells that give points",
  ],
  [
    block,
    undefined,
    "cell 1: line 2: a solution in a plain cell; expected it in cells with nbgrader's mark for solutions",
  ],
  [
    "// BEGIN MARK SCHEME\n// END MARK SCHEME",
    roles.tests("t", 1),
    "cell 1 (t): line 1: a marking scheme in a tests cell; expected it in task cells",
  ],
  [
    "### AUTOTEST x",
    roles.tests("t", 1),
    "cell 1 (t): AUTOTEST: tests that nbgrader writes by itself are not there; write the checks out",
  ],
])("a region in the wrong cell is refused: %j", (source, metadata, message) => {
  expect(() => text(source, metadata, "student")).toThrow(message);
});

test("a language without a stub is named with those that have one", () => {
  expect(() => released(notebookOf([cellWith("code", "x", roles.solution("s"))], "cobol"), "student")).toThrow(
    /cell 1 \(s\): there is no stub for solutions in the language "cobol"; known are python, r, /,
  );
});
