import { expect, it } from "vitest";
import { Scope } from "./scope.ts";
import { type Change, scopeFile } from "./scope-documents.ts";

const value = (source: string, ...values: string[]) => ({ source, names: { variables: [], values, types: [] } });
const first = ".convbook-cell-1.mts";
const textOf = (changes: Change[], file: string) => changes.findLast((change) => change.file === file)?.text ?? "";
/** The modules that a text imports or exports from, in order. */
const modules = (text: string) => [...text.matchAll(/from "([^"]*)"/g)].map((match) => match[1]);

it("puts cells into one document, which imports from the same modules whatever they declare", () => {
  const scope = new Scope();
  const before = scope.begin();
  const one = scope.declare(value("const a = 1;", "a"));
  const two = scope.declare(value("const b = a + 1", "b"));
  expect(two.map(({ file }) => file)).toEqual([first, scopeFile]);
  expect(textOf(two, first)).toContain("const a = 1;\n;\nconst b = a + 1\n;\nexport {a, b};");
  for (const file of [first, scopeFile]) {
    expect(modules(textOf(two, file))).toEqual(modules(textOf(before, file)));
    expect(modules(textOf(one, file))).toEqual(modules(textOf(before, file)));
  }
  expect(scope.prelude({ variables: [], values: ["a"], types: [] })).toContain("import {b} from");
  expect(scope.prelude({ variables: [], values: [], types: [] }, new Set(["a"]))).toContain("import {a} from");
});

it("keeps what an older declaration was made of, in a document of its own, and forgets it with its last user", () => {
  const scope = new Scope();
  scope.begin();
  scope.declare(value("const a = 1;", "a"));
  scope.declare(value("const b = a;", "b"));
  const again = scope.declare(value('const a = "text";', "a"));
  const second = ".convbook-cell-2.mts";
  expect(textOf(again, second)).toContain('const a = "text";');
  expect(textOf(again, scopeFile)).toContain(`export {a as a_convbook1, b as b_convbook1, b} from "./${first}"`);
  expect(textOf(again, scopeFile)).toContain(`export {a as a_convbook2, a} from "./${second}"`);
  // A cell that mentions both finds the newer a where b is not made of it: beside it.
  const third = scope.declare(value("const c = [a, b];", "c"));
  expect(third[0]?.file).toBe(second);
  expect(third[0]?.text).toContain(`import {b_convbook1 as b} from "./${scopeFile}"`);
  scope.declare(value("const c = 0;", "c"));
  const last = scope.declare(value("const b = 0;", "b"));
  expect(textOf(last, first)).not.toContain("const a = 1");
  expect(textOf(scope.reset(), second)).toMatch(/;\nexport \{\};$/);
});

it("rewrites a cell that is run again, and assigns variables across documents", () => {
  const scope = new Scope();
  scope.begin();
  const variable = { source: "let n = 1;", names: { variables: ["n"], values: [], types: [] } };
  scope.declare(variable);
  const again = scope.declare({ ...variable, source: "let n = 2;" });
  expect(textOf(again, first)).not.toContain("n = 1");
  expect(textOf(again, first)).toContain("let n = 2;");
  expect(scope.prelude({ variables: [], values: [], types: [] })).toBe(
    `import {n as $convbook_n} from "./${scopeFile}";declare let n: typeof $convbook_n;`,
  );
});

it("does not put a cell beside one in which its name means something else", () => {
  const scope = new Scope();
  scope.begin();
  scope.declare(value("const reply = fetch;", "reply"));
  expect(scope.declare(value("const fetch = 1;", "fetch"))[0]?.file).not.toBe(first);
});

it("opens a document only after a part of the scope exports from it, and a part after the one before", () => {
  const scope = new Scope();
  const texts = new Map(scope.begin().map(({ file, text }) => [file, text]));
  for (let i = 0; i < 400; i++) {
    for (const { file, text } of scope.declare(value(`const n${i} = 1;`, `n${i}`))) {
      if (!texts.has(file)) {
        expect([...texts.values()].some((known) => known.includes(`from "./${file}"`))).toBe(true);
      }
      texts.set(file, text);
    }
  }
  expect(texts.size).toBeLessThan(40);
});

it("changes no more for a cell of a long session than for one of a short, and finds the names of both", () => {
  const scope = new Scope();
  scope.begin();
  const sizes: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const changes = scope.declare(value(`const n${i} = 1;`, `n${i}`));
    sizes.push(changes.reduce((sum, { text }) => sum + text.length, 0));
  }
  expect(Math.max(...sizes.slice(500))).toBeLessThan(1.5 * Math.max(...sizes.slice(0, 500)));
  const before = scope.declare(value("const early = [n3, n999];", "early"));
  const imports = (text: string) => text.split("\n", 1)[0];
  const prelude = scope.prelude({ variables: [], values: [], types: [] }, ["n3", "n999", "unknown"]);
  expect(prelude).toContain(`import {n3} from "./${scopeFile}";import {} from `);
  expect(prelude).toMatch(/import \{n999\} from ".\/\.convbook-scope-8\.mts";$/);
  expect(imports(before[0]?.text ?? "")).toMatch(
    /^import \{n3_convbook1 as n3\} from .*import \{[^}]*\} from "[^"]*-8\.mts";$/,
  );
  // A name of long ago that is declared again is found where it is now, and only there.
  const again = scope.declare(value("const n3 = 2;", "n3"));
  expect(again.map(({ file }) => file)).toContain(scopeFile);
  expect(textOf(again, scopeFile)).toContain("n3 as n3_convbook1, n4");
  expect(scope.prelude({ variables: [], values: [], types: [] }, ["n3"])).toMatch(
    /import \{n3\} from "[^"]*-8\.mts";$/,
  );
});

it("finds the line in its cell of a line in a document", () => {
  const scope = new Scope();
  scope.begin();
  scope.declare(value("const a = 1;\n// two\nconst b = 2;", "a", "b"));
  const text = textOf(scope.declare(value("\n\nconst c = 3;", "c")), first).split("\n");
  expect(scope.lineInCell(first, text.indexOf("const b = 2;"))).toBe(2);
  expect(scope.lineInCell(first, text.indexOf("const c = 3;"))).toBe(2);
  expect(scope.lineInCell("other.mts", 3)).toBeUndefined();
});
