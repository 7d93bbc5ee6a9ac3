/** What the engine needs of where it runs: Node and pages bring their own, and nothing else in the engine imports built-ins. */
import type { RegionSource } from "./buffer-pool.ts";
import type { OneDnnFiles } from "./implementations.ts";
import type { NativeAddon } from "./native-addon.ts";

/** Where the engine runs. */
export interface Host {
  /** A setting by the name of its variable in the environment; empty where it is not set. */
  setting(name: string): string;
  /** Processors that threads may run on. */
  processors(): number;
  /** Bytes of memory in the machine; 0 where nobody tells. */
  machineMemory(): number;
  /** The version of Node; empty in a page. */
  readonly nodeVersion: string;
  /** Where the module with oneDNN lies; undefined where there can be none. */
  readonly oneDnn?: OneDnnFiles;
  /** What else is there to be done where the engine starts, whether or not its code is there. */
  prepare?(): void;
}

/** The engine's code: native, or the same sources compiled to WebAssembly. */
export interface Loaded {
  readonly build: "native" | "wasm";
  readonly addon: NativeAddon;
  /** Where memory for tensors comes from. */
  readonly regions: RegionSource;
  readonly path: string;
  /** In WebAssembly: why there is no native code; empty where WebAssembly was asked for. */
  readonly instead: string;
}

export type LoadResult = Loaded | { readonly addon: undefined; readonly reason: string };
