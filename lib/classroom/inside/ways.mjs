/**
 * A part of the guard: takes away for good what reads this process as a debugger does, hands out the promises that others wait for, or comes
 * between an import and its module.
 *
 * @param tools Of the guard: `require` of the kernel, and how a property is fixed.
 */
export default function takeAwayWays({ load, fixed }) {
  const { defineProperty, ownKeys, getPrototypeOf } = Reflect;
  const toText = String;
  const objects = Object.prototype;
  const Refusal = TypeError;

  const refuse = (what) =>
    function refused() {
      throw new Refusal(`${what} is not there while a submission is graded`);
    };
  /** Takes functions of a module away for good. */
  const takeAway = (owner, names, label) => {
    for (const name of names) {
      if (typeof owner[name] === "function") {
        defineProperty(owner, name, {
          value: refuse(`${label}.${name}`),
          writable: false,
          enumerable: true,
          configurable: false,
        });
      }
    }
  };
  // The second is made of the first when it is loaded.
  const debuggers = [load("node:inspector"), load("node:inspector/promises")];
  takeAway(debuggers[0], ownKeys(debuggers[0]), "inspector");
  takeAway(debuggers[1], ownKeys(debuggers[1]), "inspector");
  takeAway(
    load("node:v8"),
    ["getHeapSnapshot", "writeHeapSnapshot", "setFlagsFromString", "startupSnapshot", "queryObjects"],
    "v8",
  );
  // Who is told of a promise that others wait for can answer in its place.
  const hooks = load("node:v8").promiseHooks;
  if (hooks !== undefined) {
    takeAway(hooks, ownKeys(hooks), "v8.promiseHooks");
  }
  takeAway(load("node:async_hooks"), ["createHook", "executionAsyncResource"], "async_hooks");
  takeAway(load("node:module"), ["register", "registerHooks"], "module");
  const vm = load("node:vm");
  takeAway(
    vm,
    [
      "createContext",
      "runInContext",
      "runInNewContext",
      "measureMemory",
      "Module",
      "SourceTextModule",
      "SyntheticModule",
    ],
    "vm",
  );
  const script = vm.Script.prototype;
  takeAway(script, ["runInContext", "runInNewContext"], "vm.Script");
  for (const name of ownKeys(script)) {
    fixed(script, name);
  }
  for (const name of ownKeys(vm)) {
    fixed(vm, name);
  }
  takeAway(
    process,
    ["binding", "_linkedBinding", "dlopen", "_debugProcess", "_debugEnd", "_startProfilerIdleNotifier"],
    "process",
  );
  // Linux tells how much memory a process has beside the file through which all of it can be read. Where neither is there, it is the most that it had.
  try {
    process.memoryUsage.rss();
  } catch {
    const { resourceUsage } = process;
    const { getHeapStatistics } = load("node:v8");
    const rss = () => 1024 * resourceUsage().maxRSS;
    const memoryUsage = () => {
      const { total_heap_size: heapTotal, used_heap_size: heapUsed, external_memory: external } = getHeapStatistics();
      return { rss: rss(), heapTotal, heapUsed, external, arrayBuffers: external };
    };
    memoryUsage.rss = rss;
    defineProperty(process, "memoryUsage", {
      value: memoryUsage,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  // It can write down the text of all that is compiled.
  takeAway(load("node:trace_events"), ["createTracing"], "trace_events");
  // A worker thread can read the main one as a debugger: each begins with what takes that away, and starts none itself.
  const threads = load("node:worker_threads");
  const preamble = `{
    // The kernel's own preparation of threads extends it, and puts what it made in its place: that can start none, either.
    const refused = function () { throw new TypeError("this is not there while a submission is graded"); };
    const load = (module) => process.getBuiltinModule ? process.getBuiltinModule("node:" + module) : require("node:" + module);
    // All are loaded before any is changed: one of the inspector's extends a class of the other's.
    for (const [exported, names] of [[load("inspector")], [load("inspector/promises")], [load("worker_threads"), ["Worker"]], [load("v8"), ["getHeapSnapshot", "writeHeapSnapshot", "setFlagsFromString"]]]) {
      for (const name of names ?? Reflect.ownKeys(exported)) Object.defineProperty(exported, name, { value: refused, writable: name === "Worker", configurable: false });
    }
    for (const name of ["binding", "_linkedBinding", "dlopen"]) process[name] = refused;
    (process.getBuiltinModule ? process.getBuiltinModule("node:module") : require("node:module")).syncBuiltinESMExports();
  }`;
  const address = `data:text/javascript,${encodeURIComponent(`import { createRequire } from "node:module"; const require = createRequire("file:///"); ${preamble}`)}`;
  const Thread = threads.Worker;
  const flags = [];
  const { execArgv } = process;
  for (let i = 0; i < execArgv.length; i++) {
    const flag = execArgv[i];
    if (flag.slice(0, 20) !== "--max-old-space-size") {
      flags.push(flag);
    }
  }
  const Started = new Proxy(Thread, {
    construct(target, [entry, given]) {
      const options = given ?? {};
      const isText = options.eval === true;
      return Reflect.construct(target, [
        isText ? `${preamble}\n${toText(entry)}` : entry,
        { ...options, ...(!isText && { execArgv: [...(options.execArgv ?? flags), "--import", address] }) },
      ]);
    },
    getPrototypeOf: () => objects,
  });
  for (let owner = Thread.prototype; owner !== null && owner !== objects; owner = getPrototypeOf(owner)) {
    const made = owner.constructor;
    if (typeof made === "function" && made.name === "Worker") {
      defineProperty(owner, "constructor", { value: Started, writable: false, configurable: false });
    }
  }
  defineProperty(threads, "Worker", { value: Started, writable: false, enumerable: true, configurable: false });
}
