/** TypeScript wherever Node reaches it: worker threads, `require`, packages that import it. */
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, TestFolder } from "./harness.ts";

const files: Record<string, string> = {
  "tsconfig.json": '{ "compilerOptions": { "strict": true, "types": ["node"], "paths": { "~/*": ["./src/*"] } } }',
  "data.json": '{ "hello": "json" }',
  "src/part.ts": "export enum Part { A = 7 }\nexport const twice = (n: number): number => 2 * n;",
  "worker.ts": `import { parentPort, workerData, threadId } from "node:worker_threads";
import { Part } from "./src/part";
import { twice } from "~/part";
import data, { hello } from "./data.json";
interface Answer { readonly n: number }

const answer: Answer = { n: twice(Part.A) };
if (workerData === "fail") {
  throw new Error("in the worker");
}
parentPort?.postMessage({ ...answer, data: data.hello === hello, threadId: threadId > 0 });
`,
  "old-worker.cts": `import threads = require("node:worker_threads");
const { twice } = require("./src/part") as typeof import("./src/part");
threads.parentPort?.postMessage(twice(4));
`,
  "worker.mjs": `import { parentPort } from "node:worker_threads";
import { twice } from "./src/part.ts";
parentPort.postMessage(twice(1));
`,
  "starts.ts": `import { Worker } from "node:worker_threads";
export const start = () => new Worker(new URL("./worker.ts", import.meta.url));
export const main = import.meta.main;
export const place: string = import.meta.resolve("./worker.ts");
`,
  "common.ts": `import { twice } from "./src/part.js";
export const four: number = twice(2);
export default import.meta.url;
export const late = () => import("./src/part");
export function fail(): never {
  const message: string = "in common.ts";

  throw new Error(message);
}
`,
  "equals.cts": 'import part = require("./src/part"); export = { eight: part.twice(4) };',
  "optional.cts":
    'export let code = ""; try { require("nothing-there") } catch (error) { code = (error as NodeJS.ErrnoException).code ?? "" }',
  "unnamed.ts": "export default (n: number) => n;",
  "plain.cjs": 'exports.four = require("./common").four;',
  "node_modules/esm/package.json":
    '{ "name": "esm", "type": "module", "exports": { ".": "./index.js", "./late": "./late.js" } }',
  "node_modules/esm/index.js":
    'export { deep, state, fail } from "./lib/middle.js"; import parts from "./parts.json" with { type: "json" }; export { parts };',
  "node_modules/esm/parts.json": '["p"]',
  "node_modules/esm/lib/middle.js": 'import { state } from "./state.js"; export { state }; export * from "./deep.ts";',
  "node_modules/esm/lib/state.js":
    "export const state = { loaded: (globalThis.stateLoads = (globalThis.stateLoads ?? 0) + 1) };",
  "node_modules/esm/lib/deep.ts": `export enum Level { One = 1 }
export const deep: number = Level.One;

export function fail(): never {
  throw new Error("in a package");
}
`,
  "node_modules/cjs/package.json": '{ "name": "cjs", "main": "index.js" }',
  "node_modules/cjs/index.js": 'module.exports = { part: require("./part.ts").part, again: require("./part").part };',
  "node_modules/cjs/part.ts": 'export const part: string = "part";',
  "packages/linked/package.json": '{ "name": "linked", "type": "module", "exports": "./index.js" }',
  "packages/linked/index.js":
    'import { own } from "./src/own.js"; import { deep } from "esm"; export const linked = own + deep;',
  "packages/linked/src/own.ts": "export const own = 40 satisfies number;",
};

