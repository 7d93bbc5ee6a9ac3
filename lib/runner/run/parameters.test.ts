import { expect, test } from "vitest";
import { parameterValue } from "../cli/parameter-values.ts";
import { parseNotebook } from "../notebook/read.ts";
import { joinLines, type Notebook } from "../notebook/types.ts";
import { python, script } from "./languages/index.ts";
import { parametersOf } from "./parameter-cell.ts";
import { applyParameters } from "./parameters.ts";

const make = (source: string, metadata = {}): Notebook => ({
  cells: [
    { cell_type: "markdown", id: "a", metadata: {}, source: ["text"] },
    { cell_type: "code", id: "b", metadata: { tags: ["parameters"] }, source, execution_count: null, outputs: [] },
    { cell_type: "code", id: "c", metadata: {}, source: "use", execution_count: null, outputs: [] },
  ],
  metadata,
  nbformat: 4,
  nbformat_minor: 5,
});

const injected = (notebook: Notebook) =>
  notebook.cells.find((cell) => cell.metadata.tags?.includes("injected-parameters"));

test("reads the parameters of a TypeScript cell", () => {
  const source =
    'let n: number = 3; // how many\nconst fast = false;\nlet name = "x";\nlet sizes: number[] = [1];\nlet mode: "a" | "b" = "a";\n{ let inner = 1; }';
  expect(parametersOf(source, script).map(({ name, kind, constant }) => [name, kind, constant])).toEqual([
    ["n", "number", false],
    ["fast", "boolean", true],
    ["name", "string", false],
    ["sizes", "list", false],
    ["mode", "string", false],
  ]);
});

test("reads the parameters of a Python cell", () => {
  expect(
    parametersOf('n: int = 3  # how many\nlr = 1e-3\nname = "x"\nok = True\n    inner = 1', python).map(
      ({ name, kind }) => [name, kind],
    ),
  ).toEqual([
    ["n", "number"],
    ["lr", "number"],
    ["name", "string"],
    ["ok", "boolean"],
  ]);
});

test("puts a cell with the values behind the parameter cell, in each language", () => {
  const script = make("let n: number = 3;\nconst fast = false;");
  applyParameters(script, "typescript", { parameters: { n: 7, fast: true } }, "x");
  expect(script.cells.indexOf(injected(script) as never)).toBe(2);
  expect(injected(script)?.source).toEqual(["// Parameters\n", "n = 7;\n", "const fast = true;"]);
  const python = make("n = 3\nnames = []\noptions = {}\nx = None");
  applyParameters(
    python,
    "python",
    { parameters: { n: 0.5, names: ["a", "it's"], options: { deep: [true, null] }, x: "y\n" } },
    "x",
  );
  expect(injected(python)?.source).toEqual([
    "# Parameters\n",
    "n = 0.5\n",
    'names = ["a", "it\'s"]\n',
    'options = {"deep": [True, None]}\n',
    'x = "y\\n"',
  ]);
});

test("replaces the cell of an earlier run", () => {
  const notebook = make("n = 3");
  applyParameters(notebook, "python", { parameters: { n: 4 } }, "x");
  const id = injected(notebook)?.id;
  applyParameters(notebook, "python", { parameters: { n: 5 } }, "x");
  expect(notebook.cells).toHaveLength(4);
  expect(injected(notebook)).toMatchObject({ id, source: ["# Parameters\n", "n = 5"] });
});

test("is shown in a deck where the parameter cell is, and skipped with it", () => {
  const notebook = make("n = 3");
  const declared = notebook.cells.find((cell) => cell.metadata.tags?.includes("parameters"));
  Object.assign(declared?.metadata ?? {}, { slideshow: { slide_type: "skip" } });
  applyParameters(notebook, "python", { parameters: { n: 4 } }, "x");
  expect(injected(notebook)?.metadata).toEqual({
    slideshow: { slide_type: "skip" },
    tags: ["injected-parameters"],
  });
});

test("uses the notebook's fast parameters, which given ones override", () => {
  const notebook = make("n = 3\nm = 1", { runner: { fast: { n: 1, m: 2 } } });
  applyParameters(notebook, "python", { fast: true, parameters: { m: 9 } }, "x");
  expect(injected(notebook)?.source).toEqual(["# Parameters\n", "n = 1\n", "m = 9"]);
});

