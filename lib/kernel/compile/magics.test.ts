import { expect, it } from "vitest";
import { MagicError } from "./magic-error.ts";
import { helpQuery, translateMagics } from "./magics.ts";

it("leaves TypeScript as it is, also where it looks like a magic", () => {
  for (const code of [
    "const a = 7\n  % 3",
    "const a = 7 *\n%cd",
    "`\n%cd x\n!ls`",
    "/*\n!ls\n*/",
    "const flag = true;\n!flag",
  ]) {
    expect(translateMagics(code).code).toBe(code);
  }
});

it("translates line by line, so that the other lines stay where they are", () => {
  const { code } = translateMagics('const a = 1;\n%cd "data"\n!ls -l | wc\na');
  expect(code.split("\n")).toEqual([
    "const a = 1;",
    'await $convbook.lineMagic("cd", "\\"data\\"");',
    'await $convbook.shell("ls -l | wc");',
    "a",
  ]);
});

it("takes a whole cell for a cell magic", () => {
  const magics = translateMagics("%%writefile -a notes.txt\none\ntwo");
  expect(magics.code).toBe('await $convbook.cellMagic("writefile", "-a notes.txt", "one\\ntwo");');
  expect(magics.opaque).toBe(true);
  expect(translateMagics("%%time\nx")).toMatchObject({ code: "\nx", timed: true, opaque: false });
});

it("times a line: an expression as such, statements as the cell's own", () => {
  const codeOf = (cell: string) => translateMagics(cell).code;
  for (const expression of [
    "f(1)",
    "x = 5",
    "await f()",
    "{ a: 1 }",
    "(() => { f(); g() })()",
    'f("; let") ',
    "letter",
    "import(a)",
  ]) {
    expect(codeOf(`%time ${expression}`)).toBe(`await $convbook.time(async () => (${expression.trim()}));`);
  }
  for (const statements of [
    "let x = 5",
    "const { a } = await f()",
    "function f() { return 1 }",
    "class A {}",
    "type T = 1",
    "for (const a of b) { f(a) }",
    "f(); g()",
  ]) {
    expect(codeOf(`%time ${statements}`)).toBe(`$convbook.startTimer(); ${statements}; $convbook.stopTimer();`);
  }
  expect(codeOf('%time f("//"); // twice')).toBe('await $convbook.time(async () => (f("//")));');
  expect(() => codeOf('%time import "a"')).toThrow(
    "%time cannot time an import: those of a cell are made before all else in it. Begin the cell with %%time instead",
  );
  expect(() => codeOf("%timeit f([\n1, 2])")).toThrow(
    '%timeit times what is in its line, and there is more to come behind "f([". Begin the cell with %%timeit to time all of it',
  );
  expect(codeOf('%time f("(")')).toContain('(f("("))');
  expect(() => codeOf("%time")).toThrow("%time needs something to time behind it in its line; %%time times a cell");
});

it("times a line or a cell over and over, in a function of its own", () => {
  const codeOf = (cell: string) => translateMagics(cell).code;
  expect(codeOf("%timeit f()")).toBe("await $convbook.timeit({}, () => () => (f()));");
  expect(codeOf("%timeit -n 10 -r3 await f(); g()")).toBe(
    'await $convbook.timeit({"loops":10,"runs":3}, () => async () => { await f(); g() });',
  );
  expect(codeOf("\n%%timeit -r 2 let n = 5\n!ls\nf(n) // ?")).toBe(
    '\nawait $convbook.timeit({"runs":2}, () => { let n = 5; return async () => {\nawait $convbook.shell("ls");\nf(n) // ?\n}; });',
  );
  for (const options of ["-o f()", "-n f()", "-r 0 f()"]) {
    expect(() => codeOf(`%timeit ${options}`)).toThrow(
      /^%timeit takes -n LOOPS and -r RUNS, whole numbers from 1, got "-/,
    );
  }
  expect(() => codeOf("%%timeit f()")).toThrow(/^%%timeit needs a cell below its line/);
});

