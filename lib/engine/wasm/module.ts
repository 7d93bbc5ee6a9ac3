/** The engine's module in WebAssembly: its memory, its threads, and its functions as the native ones are called. */
import type { RegionSource } from "../buffer-pool.ts";
import type { NativeAddon } from "../native-addon.ts";
import { NodeApi } from "./node-api.ts";
import {
  mostPages,
  pageBytes,
  type WasmFunction,
  type WasmGlobal,
  type WasmMemory,
  type WasmModule,
  wasm,
} from "./webassembly.ts";

/** What a worker is given: it makes an instance of the module on the memory and runs its function for workers. */
export interface WorkerSetup {
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  /** The number of the thread that it is. */
  readonly thread: number;
  /** Where its stack begins, and its own variables. */
  readonly stack: number;
  readonly variables: number;
}

/** What the module runs in. */
export interface WasmHost {
  /** Processors that threads may run on. */
  readonly processors: number;
  /** Starts a worker; without this one there is one thread, and a memory that is not shared. Where it throws, others do its work. */
  readonly startWorker?: (setup: WorkerSetup) => void;
}

export interface WasmEngine {
  readonly addon: NativeAddon;
  readonly regions: RegionSource;
}

const stackBytes = 1 << 19;
/** What a shared memory begins with; it grows. */
const firstPages = 512;
/** What a shared memory may grow to, for which addresses are set aside: the first that can be had. Safari on iOS refuses the whole. */
const sharedPages = [mostPages, 32_768, 16_384, 8192, 4096];
/** What one is given for good that is not shared, because all views of it would end when it grows. */
const fixedPages = sharedPages.slice(1);

/** What the module exports. */
interface Exports {
  readonly __wasm_call_ctors: () => void;
  readonly __tls_size: WasmGlobal;
  readonly __indirect_function_table: { get(index: number): WasmFunction };
  readonly napi_register_wasm_v1: WasmFunction;
  readonly convbook_alloc: WasmFunction;
  readonly convbook_free: WasmFunction;
}

/** What there is of the engine before its code: the functions that it imports, and what to do when it is there. */
interface Beginning {
  readonly imports: Record<string, Record<string, unknown>>;
  finish(instance: { readonly exports: Record<string, unknown> }): WasmEngine;
}

/**
 * Starts the module at once, as Node may.
 *
 * @param bytes the file
 * @throws Error where the runtime cannot run it
 */
export function startModule(bytes: Uint8Array, host: WasmHost): WasmEngine {
  const runtime = runtimeOrThrow();
  const module = new runtime.Module(fileFor(bytes, host));
  const { imports, finish } = begin(runtime, module, host);
  return finish(new runtime.Instance(module, imports));
}

/**
 * Starts the module while others go on, as a page must.
 *
 * @param bytes the file
 * @throws Error where the runtime cannot run it
 */
export async function startModuleLater(bytes: Uint8Array, host: WasmHost): Promise<WasmEngine> {
  const runtime = runtimeOrThrow();
  const module = await runtime.compile(fileFor(bytes, host));
  const { imports, finish } = begin(runtime, module, host);
  return finish(await runtime.instantiate(module, imports));
}

function runtimeOrThrow(): NonNullable<typeof wasm> {
  if (wasm === undefined) {
    throw new Error("there is no WebAssembly");
  }
  return wasm;
}

function fileFor(bytes: Uint8Array, { startWorker }: WasmHost): Uint8Array {
  return startWorker === undefined ? withoutSharing(bytes) : bytes;
}

