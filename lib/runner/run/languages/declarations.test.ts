/** Every way to declare a name counts as a parameter, and what only looks like one does not. */
import { expect, test } from "vitest";
import { parametersOf } from "../parameter-cell.ts";
import { type Language, languageOf } from "./index.ts";

const declared = (language: string, source: string) =>
  parametersOf(source, languageOf(language) as Language).map(
    ({ name, kind, constant }) => `${constant ? "const " : ""}${name}${kind === undefined ? "" : `: ${kind}`}`,
  );

test.each([
  [
    "without a value",
    "let foo: any;\nlet bar;\nvar n: number\nlet s!: string;",
    ["foo", "bar", "n: number", "s: string"],
  ],
  [
    "several in one",
    "var v=1, w='x';\nlet a: number = 1,\n    b = [2, 3],\n    c;",
    ["v: number", "w: string", "a: number", "b: list", "c"],
  ],
  [
    "an object taken apart",
    "const {a, b: c, d = 1, ...rest} = {a: 1, b: 2, d: 3};",
    ["const a", "const c", "const d", "const rest"],
  ],
  ["a list taken apart", "let [p, , [q = 2], ...r] = [1, 2, [3]];", ["p", "q", "r"]],
  [
    "patterns with types, and others beside them",
    "const {a, b}: {a: number; b: string} = o, n = 2;\nlet [x]: [number] = [1], y = 2",
    ["const a", "const b", "const n: number", "x", "y: number"],
  ],
  [
    "a pattern over several lines",
    "const {\n  a, // one\n  b: { c },\n} = {\n  a: 1, b: { c: 2 },\n};",
    ["const a", "const c"],
  ],
  [
    "exported and declared",
    "export let x = 1;\nexport const y: number = 2;\ndeclare let z: string;",
    ["x: number", "const y: number", "z: string"],
  ],
  [
    "assigned alone, as plain JavaScript has it",
    "x = 5\ny = 'a';\nz == 1\nf(k = 3)\nz += 1",
    ["x: number", "y: string"],
  ],
  [
    "values over several lines",
    "let a = [\n  1,\n  2,\n];\nconst b = `x\nlet no = 1;\n`;\nlet c =\n  { d: 1, e: 2 };",
    ["a: list", "const b: string", "c: object"],
  ],
  [
    "expressions that go on",
    "let a = 1 +\n  2, b = f\n  .g(1), c = x\n  ? 1\n  : 2\nlet d = 3",
    ["a", "b", "c", "d: number"],
  ],
  [
    "types with commas and equals signs",
    "let f: (a: number, b: string) => void = (a, b) => {}, m = new Map<string, number>(), t: Map<string, number> = m, u = 1",
    ["f", "m", "t", "u: number"],
  ],
  [
    "types over several lines",
    "let a:\n  | 'x'\n  | 'y' = 'x';\nlet b: {\n  c: number;\n} = { c: 1 };",
    ["a: string", "b: object"],
  ],
  [
    "without semicolons",
    "let a = 1\nlet b = 'x'\nconst c = a < b, d = true",
    ["a: number", "b: string", "const c", "const d: boolean"],
  ],
  ["several on a line", "let a = 1; let b = 2; const c = 3", ["a: number", "b: number", "const c: number"]],
  ["indented", "  let a = 1;", ["a: number"]],
  ["lines that end with CR LF", "let a = 1;\r\nlet b = 'x';\r\n", ["a: number", "b: string"]],
  [
    "texts, comments and expressions that look otherwise",
    "// let no = 1\n/* let no = 1 */\nlet a = 'let no = 1', b = /[\"'/]let no = {/, c = \"//\"; // let no = 1\nlet d = 4 / 2, e = 1 / 2",
    ["a: string", "b", "c: string", "d", "e"],
  ],
  [
    "inside of blocks it is no parameter",
    "{ let no = 1 }\nfor (let i = 0; i < 3; i++) { const no = i }\nfunction f(a = 1) { let no; no = 2 }\nconst enum E { A = 1 }\nclass C { x = 1 }\nlet yes = 1",
    ["yes: number"],
  ],
  [
    "names beyond ASCII",
    "let größe = 1, $x = 2, _y = 3, 日本 = 4",
    ["größe: number", "$x: number", "_y: number", "日本: number"],
  ],
  [
    "types that say several things, or nothing",
    "let a: string | number = 1;\nlet b: any = 1;\nlet c: Id = 'x';\nlet d: string | undefined = undefined;\nlet e: number[] | null = null;\nlet f: 1 | 2 = 1;\nlet g: string | string[] = [];",
    ["a", "b", "c", "d: string", "e: list", "f: number", "g"],
  ],
])("TypeScript: %s", (_, source, expected) => {
  expect(declared("typescript", source)).toEqual(expected);
});

