import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseTypeScript, practice } from "../compile/parse-typescript.ts";
import { Preparer } from "../supervisor/prepare.ts";
import { complete } from "./complete.ts";
import { memberAt } from "./member.ts";
import { partFor } from "./part.ts";

/** The part of a cell whose cursor is where the bar is, each piece without blanks around it. */
async function partOf(marked: string): Promise<string | undefined> {
  const offset = marked.indexOf("|");
  const member = memberAt(marked.replace("|", ""), offset);
  const cell = member && (await parseTypeScript(member.source));
  const part = member && cell && partFor(cell.program, member);
  if (part !== undefined) {
    expect(part.source.slice(part.offset - 1, part.offset + 1)).toBe("._");
  }
  return part?.source
    .split("\n;")
    .map((piece) => piece.trim())
    .join(" | ");
}

it("the parser practises on what it can read", async () => {
  expect((await parseTypeScript(practice))?.program.body.map(({ type }) => type)).toEqual([
    "TSInterfaceDeclaration",
    "TSTypeAliasDeclaration",
    "TSEnumDeclaration",
    "ClassDeclaration",
    "VariableDeclaration",
    "ForOfStatement",
  ]);
});

describe("the part of a cell that the checker is shown for a member", () => {
  it.each([
    ["a name of other cells", "const n = 5; Math.sq|rt(n)", "Math._"],
    ["a member's member", "n(); a.b.c.|", "a.b.c._"],
    ["in an operand", "await a.|", "a._"],
    ["an argument of a call", "const n = 1; f(n, { k: [a.|] })", "a._"],
    ["what is called", "n(); f().|", "f()._"],
    ["an element", "n(); a[0].|", "a[0]._"],
    ["an optional chain", "n(); a?.b.|", "a?.b._"],
    ["its declaration", "const n = 1; const a = f(); a.|", "const a = f(); | a._"],
    [
      "what its declaration mentions",
      "const b = 1; const n = 2; const a = b; a.|",
      "const b = 1; | const a = b; | a._",
    ],
    ["a declaration further below", "const n = 1; f(a.|); var a = 1", "a._ | var a = 1"],
    ["a function that is hoisted", "n(); g().|; function g() { return 1 }", "g()._; | function g() { return 1 }"],
    ["without semicolons", "const n = 1\nconst a = [1]\na.|\nn", "const a = [1] | a._"],
    ["an assignment", "let a; n(); a = 1; a.|", "let a; | a = 1; | a._"],
    ["an assignment within a declaration", "let a; const n = (a = 1); a.|", "let a; | const n = (a = 1); | a._"],
    [
      "a method that may change its type",
      "const a = []; const n = a.push(1); a.|",
      "const a = []; | const n = a.push(1); | a._",
    ],
    ["an assertion", "const a = b(); is(a); n(); a.|", "const a = b(); | is(a); | a._"],
    ["a narrowing statement", "let a = b(); if (!a) throw c; a.|", "let a = b(); | if (!a) throw c; | a._"],
    ["a global that a statement narrows", "if (!p.q) throw c; n(); p.q.|", "if (!p.q) throw c; | p.q._"],
    ["a global that is only read", "const n = p.r; p.q.|", "p.q._"],
    ["a function's added property", "function f() {} n(); f.g = 1; f.|", "function f() {} | f.g = 1; | f._"],
    [
      "a type",
      "type T = { a: U }; type U = 1; type V = 2; let a: T; a.|",
      "type T = { a: U }; | type U = 1; | let a: T; | a._",
    ],
    [
      "an interface in two places",
      "interface T { a: 1 } n(); interface T { b: 1 } let a: T; a.|",
      "interface T { a: 1 } | interface T { b: 1 } | let a: T; | a._",
    ],
    ["an enum", "enum E { A } n(); E.|", "enum E { A } | E._"],
    ["imports, whatever they are of", 'import "./adds-to-a"; n(); a.|', 'import "./adds-to-a"; | a._'],
    ["a module's required declarations", 'require("./adds-to-a"); n(); a.|', 'require("./adds-to-a"); | a._'],
    [
      "what is declared for everybody",
      "declare global { interface A { b: 1 } } n(); a.|",
      "declare global { interface A { b: 1 } } | a._",
    ],
    ["a parameter", "n(); function f(a = 1) { return a.| }", "function f(a = 1) { return a._ }"],
    ["a condition on another name", "const k = a.b === 1; if (k) { a.| }", "const k = a.b === 1; | if (k) { a._ }"],
    [
      "a condition on a name of the cell",
      "const a = b(); const k = a.b === 1; if (k) { a.| }",
      "const a = b(); | const k = a.b === 1; | if (k) { a._ }",
    ],
    [
      "a function after an assignment",
      'let a: A; a = ""; const f = () => a.|',
      'let a: A; | a = ""; | const f = () => a._',
    ],
    ["a class", "n(); class B { #c = 1; d() { a.| } }", "class B { #c = 1; d() { a._ } }"],
    ["a name that is assigned to itself", "let a = 1; a = a.|", "let a = 1; | a = a._"],
    ["a type's member", "n(); let x: a.|", "let x: a._"],
    ["this", "n(); this.|", "this._"],
    ["a directive for the checker", '/// <reference lib="dom" />\na.|', undefined],
    ["no cell", "const (; a.|", undefined],
  ])("of %s", async (_, marked, expected) => {
    expect(await partOf(marked)).toBe(expected);
  });
});

