import { expect, test } from "vitest";
import { enclosed } from "./enclose.ts";
import { declaredNames, importedPackages, lastingNames, sets } from "./names.ts";

test("a cell of tests becomes a function that gets what it uses, and gives the value of its last expression", () => {
  const source = 'import { equal } from "node:assert";\nlet n = 1;\nequal(near(n, Math.abs(-1)), true);\nn + 1;';
  expect(enclosed(source, ["near", "far"], ["more(1)"])).toBe(
    [
      "// @ts-nocheck",
      'import { equal } from "node:assert";; await (async (near, equal, Math) => { "use strict";                                     ',
      "let n = 1;",
      "equal(near(n, Math.abs(-1)), true);",
      "return (n + 1",
      ");",
      "})(near, equal, $classroomGlobals.Math);",
    ].join("\n"),
  );
});

test("it is left as it is where a later cell needs its names, where it exports, and where it is no TypeScript", () => {
  for (const [source, later] of [
    ["const table = [1];", "table.length"],
    ["export const a = 1;", ""],
    ["%time f()", ""],
  ] as const) {
    expect(enclosed(source, [], [later])).toBe(source);
  }
  expect(enclosed("const table = [1];", [], ["other.table"])).not.toBe("const table = [1];");
});

test("names that last are those of functions, classes, constants and imports", () => {
  const source =
    'import a, { b as c, type T } from "x";\nimport type { D } from "y";\nimport * as e from "z";\nexport async function f() {}\nclass G {}\nconst h = 1, i = 2;\nconst { j, k: l } = o;\nlet m = 1;\n// const n = 1\nif (x) { const p = 1; }';
  expect(lastingNames(source).sort()).toEqual(["G", "a", "c", "e", "f", "h", "j", "l"]);
  expect(declaredNames(source)).toContain("m");
  expect([sets("model = make();", "model"), sets("if (model == 1) {}", "model"), sets("a.model = 1", "model")]).toEqual(
    [true, false, false],
  );
});

test("packages are named that a cell imports values of", () => {
  const source =
    'import a, { b } from "x";\nimport * as c from "@y/z/part";\nimport type { D } from "t";\nimport fs from "node:fs";\nimport path from "path";\nimport { e } from "./own.ts";';
  expect(importedPackages(source)).toEqual(["x", "@y/z/part"]);
});
