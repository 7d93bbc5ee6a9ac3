/** The engine in WebAssembly, in a page or a worker of one: its file and its workers. */
import { sayEnded, startModuleLater, type WasmEngine, type WasmHost, type WorkerSetup } from "./module.ts";
import { hasRelaxedSimd } from "./webassembly.ts";
import { workerText } from "./worker.ts";

/** What this file uses of pages, which Node's types do not have. */
interface Page {
  readonly URL: typeof URL;
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly Worker?: new (
    url: string,
    options: { readonly name: string },
  ) => {
    postMessage(setup: WorkerSetup): void;
    onerror: ((event: { readonly message?: string }) => void) | null;
  };
}

const page: Page = globalThis;

/** Processors of the machine, as the page is told. */
export function pageProcessors(): number {
  return page.navigator?.hardwareConcurrency ?? 1;
}

/** Why there is one thread only; undefined where there may be more. */
export function whyOneThread(): string | undefined {
  if (page.Worker === undefined) {
    return "there are no workers here";
  }
  return page.crossOriginIsolated === true
    ? undefined
    : "the page is not cross-origin isolated (serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)";
}

/** Which file to take. */
export interface PageFiles {
  /** With relaxed SIMD, and without: where the page finds it, or its bytes. */
  readonly relaxed: URL | string | Uint8Array;
  readonly plain: URL | string | Uint8Array;
}

/**
 * Starts the engine in WebAssembly.
 *
 * @param files where its files are
 * @param relaxed whether relaxed SIMD is taken where this browser has it
 * @throws Error where the file cannot be had, or this browser cannot run it
 */
export async function loadInPage(files: PageFiles, relaxed: boolean): Promise<WasmEngine & { readonly path: string }> {
  const file = relaxed && hasRelaxedSimd() ? files.relaxed : files.plain;
  const bytes = file instanceof Uint8Array ? file : await fetched(file);
  const engine = await startModuleLater(bytes, { processors: pageProcessors(), ...workers() });
  return { ...engine, path: file instanceof Uint8Array ? "(bytes)" : String(file) };
}

async function fetched(file: URL | string): Promise<Uint8Array> {
  const response = await fetch(file);
  if (!response.ok) {
    throw new Error(`${file} was answered with ${response.status}, expected the engine's file`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

function workers(): Pick<WasmHost, "startWorker"> {
  const { Worker } = page;
  if (Worker === undefined || whyOneThread() !== undefined) {
    return {};
  }
  const text = `${workerText}onmessage = ({ data }) => work(data);`;
  const url = page.URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  return {
    startWorker(setup) {
      const thread = new Worker(url, { name: "convbook engine" });
      thread.onerror = ({ message }) => sayEnded(message ?? "it could not be started");
      thread.postMessage(setup);
    },
  };
}
