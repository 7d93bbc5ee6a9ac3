import vm from "node:vm";
import { expect, it } from "vitest";
import { bindImport } from "../child/bindings.ts";
import { Positions } from "./positions.ts";
import { CellSyntaxError } from "./remove-types.ts";
import { compileCell } from "./transform.ts";

/** Runs a compiled cell on the global object of its own context; returns its result and that object. */
async function run(source: string, globals: Record<string, unknown> = {}) {
  const compiled = await compileCell(source);
  const context = vm.createContext({ ...globals });
  for (const name of compiled.declares) {
    vm.runInContext(`globalThis[${JSON.stringify(name)}] ??= undefined`, context);
  }
  const helper = {
    result: undefined as unknown,
    meta: { url: "file:///notebook.mjs" },
    import: async (specifier: string, _options?: unknown, names: Record<string, string> = {}) => {
      const namespace = { default: `default of ${specifier}`, named: `named of ${specifier}` };
      for (const [local, exported] of Object.entries(names)) {
        bindImport(context, local, namespace, exported, specifier);
      }
      return namespace;
    },
  };
  await (vm.runInContext(compiled.code, context) as (h: typeof helper) => Promise<void>)(helper);
  return { result: helper.result, context, compiled };
}

it("gives the last expression as the result, and nothing for a declaration", async () => {
  expect((await run("const x: number = 20; x + 1")).result).toBe(21);
  expect((await run("const x = 20;")).result).toBeUndefined();
  expect((await run("5;;")).result).toBe(5);
  expect((await run('"a directive is a value"')).result).toBe("a directive is a value");
});

it("gives a constant that has no effect as the result", async () => {
  const cells: [string, unknown][] = [
    ["NaN", Number.NaN],
    ["(-Infinity) // the least", Number.NEGATIVE_INFINITY],
    ["5; Infinity as number;", Number.POSITIVE_INFINITY],
    ["const x = 4\nNaN /* nothing */", Number.NaN],
    ["5; undefined", undefined],
    ["5; void 0;", undefined],
    ["const o = { NaN: 6 }; o.NaN", 6],
    ["3; type Maybe = number | undefined", 3],
    ["1 / 0", Number.POSITIVE_INFINITY],
    ["NaN + 1", Number.NaN],
    ["!undefined", true],
    ["typeof undefined", "undefined"],
    ["const y = 7; y", 7],
    ["null", null],
    ["/a/.source; true", true],
    ["const label =\nundefined", undefined],
  ];
  for (const [cell, expected] of cells) {
    expect([cell, (await run(cell)).result]).toEqual([cell, expected]);
  }
  await expect(run("NaN)")).rejects.toMatchObject({ name: "SyntaxError", line: 1, column: 4 });
});

it("makes what the top level declares properties of the global object", async () => {
  const { context, compiled } = await run(
    "let a = 1, b; const { c, d: [e = 5, ...f] } = { c: 2, d: [undefined, 6] }; function g() { return a } class H {} enum I { J = 7 } for (var k = 0; k < 3; k++) {}",
  );
  expect(compiled.declares.toSorted()).toEqual(["H", "I", "a", "b", "c", "e", "f", "g", "k"]);
  // What has a value, undefined at least, before its line: var, functions, and enums, which are var.
  expect(compiled.late.toSorted()).toEqual(["H", "a", "b", "c", "e", "f"]);
  expect(compiled.mutable).toEqual(expect.arrayContaining(["a", "b", "k"]));
  expect(compiled.mutable).not.toContain("c");
  expect([context.a, context.b, context.c, context.e, context.f, context.g(), context.I.J, context.k]).toEqual([
    1,
    undefined,
    2,
    5,
    [6],
    1,
    7,
    3,
  ]);
});

it("calls functions before the line that declares them", async () => {
  expect((await run("const early = twice(4);\nfunction twice(n: number) { return 2 * n }\nearly")).result).toBe(8);
});

