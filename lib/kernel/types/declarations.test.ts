import { expect, it } from "vitest";
import { cellNames, typeDeclarations } from "./declarations.ts";

it("finds the declarations of types at the top level only", () => {
  const source =
    'type A = { type: string };\ninterface B { c: "class D" }\nabstract class E { f() { class G {} } }\nenum H { i }\nexport type J<T> = T; // type K = 1\nconst s = `type L = 1`;\nfunction m() { interface N {} }\nnamespace O { export type P = 1 }';
  expect(typeDeclarations(source).map(([, name]) => name)).toEqual(["A", "B", "E", "H", "J", "O"]);
});

it("tells variables, values and types apart, imports included", () => {
  const source =
    'import type Def, { T1 as T2 } from "a";\nimport { type T3, value } from "b";\nlet x = 1;\nconst y = 2;\nclass C {}\ninterface I {}';
  expect(cellNames(source, ["value", "x", "y", "C"], ["x"])).toEqual({
    variables: ["x"],
    values: ["value", "y", "C"],
    types: ["I", "T2", "Def", "T3"],
  });
});
