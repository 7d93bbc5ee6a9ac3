/** What a cell may do to its process, and what is wrong before the first cell: one clear message each, and no hang. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { KernelClient } from "../../lib/kernel/console/kernel-client.ts";
import { type Event, golden, KernelUnderTest, pythonHas, resultOf, root, streamOf } from "./harness.ts";

const main = join(root, "lib/kernel/dist/main.js");

describe.runIf(pythonHas("jupyter_client"))("a cell that breaks things", () => {
  let kernel: KernelUnderTest;
  beforeEach(async () => {
    kernel = await KernelUnderTest.start();
    await kernel.execute("let kept = 1;");
  });
  afterEach(() => kernel.close());

  const fails = async (code: string) => {
    const { reply, events } = await kernel.execute(code);
    expect(events.filter(({ type }) => type === "error")).toHaveLength(1);
    return reply.content as { ename: string; evalue: string };
  };

  it("calls process.exit: the kernel stays, with its variables", async () => {
    expect(await fails("process.exit(3)")).toMatchObject({
      ename: "ProcessExit",
      evalue: expect.stringContaining("process.exit(3) was called. The kernel goes on"),
    });
    expect(resultOf(await kernel.execute("kept"))).toBe("1");
  });

  it("throws where nobody catches: in a timer, in a promise", async () => {
    expect(
      await fails('setTimeout(() => { throw new RangeError("in a timer") }, 10); await new Promise(() => {});'),
    ).toMatchObject({ ename: "RangeError", evalue: "in a timer" });
    expect(await fails('Promise.reject(new TypeError("unhandled")); 1')).toMatchObject({
      ename: "TypeError",
      evalue: "unhandled",
    });
    expect(resultOf(await kernel.execute("kept"))).toBe("1");
  });

  it("throws after its end: the text goes to that cell's stderr", async () => {
    const first = await kernel.execute(
      'setTimeout(() => { throw new Error("too late") }, 200); setTimeout(() => { Promise.reject(new Error("rejected late")) }, 220); 0',
    );
    const second = await kernel.execute("await new Promise((go) => setTimeout(go, 500)); 'fine'");
    expect(resultOf(second)).toBe("'fine'");
    const late = second.events.filter(({ type, parent }) => type === "stream" && parent === first.id);
    const text = late.map(({ content }) => content.text).join("");
    expect(text).toMatch(/^Uncaught .*too late[\s\S]*\nUnhandled rejection: .*rejected late/);
  });

  it("overflows the stack", async () => {
    expect(await fails("const deep = (n: number): number => deep(n + 1) + 1; deep(0)")).toMatchObject({
      ename: "RangeError",
    });
  });

  it("throws what is no error", async () => {
    expect(await fails("throw { code: 7 }")).toMatchObject({ ename: "Thrown", evalue: "{ code: 7 }" });
    expect(await fails("throw null")).toMatchObject({ evalue: "null" });
    expect(await fails("throw undefined")).toMatchObject({
      evalue: "undefined",
      traceback: ["\u001b[31mThrown\u001b[39m: undefined"],
    });
  });

  it("breaks the descriptors that the kernel speaks through: an error, and a fresh process", async () => {
    const breaks = [
      "fs.closeSync(3);",
      "fs.closeSync(4);",
      'fs.writeSync(3, "what is no frame");',
      "fs.writeSync(3, Buffer.alloc(64));",
      'fs.writeSync(3, Buffer.concat([Buffer.from([9, 0, 0, 0, 5, 0, 0, 0]), Buffer.from("{half")]));',
    ];
    for (const code of breaks) {
      // Where the cell is done before anything is noticed, it is the next one that the end of the process hits.
      const hit = [];
      for (const cell of [`const fs = await import("node:fs");\n${code} 0`, "1", "1"]) {
        hit.push((await kernel.execute(cell)).reply?.content);
      }
      const ended = hit.filter((content) => content?.status === "error");
      expect([code, ended.map(({ ename }) => ename)]).toEqual([code, ["ProcessEnded"]]);
      expect(ended[0].evalue).toMatch(/^The process that runs the cells ended \(.*a fresh process was started/);
      expect(resultOf(await kernel.execute("'again'"))).toBe("'again'");
    }
  });

  it("kills its process: an error says so, and a fresh process goes on", async () => {
    expect(await fails("process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});")).toMatchObject({
      ename: "ProcessEnded",
      evalue:
        "The process that runs the cells ended (signal SIGKILL: out of memory?). All variables are lost; a fresh process was started.",
    });
    expect((await kernel.execute("kept")).reply.content.evalue).toContain("Cannot find name 'kept'");
    expect(resultOf(await kernel.execute("1 + 1; 'again'"))).toBe("'again'");
    const burst = await kernel.execute("for (let i = 0; i < 200; i++) console.log(i);\nprocess.abort()");
    expect(burst.reply.content).toMatchObject({ ename: "ProcessEnded" });
    expect(streamOf(burst)).toBe(Array.from({ length: 200 }, (_, i) => `${i}\n`).join(""));
    expect(resultOf(await kernel.execute("'and again'"))).toBe("'and again'");
  });

  it("loses its process between cells: where nobody reads it, the next cell does not run as if nothing had been", async () => {
    const end = async () => {
      await kernel.execute("setTimeout(() => process.kill(process.pid, 'SIGTERM'), 50)");
      const { events } = await kernel.do("listen", { seconds: 2 });
      expect(events.map(({ content }: Event) => content.text ?? "").join("")).toContain("ended (signal SIGTERM)");
    };
    await end();
    expect((await kernel.execute("1")).reply.content).toMatchObject({
      ename: "ProcessEnded",
      evalue: expect.stringMatching(/^The process that runs the cells ended \(signal SIGTERM\)\./),
    });
    expect(resultOf(await kernel.execute("2"))).toBe("2");
    await end();
    expect(resultOf(await kernel.execute("3", { allow_stdin: true }))).toBe("3");
  });
});

describe.runIf(pythonHas("jupyter_client"))("limits and missing parts", () => {
  it("says when memory ran out, and which limit it was: that of the user's environment", async () => {
    const kernel = await KernelUnderTest.start({ env: { CONVBOOK_HEAP_MB: "64" } });
    try {
      const { reply } = await kernel.execute(
        "const hoard: number[][] = []; for (;;) hoard.push(new Array(100_000).fill(1.5));",
      );
      expect(reply.content.ename).toBe("OutOfMemory");
      expect(reply.content.evalue).toMatch(
        /^JavaScript's heap grew past the limit of 64 MiB \(set by CONVBOOK_HEAP_MB\)/,
      );
      expect(resultOf(await kernel.execute("'alive'"))).toBe("'alive'");
    } finally {
      await kernel.close();
    }
  });

  it("writes history for those who type, and none for what runs unattended", async () => {
    const folder = mkdtempSync(join(tmpdir(), "history-"));
    const file = join(folder, "own/history.jsonl");
    const kernel = await KernelUnderTest.start({ env: { CONVBOOK_HISTORY: file } });
    try {
      await kernel.execute("'unattended'", { allow_stdin: false });
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(existsSync(file)).toBe(false);
      await kernel.execute("'typed'", { allow_stdin: true });
      await expect.poll(() => existsSync(file) && readFileSync(file, "utf8")).toContain('"input":"\'typed\'"');
      expect(readFileSync(file, "utf8")).not.toContain("unattended");
      expect(statSync(file).mode & 0o777).toBe(0o600);
    } finally {
      await kernel.close();
      rmSync(folder, { recursive: true });
    }
  });

  it("does not wait long for the checker where somebody can be asked, and tells what it found", async () => {
    const kernel = await KernelUnderTest.start({ env: { CONVBOOK_TYPES_WAIT: "0" } });
    try {
      const wrong = 'console.log("ran"); const n: number = "text"; n';
      const asked = await kernel.execute(wrong, { allow_stdin: true });
      expect(golden(asked).slice(0, 4)).toEqual(["busy", "input [1]", "stdout: ran\\n", expect.any(String)]);
      expect(streamOf(asked, "stderr")).toMatch(
        /^The cell ran before its types were checked:\n.*TypeScriptError.*TS2322: .* \(In \[1\]:1:27\)/s,
      );
      expect(resultOf(asked)).toBe("'text'");
      const unattended = await kernel.execute(wrong, { allow_stdin: false });
      expect(unattended.reply.content.ename).toBe("TypeScriptError");
      expect(streamOf(unattended)).toBe("");
    } finally {
      await kernel.close();
    }
  });

  describe("without the TypeScript that CONVBOOK_TYPESCRIPT names", () => {
    const folder = mkdtempSync(join(tmpdir(), "typescript-"));
    const nowhere = join(folder, "nowhere");
    let kernel: KernelUnderTest;
    beforeEach(async () => {
      kernel = await KernelUnderTest.start({ env: { CONVBOOK_TYPESCRIPT: nowhere } });
    });
    afterEach(() => kernel.close());
    afterAll(() => rmSync(folder, { recursive: true }));
    const problem = `CONVBOOK_TYPESCRIPT is "${nowhere}", expected the folder of a typescript package (correct or unset it)`;

    it("runs for somebody who can read, and says so once", async () => {
      const attended = { allow_stdin: true };
      const first = await kernel.execute("const n: number = 5; n", attended);
      expect(resultOf(first)).toBe("5");
      expect(streamOf(first, "stderr")).toBe(`${problem}: cells run without type checking\n`);
      expect(streamOf(await kernel.execute("n + 0", attended), "stderr")).toBe("");
    });

    it("runs nothing unattended that should have been checked", async () => {
      const { reply } = await kernel.execute("const n: number = 5; n", { allow_stdin: false });
      expect(reply.content).toMatchObject({
        status: "error",
        ename: "TypeScriptMissingError",
        evalue: `This cell's types were not checked, so it did not run: ${problem}. To run a notebook without: %types off`,
      });
      expect((await kernel.execute("'again'", { allow_stdin: false })).reply.content.ename).toBe(
        "TypeScriptMissingError",
      );
      expect(resultOf(await kernel.execute("// @ts-nocheck\nconst n = 'text'; n", { allow_stdin: false }))).toBe(
        "'text'",
      );
      await kernel.execute("%types off", { allow_stdin: false });
      expect(resultOf(await kernel.execute("n", { allow_stdin: false }))).toBe("'text'");
    });
  });

  it("runs nothing unattended when the checker cannot be started", async () => {
    const folder = mkdtempSync(join(tmpdir(), "typescript-"));
    const platform = join(folder, `node_modules/@typescript/typescript-${process.platform}-${process.arch}`);
    mkdirSync(platform, { recursive: true });
    writeFileSync(join(folder, "package.json"), '{"version": "7.0.0"}');
    writeFileSync(join(platform, "package.json"), "{}");
    const kernel = await KernelUnderTest.start({ env: { CONVBOOK_TYPESCRIPT: folder } });
    try {
      const { reply } = await kernel.execute("const n: number = 'text'; n", { allow_stdin: false });
      expect(reply.content).toMatchObject({
        ename: "LanguageServerError",
        evalue: expect.stringMatching(/^This cell's types were not checked, so it did not run: TypeScript/),
      });
    } finally {
      await kernel.close();
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    ["CONVBOOK_HEAP_MB", "4G", "expected a whole number of mebibytes from 0"],
    ["CONVBOOK_INTERRUPT_GRACE", "-1", "expected a whole number of milliseconds from 0"],
    ["CONVBOOK_TYPES_WAIT", "1s", "expected a whole number of milliseconds from 0"],
    ["CONVBOOK_ORPHAN_SECONDS", "ten", "expected a whole number of seconds from 0"],
    ["CONVBOOK_HISTORY", tmpdir(), "expected a file, which that folder is not"],
    ["CONVBOOK_HISTORY", "/dev/null/history", "which cannot be: /dev/null is no folder"],
  ])("does not start with %s=%s", (name, value, problem) => {
    const file = join(mkdtempSync(join(tmpdir(), "connection-")), "connection.json");
    const ports = Object.fromEntries(["shell", "iopub", "stdin", "control", "hb"].map((port) => [`${port}_port`, 0]));
    writeFileSync(
      file,
      JSON.stringify({ ...ports, transport: "tcp", ip: "127.0.0.1", key: "k", signature_scheme: "hmac-sha256" }),
    );
    const { status, stderr } = spawnSync(process.execPath, [main, file], {
      env: { ...process.env, [name]: value },
      encoding: "utf8",
      timeout: 300_000,
    });
    rmSync(dirname(file), { recursive: true });
    expect([status, stderr]).toEqual([1, `${name} is ${JSON.stringify(value)}, ${problem}; correct or unset it\n`]);
  });
});

describe("a kernel whose starter is gone", () => {
  const folder = mkdtempSync(join(tmpdir(), "kernel-orphan-"));
  const kernels: number[] = [];
  afterAll(() => {
    for (const pid of kernels.filter(alive)) {
      process.kill(pid, "SIGKILL");
    }
    rmSync(folder, { recursive: true });
  });

  const alive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const endsWithin = async (pid: number, ms: number) => {
    for (const deadline = Date.now() + ms; alive(pid) && Date.now() < deadline; ) {
      await wait(50);
    }
    return !alive(pid);
  };

  /** Has a shell start a kernel, and end once the kernel answers; its process and a client of it. */
  const orphan = async (name: string, env: NodeJS.ProcessEnv, ...args: string[]) => {
    const file = join(folder, `${name}.json`);
    const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 };
    writeFileSync(file, JSON.stringify({ transport: "ipc", ip: join(folder, name), key: "k", ...ports }));
    const command = `"${process.execPath}" "${main}" "${file}" ${args.join(" ")} </dev/null >/dev/null 2>&1 & echo $!; read line`;
    const { JPY_PARENT_PID: _, ...rest } = process.env;
    const shell = spawn("sh", ["-c", command], { cwd: folder, env: { ...rest, ...env } });
    const pid = Number(await new Promise((resolve) => shell.stdout.once("data", resolve)));
    kernels.push(pid);
    const client = new KernelClient(file);
    await client.ready();
    shell.stdin.end();
    return { pid, client };
  };

  it("ends with a server of Jupyter, at once", async () => {
    const { pid, client } = await orphan("jupyter", { JPY_PARENT_PID: "1" });
    client.close();
    expect(await endsWithin(pid, 20_000)).toBe(true);
  });

  it("else ends when nobody was connected for a while, and not before", async () => {
    const { pid, client } = await orphan("alone", { CONVBOOK_ORPHAN_SECONDS: "2" });
    await wait(5000);
    expect(alive(pid)).toBe(true);
    client.close();
    expect(await endsWithin(pid, 20_000)).toBe(true);
  });

  it("stays when it is started so", async () => {
    const { pid, client } = await orphan("detached", { CONVBOOK_ORPHAN_SECONDS: "1" }, "--detached");
    client.close();
    expect(await endsWithin(pid, 4000)).toBe(false);
  });
});

