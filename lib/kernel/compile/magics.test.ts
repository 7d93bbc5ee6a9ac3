import { expect, it } from "vitest";
import { MagicError, translateMagics } from "./magics.ts";

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

it("reads how strictly types are taken, for the cell and from there on", () => {
  expect(translateMagics("// @convbook-types: warn\nx")).toMatchObject({ cellTypes: "warn", notebookTypes: undefined });
  expect(translateMagics("%types off\nx")).toMatchObject({ code: ";\nx", cellTypes: undefined, notebookTypes: "off" });
  expect(() => translateMagics("%types loud")).toThrow('%types takes error, warn or off, got "loud"');
});

it("names the magics that there are", () => {
  expect(() => translateMagics("%matplotlib inline")).toThrow(MagicError);
  expect(() => translateMagics("%matplotlib inline")).toThrow(/^There is no magic %matplotlib; there are %%time, /);
});
