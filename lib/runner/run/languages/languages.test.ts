/** Parameters in the languages of papermill's kernels. The oracle is papermill: see testing/papermill.py. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseJsonText } from "../../notebook/json/index.ts";
import type { Cell, Notebook } from "../../notebook/types.ts";
import { asWritten } from "../as-written.ts";
import { parametersOf } from "../parameter-cell.ts";
import { applyParameters, assignment, exactText } from "../parameters.ts";
import { SpelledNumber } from "../spelled-number.ts";
import { type Language, languageOf } from "./index.ts";

const cases = JSON.parse(readFileSync(new URL("./testing/papermill.json", import.meta.url), "utf8")) as [
  language: string,
  parameters: string,
  code: string,
][];

/** The cell that is put in where a notebook has none of its own. */
function injected(language: string, parameters: Record<string, unknown>, declared?: string): string {
  const tags = ["parameters"];
  const cell: Cell = {
    cell_type: "code",
    execution_count: null,
    metadata: { tags },
    outputs: [],
    source: declared ?? "",
  };
  const notebook: Notebook = {
    cells: declared === undefined ? [] : [cell],
    metadata: {},
    nbformat: 4,
    nbformat_minor: 4,
  };
  applyParameters(notebook, language, { parameters }, "x.ipynb");
  return [notebook.cells.at(-1)?.source ?? []].flat().join("");
}

it.each(cases)("%s as papermill writes it: %s", (language, parameters, code) => {
  const values = asWritten(parseJsonText(parameters)) as Map<string, unknown>;
  expect(`${injected(language, Object.fromEntries(values))}\n`).toBe(code);
});

describe("what papermill's translators get wrong is right", () => {
  it.each([
    // A `$` puts in the value of a name in Julia; `\$` is an error in R and in Scala.
    ["julia", "cost: $x $(rm)", '"cost: \\$x \\$(rm)"'],
    ["R", "cost: $x", '"cost: $x"'],
    ["scala", "cost: $x", '"cost: $x"'],
    ["python", "cost: $x {y}", '"cost: $x {y}"'],
    // `\xe9` is a byte in Julia, and nothing in Scala.
    ["julia", "é 日 😀", '"é 日 😀"'],
    ["R", "é 日 😀", '"é 日 😀"'],
    ["scala", "é 日 😀", '"é 日 😀"'],
    ["julia", "\u0001f\u001b", '"\\u0001f\\u001b"'],
    ["R", "\u0001f\u001b", '"\\u0001f\\u001b"'],
    ["scala", "\u0001f\b\u0000", '"\\u0001f\\b\\u0000"'],
    ["R", Number.NaN, "NaN"],
    ["R", Number.POSITIVE_INFINITY, "Inf"],
    ["julia", Number.NEGATIVE_INFINITY, "-Inf"],
    ["julia", [Number.NaN], "[NaN]"],
    ["scala", Number.NEGATIVE_INFINITY, "Double.NegativeInfinity"],
    ["scala", Number.NaN, "Double.NaN"],
    ["scala", 12345678901234567890n, 'BigInt("12345678901234567890")'],
    ["scala", -9223372036854775808n, "-9223372036854775808L"],
    ["python", 12345678901234567890n, "12345678901234567890"],
    ["typescript", [Number.NaN, { x: Number.POSITIVE_INFINITY }], '[NaN, { "x": Infinity }]'],
    ["typescript", new Map([["__proto__", 1]]), '{ ["__proto__"]: 1 }'],
  ])("%s: %o", (language, value, literal) => {
    const line = injected(language, { x: value }).split("\n")[1] ?? "";
    expect(line.slice(line.indexOf("=") + 2).replace(/;$/, "")).toBe(literal);
  });
});

it.each([
  [".5", "0.5", "0.5"],
  ["1.", "1.0", "1.0"],
  ["-1.e5", "-1.0e5", "-1.0e5"],
  ["007", "7", "7"],
  ["2147483648", "2147483648", "2147483648L"],
])("the number %s has a spelling that each language reads", (text, julia, scala) => {
  const written = (language: string) => injected(language, { x: new SpelledNumber(text) }).split("\n")[1];
  expect([written("julia"), written("R"), written("scala")]).toEqual([
    `x = ${julia}`,
    `x = ${julia}`,
    `val x = ${scala}`,
  ]);
});