describe("a connection that cannot be used", () => {
  const folder = mkdtempSync(join(tmpdir(), "kernel-connection-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  const start = (contents: string | undefined) => {
    const file = join(folder, "connection.json");
    if (contents === undefined) {
      rmSync(file, { force: true });
    } else {
      writeFileSync(file, contents);
    }
    const { status, stderr } = spawnSync(process.execPath, [main, file], { encoding: "utf8", timeout: 300_000 });
    expect(status).toBe(1);
    return stderr.replaceAll(file, "FILE").trim();
  };

  it("is named in one line each", () => {
    expect(start(undefined)).toBe("Connection file FILE: no such file");
    expect(start("{")).toMatch(/^Connection file FILE: not JSON \(.*\)$/);
    expect(start('{"transport": "carrier pigeon"}')).toBe(
      'Connection file FILE: "transport" must be "tcp" or "ipc", got "carrier pigeon"',
    );
    expect(start('{"shell_port": 70000}')).toBe(
      'Connection file FILE: "shell_port" must be a whole number between 1 and 65535, got 70000',
    );
  });

  it("is a port that is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const ports = {
      shell_port: port,
      iopub_port: port + 1,
      stdin_port: port + 2,
      control_port: port + 3,
      hb_port: port + 4,
    };
    const file = join(folder, "taken.json");
    writeFileSync(file, JSON.stringify({ transport: "tcp", ip: "127.0.0.1", key: "k", ...ports }));
    const kernel = spawn(process.execPath, [main, file]);
    let stderr = "";
    kernel.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise((resolve) => kernel.once("exit", resolve));
    server.close();
    expect(code).toBe(1);
    expect(stderr.trim()).toBe(`Cannot listen on tcp://127.0.0.1:${port} (shell): another process listens there`);
  });
});
