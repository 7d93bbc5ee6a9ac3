/** What this package uses of WebAssembly, which is in Node and browsers alike; some programs' types have it, some not. */

export interface WasmMemory {
  /** Of a memory that grows this is another buffer from time to time; views of a shared memory's former ones stay good. */
  readonly buffer: ArrayBufferLike;
}

/** Code that is compiled; it can be sent to workers. */
export type WasmModule = object;

export interface WasmGlobal {
  value: number;
}

export type WasmFunction = (...args: number[]) => number;

interface Wasm {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
  readonly Module: {
    new (bytes: Uint8Array): WasmModule;
    imports(module: WasmModule): { module: string; name: string; kind: string }[];
  };
  readonly Instance: new (
    module: WasmModule,
    imports: Record<string, Record<string, unknown>>,
  ) => { readonly exports: Record<string, unknown> };
  compile(bytes: Uint8Array): Promise<WasmModule>;
  instantiate(
    module: WasmModule,
    imports: Record<string, Record<string, unknown>>,
  ): Promise<{ readonly exports: Record<string, unknown> }>;
  validate(bytes: Uint8Array): boolean;
}

const runtime: object = globalThis;

/** The runtime's own; undefined where there is none. Read by name: a program's own types of it may be stricter. */
export const wasm: Wasm | undefined = Reflect.get(runtime, "WebAssembly");

/** A page of memory. */
export const pageBytes = 65_536;

/** The most pages that a 32-bit memory has. */
export const mostPages = 65_536;

/** A function that multiplies and adds by one instruction, which runtimes with relaxed SIMD know. */
const relaxed = [
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x13, 0x01, 0x11, 0x00],
  ...[0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f],
  ...[0xfd, 0x85, 0x02, 0x0b],
];

/** Whether this runtime has relaxed SIMD (Node 22, Chrome 114 and later). */
export function hasRelaxedSimd(): boolean {
  return wasm?.validate(Uint8Array.from(relaxed)) ?? false;
}