function begin(runtime: NonNullable<typeof wasm>, module: WasmModule, host: WasmHost): Beginning {
  const shared = host.startWorker !== undefined;
  const { memory, limit } = newMemory(runtime.Memory, shared);
  const api = new NodeApi(memory);
  let started: Exports | undefined;
  const startWorker = (thread: number): number => {
    if (host.startWorker === undefined || started === undefined) {
      return 0;
    }
    const stack = started.convbook_alloc(stackBytes) >>> 0;
    const variables = started.convbook_alloc(started.__tls_size.value) >>> 0;
    try {
      if (stack !== 0 && variables !== 0) {
        host.startWorker({ module, memory, thread, stack: stack + stackBytes, variables });
        return 1;
      }
    } catch (error) {
      sayEnded(error instanceof Error ? error.message : String(error));
    }
    started.convbook_free(stack);
    started.convbook_free(variables);
    return 0;
  };
  const nothing = (): number => 0;
  const imports = {
    env: { memory },
    napi: { ...api.imports },
    convbook: { startWorker, processors: () => (shared ? host.processors : 1) },
    // The C library would print its last words to nowhere.
    wasi_snapshot_preview1: { fd_close: nothing, fd_seek: nothing, fd_write: nothing },
  };
  const finish: Beginning["finish"] = (instance) => {
    const { exports } = instance as unknown as { exports: Exports };
    started = exports;
    exports.__wasm_call_ctors();
    const { convbook_alloc: alloc, convbook_free: free, __indirect_function_table: table } = exports;
    api.attach({ alloc, free, table });
    return {
      addon: api.register(exports.napi_register_wasm_v1) as unknown as NativeAddon,
      regions: regionsIn(api, alloc, free, limit),
    };
  };
  return { imports, finish };
}

const said = new Set<string>();

/** Says that a worker is not there, each reason once; the others take its work. */
export function sayEnded(reason: string): void {
  if (said.has(reason)) {
    return;
  }
  said.add(reason);
  console.warn(`convbook engine: a thread of WebAssembly ended: ${reason}`);
}

function regionsIn(api: NodeApi, alloc: WasmFunction, free: WasmFunction, limit: number): RegionSource {
  // A tensor that nobody has disposed of and nobody holds any more: its block goes with it, as native memory does.
  const lost = new FinalizationRegistry<number>(free);
  return {
    alloc(bytes) {
      // More than the module can address would be taken for what is left of the number beyond 32 bits.
      const offset = bytes < limit ? alloc(bytes) >>> 0 : 0;
      if (offset === 0) {
        const megabytes = (size: number): string => `${Math.round(size / 1e6)} MB`;
        throw new Error(
          `The engine is out of memory: ${megabytes(bytes)} more than the ${megabytes(api.currentBuffer().byteLength)} that it has; in WebAssembly there are ${megabytes(limit)} at most`,
        );
      }
      const block = { buffer: api.currentBuffer(), offset };
      lost.register(block, offset, block);
      return block;
    },
    drop(block) {
      lost.unregister(block);
      free(block.offset);
    },
    settle: () => false,
    limit,
    copiesOthers: true,
  };
}

/** A memory, and the bytes that it can have at the most. */
function newMemory(
  Memory: NonNullable<typeof wasm>["Memory"],
  shared: boolean,
): { readonly memory: WasmMemory; readonly limit: number } {
  const sizes = shared ? sharedPages : fixedPages;
  for (const maximum of sizes) {
    try {
      const memory = new Memory({ initial: shared ? firstPages : maximum, maximum, shared });
      return { memory, limit: maximum * pageBytes };
    } catch {
      // The next is half as large.
    }
  }
  throw new Error(`not even ${Math.round(((sizes.at(-1) ?? 0) * pageBytes) / 1e6)} MB of memory can be had`);
}

/** The file with a memory that is not shared: what it says of the memory that it imports is one bit. */
function withoutSharing(bytes: Uint8Array): Uint8Array {
  // A copy: `slice` of a Buffer of Node would be the same memory.
  const result = new Uint8Array(bytes);
  const name = [3, ...new TextEncoder().encode("env"), 6, ...new TextEncoder().encode("memory"), 2];
  const at = result.findIndex((_, start) => name.every((byte, i) => result[start + i] === byte));
  const limits = at + name.length;
  if (at < 0 || result[limits] !== 3) {
    throw new Error("the file has no shared memory");
  }
  result[limits] = 1;
  return result;
}
