/** A cell is stopped wherever it is, and everything that the session knew is still there. */

import { join } from "node:path";
import { engine } from "@convbook/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, resultOf, root } from "./harness.ts";

const spin = "while (true) {}";
const patterns: Record<string, string> = {
  "a synchronous loop": spin,
  "a loop that catches everything": "for (;;) { try { while (true) {} } catch {} finally {} }",
  "a loop after an await": `await null; ${spin}`,
  "an await that never settles": "await new Promise(() => {})",
  "a timer": `setTimeout(() => { ${spin} }, 10); await new Promise((done) => setTimeout(done, 60_000));`,
  "an immediate": `setImmediate(() => { ${spin} }); await new Promise(() => {});`,
  "a next tick": `process.nextTick(() => { ${spin} }); await new Promise(() => {});`,
  "a microtask that feeds itself": "const again = (): Promise<void> => Promise.resolve().then(again); await again();",
  "a regular expression that backtracks": "/^(a+)+$/.test('a'.repeat(50) + 'b')",
  "a sort whose comparison never ends": `[3, 1, 2].sort(() => { ${spin} })`,
  "a callback of an event": `import { EventEmitter } from "node:events";\nconst bell = new EventEmitter(); bell.on("ring", () => { ${spin} }); bell.emit("ring");`,
  "a child process that is waited for": "!sleep 60",
  "an asynchronous iteration":
    "async function* forever() { for (;;) { yield await new Promise((done) => setTimeout(done, 5)); } }\nfor await (const _ of forever()) {}",
  "a prompt that nobody answers": "prompt('?')",
};

if (!engine.available) console.log(`Left out: interrupting native operations. ${engine.reason}`);

describe.runIf(pythonHas("jupyter_client"))("interrupting", () => {
  let kernel: KernelUnderTest;
  let kept = 41;
  beforeAll(async () => {
    // Where the packages of the tensors are found.
    kernel = await KernelUnderTest.start({ folder: join(root, "notebooks") });
    await kernel.execute("let kept = 41; class Kept { value = 1 }; const object = new Kept();");
  });
  afterAll(() => kernel.close());

  const stop = async (code: string, options: Record<string, unknown> = {}) => {
    const stopped = await kernel.execute(code, {
      interrupt_after: 0.4,
      timeout: 20,
      allow_stdin: /prompt/.test(code),
      ...options,
    });
    expect(stopped.timeout).toBeUndefined();
    const error = stopped.events.filter(({ type }) => type === "error").map(({ content }) => content.ename);
    expect(error).toEqual(["KeyboardInterrupt"]);
    expect(stopped.reply.content).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
    const after = await kernel.execute(
      "kept++; [kept - 1, object instanceof Kept, await new Promise((done) => setTimeout(done, 5, 'timers'))]",
    );
    expect(resultOf(after)).toBe(`[ ${kept++}, true, 'timers' ]`);
  };

  for (const [name, code] of Object.entries(patterns)) {
    it(`stops ${name}`, () => stop(code));
  }

  it("stops on SIGINT as on the message", () => stop(spin, { sigint: true }));

  it("stops ten times in a row", async () => {
    for (let n = 0; n < 10; n++) {
      await stop(n % 2 === 0 ? spin : "await new Promise(() => {})", { interrupt_after: 0.05 });
    }
  });

  it.runIf(engine.available)("stops a loop of native tensor operations at the end of one", async () => {
    const setUp =
      '// @convbook-types: off\nimport * as tf from "@tensorflow/tfjs-core"; import "@convbook/engine"; await tf.setBackend("native"); const grid = tf.ones([512, 512]); tf.getBackend()';
    expect(resultOf(await kernel.execute(setUp))).toBe("'native'");
    await stop("// @convbook-types: off\nfor (;;) tf.matMul(grid, grid).dispose();");
    expect(resultOf(await kernel.execute("// @convbook-types: off\ntf.matMul(grid, grid).dataSync()[0]"))).toBe("512");
  });

  it("does nothing to an idle kernel", async () => {
    const reply = await kernel.request("interrupt_request", {}, "control");
    expect(reply.reply.content).toEqual({ status: "ok" });
    expect(resultOf(await kernel.execute("kept > 40"))).toBe("true");
  });
});
