import { expect, it } from "vitest";
import { helpQuery, MagicError, translateMagics } from "./magics.ts";

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