describe("what is offered for the part is what is offered for the cell", () => {
  const folder = mkdtempSync(join(tmpdir(), "part-"));
  const preparer = new Preparer(folder);
  // A language service of its own, which has never seen a part.
  const other = new Preparer(folder);
  afterAll(() => {
    preparer.close();
    other.close();
    rmSync(folder, { recursive: true });
  });

  it.each([
    "const n = 1; const m = new Map<string, number>(); console.log(n, m.¦)",
    "let x: string | number = Math.random(); const n = 1; x = 'a'; x.¦",
    "let x: string | number = 'a'; function f() { x.¦ } x = 1; f()",
    "const either = (): { k: 'a'; left: 1 } | { k: 'b'; right: 2 } => JSON.parse('');\nconst it = either(); const isA = it.k === 'a'; if (isA) { it.¦ }",
    "const either = (): { k: 'a'; left: 1 } | { k: 'b'; right: 2 } => JSON.parse('');\nconst it = either(); if (it.k === 'a') throw 1; const n = 1; it.¦",
    "function check(v: unknown): asserts v is { checked: 1 } {} const v: unknown = 1; check(v); const n = 2; v.¦",
    "const list = []; const count = list.push({ a: 1 }); list[0].¦",
    "class A { #p = 1; q = 2; m(o: A) { o.¦ } } const n = 1;",
    "class A { q = 2 } class B extends A { r = 3 } const b = new B(); const n = 1; b.¦",
    "namespace N { export const a = 1 } const n = 1; namespace N { export const b = 2 } N.¦",
    "function f() {} f.added = 1; const n = 1; f.¦",
    "const { a, ...rest } = { a: 1, b: 2, c: 3 }; const n = a; rest.¦",
    "const deep = { one: { two: { three: 3 } } }; const { one } = deep; const n = 1; one.two.¦",
    "import * as path from 'node:path'; const n = 1; path.posix.jo¦",
    "const n = 1; for (const [key, value] of new Map([['a', { b: 1 }]])) { value.¦ }",
    "const n = 1; try { n } catch (error) { if (error instanceof RangeError) { error.¦ } }",
    "const n = 1; const f = async () => ({ late: 1 }); (await f()).¦",
    "const f = async () => ({ late: 1 }); const n = 1; const got = await f(); got.¦",
    "enum Colour { Red, Green } const n = 1; Colour.¦",
    "const generic = <T,>(value: T) => ({ value }); const n = 1; generic({ inner: 1 }).value.¦",
    "type Keys = { [K in 'a' | 'b']: number }; const n = 1; let keys: Keys; keys!.¦",
    "const late = () => made; const n = 1; const made = { a: 1 }; late().¦",
    "var v = 1; var v: number; const n = 1; v.toF¦",
    "let a: { x: 1 } | { y: 2 } = { x: 1 }; label: for (;;) { a = { y: 2 }; break label } const n = 1; a.¦",
    "const n = 1; [1, 2].map((one) => ({ one })).filter((two) => two.¦)",
    "using(1); function using(x: number) { return x } const n = 1; process.std¦",
    "const o = { get a() { return { b: 1 } }, ['c']: 2 }; const n = 1; o.a.¦",
    "let u = Math.random() > 1 ? { a: 1 } : undefined; const n = 1; u &&= { a: 2 }; u?.¦",
    "let u = Math.random() > 1 ? { a: 1 } : undefined; const n = (u = { a: 2 }); u.¦",
    "export const shared = { a: 1 }; export default shared; const n = 1; shared.¦",
  ])("%s", async (marked) => {
    const cursor = marked.indexOf("¦");
    const code = marked.replace("¦", "");
    const ask = (whole: boolean) =>
      complete(
        code,
        cursor,
        async (text) => {
          const cell = await preparer.describe(text);
          expect(cell.program).toBeDefined();
          return whole ? { ...cell, program: undefined } : cell;
        },
        (whole ? other : preparer).types,
      );
    const part = await ask(false);
    expect(part.matches).not.toEqual([]);
    expect(part).toEqual(await ask(true));
  });
});
