/** The engine in WebAssembly, in processes of its own: which is taken, its threads, its memory, its end. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const start = `
  import { engine, sgdStep, valueAndGrads, randomNormal } from "@convbook/engine";
  import * as tf from "@tensorflow/tfjs";
  await tf.setBackend("native");
  const x = randomNormal([8, 16, 16, 8], 0, 1, 1);
  const w = tf.variable(randomNormal([3, 3, 8, 16], 0, 0.1, 2));
  const step = () => {
    const { value, grads } = valueAndGrads(() => tf.mean(tf.square(tf.conv2d(x, w, 1, "same"))), [w]);
    sgdStep([w], grads, undefined, { learningRate: 0.01 });
    tf.dispose([value, ...grads]);
  };
`;

/** What a program answers by `tell(value)`, and what it says besides. */
async function run<T>(
  program: string,
  env: NodeJS.ProcessEnv = {},
  options: readonly string[] = [],
): Promise<{ answer: T; said: string }> {
  const text = `const tell = (value) => console.log(JSON.stringify(value)); ${start} ${program}`;
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [...options, "--input-type=module", "--eval", text],
    {
      cwd: root,
      env: { ...process.env, CONVBOOK_ISA: "wasm", CONVBOOK_THREADS: "2", ...env },
    },
  );
  return { answer: JSON.parse(stdout), said: stderr };
}

it("is taken where CONVBOOK_ISA asks for it, and says what it does not have", async () => {
  const { answer } = await run(
    "const { build, isa, threads, absent, path } = engine.info(); tell({ build, isa, threads, absent, path })",
  );
  expect(answer).toMatchObject({ build: "wasm", threads: 2, isa: expect.stringMatching(/^wasm(-relaxed)?$/) });
  expect(answer).toMatchObject({ absent: expect.arrayContaining(["AMX", "oneDNN", "huge pages"]) });
});

it("does without relaxed SIMD where CONVBOOK_RELAXED_SIMD is 0", async () => {
  const program = "const { isa, path } = engine.info(); tell([isa, path.endsWith('engine.wasm')])";
  expect((await run(program, { CONVBOOK_RELAXED_SIMD: "0" })).answer).toEqual(["wasm", true]);
});

it("is chosen by selectBackend before TensorFlow.js's own, with a line that says what would be faster", async () => {
  const program = `
    const { selectBackend } = await import("convbook");
    const lines = []; const { name, tfjsName } = await selectBackend({ announce: (line) => lines.push(line) });
    tell([name, tfjsName, ...lines]);`;
  const { answer } = await run<string[]>(program, { CONVBOOK_BACKEND: "" });
  expect(answer.slice(0, 2)).toEqual(["engine-wasm", "native"]);
  expect(answer[2]).toMatch(
    /on the engine in WebAssembly.*, 2 threads; without the native engine: CONVBOOK_ISA asks for WebAssembly$/,
  );
});

it("computes the same with any number of threads, which come and go, and whose program ends by itself", async () => {
  const program = `
    const results = [1, 3, 2, 1, 4].map((threads) => {
      engine.setThreads(threads);
      const ys = Array.from({ length: 20 }, () => tf.tidy(() => tf.sum(tf.conv2d(x, w, 1, "same"), 0).dataSync()));
      return ys.map((y) => Buffer.from(y.buffer).toString("base64"));
    });
    tell(new Set(results.flat()).size);`;
  expect((await run(program)).answer).toBe(1);
});

it("keeps its memory constant over 1,000 steps", async () => {
  const program = `
    for (let i = 0; i < 20; i++) { step(); }
    const before = engine.info().memory; const tensors = tf.memory().numTensors;
    for (let i = 0; i < 1000; i++) { step(); }
    const after = engine.info().memory;
    tell([after.used - before.used, after.peak - before.peak, tf.memory().numTensors - tensors]);`;
  expect((await run(program)).answer).toEqual([0, 0, 0]);
});