test("fast parameters keep the spelling that they have in the notebook", () => {
  const text = JSON.stringify(make("lr = 0.5\nseed = 1\nmap = {}\nx = 0.1", { runner: { fast: "FAST" } })).replace(
    '"FAST"',
    '{"lr": 1.0, "seed": 12345678901234567890, "map": {"10": 1e-3, "2": [2.50]}, "x": 1E5}',
  );
  const notebook = parseNotebook(text, "x.ipynb");
  applyParameters(notebook, "python", { fast: true }, "x.ipynb");
  expect(joinLines(injected(notebook)?.source ?? "")).toBe(
    '# Parameters\nlr = 1.0\nseed = 12345678901234567890\nmap = {"10": 1e-3, "2": [2.50]}\nx = 1E5',
  );
});

test("refuses names and kinds that the notebook does not have", () => {
  expect(() => applyParameters(make("let epochs = 3;"), "typescript", { parameters: { epoch: 1 } }, "x.ipynb")).toThrow(
    'x.ipynb: has no parameter "epoch"; did you mean "epochs"? (its parameters: epochs)',
  );
  expect(() =>
    applyParameters(make("let epochs: number = 3;"), "typescript", { parameters: { epochs: "many" } }, "x.ipynb"),
  ).toThrow('x.ipynb: the parameter "epochs" is a number, got the string "many"');
  expect(() => applyParameters(make("n = 1"), "python", { parameters: { "n = 1; import os": 1 } }, "x")).toThrow(
    "is not a name that a parameter can have",
  );
  expect(() => applyParameters(make("n = 1"), "octave", { parameters: { n: 1 } }, "x")).toThrow(
    'x: parameters cannot be given to a kernel of the language "octave" (only TypeScript, JavaScript, Python, R, Julia and Scala)',
  );
});

test.each([
  // https://www.typescriptlang.org/docs/handbook/release-notes/typescript-3-2.html#bigint: a bigint is no number, nor a number a bigint.
  ["let n: number = 1;", "12345678901234567890", "n = 12345678901234567000;"],
  ["let n = 1;", "12345678901234567890", "n = 12345678901234567000;"],
  ["let n: number[] = [];", "[12345678901234567890, 1]", "n = [12345678901234567000, 1];"],
  ["let n = { a: 1 };", '{ "a": -12345678901234567890 }', 'n = { "a": -12345678901234567000 };'],
  ["let n: Record<string, number> = {};", '{ "a": 12345678901234567890 }', 'n = { "a": 12345678901234567000 };'],
  ["let n: bigint = 1n;", "5", "n = 5n;"],
  ["let n = 10n;", "5", "n = 5n;"],
  ["let n = -1_000n;", "-0", "n = 0n;"],
  ["let n: bigint[] = [];", "[1, 12345678901234567890]", "n = [1n, 12345678901234567890n];"],
  ["let n = [1n];", "[2]", "n = [2n];"],
  ["let n: number | bigint = 1;", "12345678901234567890", "n = 12345678901234567890n;"],
  ["let n: any;", "12345678901234567890", "n = 12345678901234567890n;"],
  ["let n;", "5", "n = 5;"],
  ["let n: number = 1;", "1.0", "n = 1;"],
  ["let n: number = 1;", "-1e-7", "n = -1e-7;"],
  ["let n: number = 1;", "-0.0", "n = -0;"],
  ["let n: number = 1;", "1e400", "n = Infinity;"],
  ["let n: number = 1;", "+3", "n = 3;"],
  ["let n: number | null = 1;", "null", "n = null;"],
  ["let n: string = '';", "2019-01-01", 'n = "2019-01-01";'],
  ["let n: string | number = 1;", "auto", 'n = "auto";'],
  ["let n: string | number = 1;", "3", "n = 3;"],
  ["let a = 1, n = 'x';", "y", 'n = "y";'],
  ["const { a, n } = { a: 1, n: 2 };", "3", "const n = 3;"],
  ["const n1 = 1, n = 2;", "3", "const n = 3;"],
])("the declared type or default decides how a value is written: %s with %s", (source, text, line) => {
  const notebook = make(source);
  applyParameters(notebook, "typescript", { parameters: { n: parameterValue(text) } }, "x.ipynb");
  expect(joinLines(injected(notebook)?.source ?? "").split("\n")[1]).toBe(line);
});

test("a bigint is whole", () => {
  for (const text of ["0.5", "1e3", "1.0"]) {
    expect(() =>
      applyParameters(make("let n: bigint;"), "typescript", { parameters: { n: parameterValue(text) } }, "x.ipynb"),
    ).toThrow(`x.ipynb: the parameter "n" is a bigint, got the number ${Number(text) === 1000 ? "1e3" : text}`);
  }
});

test("a type in Scala stays, because 1 alone is no Double", () => {
  const notebook = make("val lr: Double = 0.5");
  applyParameters(notebook, "scala", { parameters: { lr: 1 } }, "x.ipynb");
  expect(joinLines(injected(notebook)?.source ?? "")).toBe("// Parameters\nval lr: Double = 1");
});
