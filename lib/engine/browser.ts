/** The engine in a page: the same as in Node without models in files, and started by a call, because its code is fetched. */
import { engine, joinEngine, startEngine } from "./engine.ts";
import type { Host } from "./host.ts";
import { differenceOf } from "./native-tables.ts";
import { loadInPage, type PageFiles, pageProcessors, whyOneThread } from "./wasm/page.ts";

export * from "./exports.ts";
export { engine };

/** How the engine starts in a page. */
export interface StartOptions {
  /** Threads; by default one for each processor. Without cross-origin isolation there is one, whatever is asked for. */
  readonly threads?: number;
  /** Where `engine.wasm` is, or its bytes; by default beside this package's code, where bundlers find it. */
  readonly wasm?: URL | string | Uint8Array;
  /** The same of `engine-relaxed.wasm`. */
  readonly relaxedWasm?: URL | string | Uint8Array;
  /** Whether relaxed SIMD is taken where the browser has it, by default true. Without it results have the same bits on every machine. */
  readonly relaxedSimd?: boolean;
}

let starting: Promise<void> | undefined;

/**
 * Starts the engine and registers the backend `native`. Where the page is not cross-origin isolated there is one thread, and a line in
 * the console says so. Further calls wait for the first.
 *
 * @throws RangeError for a number of threads that is none; Error where the code cannot be fetched or run: `engine.reason` says why,
 *   too, and a later call tries again
 * @example
 * await start();
 * await tf.setBackend("native");
 */
export function start(options: StartOptions = {}): Promise<void> {
  starting ??= startWith(options).catch((error: unknown) => {
    starting = undefined;
    throw error;
  });
  return starting;
}

async function startWith({ threads = 0, wasm, relaxedWasm, relaxedSimd = true }: StartOptions): Promise<void> {
  if (!Number.isInteger(threads) || threads < 0 || threads > 256) {
    throw new RangeError(`start: expected threads to be an integer from 0 to 256, got ${threads}`);
  }
  if (joinEngine()) {
    return;
  }
  // Bundlers know files by this form.
  const files: PageFiles = {
    plain: wasm ?? new URL("../wasm/engine.wasm", import.meta.url),
    relaxed: relaxedWasm ?? new URL("../wasm/engine-relaxed.wasm", import.meta.url),
  };
  const why = whyOneThread();
  const wanted = why === undefined ? threads : 1;
  const host: Host = {
    setting: (name) => (name === "CONVBOOK_THREADS" && wanted > 0 ? String(wanted) : ""),
    processors: pageProcessors,
    machineMemory: () => 0,
    nodeVersion: "",
  };
  try {
    const { addon, regions, path } = await loadInPage(files, relaxedSimd);
    const difference = differenceOf(addon);
    if (difference !== undefined) {
      throw new Error(`${path} was built from other sources (${difference})`);
    }
    startEngine(host, { build: "wasm", addon, regions, path, instead: "there is no native code in a page" });
  } catch (error) {
    const reason = `WebAssembly does not run: ${error instanceof Error ? error.message : error}`;
    startEngine(host, { addon: undefined, reason });
    throw new Error(`The engine does not start: ${reason}`, { cause: error });
  }
  if (why !== undefined) {
    console.warn(`convbook engine: one thread, because ${why}`);
  }
}
