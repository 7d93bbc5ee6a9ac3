import { expect, it } from "vitest";
import { moduleOf } from "./module-of.ts";
import { type NotebookCell, testsOf } from "./tests-of.ts";

const cell = (source: string, id: string, marks: object = {}): NotebookCell => ({
  cell_type: "code",
  source: source.split(/(?<=\n)/),
  metadata: { nbgrader: { grade: false, solution: false, grade_id: id, ...marks } },
});
const answer = (source: string, id: string) => cell(source, id, { solution: true });
const test = (source: string, id: string) => cell(source, id, { grade: true });

const notebook = [
  cell("import x", "setup"),
  answer("const a = 1;", "a"),
  cell("%grade", "ask-a"),
  test("check(a)", "a-1"),
  cell("text", "between"),
  test("check(a, 2)", "a-2"),
  answer("const b = 2;\n%grade", "b"),
  test("check(b)", "b-1"),
  answer("an essay", "c"),
];
const ids = (asked: string, asking: string) => testsOf(notebook, asked, { source: asking }).map(({ id }) => id);

it("finds the tests between the answer above and the next", () => {
  expect(ids("", "%grade")).toEqual(["a-1", "a-2"]);
  expect(ids("", "const b = 2;\n%grade\n")).toEqual(["b-1"]);
  expect(ids("a", "whatever")).toEqual(["a-1", "a-2"]);
  expect(ids("a-2", "whatever")).toEqual(["a-2"]);
  expect(ids("all", "whatever")).toEqual(["a-1", "a-2", "b-1"]);
});

it("goes by the id of the cell that asks, whatever stands in others and in the file", () => {
  const own = (source: string, id: string): NotebookCell => ({ cell_type: "code", id, source, metadata: {} });
  const cells = [
    answer("a", "a"),
    own("%grade", "1"),
    test("check(a)", "a-1"),
    answer("b", "b"),
    own("%grade", "2"),
    test("check(b)", "b-1"),
  ];
  expect(testsOf(cells, "", { source: "%grade", id: "1" }).map(({ id }) => id)).toEqual(["a-1"]);
  expect(testsOf(cells, "", { source: "// not saved\n%grade", id: "2" }).map(({ id }) => id)).toEqual(["b-1"]);
});

it("says what to write where it cannot be told", () => {
  const known = 'name what to check, as in "%grade a-1": a-1, a-2, b-1';
  expect(() => ids("", "not saved")).toThrow(`%grade: this cell is not in the saved notebook as it is here; ${known}`);
  expect(() => testsOf([...notebook, cell("%grade", "again")], "", { source: "%grade" })).toThrow(
    `%grade: several cells are as this one; ${known}`,
  );
  expect(() => ids("d", "%grade")).toThrow('%grade: there is no cell "d"; cells with tests are a-1, a-2, b-1');
  expect(() => ids("c", "%grade")).toThrow("%grade: no cell tests what is above; cells with tests are a-1, a-2, b-1");
  expect(() => testsOf([answer("x", "x")], "", { source: "x" })).toThrow(
    "%grade: this notebook has no cells with tests",
  );
});

it("makes a module of a cell, line for line, with its last expression as its value", () => {
  const source =
    'const n: number = 1;\nimport {\n  grade,\n} from "@convbook/classroom/checks";\nawait grade(n, {\n  a: () => f(n),\n}); // done';
  expect(moduleOf(source)).toBe(
    'export default async () => {const n: number = 1;\n        \n        \n                                    \nreturn (await grade(n, {\n  a: () => f(n),\n})\n); // done\n};\nimport {\n  grade,\n} from "@convbook/classroom/checks";\n',
  );
  expect(moduleOf("if (a) {\n  f();\n}")).toBe("export default async () => {if (a) {\n  f();\n}\n};\n");
  expect(() => moduleOf("const = 1")).toThrow(SyntaxError);
  // A comment among the names ends with its line.
  const commented = 'import {\n  a, // the first\n  b,\n} from "x"; b';
  expect(moduleOf(moduleOf(commented))).toContain('import {\n  a, // the first\n  b,\n} from "x";');
});
