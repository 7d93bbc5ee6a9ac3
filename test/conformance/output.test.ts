/** Nothing is lost or misplaced: under load, in nbclient, in long texts, and with cells that raise on purpose. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  debianPython,
  KernelUnderTest,
  kernelspecFolder,
  pythonHas,
  type Result,
  resultOf,
  root,
  streamOf,
} from "./harness.ts";

describe.runIf(pythonHas("jupyter_client"))("output", () => {
  let kernel: KernelUnderTest;
  beforeAll(async () => {
    kernel = await KernelUnderTest.start();
  });
  afterAll(() => kernel.close());

  it("keeps 20,000 lines, in order, before the reply", async () => {
    const text = streamOf(await kernel.execute("for (let i = 0; i < 20_000; i++) console.log('line ' + i);"));
    expect(text).toBe(Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join(""));
  });

  it("keeps a string of 10 MB, printed and as result", async () => {
    expect(streamOf(await kernel.execute('process.stdout.write("é".repeat(10_000_000));'))).toBe(
      "é".repeat(10_000_000),
    );
    expect(resultOf(await kernel.execute('"x".repeat(10_000_000)'))).toBe(`'${"x".repeat(10_000_000)}'`);
  });

  it("keeps stdout and stderr in the order in which they were written", async () => {
    const result = await kernel.execute("for (let i = 0; i < 500; i++) (i % 2 ? console.error : console.log)(i);");
    const numbers = result.events.filter(({ type }) => type === "stream").map(({ content }) => content.text.trim());
    expect(numbers).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  });

  it("streams while a cell computes", async () => {
    const result = await kernel.execute(
      "const start = Date.now(); console.log('now'); while (Date.now() - start < 300) {} console.log('then');",
    );
    expect(result.events.filter(({ type }) => type === "stream").map(({ content }) => content.text)).toEqual([
      "now\n",
      "then\n",
    ]);
  });

  it("ends the groups of a cell that failed", async () => {
    expect(streamOf(await kernel.execute('console.group("a"); console.group("b"); throw new Error("within");'))).toBe(
      "a\n  b\n",
    );
    expect(streamOf(await kernel.execute('console.log("c")'))).toBe("c\n");
  });

  it("keeps a character whole whose bytes are written one after another", async () => {
    const code =
      'for (const byte of Buffer.from("€😀")) process.stdout.write(Buffer.from([byte]));\nprocess.stdout.write("w6k=", "base64"); console.log("!"); process.stdout.write(Buffer.from([0xe2]));';
    expect(streamOf(await kernel.execute(code))).toBe("€😀é!\n\ufffd");
    expect(streamOf(await kernel.execute("console.log(1)"))).toBe("1\n");
  });

  it("has what a child process and native code write", async () => {
    const code =
      'import { spawnSync } from "node:child_process";\nspawnSync("echo", ["from a child"], { stdio: "inherit" }).status;';
    expect(streamOf(await kernel.execute(code))).toBe("from a child\n");
  });

  it("answers 200 cells that were sent at once, each with its own three outputs", async () => {
    const cells = Array.from(
      { length: 200 },
      (_, i) => `console.log("a${i}"); display.html("b${i}"); console.error("c${i}");\n${i}`,
    );
    const { results } = await kernel.do("many", { cells });
    (results as Result[]).forEach((result, i) => {
      const own = result.events.filter(({ mine, type }) => mine && !/status|execute_input/.test(type));
      const texts = own.map(({ content }) => content.text ?? content.data["text/html"] ?? content.data["text/plain"]);
      expect(texts).toEqual([`a${i}\n`, `b${i}`, `c${i}\n`, `${i}`]);
    });
  });
});

describe.runIf(pythonHas("nbclient", "nbformat"))("nbclient", () => {
  const run = async (name: string) => {
    const script = join(root, "test/conformance/nbclient_cases.py");
    const { stdout } = await promisify(execFile)(debianPython(), [script, kernelspecFolder, name], {
      maxBuffer: 1 << 28,
    });
    return JSON.parse(stdout) as { outputs: { type: string; text: string }[][]; error: string | null };
  };

  it("gets all outputs of 200 cells with three outputs each", async () => {
    const { outputs, error } = await run("many");
    expect(error).toBeNull();
    expect(outputs).toHaveLength(200);
    outputs.forEach((cell, i) => {
      expect(cell.map(({ text }) => text)).toEqual([`out ${i}\n`, `html ${i}`, `${i}`]);
    });
  });

  it("runs the cells after one that raises on purpose", async () => {
    const { outputs, error } = await run("raises");
    expect(error).toBeNull();
    expect(outputs.map((cell) => cell.map(({ type, text }) => `${type} ${text}`))).toEqual([
      ["stream before\n"],
      ["error RangeError: on purpose"],
      ["stream after\n", "execute_result 3"],
    ]);
  });

  it("stops at an error that is not expected, and says which", async () => {
    const { error } = await run("fails");
    expect(error).toContain("RangeError: unexpected");
  });
});
