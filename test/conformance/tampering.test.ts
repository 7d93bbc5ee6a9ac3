/** Cells that break what JavaScript and Node give to everybody: the kernel answers all the same, and an interrupt works. */
import { afterAll, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, resultOf, streamOf } from "./harness.ts";

/** Every function of an object, and of its prototype, is replaced by one that gives nonsense. */
const ruin = (owner: string, except = "") =>
  `for (const name of Reflect.ownKeys(${owner})) {
     const found = Reflect.getOwnPropertyDescriptor(${owner}, name);
     if (typeof found.value === "function" && found.configurable && name !== "constructor" && !${JSON.stringify(except)}.split(" ").includes(String(name))) {
       Reflect.defineProperty(${owner}, name, { ...found, value: () => "nonsense" });
     }
   }`;

const tamperings: Readonly<Record<string, string>> = {
  "JSON.stringify, JSON.parse": 'JSON.stringify = () => "{}"; JSON.parse = () => ({});',
  "JSON as a whole": "globalThis.JSON = undefined as never;",
  "toJSON of every object":
    "Object.defineProperty(Object.prototype, 'toJSON', { value: () => 7, configurable: true });",
  "toJSON of arrays and strings":
    "for (const type of [Array, String, Number]) Object.defineProperty(type.prototype, 'toJSON', { value: () => null });",
  "the methods of Array.prototype": ruin("Array.prototype"),
  "the methods of String.prototype": ruin("String.prototype"),
  "the methods of RegExp.prototype": ruin("RegExp.prototype"),
  "Object's functions": ruin("Object"),
  "Reflect, Symbol, globalThis":
    "globalThis.Symbol = undefined as never; globalThis.Reflect = undefined as never; globalThis.globalThis = {} as never;",
  "Map, Set, WeakMap": `${ruin("Map.prototype")} ${ruin("Set.prototype")} ${ruin("WeakMap.prototype")} globalThis.Map = globalThis.Set = globalThis.WeakMap = undefined as never;`,
  "Promise and its then": `${ruin("Promise.prototype")} ${ruin("Promise")} globalThis.Promise = undefined as never;`,
  "Buffer, typed arrays": `${ruin("Buffer")} ${ruin("Buffer.prototype")} ${ruin("Uint8Array.prototype")} ${ruin("Object.getPrototypeOf(Uint8Array.prototype)")} globalThis.Buffer = undefined as never;`,
  "iterators of arrays": `Array.prototype[Symbol.iterator] = (() => { throw new Error("no"); }) as never; Object.getPrototypeOf([].values()).next = () => ({ done: true });`,
  "Function.prototype": ruin("Function.prototype"),
  "Error.prepareStackTrace": 'Error.prepareStackTrace = () => { throw new TypeError("no stack"); };',
  "a stack that is no text": "Error.prepareStackTrace = () => 7;",
  console: `${ruin("console")} globalThis.console = undefined as never;`,
  "process, its listeners":
    "process.removeAllListeners(); for (const name of ['on', 'off', 'emit', 'kill', 'exit', 'cwd', 'nextTick', 'hrtime', 'removeListener', 'listeners', 'rawListeners']) (process as never as Record<string, unknown>)[name] = () => 'nonsense';",
  "process.emit, process.nextTick that throw":
    "for (const name of ['emit', 'nextTick', 'emitWarning'] as const) (process as never as Record<string, unknown>)[name] = () => { throw new Error('no'); };",
  "process.stdout":
    "process.stdout.write = () => { throw new Error('no'); }; Object.defineProperty(process, 'stdout', { value: undefined }); Object.defineProperty(process, 'stderr', { value: undefined });",
  events: `${ruin('require("node:events").prototype')} ${ruin("EventTarget.prototype")}`,
  timers:
    "globalThis.setTimeout = globalThis.setImmediate = globalThis.queueMicrotask = globalThis.clearTimeout = undefined as never;",
  "modules of Node":
    'const fs = require("node:fs"), vm = require("node:vm"), util = require("node:util"), module = require("node:module"); fs.writeSync = vm.Script.prototype.runInThisContext = util.inspect = () => "nonsense"; module.syncBuiltinESMExports();',
  "node:vm as a whole":
    'const vm = require("node:vm") as Record<string, unknown>; for (const name of Object.keys(vm)) vm[name] = () => { throw new Error("no"); }; require("node:module").syncBuiltinESMExports();',
  "the kernel's realm, by a function of it":
    'const found = process.stdout.write as never as { constructor: (code: string) => () => { JSON: { parse: unknown } } }; try { found.constructor("return globalThis")().JSON.parse = () => ({}); } catch {} const objects = Object.getPrototypeOf(Object.getPrototypeOf(found)); try { objects.toJSON = () => 7; } catch {} try { objects.constructor.entries = () => []; } catch {}',
  "what hands cells over":
    'const runner = Reflect.get(globalThis, Symbol.for("convbook.kernel.runner")); for (const place of [runner, Object.getPrototypeOf(runner)]) { try { place.handle = () => {}; } catch {} }',
  "the atomics and the clock":
    "Atomics.wait = Atomics.load = Atomics.store = (() => 0) as never; performance.now = () => NaN; Date.now = () => NaN;",
};

/** What breaks Node itself, so that nothing can be started. */
const breaksNode = new Set([
  "iterators of arrays",
  "Function.prototype",
  "Buffer, typed arrays",
  "process, its listeners",
  "process.emit, process.nextTick that throw",
  "events",
]);

describe.runIf(pythonHas("jupyter_client"))("a cell that breaks", () => {
  let kernel: KernelUnderTest | undefined;
  afterAll(() => kernel?.close());

  it.each(Object.entries(tamperings))("%s", async (name, code) => {
    await kernel?.close();
    kernel = await KernelUnderTest.start();
    await kernel.execute('const before = 1; console.log("ready");');
    expect((await kernel.execute(`// @convbook-types: off\n${code}`)).reply?.content.status).toBe("ok");
    const failed = await kernel.execute('// @convbook-types: off\nthrow new RangeError("after");');
    expect(failed.reply?.content).toMatchObject({ status: "error", ename: "RangeError", evalue: "after" });
    expect(resultOf(await kernel.execute("before + 1"))).toBe("2");
    const shown = await kernel.execute("display.html('<b>shown</b>')");
    expect(shown.events.find(({ type }) => type === "display_data")?.content.data).toEqual({
      "text/html": "<b>shown</b>",
      "text/plain": "shown",
    });
    if (!breaksNode.has(name)) {
      expect(streamOf(await kernel.execute("!echo from a command"))).toBe("from a command\n");
    }
    const stopped = await kernel.execute("for (;;) {}", { interrupt_after: 0.3 });
    expect(stopped.reply?.content).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
    expect(resultOf(await kernel.execute("before + 2"))).toBe("3");
  });
});
