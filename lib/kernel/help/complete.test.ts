import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Preparer } from "../supervisor/prepare.ts";
import { LspClient } from "../types/lsp-client.ts";
import { complete } from "./complete.ts";

const folder = mkdtempSync(join(tmpdir(), "complete-"));
const preparer = new Preparer(folder);
const describeCell = (code: string) => preparer.describe(code);
const { notify } = LspClient.prototype;
/** How often the checker was shown another text. */
let changes = 0;
LspClient.prototype.notify = function (method, params) {
  changes += method === "textDocument/didChange" ? 1 : 0;
  notify.call(this, method, params);
};
afterAll(() => {
  LspClient.prototype.notify = notify;
  preparer.close();
  rmSync(folder, { recursive: true });
});

/** The cursor is where the bar is. */
async function completions(marked: string): Promise<string[]> {
  const cursor = marked.indexOf("|");
  const code = marked.replace("|", "");
  const reply = await complete(code, cursor, describeCell, preparer.types);
  return reply.matches as string[];
}

async function declare(code: string): Promise<void> {
  (await preparer.prepare(code, "In [1]")).declare();
}

describe("a member of what the cell declares", () => {
  it.each([
    ["new Map()", "s", ["set", "size"]],
    ["new Map<string, number>()", "s", ["set", "size"]],
    ["[1, 2]", "fla", ["flat", "flatMap"]],
    ["{ width: 1, [`height`]: 2 }", "", ["height", "width"]],
  ])(
    "is completed without showing the checker another text when the rest of the cell changes: %s",
    async (value, typed, expected) => {
      const cell = (i: number) =>
        `const n: number = ${i};\nlet k${i} = "${i}"; const value = ${value}\nfunction f${i}() { return k${i} + n }\nfor (const a of [${i}]) { f${i}() }\nconst last${i} = [n, value.${typed}|];\nf${i}()`;
      await completions(cell(0));
      changes = 0;
      for (let i = 1; i < 6; i++) {
        expect(await completions(cell(i))).toEqual(expected);
      }
      expect(changes).toBe(0);
    },
  );

  it("follows each change of what it is declared by", async () => {
    const cell = (first: string, second: string) =>
      `const first = ${first}; const n = 1; const second = ${second}; n; second.|`;
    expect(await completions(cell("{ a: 1 }", "{ b: first }"))).toEqual(["b"]);
    expect(await completions(cell("{ a: 1 }", "first"))).toEqual(["a"]);
    expect(await completions(cell("{ a: 1, c: 2 }", "first"))).toEqual(["a", "c"]);
    expect(await completions(cell("{ a: 1, c: 2 }; interface Two { d: 1 }", "first as unknown as Two"))).toEqual(["d"]);
  });
});

describe("a member of what the cell does not mention elsewhere", () => {
  it("is completed without showing the checker another text when the rest of the cell changes", async () => {
    await completions("Math.|");
    changes = 0;
    for (let i = 0; i < 5; i++) {
      expect(await completions(`const n = ${i}; Math.s|`)).toEqual(["sign", "sin", "sinh", "sqrt"]);
      expect(await completions(`for (let k = 0; k !== ${i}; k++) { console.log(k, Math.ta|) }\nn${i}()`)).toEqual([
        "tan",
        "tanh",
      ]);
    }
    expect(changes).toBe(0);
  });

  it("is completed from what an earlier cell declared", async () => {
    await declare("const settings = { size: { width: 1, height: 2 }, title: 'a' };");
    expect(await completions("const other = 1; settings.|")).toEqual(["size", "title"]);
    expect(await completions("console.log(settings.size.|, 1)")).toEqual(["height", "width"]);
  });
});

describe("a member on which the cell has a bearing", () => {
  it.each([
    ["a name of its own", 'const Math = { own: "" }; Math.|', ["own"]],
    ["a parameter", "function area(shape = { side: 1 }) { return shape.| }", ["side"]],
    [
      "a narrowed name",
      'const either = () => ({}) as { a: 1 } | { b: 2 };\nconst it = either(); if ("a" in it) it.|',
      ["a"],
    ],
    [
      "a class that adds to it",
      "class Box { #inner = 1; grow() { this.#inner; other.| } } const other = { a: 1 }",
      ["a"],
    ],
    ["a call", '"a,b".split(",").map(Number).len|', ["length"]],
    ["an index", "[{ deep: 1 }][0].|", ["deep"]],
    ["an optional name", "const maybe = Math.random() > 2 ? { side: 1 } : undefined; maybe?.|", ["side"]],
    ["its arguments", "function f() { return arguments.le| }", ["length"]],
  ])("is completed from the whole cell: %s", async (_, marked, expected) => {
    const cut = marked.lastIndexOf("|");
    const code = marked.slice(0, cut) + marked.slice(cut + 1);
    const reply = await complete(code, cut, describeCell, preparer.types);
    expect(reply.matches).toEqual(expected);
  });

  it("is narrowed where the cell narrows what an earlier one declared", async () => {
    await declare("let found: { kind: 'a'; left: number } | { kind: 'b'; right: number } = JSON.parse('{}');");
    expect(await completions("found.|")).toEqual(["kind"]);
    expect(await completions('if (found.kind === "a") { found.| }')).toEqual(["kind", "left"]);
  });

  it("is a type where a type is meant", async () => {
    await declare("namespace shapes { export interface Round { r: number } export const unit = 1; }");
    expect(await completions("let one: shapes.|")).toEqual(["Round"]);
    expect(await completions("shapes.|")).toEqual(["unit"]);
  });
});