it("turns imports into calls, and drops those of types", async () => {
  const { context, result } = await run(
    'import def, { named, named as other } from "pkg";\nimport * as all from "space";\nimport type { Gone } from "types";\nconst late = await import("late");\n[def, named, other, all.named, late.default, import.meta.url]',
  );
  expect(result).toEqual([
    "default of pkg",
    "named of pkg",
    "named of pkg",
    "named of space",
    "default of late",
    "file:///notebook.mjs",
  ]);
  expect(context).not.toHaveProperty("Gone");
});

it("keeps a name of Node's to the cells, so that packages find theirs", async () => {
  const { compiled } = await run("1");
  expect(compiled.shadows).toEqual([]);
  const shadows: Record<string, unknown> = {};
  const cells = ["const process = { mine: 1 }; process.mine", "process.mine + 1", "typeof setTimeout"];
  const results: unknown[] = [];
  const shadowed = new Set<string>();
  for (const cell of cells) {
    const { code, shadows: names } = await compileCell(cell, {}, shadowed);
    const helper = { result: undefined as unknown, shadows, shadow: (name: string) => shadows[name] };
    await (vm.runInThisContext(code) as (h: typeof helper) => Promise<void>)(helper);
    results.push(helper.result);
    for (const name of names) {
      shadowed.add(name);
    }
  }
  expect(results).toEqual([1, 2, "function"]);
  expect([...shadowed]).toEqual(["process"]);
  expect(process.pid).toBeGreaterThan(0);
});

it("starts an enum afresh when its cell runs again", async () => {
  const first = await run("enum E { old = 1 }");
  const again = await run("enum E { fresh = 2 }", { E: first.context.E });
  expect(Object.keys(again.context.E)).toEqual(["2", "fresh"]);
});

it.each([
  ["through esbuild's output", "interface Shape {\n  size: number;\n}\nconst shape: Shape = { size: 1 };", "s: Shape"],
  ["where the cell is JavaScript", "// a shape\n\n\nconst shape = { size: 1 };", "s"],
])("finds positions both ways, %s and its own changes", async (_, head, parameter) => {
  const source = `${head}\nfunction fail(${parameter}) {\n  throw new Error(String(s.size));\n}\nfail(shape);`;
  const compiled = await compileCell(source);
  expect(compiled.map === "").toBe(parameter === "s");
  const positions = new Positions(compiled);
  const lines = source.split("\n");
  for (const text of ["{ size: 1 }", "throw new Error", "fail(shape)"]) {
    const line = lines.findIndex((one) => one.includes(text)) + 1;
    const generated = positions.generated(line);
    const code = compiled.code.split("\n")[(generated?.line ?? 0) - 1]?.slice((generated?.column ?? 0) - 1);
    expect(code).toContain(text);
    expect(positions.original(generated?.line ?? 0, generated?.column ?? 0)?.line).toBe(line);
  }
});

it("leaves to esbuild what TypeScript reads differently or Node 20 does not run", async () => {
  const cells = [
    "f<number>(1)",
    "f<() => void>(g)",
    "if (1 < 2) f<T>(x => x)",
    "@seal class C {}",
    "using x = make()",
    'import d from "./d.json" with { type: "json" }',
  ];
  for (const cell of cells) {
    expect((await compileCell(cell)).map).not.toBe("");
  }
  expect((await compileCell("for (let i = 0; i < 3; i++) [i].map((n) => n << 1)")).map).toBe("");
  const field = "class C { x = 1 }";
  expect((await compileCell(field)).map).toBe("");
  expect((await compileCell(field, { useDefineForClassFields: false })).map).not.toBe("");
});

it("says where a syntax error is, in UTF-16 units", async () => {
  const error = await compileCell('const s = "😀é"; const = 1').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CellSyntaxError);
  expect(error).toMatchObject({ line: 1, column: 24, message: 'Expected identifier but found "="' });
  const back = await compileCell("const n: number = 1;\nif (n) {\n  return;\n}").catch((thrown: unknown) => thrown);
  expect(back).toMatchObject({ name: "SyntaxError", line: 3, column: 3, message: "'return' outside of function" });
});
