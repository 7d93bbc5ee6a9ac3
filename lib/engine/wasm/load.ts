/** The engine in WebAssembly, in Node: its file and its workers. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { addressesLeft } from "../platform.ts";
import { sayEnded, startModule, type WasmEngine, type WasmHost } from "./module.ts";
import { hasRelaxedSimd } from "./webassembly.ts";
import { workerText } from "./worker.ts";

const text = `${workerText}work(require("node:worker_threads").workerData);`;

/** What a worker of Node may set aside; one that gets less ends the whole process. */
const workerAddresses = 1e9;

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** Says what is to be done where a limit on addresses is in the way. */
function explained<T>(start: () => T): T {
  try {
    return start();
  } catch (error) {
    const left = addressesLeft();
    if (left === undefined || !(error instanceof Error)) {
      throw error;
    }
    const way = "Node sets aside 11 GB for WebAssembly, from 22 on little with the option --disable-wasm-trap-handler";
    throw new Error(`${error.message}: ${gigabytes(left)} of addresses are left to this process (ulimit -v); ${way}`, {
      cause: error,
    });
  }
}

type LoadedModule = WasmEngine & { readonly path: string };

/**
 * What runs in this thread already, by file. Built-in modules are the same objects for all code of a thread, so it is found again where this
 * module is evaluated anew, even with globals of its own, as each file of Jest's tests is.
 */
function running(): Map<string, LoadedModule> {
  const key = Symbol.for("convbook.engine.wasm");
  const known: Map<string, LoadedModule> = Reflect.get(Worker, key) ?? new Map();
  Reflect.set(Worker, key, known);
  return known;
}

/**
 * Starts the engine in WebAssembly, or gives the one that runs from the same file: its memory and its workers are there once a thread, as a
 * native module is.
 *
 * @param root the package's folder
 * @param relaxed whether relaxed SIMD is taken where this Node has it
 * @throws Error where its file is not there, or this Node cannot run it
 */
export function loadWasm(root: string, relaxed: boolean): LoadedModule {
  const path = join(root, "wasm", relaxed && hasRelaxedSimd() ? "engine-relaxed.wasm" : "engine.wasm");
  const { mtimeMs, size } = statSync(path);
  const key = JSON.stringify([realpathSync(path), mtimeMs, size]);
  const known = running().get(key);
  if (known !== undefined) {
    return known;
  }
  let count = 0;
  const startWorker: WasmHost["startWorker"] = (setup) => {
    const left = addressesLeft();
    // Workers that were started a moment ago may still have theirs to come; the program has to go on, too.
    if (left !== undefined && left < (++count + 1) * workerAddresses) {
      throw new Error(`${gigabytes(left)} of addresses are left to this process (ulimit -v)`);
    }
    const thread = new Worker(text, {
      eval: true,
      // What the program's options and NODE_OPTIONS load before its own code is nothing for these.
      execArgv: [],
      env: {},
      workerData: setup,
      name: "convbook engine",
    });
    thread.on("error", ({ message }) => sayEnded(message));
    thread.unref();
  };
  const engine = explained(() => startModule(readFileSync(path), { processors: availableParallelism(), startWorker }));
  const result = { ...engine, path };
  running().set(key, result);
  return result;
}
