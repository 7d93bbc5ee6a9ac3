/** What reads from the terminal in a program reads from the front-end's input box in a cell. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, type Result, resultOf, streamOf } from "./harness.ts";

const asked = ({ events }: Result) =>
  events.filter(({ channel }) => channel === "stdin").map(({ content }) => [content.prompt, content.password]);

describe.runIf(pythonHas("jupyter_client"))("input", () => {
  let kernel: KernelUnderTest;
  beforeAll(async () => {
    kernel = await KernelUnderTest.start();
  });
  afterAll(() => kernel.close());

  const type = (code: string, ...inputs: string[]) => kernel.execute(code, { allow_stdin: true, inputs });

  it("asks the questions of readline's promises", async () => {
    const result = await type(
      `import * as readline from "node:readline/promises";
       const rl = readline.createInterface({ input: process.stdin, output: process.stdout });
       const name = await rl.question("Name? ");
       const age = await rl.question("Age of " + name + "? ");
       rl.close();
       [name, age]`,
      "Ada",
      "36",
    );
    expect(asked(result)).toEqual([
      ["Name? ", false],
      ["Age of Ada? ", false],
    ]);
    expect(resultOf(result)).toBe("[ 'Ada', '36' ]");
  });

  it("asks the questions of readline with a callback, and promisified", async () => {
    const result = await type(
      `import { createInterface } from "node:readline";
       import { promisify } from "node:util";
       const reader = createInterface(process.stdin, process.stdout);
       const first = await new Promise<string>((done) => reader.question("One? ", done));
       const second = await new Promise<string>((done) => reader.question("Two? ", {}, done));
       const third = await promisify(reader.question).call(reader, "Three? ");
       reader.close();
       [first, second, third].join()`,
      "a",
      "b",
      "c",
    );
    expect(asked(result).map(([prompt]) => prompt)).toEqual(["One? ", "Two? ", "Three? "]);
    expect(resultOf(result)).toBe("'a,b,c'");
  });

  // https://github.com/denoland/deno/pull/23592
  it("asks for yes or no, and shows a message until it was read", async () => {
    for (const [answer, expected] of [
      ["y", "true"],
      ["Yes ", "true"],
      ["", "false"],
      ["yesterday", "false"],
    ] as const) {
      const result = await type('const sure: boolean = confirm("Delete it?"); sure', answer);
      expect([asked(result), resultOf(result)]).toEqual([[["Delete it? [y/N] ", false]], expected]);
    }
    expect(asked(await type('alert("Done"); alert()', "", ""))).toEqual([
      ["Done [Enter] ", false],
      ["Alert [Enter] ", false],
    ]);
    for (const what of ["confirm", "alert"]) {
      expect((await kernel.execute(`${what}("?")`)).reply.content.evalue).toBe(
        `${what}: this front-end takes no input (the cell was sent with allow_stdin false)`,
      );
    }
  });

  it("does not ask for what nobody reads", async () => {
    const result = await type(
      `import { createInterface as open } from "node:readline";
       const idle = open({ input: process.stdin });
       await new Promise((done) => setTimeout(done, 200));
       idle.close(); 1`,
    );
    expect(asked(result)).toEqual([]);
    expect(resultOf(result)).toBe("1");
  });

  it("gives lines to those who listen, with what was printed as the question", async () => {
    const lines = await type(
      `import { createInterface as linesOf } from "node:readline";
       const source = linesOf({ input: process.stdin, output: process.stdout, prompt: "> " });
       source.prompt();
       const got: string[] = [];
       for await (const line of source) {
         got.push(line);
         if (line === "end") break;
         source.prompt();
       }
       got`,
      "one",
      "end",
    );
    expect(asked(lines)).toEqual([
      ["> ", false],
      ["> ", false],
    ]);
    expect(resultOf(lines)).toBe("[ 'one', 'end' ]");
    const chunk = await type(
      `process.stdout.write("Text: ");
       const text = await new Promise((done) => process.stdin.once("data", (data) => done(String(data))));
       process.stdin.pause(); text`,
      "typed",
    );
    expect(asked(chunk)).toEqual([["Text: ", false]]);
    expect(resultOf(chunk)).toBe("'typed\\n'");
  });

  it("says that there is no input where nobody can be asked", async () => {
    const text = "this front-end takes no input (the cell was sent with allow_stdin false)";
    const refused = async (code: string) => (await kernel.execute(code)).reply.content.evalue;
    const open = 'const { createInterface } = await import("node:readline");';
    expect(
      await refused(
        'const p = await import("node:readline/promises"); await p.createInterface({ input: process.stdin }).question("Name? ")',
      ),
    ).toBe(`readline: ${text}`);
    expect(await refused(`${open} createInterface({ input: process.stdin }).question("Name? ", () => {})`)).toBe(
      `readline: ${text}`,
    );
    expect(
      await refused(`${open} for await (const line of createInterface({ input: process.stdin })) console.log(line);`),
    ).toBe(`process.stdin: ${text}`);
    expect(await refused("for await (const chunk of process.stdin) console.log(chunk);")).toBe(
      `process.stdin: ${text}`,
    );
    expect(await refused("prompt()")).toBe(`prompt: ${text}`);
    const { traceback } = (await kernel.execute("prompt()")).reply.content;
    // The kernel's own frames are not shown.
    expect(traceback.filter((line: string) => /\bat /.test(line))).toEqual([
      expect.stringMatching(/at In \[\d+\]:1:1/),
    ]);
  });

  it("can be interrupted at a question, and asks the next one", async () => {
    const stopped = await kernel.execute("await new Promise((done) => process.stdin.once('data', done));", {
      allow_stdin: true,
      interrupt_after: 0.5,
    });
    expect(stopped.reply.content.ename).toBe("KeyboardInterrupt");
    const next = await type("String(await new Promise((done) => process.stdin.once('data', done)))", "next");
    expect(resultOf(next)).toBe("'next\\n'");
  });

  it("leaves readers of other inputs alone", async () => {
    const other = await kernel.execute(
      `import { Readable } from "node:stream";
       import { createInterface as fileReader } from "node:readline/promises";
       const other = fileReader({ input: Readable.from(["from a file\\n"]), output: process.stdout });
       await other.question("Q: ")`,
    );
    expect(resultOf(other)).toBe("'from a file'");
    expect(streamOf(other)).toBe("Q: ");
  });
});