it("knows how much further right than the user wrote it a line stands", () => {
  for (const [cell, marked] of [
    ["%time   f(1)", "f"],
    ["a\n  %time let x = 5", "x"],
    ["%timeit -n 5  f(1)", "f"],
    ["\n%%timeit -n 5  let f\n1", "f"],
    ["%%time\n%time let x", "x"],
  ] as const) {
    const { code, shifted } = translateMagics(cell);
    const [line, by] = [...shifted][0] ?? [0, 0];
    const column = (text: string) => (text.split("\n")[line - 1] ?? "").search(new RegExp(`(?<=[ (])${marked}\\b`));
    expect([cell, column(code)]).toEqual([cell, column(cell) + by]);
  }
});

it("reads how strictly types are taken, for the cell and from there on", () => {
  expect(translateMagics("// @convbook-types: warn\nx")).toMatchObject({ cellTypes: "warn", notebookTypes: undefined });
  expect(translateMagics("%types off\nx")).toMatchObject({ code: ";\nx", cellTypes: undefined, notebookTypes: "off" });
  expect(() => translateMagics("%types loud")).toThrow('%types takes error, warn or off, got "loud"');
});

it("names the magics that there are", () => {
  expect(() => translateMagics("%matplotlib inline")).toThrow(MagicError);
  expect(() => translateMagics("%matplotlib inline")).toThrow(/^There is no magic %matplotlib; there are %%time, /);
});

it("survives a byte order mark, Windows' ends of lines and indentation", () => {
  expect(translateMagics("\uFEFF%types off\r\nx").code).toBe(";\nx");
  expect(translateMagics("\uFEFF%%bash\r\necho 1\r\n").code).toBe(
    'await $convbook.cellMagic("bash", "", "echo 1\\n");',
  );
  expect(translateMagics("\n  %%bash -x\n echo 1").code).toBe('await $convbook.cellMagic("bash", "-x", " echo 1");');
  expect(translateMagics("  %pwd\n\t!ls").code).toBe(
    'await $convbook.lineMagic("pwd", "");\nawait $convbook.shell("ls");',
  );
  for (const code of ["const a = 7\n  %cd", "if (a) {\n  !b\n}", "f(\n  !b)"]) {
    expect(translateMagics(code).code).toBe(code);
  }
});

it("takes !name for an expression where an earlier cell declared the name", () => {
  expect(translateMagics("!ready").code).toContain("$convbook.shell");
  for (const code of ["!ready", "  !ready && 1", "!ready.done", "%time 1\n!ready"]) {
    expect(translateMagics(code, new Set(["ready"])).code).not.toContain("$convbook.shell");
  }
});

it("reads TypeScript's comment for a file that is not to be checked, before all code", () => {
  expect(translateMagics("/* old */\n// @ts-nocheck\nx = 1").cellTypes).toBe("off");
  expect(translateMagics("x = 1\n// @ts-nocheck").cellTypes).toBeUndefined();
});

it("says what to do with a shebang line, and takes ?name for help", () => {
  expect(() => translateMagics("#!/bin/bash\nls")).toThrow(
    /^A cell cannot begin with a line of "#!": .*%%bash in its place$/,
  );
  for (const code of ["name?", "?name", "??name", " name?? ", "\uFEFF?name;"]) {
    expect(helpQuery(code)).toBe("name");
  }
  expect(helpQuery("a ? b : c")).toBeUndefined();
});

it("leaves magics that a module may have brought to the run", () => {
  const { code, extends: loads } = translateMagics("%load_ext ./mine.ts\n%mine a");
  expect(loads).toBe(true);
  expect(code.split("\n")[1]).toBe('await $convbook.lineMagic("mine", "a");');
  expect(translateMagics("%mine a", new Set(), true).code).toBe('await $convbook.lineMagic("mine", "a");');
  expect(() => translateMagics("%load_ext tensorboard\n%mine a")).toThrow(/^There is no magic %mine/);
});
