/** The engine in WebAssembly, in Node: its file and its workers. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { startModule, type WasmEngine } from "./module.ts";
import { hasRelaxedSimd } from "./webassembly.ts";

/** What a worker runs, as text, so that it is there in bundles and needs no loader. */
const worker = `
const { workerData } = require("node:worker_threads");
const { module, memory, thread, stack, variables } = workerData;
const imports = {};
for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
  imports[from] ??= {};
  imports[from][name] = kind === "memory" ? memory : () => { throw new Error("A worker called " + name); };
}
const { exports } = new WebAssembly.Instance(module, imports);
exports.__stack_pointer.value = stack;
exports.__wasm_init_tls(variables);
exports.convbook_work(thread);
`;

/**
 * Starts the engine in WebAssembly.
 *
 * @param root the package's folder
 * @throws Error where its file is not there, or this Node cannot run it
 */
export function loadWasm(root: string): WasmEngine & { readonly path: string } {
  const path = join(root, "wasm", hasRelaxedSimd() ? "engine-relaxed.wasm" : "engine.wasm");
  const engine = startModule(readFileSync(path), {
    processors: availableParallelism(),
    startWorker(setup) {
      const thread = new Worker(worker, { eval: true, execArgv: [], workerData: setup, name: "convbook engine" });
      // The others take its work.
      thread.on("error", ({ message }) => console.warn(`convbook engine: a thread of WebAssembly ended: ${message}`));
      thread.unref();
    },
  });
  return { ...engine, path };
}