describe.runIf(pythonHas("jupyter_client"))("TypeScript files", () => {
  let kernel: KernelUnderTest;
  let own: TestFolder;
  let folder = "";
  const write = (file: string, text: string) => own.write(file, text);
  beforeEach(async () => {
    own = new TestFolder(files);
    folder = own.path;
    symlinkSync("../packages/linked", join(folder, "node_modules/linked"));
    kernel = await KernelUnderTest.start({ folder });
    await value("%types off");
  });
  afterEach(async () => {
    await kernel.close();
    own.remove();
  });

  const value = (code: string) => kernel.value(code);
  const failure = (code: string) => kernel.failure(code);
  const traceOf = async (code: string): Promise<string> => (await failure(code)).traceback.join("\n");

  it("run as worker threads, by path or address, and import as cells do", async () => {
    await value(
      'import { Worker } from "node:worker_threads"; const answer = (w: Worker) => new Promise((resolve, reject) => w.on("message", resolve).on("error", reject));',
    );
    const expected = "{ n: 14, data: true, threadId: true }";
    expect(await value('await answer(new Worker("./worker.ts"))')).toBe(expected);
    expect(await value('await answer(new Worker(new URL("./worker.ts", import.meta.url)))')).toBe(expected);
    expect(await value('await answer(new Worker(import.meta.dirname + "/worker.js"))')).toBe(expected);
    expect(await value('await answer(new (require("worker_threads").Worker)("./worker", { execArgv: [] }))')).toBe(
      expected,
    );
    expect(await value('import { start, main, place } from "./starts"; [await answer(start()), main]')).toBe(
      `[ ${expected}, false ]`,
    );
    expect(await value("place === import.meta.resolve('./worker.ts')")).toBe("true");
    expect(await value('await answer(new Worker("./old-worker.cts"))')).toBe("8");
    expect(await value('await answer(new Worker("./worker.mjs"))')).toBe("2");
    expect(
      await value(
        `await answer(new Worker('const { twice } = require("./src/part.ts"); require("worker_threads").parentPort.postMessage(twice(3))', { eval: true }))`,
      ),
    ).toBe("6");
    expect(
      await value(
        "process.chdir('src'); const away = new Worker('./worker.ts'); process.chdir('..'); await answer(away)",
      ),
    ).toBe(expected);
    const trace = await traceOf('await answer(new Worker("./worker.ts", { workerData: "fail" }))');
    expect(trace).toContain("in the worker");
    expect(trace).toContain(`${join(folder, "worker.ts")}:9:9`);
    expect(await value('[typeof Worker, Worker.name, new Worker("1", { eval: true }) instanceof Worker]')).toBe(
      "[ 'function', 'Worker', true ]",
    );
  });

  it("are required, by cells, JavaScript and createRequire, and read again when edited", async () => {
    expect(
      await value(
        'const { four, default: url } = require("./common.ts"); [four, url === import.meta.resolve("./common.ts")]',
      ),
    ).toBe("[ 4, true ]");
    expect(
      await value('[require("./common").four, require("./plain.cjs").four, require("./src/part.js").Part.A]'),
    ).toBe("[ 4, 4, 7 ]");
    expect(
      await value('import { createRequire } from "node:module"; createRequire(import.meta.url)("./equals.cts").eight'),
    ).toBe("8");
    expect(await value('(await require("./common.ts").late()).twice(5)')).toBe("10");
    expect(await value('require("~/part").twice(1)')).toBe("2");
    expect(await value('import equals from "./equals.cts"; equals.eight')).toBe("8");
    expect(await value('require.resolve("./common") === import.meta.dirname + "/common.ts"')).toBe("true");
    expect(await value('require("./unnamed").default.name')).toBe("'unnamed_default'");
    const trace = await traceOf('require("./common.ts").fail()');
    expect(trace).toContain(`${join(folder, "common.ts")}:8:9`);
    expect(trace).toContain("throw new Error(message)");
    write("common.ts", "export const four: number = 44;");
    expect(await value('require("./common.ts").four')).toBe("44");
    write("common.ts", "export const = 1;");
    expect(await failure('require("./common.ts")')).toMatchObject({
      ename: "SyntaxError",
      evalue: expect.stringContaining(`(${join(folder, "common.ts")}:1:14)`),
    });
    expect((await failure('require("./nothing.ts")')).evalue).toContain("Cannot find module './nothing.ts'");
    // What programs ask that try what may be missing.
    expect(await value('require("./optional.cts").code')).toBe("'MODULE_NOT_FOUND'");
  });

  it("are imported by packages, installed and linked, each once", async () => {
    expect(await value('import { deep, state, parts } from "esm"; [deep, state.loaded, parts]')).toBe(
      "[ 1, 1, [ 'p' ] ]",
    );
    expect(await value('import { linked } from "linked"; [linked, (globalThis as any).stateLoads]')).toBe("[ 41, 1 ]");
    expect(await value('import * as cjs from "cjs"; [cjs.default, require("cjs").again]')).toBe(
      "[ { part: 'part', again: 'part' }, 'part' ]",
    );
    const trace = await traceOf('import { fail } from "esm"; fail()');
    expect(trace).toContain(`${join(folder, "node_modules/esm/lib/deep.ts")}:5:9`);
    expect(trace).toContain('throw new Error("in a package")');
  });
});