it("grows, says what there is when there is no more, and goes on", async () => {
  const program = `
    const big = [];
    let message = "";
    try {
      for (let i = 0; i < 64; i++) { big.push(tf.fill([100, 1000, 1000], i)); }
    } catch (error) { message = error.message; }
    const read = big.map((tensor) => tf.tidy(() => tensor.slice([99, 999, 999], [1, 1, 1]).dataSync()[0]));
    tf.dispose(big);
    step();
    tell({ message, right: read.every((value, i) => value === i), count: read.length });`;
  const { answer } = await run<{ message: string; right: boolean; count: number }>(program);
  expect(answer.message).toMatch(
    /^The engine is out of memory: 403 MB more than the \d{4} MB that it has; in WebAssembly there are 4295 MB at most$/,
  );
  expect(answer).toMatchObject({ right: true });
  expect(answer.count).toBeGreaterThan(5);
});

it("gives every worker thread an engine of its own, which may be ended in the middle", async () => {
  const program = `
    const { Worker } = await import("node:worker_threads");
    const { once } = await import("node:events");
    const text = ${JSON.stringify(`
      const { parentPort } = require("node:worker_threads");
      (async () => {
        const { engine } = await import("@convbook/engine");
        const tf = await import("@tensorflow/tfjs");
        await tf.setBackend("native");
        for (;;) { tf.tidy(() => tf.conv2d(tf.ones([8, 16, 16, 8]), tf.ones([3, 3, 8, 16]), 1, "same").dataSync()); parentPort.postMessage(engine.info().memory.used); }
      })();`)};
    const workers = [0, 1].map(() => new Worker(text, { eval: true, execArgv: [] }));
    const used = (await Promise.all(workers.map((worker) => once(worker, "message")))).flat();
    step();
    await Promise.all(workers.map((worker) => worker.terminate()));
    step();
    tell(used);`;
  expect((await run(program)).answer).toEqual([0, 0]);
});

it("refuses arguments that do not fit as the native engine does, and copies arrays from elsewhere there and back", async () => {
  const program = `
    const { addon } = tf.engine().findBackend("native");
    const y = new Float32Array(6);
    addon.fill(y, 2.5, 6);
    const messages = [() => addon.fill(y, 1, 7), () => addon.fill([1], 1, 1), () => addon.unary(99, y, y, 6, 0, 0), () => addon.fill(y, "1", 6)].map((call) => {
      try { call(); return ""; } catch (error) { return [error.name, error.code, error.message].join(" "); }
    });
    tell([Array.from(y), ...messages]);`;
  expect((await run(program)).answer).toEqual([
    [2.5, 2.5, 2.5, 2.5, 2.5, 2.5],
    "TypeError ERR_INVALID_ARG_VALUE Argument 0: expected at least 7 elements, got 6",
    "TypeError ERR_INVALID_ARG_VALUE Argument 0: expected a Float32Array",
    "TypeError ERR_INVALID_ARG_VALUE Argument 0: expected 0 to 38, got 99",
    "TypeError ERR_INVALID_ARG_VALUE Argument 1: expected a number",
  ]);
});

