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

if (!engine.available) {
  console.log(`Left out: interrupting native operations. ${engine.reason}`);
}

describe.runIf(pythonHas("jupyter_client"))("interrupting", () => {
  let kernel: KernelUnderTest;
  let kept = 41;
  beforeAll(async () => {
    // Where the packages of the tensors are found.
    kernel = await KernelUnderTest.start({
      folder: join(root, "notebooks"),
      env: { CONVBOOK_INTERRUPT_GRACE: "2000" },
    });
    await kernel.execute("let kept = 41; class Kept { value = 1 }; const object = new Kept();");
  });
  afterAll(() => kernel.close());

  const stop = async (code: string, options: Record<string, unknown> = {}) => {
    const magic = code.startsWith("!");
    const stopped = await kernel.execute(magic ? code : `console.log("begun");\n${code}`, {
      interrupt_after: 0.4,
      ...(magic ? {} : { interrupt_when: "begun" }),
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
    return stopped;
  };

  for (const [name, code] of Object.entries(patterns)) {
    it(`stops ${name}`, () => stop(code));
  }

  it("loses no line of a loop that prints", async () => {
    const { events } = await stop("for (let i = 0; ; i++) console.log(i);");
    const text = events
      .filter(({ type, mine }) => type === "stream" && mine)
      .map(({ content }) => content.text)
      .join("");
    const [begun, ...lines] = text.split("\n").slice(0, -1);
    expect(begun).toBe("begun");
    expect(lines.length).toBeGreaterThan(1);
    expect(lines).toEqual(lines.map((_, i) => String(i)));
  });

  it("stops on SIGINT as on the message", () => stop(spin, { sigint: true }));

  it("stops ten times in a row", async () => {
    for (let n = 0; n < 10; n++) {
      await stop(n % 2 === 0 ? spin : "await new Promise(() => {})", { interrupt_after: 0.05 });
    }
  });

  it("stops a cell that has only just been sent, or is about to begin", async () => {
    for (let n = 0; n < 150; n++) {
      const stopped = await kernel.execute(
        `// @convbook-types: off\n${n % 2 === 0 ? spin : "await new Promise(() => {})"}`,
        {
          interrupt_after: (n % 10) / 500,
        },
      );
      expect(stopped.reply.content.ename).toBe("KeyboardInterrupt");
      // Not that of a loop which goes on although its cell has ended.
      expect(resultOf(await kernel.execute(`// @convbook-types: off\n${n} + 1`))).toBe(String(n + 1));
    }
    expect(resultOf(await kernel.execute("object instanceof Kept"))).toBe("true");
  });

  it("leaves alone the cell behind one that ends as its interrupt comes", async () => {
    for (let n = 0; n < 60; n++) {
      const ends = await kernel.execute(`// @convbook-types: off\nawait new Promise((done) => setTimeout(done, 5))`, {
        interrupt_after: (5 + (n % 10)) / 1000,
      });
      expect(ends.reply.content.ename ?? "ended").toMatch(/^(?:ended|KeyboardInterrupt)$/);
      expect(resultOf(await kernel.execute(`// @convbook-types: off\n${n} + 1`))).toBe(String(n + 1));
    }
  });

  it("stops a user expression", async () => {
    const stopped = await kernel.execute('console.log("begun")', {
      user_expressions: { forever: "(() => { while (true) {} })()" },
      interrupt_when: "begun",
      interrupt_after: 0.3,
    });
    expect(stopped.reply.content).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
    expect(resultOf(await kernel.execute("object instanceof Kept"))).toBe("true");
  });

  it("stops a listener to a comm, which then counts as told", async () => {
    await kernel.execute(
      'comms.registerTarget("spin", (comm) => { comm.onMessage(() => { console.log("begun"); while (true) {} }); });',
    );
    const comm = { comm_id: "spinning", target_name: "spin", data: {} };
    await kernel.do("post", { type: "comm_open", content: comm });
    await kernel.do("post", { type: "comm_msg", content: comm, interrupt_when: "begun" });
    expect(resultOf(await kernel.execute("object instanceof Kept"))).toBe("true");
  });

  it.runIf(engine.available)("stops a loop of native tensor operations at the end of one", async () => {
    const setUp =
      '// @convbook-types: off\nimport * as tf from "@tensorflow/tfjs-core"; import "@convbook/engine"; await tf.setBackend("native"); const grid = tf.ones([512, 512]); tf.getBackend()';
    expect(resultOf(await kernel.execute(setUp))).toBe("'native'");
    await stop("// @convbook-types: off\nfor (;;) tf.matMul(grid, grid).dispose();");
    expect(resultOf(await kernel.execute("// @convbook-types: off\ntf.matMul(grid, grid).dataSync()[0]"))).toBe("512");
  });

  it.runIf(engine.available)("lets one long native call end, then stops the cell", async () => {
    const setUp = `// @convbook-types: off
import * as tf from "@tensorflow/tfjs-core"; import "@convbook/engine"; await tf.setBackend("native");
const grid1024 = tf.ones([1024, 1024]);
const took = Array.from({ length: 5 }, () => { const began = performance.now(); tf.matMul(grid1024, grid1024).dispose(); return performance.now() - began; });
// Two seconds on this machine.
const size = 64 * Math.round(16 * Math.cbrt(2000 / Math.min(...took)));
const wide = tf.ones([size, size]);
size`;
    const size = resultOf(await kernel.execute(setUp));
    const code = `// @convbook-types: off
let calls = 0;
for (;;) { tf.matMul(wide, wide).dispose(); calls++; }`;
    const { stopped_after: took } = await stop(code);
    console.log(`In a matMul of ${size}: the cell ended ${took?.toFixed(2)} s after the interrupt`);
    const after = "// @convbook-types: off\n[calls < 4, wide.shape[0] === size]";
    expect(resultOf(await kernel.execute(after))).toBe("[ true, true ]");
  });

  const listening = (end: string) =>
    `let asked = 0; const onSignal = () => { asked++; }; process.on("SIGINT", onSignal); console.log("listening");\ntry { while (${end}) await new Promise((go) => setTimeout(go, 10)); } finally { process.off("SIGINT", onSignal); }\n"saved"`;

  it("tells a cell that listens to SIGINT, which ends in its own way", async () => {
    const result = await kernel.execute(listening("asked === 0"), {
      interrupt_after: 0.1,
      interrupt_when: "listening",
    });
    expect(result.reply.content.status).toBe("ok");
    expect(resultOf(result)).toBe("'saved'");
    expect(resultOf(await kernel.execute("[asked, kept > 40]"))).toBe("[ 1, true ]");
  });

  it("stops a cell that listens but does not end: at the second interrupt, or after a while", async () => {
    const again = await stop(listening("true"), { interrupt_when: "listening", interrupt_again: 0.3 });
    expect(again.stopped_after).toBeGreaterThanOrEqual(0);
    const later = await stop(listening("true"), { interrupt_when: "listening" });
    expect(later.stopped_after).toBeGreaterThan(1.5);
    expect(resultOf(await kernel.execute("asked"))).toBe("1");
  });

  it("does not ask listeners of earlier cells, such as those of packages", async () => {
    await kernel.execute('let others = 0; process.on("SIGINT", () => { others++; });');
    await stop(spin);
    expect(resultOf(await kernel.execute("others"))).toBe("0");
  });

  it("does nothing to an idle kernel", async () => {
    const reply = await kernel.request("interrupt_request", {}, "control");
    expect(reply.reply.content).toEqual({ status: "ok" });
    expect(resultOf(await kernel.execute("kept > 40"))).toBe("true");
  });
});
