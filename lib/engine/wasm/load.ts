/** The engine in WebAssembly, in Node: its file and its workers. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { sayEnded, startModule, type WasmEngine } from "./module.ts";
import { hasRelaxedSimd } from "./webassembly.ts";
import { workerText } from "./worker.ts";

const text = `${workerText}work(require("node:worker_threads").workerData);`;

/**
 * Starts the engine in WebAssembly.
 *
 * @param root the package's folder
 * @param relaxed whether relaxed SIMD is taken where this Node has it
 * @throws Error where its file is not there, or this Node cannot run it
 */
export function loadWasm(root: string, relaxed: boolean): WasmEngine & { readonly path: string } {
  const path = join(root, "wasm", relaxed && hasRelaxedSimd() ? "engine-relaxed.wasm" : "engine.wasm");
  const engine = startModule(readFileSync(path), {
    processors: availableParallelism(),
    startWorker(setup) {
      const thread = new Worker(text, { eval: true, execArgv: [], workerData: setup, name: "convbook engine" });
      thread.on("error", ({ message }) => sayEnded(message));
      thread.unref();
    },
  });
  return { ...engine, path };
}
