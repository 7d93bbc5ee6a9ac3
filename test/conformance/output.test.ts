/** Nothing is lost or misplaced: under load, in nbclient, in long texts, and with cells that raise on purpose. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
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

  it("sends long text in pieces that end between characters", async () => {
    const result = await kernel.execute('process.stdout.write("x" + "😀".repeat(1_000_000)); console.log("end");');
    const pieces = result.events.filter(({ type }) => type === "stream").map(({ content }) => content.text as string);
    expect(pieces.join("")).toBe(`x${"😀".repeat(1_000_000)}end\n`);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(2 ** 18);
    expect(pieces.filter((piece) => piece.includes("\ufffd"))).toEqual([]);
  });

  it.runIf(existsSync("/proc/self/status"))("forgets what it has sent", async () => {
    const resident = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${kernel.pid}/status`, "utf8"))?.[1]) / 1024;
    await kernel.execute("1");
    const before = resident();
    for (let i = 0; i < 15; i++) {
      await kernel.execute('console.log("x".repeat(10_000_000)); "y".repeat(10_000_000)');
    }
    // 150 MB of text and 150 MB of results; what one of them takes on its way is several times its size.
    await expect.poll(resident, { timeout: 300_000 }).toBeLessThan(before + 120);
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

  // A lone surrogate is no UTF-8: nbformat raised, and Jupyter could not save the notebook.
  it("sends well-formed text only, whatever the message", async () => {
    const half = "\\ud83d";
    const shown = await kernel.execute(
      `console.log("${half}"); console.error("${half}x"); process.stdout.write("${half}");
       display({ [Symbol.for("Jupyter.display")]: () => ({ "application/json": { "${half}": ["${half}"] }, "text/plain": "${half}" }),
                 [Symbol.for("Jupyter.displayMetadata")]: () => ({ "text/plain": { "${half}": 1 } }) });
       comms.open("${half}", { "${half}": "${half}" });
       "😀".slice(0, 1)`,
    );
    const failed = await kernel.execute(
      `const failure = new Error("${half}"); failure.name = "N${half}"; throw Object.assign(failure, { "${half}": "${half}" });`,
    );
    const asked = await kernel.execute(`prompt("${half}?")`, { allow_stdin: true, inputs: ["a"] });
    const expressions = await kernel.execute("1", { user_expressions: { a: `"${half}"`, b: `throw "${half}"` } });
    const lone = "const half = '\\ud83d'; half";
    const requests = [
      await kernel.request("inspect_request", { code: lone, cursor_pos: lone.length, detail_level: 1 }),
      await kernel.request("complete_request", { code: `${lone}.`, cursor_pos: lone.length + 1 }),
      await kernel.request("is_complete_request", { code: lone }),
      await kernel.request("history_request", { hist_access_type: "tail", n: 3, output: true }),
    ];
    const results = [shown, failed, asked, expressions, await kernel.execute(lone), ...requests];
    const texts = (value: unknown): string[] =>
      typeof value === "string"
        ? [value]
        : typeof value === "object" && value !== null
          ? Object.entries(value).flatMap(([key, inner]) => [key, ...texts(inner)])
          : [];
    expect(texts(results).filter((text) => !(text as unknown as { isWellFormed(): boolean }).isWellFormed())).toEqual(
      [],
    );
    expect(resultOf(shown)).toBe("'\\ud83d'");
    expect(streamOf(shown)).toBe("\ufffd\n\ufffd");
    expect(failed.reply.content).toMatchObject({ ename: "N\ufffd", evalue: "\ufffd" });
    expect(asked.events.find(({ channel }) => channel === "stdin")?.content.prompt).toBe("\ufffd?");
  });

  it("says what display expects", async () => {
    const refused = async (code: string) =>
      (await kernel.execute(`// @convbook-types: off\n${code}`)).reply.content.evalue;
    expect(await refused("display.html(undefined)")).toBe("display: expected text for text/html, got undefined");
    expect(await refused("display.png({ a: 1 })")).toBe(
      "display: expected bytes or base64 for image/png, got { a: 1 }",
    );
    expect(await refused("display.raw(null)")).toBe(
      'display.raw: expected representations by media type, such as {"text/html": "…"}, got null',
    );
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