test.each([
  ["without a value", "foo: int\nbar: str  # what\n", ["foo: number", "bar: string"]],
  [
    "several in one",
    "a = b = 1\nc, d = 2, 'x'\n(e, f) = [g, *h] = 1, 2",
    ["a: number", "b: number", "c: number", "d: string", "e: number", "f: number", "g", "h"],
  ],
  ["several on a line", "a = 1; b = 'x'", ["a: number", "b: string"]],
  [
    "values over several lines",
    "a = {\n  'x': 1,\n}\nb = [1,\n2]\nc = '''\nno = 1\n'''\nd = \\\n  4\ne = (1,\n no)",
    ["a: object", "b: list", "c: string", "d: number", "e: list"],
  ],
  ["texts and comments", "# no = 1\na = '# x'  # y\nb = \"a; no = 2\"", ["a: string", "b: string"]],
  [
    "what is none",
    "x == 1\nprint(no=1)\nno[0] = 1\nno.a = 2\nno += 1\nif True:\n    no = 1\ndef f(no=1): pass\nassert x <= 2\nyes = x == 1",
    ["yes"],
  ],
  [
    "types that say several things, or nothing",
    "a: int | None = None\nb: Optional[str] = 'x'\nc: Union[int, str] = 1\nd: Any = 1\ne: Dict[str, int] = {}\nf: Optional[List[int]] = None\ng: int | str = 1",
    ["a: number", "b: string", "c", "d", "e: object", "f: list", "g"],
  ],
  ["lines that end with CR LF", "a = 1\r\nb = 'x'\r\n", ["a: number", "b: string"]],
])("Python: %s", (_, source, expected) => {
  expect(declared("python", source)).toEqual(expected);
});

test.each([
  [
    "R",
    "a <- b <- 1\nc = 'x'; d <- TRUE\n5 -> e\n  f <- 2\n'no = 1'\ng <- \"a\nno <- 1\"\nx[1] <- 2\nh <-\n  3",
    ["a: number", "b: number", "c: string", "d: boolean", "e: number", "f: number", "g: string", "h"],
  ],
  [
    "julia",
    "a = b = 1\nc, d = 2, \"x\"\n(e, f) = (3, 4)\n(; g, h) = nt\nconst i, j = 1, 2\nglobal k = 1; l = 'c'\nf(no) = 2\nno[1] = 2\nm = x'\n#= no = 1\nno = 2 =#\nn = [1,\n 2]",
    [
      "a: number",
      "b: number",
      "c: number",
      "d: string",
      "e: number",
      "f: number",
      "g",
      "h",
      "const i: number",
      "const j: number",
      "k: number",
      "l",
      "m",
      "n: list",
    ],
  ],
  [
    "scala",
    "val a, b = 1\nval (c, d) = (2, \"x\")\nvar e: Int = _\nval Array(f, g) = xs\nval h = 1; val i = 'c'\nval j: Int => Int = x => x\nval k = Seq(\n  1)\nno = 1\n/* val no = 1 */\nfinal val l: Double = 1",
    ["a", "b", "c: number", "d: string", "e: number", "f", "g", "h: number", "i", "j", "k: list", "l: number"],
  ],
])("%s", (language, source, expected) => {
  expect(declared(language, source)).toEqual(expected);
});