it("is one engine in two copies of the package by two paths, whose settings hold for both", async () => {
  const folder = mkdtempSync(join(tmpdir(), "convbook-two-"));
  try {
    const copy = join(folder, "node_modules", "@convbook", "engine");
    mkdirSync(copy, { recursive: true });
    for (const name of ["package.json", "binding.gyp", "install", "dist", "wasm"]) {
      cpSync(join(root, "lib/engine", name), join(copy, name), { recursive: true });
    }
    symlinkSync(join(root, "node_modules/@tensorflow"), join(folder, "node_modules/@tensorflow"), "junction");
    const program = `
      step();
      await new Promise(setImmediate);
      let started = 0;
      process.on("worker", () => { started++; });
      const other = await import(${JSON.stringify(pathToFileURL(join(copy, "dist/index.js")).href)});
      other.engine.setThreads(1);
      other.engine.setReproducible(true);
      const profile = await other.engine.profile(() => step());
      const mine = engine.info();
      tell([other.engine === engine, mine.threads, mine.reproducible, started, profile.rows.length > 3, mine.path === other.engine.info().path]);`;
    expect((await run(program)).answer).toEqual([false, 1, "bounded", 0, true, true]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("is the same engine where a hot reload evaluates the package anew, with no more threads and memory", async () => {
  const program = `
    let started = 0;
    process.on("worker", () => { started++; });
    const { createServer } = await import("vite");
    const server = await createServer({
      configFile: false, root: process.cwd(), logLevel: "error", appType: "custom",
      server: { middlewareMode: true, ws: false, hmr: false, watch: null }, optimizeDeps: { noDiscovery: true },
      ssr: { noExternal: [/engine/] },
    });
    const engines = new Set();
    let before = 0;
    for (let i = 0; i < 5; i++) {
      if (i === 1) { started = 0; before = engine.info().memory.used; }
      const again = await server.ssrLoadModule("/lib/engine/dist/index.js");
      engines.add(again.engine);
      again.engine.setThreads(1 + (i % 2));
      const y = again.silu(x);
      y.dispose();
      step();
      server.moduleGraph.invalidateAll();
    }
    await server.close();
    const query = await import(import.meta.resolve("@convbook/engine") + "?again");
    tell([engines.size, query.engine === engine, engine.info().threads, started, engine.info().memory.used - before]);`;
  expect((await run(program)).answer).toEqual([5, true, 1, 0, 0]);
});

it("is loaded once a thread, also by code with globals of its own, as each file of Jest's tests is", async () => {
  const program = `
    const vm = await import("node:vm");
    const { readFileSync } = await import("node:fs");
    const { dirname, join } = await import("node:path");
    const { fileURLToPath, pathToFileURL } = await import("node:url");
    let started = 0;
    process.on("worker", () => { started++; });
    // The sources as Jest runs them: evaluated in a context of their own, built-in modules and packages' CommonJS from outside.
    const evaluate = async () => {
      const context = vm.createContext({ console, process, TextEncoder, TextDecoder, WebAssembly, performance, setTimeout });
      const known = new Map();
      const load = async (address) => {
        const path = fileURLToPath(address);
        known.get(path) ?? known.set(path, new vm.SourceTextModule(readFileSync(path, "utf8"), { identifier: path, context, initializeImportMeta(meta) { meta.url = address; } }));
        return known.get(path);
      };
      const link = async (specifier, { identifier }) => {
        if (specifier.startsWith(".")) { return load(new URL(specifier, pathToFileURL(identifier)).href); }
        const outside = await import(specifier.startsWith("node:") ? specifier : import.meta.resolve(specifier));
        const names = Object.keys(outside);
        return new vm.SyntheticModule(names, function () { for (const name of names) { this.setExport(name, outside[name]); } }, { context });
      };
      const module = await load(pathToFileURL(join(dirname(fileURLToPath(import.meta.resolve("@convbook/engine"))), "wasm/load.js")).href);
      await module.link(link);
      await module.evaluate();
      return module.namespace;
    };
    const root = join(dirname(fileURLToPath(import.meta.resolve("@convbook/engine"))), "..");
    const [first, second] = [await evaluate(), await evaluate()];
    const relaxed = engine.info().isa === "wasm-relaxed";
    tell([first === second, first.loadWasm(root, relaxed).addon === second.loadWasm(root, relaxed).addon, tf.engine().findBackend("native").addon === first.loadWasm(root, relaxed).addon, started]);`;
  expect((await run(program, {}, ["--experimental-vm-modules"])).answer).toEqual([false, true, true, 0]);
});

it("loads nothing in its threads of what NODE_OPTIONS loads before the program", async () => {
  const folder = mkdtempSync(join(tmpdir(), "convbook-preload-"));
  try {
    const log = join(folder, "log");
    const preload = join(folder, "preload.cjs");
    const line = `require("node:worker_threads").threadId + "\\n"`;
    writeFileSync(preload, `require("node:fs").appendFileSync(${JSON.stringify(log)}, ${line});`);
    const program = `
      for (let i = 0; i < 20; i++) { step(); await new Promise((resolve) => setTimeout(resolve, 20)); }
      tell(engine.info().threads);`;
    expect((await run(program, { NODE_OPTIONS: `--require ${JSON.stringify(preload)}` })).answer).toBe(2);
    expect(readFileSync(log, "utf8")).toBe("0\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.runIf(process.platform === "linux")(
  "does without threads, or says why it does not run, where addresses are limited",
  async () => {
    const program = 'import { engine } from "@convbook/engine"; console.log(engine.available || engine.reason);';
    const limited = async (gigabytes: number) => {
      const limit = `ulimit -v ${gigabytes * 1e6}; exec "$0" --input-type=module --eval "$1"`;
      const { stdout, stderr } = await promisify(execFile)("bash", ["-c", limit, process.execPath, program], {
        cwd: root,
        env: { ...process.env, CONVBOOK_ISA: "wasm", CONVBOOK_THREADS: "3" },
      });
      return { said: stdout.trim(), warned: stderr.trim() };
    };
    const refused =
      /^WebAssembly does not run: not even 268 MB of memory can be had: \d\.\d GB of addresses are left to this process \(ulimit -v\); Node sets aside 11 GB/;
    const withFewer =
      /^convbook engine: a thread of WebAssembly ended: \d\.\d GB of addresses are left to this process \(ulimit -v\)$/m;
    // How many addresses Node needs differs by its version: 20 with 12.2 GB does as 24 with 6.
    const outcomes = [];
    for (const gigabytes of [6, 8, 12.2]) {
      const { said, warned } = await limited(gigabytes);
      expect(said === "true" ? "" : said).toMatch(said === "true" ? /^$/ : refused);
      expect(warned).toMatch(said === "true" && warned !== "" ? withFewer : /^$/);
      outcomes.push(said !== "true" ? "refused" : warned === "" ? "whole" : "fewer threads");
    }
    expect(outcomes).toContain("fewer threads");
    expect(await limited(40)).toEqual({ said: "true", warned: "" });
  },
);

it("ends its threads with the worker thread that it was started in, whose memory is free again", async () => {
  const program = `
    const { Worker } = await import("node:worker_threads");
    const { once } = await import("node:events");
    const { readFileSync, readdirSync } = await import("node:fs");
    const isLinux = process.platform === "linux";
    const threads = () => isLinux ? readdirSync("/proc/self/task").length : 0;
    const addresses = () => isLinux ? Number(/^VmSize:\\s+(\\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1e6 : 0;
    const text = ${JSON.stringify(`
      const { parentPort } = require("node:worker_threads");
      (async () => {
        const { engine } = await import("@convbook/engine");
        const tf = await import("@tensorflow/tfjs-core");
        await tf.setBackend("native");
        parentPort.postMessage(engine.info().threads);
        for (;;) { tf.tidy(() => tf.conv2d(tf.ones([8, 16, 16, 8]), tf.ones([3, 3, 8, 16]), 1, "same").dataSync()); }
      })();`)};
    const seen = [];
    for (let i = 0; i < 8; i++) {
      const worker = new Worker(text, { eval: true, execArgv: [] });
      await once(worker, "message");
      await worker.terminate();
      step();
      if (i === 1) { seen.push(threads(), addresses()); }
    }
    tell([threads() - seen[0], Math.max(0, Math.round((addresses() - seen[1]) / 5))]);`;
  expect((await run(program)).answer).toEqual([0, 0]);
});
