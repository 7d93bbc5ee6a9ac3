/** Plain JavaScript in cells, and what other kernels' and prompts' users type. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, type Result, resultOf, streamOf } from "./harness.ts";

describe.runIf(pythonHas("jupyter_client"))("plain JavaScript", () => {
  let kernel: KernelUnderTest;
  beforeAll(async () => {
    kernel = await KernelUnderTest.start();
  });
  afterAll(() => kernel.close());
  const value = async (code: string) => resultOf(await kernel.execute(code));
  const refused = (result: Result) => result.reply.content.evalue as string;

  const person = 'function Person(name) { this.name = name }\nimplicit = new Person("a");\nimplicit.name';

  it("is checked as TypeScript, strictly", async () => {
    expect(refused(await kernel.execute(person))).toMatch(/^TS2683: 'this' implicitly has type 'any'/);
  });

  it("runs where a cell is not checked, with globals that nobody declared", async () => {
    expect(await value(`// @ts-nocheck\n${person}`)).toBe("'a'");
    expect(await value("// @ts-nocheck\nimplicit.name + 1")).toBe("'a1'");
    expect(refused(await kernel.execute("another = 5"))).toMatch(/^TS2304: Cannot find name 'another'/);
  });

  it("runs where a notebook is not checked", async () => {
    await kernel.execute("%types off");
    expect(await value("x = 5;\n(function () { return this })() === globalThis")).toBe("true");
    expect(await value("x + 1")).toBe("6");
    await kernel.execute("%types error");
  });

  it("shows an object literal, as Node's prompt does, and runs a block", async () => {
    expect(await value("{ a: 1, b: 2 }")).toBe("{ a: 1, b: 2 }");
    expect(await value("{ a: 1 }\n")).toBe("{ a: 1 }");
    expect(refused(await kernel.execute("{ a: missing }"))).toMatch(/^TS2304: .*:1:6\)$/);
    expect(streamOf(await kernel.execute("{ const a = 1; console.log(a) }"))).toBe("1\n");
  });

  it("takes !name for a negation where the name is declared", async () => {
    await kernel.execute("const ready = true;");
    expect(await value("!ready")).toBe("false");
    expect(streamOf(await kernel.execute("!echo ready"))).toBe("ready\n");
  });

  it("refuses a shebang line with what to do", async () => {
    expect(refused(await kernel.execute("#!/usr/bin/env node\nconsole.log(1)"))).toMatch(
      /^A cell cannot begin with a line of "#!": delete it where the cell is TypeScript; for a script of the shell write %%bash in its place$/,
    );
  });
});