it("names: what a language cannot have as one is refused, what it can is taken", () => {
  expect(injected("R", { "learning.rate": 1 })).toBe("# Parameters\nlearning.rate = 1");
  expect(injected("R", { _x: 1 }, "x <- 2")).toBe("# Parameters\nx = 1");
  expect(injected("scala", { type: 1 })).toBe("// Parameters\nval `type` = 1");
  expect(injected("julia", { α: 1 })).toBe("# Parameters\nα = 1");
  for (const [language, name] of [
    ["R", "___"],
    ["R", ".5x"],
    ["R", "a$b"],
    ["julia", "a.b"],
    ["scala", "_"],
    ["python", "a$b"],
  ] as const) {
    expect(() => injected(language, { [name]: 1 })).toThrow(
      `x.ipynb: "${name}" is not a name that a parameter can have`,
    );
  }
});

it("texts that a language cannot hold are refused by the parameter's name", () => {
  expect(() => injected("R", { x: "a\u0000" })).toThrow(
    'x.ipynb: the parameter "x" holds a character that no text in R can hold (NUL, or half of a surrogate pair)',
  );
  expect(() => injected("R", { x: { "": 1 } })).toThrow(
    'the parameter "x" has an empty key, which no name in R can be',
  );
  expect(() => injected("julia", { x: ["\ud83d"] })).toThrow('the parameter "x" holds half of a surrogate pair');
});

it.each([
  [
    "R",
    'images <- 2500 # how many\nlr = 1e-3\nn = 3L\nname <- "a"\nflag <- TRUE\n.hidden <<- NULL\nxs <- c(1, 2)\nf <- function() {\n  inner <- 1\n}\nx == 3\nf(x) <- 2',
    [
      ["images", "number"],
      ["lr", "number"],
      ["n", "number"],
      ["name", "string"],
      ["flag", "boolean"],
      [".hidden", undefined],
      ["xs", undefined],
      ["f", undefined],
    ],
  ],
  [
    "julia",
    'images::Int = 2500 # how many\nconst lr = 1f-3\nname = "a"\nflag = true\nxs = [1]\nd = Dict("a" => 1)\nx == 3\nf(x) = 2',
    [
      ["images", "number"],
      ["lr", "number"],
      ["name", "string"],
      ["flag", "boolean"],
      ["xs", "list"],
      ["d", "object"],
    ],
  ],
  [
    "scala",
    'val images: Int = 2500 // how many\nvar lr = 1e-3\nval big = 3L\nlazy val name = "a"\nval flag = true\nval xs = Seq(1)\nval d: Map[String, Int] = Map()\nval `type` = 1\ndef f = 2',
    [
      ["images", "number"],
      ["lr", "number"],
      ["big", "number"],
      ["name", "string"],
      ["flag", "boolean"],
      ["xs", "list"],
      ["d", "object"],
      ["type", "number"],
    ],
  ],
])("reads the parameter cell of %s", (name, source, expected) => {
  const declared = parametersOf(source, languageOf(name) as Language);
  expect(declared.map((parameter) => [parameter.name, parameter.kind])).toEqual(expected);
});

it("a parameter is held against its declaration in every language", () => {
  expect(() => injected("R", { epoch: 1 }, "epochs <- 3")).toThrow(
    'x.ipynb: has no parameter "epoch"; did you mean "epochs"? (its parameters: epochs)',
  );
  expect(() => injected("julia", { epochs: "many" }, "epochs = 3")).toThrow(
    'x.ipynb: the parameter "epochs" is a number, got the string "many"',
  );
  expect(injected("julia", { epochs: 4 }, "const epochs = 3")).toBe("# Parameters\nconst epochs = 4");
});

it("mocks of nbmake are written in every language", () => {
  expect(assignment("R", "x", true)).toBe("x = TRUE");
  expect(assignment("scala", "x", null)).toBe("val x = None");
  expect(assignment("octave", "x", 1)).toBeUndefined();
});

it("a cache tells apart what is written differently", () => {
  const texts = ["[1.0]", "[1]", '["1"]', "[NaN]", "[null]", '{"10": 1, "2": 1}', '{"2": 1, "10": 1}'];
  expect(new Set(texts.map((text) => exactText(parseJsonText(text)))).size).toBe(texts.length);
});
