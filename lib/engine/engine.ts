/** The engine as one object: whether the native code is there, what it runs on, and where its time goes. */
import { availableParallelism, totalmem } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import type { NativeBackend } from "./backend.ts";
import { loadNative, type NativeAddon } from "./native.ts";
import { type Profile, profile } from "./profiler.ts";
import { backendName, fallbackKernelNames, nativeKernelNames, registerNative } from "./register.ts";

/** Facts on the running engine. */
export interface EngineInfo {
  /** The instruction set in use: amx (AVX-512 with AMX for convolutions), avx512, avx2 or generic (SSE2, NEON, ...). */
  readonly isa: string;
  /** Threads that share a kernel's work. */
  readonly threads: number;
  /** Processors that this process may run on. */
  readonly processors: number;
  readonly memory: {
    /** Bytes of tensors' blocks in use, kept for reuse, the most of both so far, and the most that may be kept. */
    readonly used: number;
    readonly kept: number;
    readonly peak: number;
    readonly ceiling: number;
    /** Bytes of the threads' scratch space. */
    readonly scratch: number;
    /** Bytes in the machine. */
    readonly machine: number;
  };
  readonly versions: { readonly tfjs: string; readonly node: string };
  /** The names of the kernels that are native. */
  readonly kernels: readonly string[];
  /** The names of those that run in plain JavaScript, as in the CPU backend. */
  readonly fallbacks: readonly string[];
  /** The native binary. */
  readonly path: string;
}

export interface Engine {
  /** Whether the native code is there; then the backend `native` is registered. */
  readonly available: boolean;
  /** Why it is not available, in a few words; empty when it is. */
  readonly reason: string;
  /** What the engine runs on. @throws Error when it is not available. */
  info(): EngineInfo;
  /** Runs with this many threads from now on; 0: one a processor. */
  setThreads(threads: number): void;
  /** Chooses the instruction set, for comparisons: "amx", "avx512", "avx2", "generic"; what the processor lacks is not taken. */
  setInstructionSet(isa: string | undefined): void;
  /** Gives memory that is kept for reuse back to the system. */
  trim(): void;
  /** Profiles the kernels that a function runs. */
  profile(body: () => unknown): Promise<Profile>;
}

const loaded = loadNative();
let isa = "";
let instructionSet = process.env.CONVBOOK_ISA || undefined;
let threads = wantedThreads();

function addonOrThrow(): { addon: NativeAddon; path: string } {
  if (loaded.addon === undefined) throw new Error(`The native engine is not available: ${loaded.reason}`);
  return loaded;
}

function configure(): void {
  isa = addonOrThrow().addon.configure(threads, instructionSet);
}

function wantedThreads(): number {
  const text = process.env.CONVBOOK_THREADS;
  if (text === undefined || text === "") return 0;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 256) return count;
  console.warn(`native engine: CONVBOOK_THREADS is "${text}", expected a number from 1 to 256; taking all processors`);
  return 0;
}

if (loaded.addon !== undefined) {
  configure();
  registerNative(loaded.addon);
}

function nativeBackend(): NativeBackend | undefined {
  return tf.engine().findBackend(backendName) as NativeBackend | undefined;
}

export const engine: Engine = {
  available: loaded.addon !== undefined,
  reason: loaded.addon === undefined ? loaded.reason : "",
  info() {
    const { addon, path } = addonOrThrow();
    const pool = nativeBackend()?.pool;
    return {
      isa,
      threads: addon.threads(),
      processors: availableParallelism(),
      memory: {
        used: pool?.usedBytes ?? 0,
        kept: pool?.keptBytes ?? 0,
        peak: pool?.peakBytes ?? 0,
        ceiling: pool?.ceiling ?? 0,
        scratch: addon.scratchBytes(),
        machine: totalmem(),
      },
      versions: { tfjs: tf.version_core, node: process.versions.node },
      kernels: nativeKernelNames(),
      fallbacks: fallbackKernelNames(),
      path,
    };
  },
  setThreads(count) {
    if (!Number.isInteger(count) || count < 0 || count > 256) {
      throw new RangeError(`setThreads: expected an integer from 0 to 256, got ${count}`);
    }
    threads = count;
    configure();
  },
  setInstructionSet(name) {
    instructionSet = name;
    configure();
  },
  trim() {
    nativeBackend()?.dispose();
  },
  profile,
};
