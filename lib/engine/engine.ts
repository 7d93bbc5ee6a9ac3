/** The engine as one object: whether the native code is there, what it runs on, and where its time goes. */
import * as tf from "@tensorflow/tfjs-core";
import type { NativeBackend } from "./backend.ts";
import type { Host, Loaded, LoadResult } from "./host.ts";
import {
  dropOneDnn,
  type ImplementationName,
  type ImplementationsInfo,
  implementationsInfo,
  parseImplementations,
  useOneDnn,
} from "./implementations.ts";
import { type InstructionSet, parseInstructionSet } from "./instruction-sets.ts";
import { fallbackRuns } from "./kernels/kernel.ts";
import {
  type Precision,
  parsePrecision,
  precisionInUse,
  UnsupportedPrecisionError,
  usePrecision,
  whyNot,
} from "./precision.ts";
import { type Profile, profile } from "./profiler.ts";
import { backendName, fallbackKernelNames, ownKernelNames, registerNative } from "./register.ts";
import { type Reproducibility, reproducibilityOn } from "./reproducible.ts";
import { switchOf } from "./switches.ts";

/** Facts on the running engine. */
export interface EngineInfo {
  /**
   * The instruction set in use: amx (AVX-512 with AMX for convolutions), avx512, avx2 or generic (SSE2, NEON, ...); in WebAssembly
   * wasm, or wasm-relaxed where this Node has relaxed SIMD.
   */
  readonly isa: string;
  /** Which build of the engine runs: the native one, or WebAssembly, which needs no compiler. */
  readonly build: "native" | "wasm";
  /** In WebAssembly: why the native build does not run; empty where WebAssembly was asked for, and in the native build. */
  readonly instead: string;
  /** What this build cannot have. */
  readonly absent: readonly string[];
  /** What inference multiplies in: float32, or bf16 where it was asked for and the processor has it. Training is float32. */
  readonly precision: Precision;
  /** Whether the instruction set has bf16: amx does. */
  readonly hasBf16: boolean;
  readonly implementations: ImplementationsInfo;
  /**
   * Reproducible mode: "off"; "exact" where results are bit-equal to those of every other machine that says so; "bounded" where they
   * are the same run after run and with any number of threads, but differ from those by rounding.
   */
  readonly reproducible: Reproducibility;
  /** What Winograd's algorithm has computed in this process so far: convolutions, and their gradients. */
  readonly winograd: { readonly forward: number; readonly inputGradients: number; readonly filterGradients: number };
  /** Convolutions that took their weights as an earlier call had packed them, and what these take: a part of `memory.scratch`. */
  readonly keptWeights: { readonly uses: number; readonly bytes: number };
  /** Threads that share a kernel's work. */
  readonly threads: number;
  /** Processors that this process may run on. */
  readonly processors: number;
  readonly memory: {
    /** Bytes of memory for tensors: in use, kept for reuse, the most of both so far, and the most that may be kept. */
    readonly used: number;
    readonly kept: number;
    readonly peak: number;
    readonly ceiling: number;
    /** Bytes of the threads' scratch space. */
    readonly scratch: number;
    /** Bytes in the machine; 0 in a page, which is not told. */
    readonly machine: number;
  };
  /** `node` is empty in a page. */
  readonly versions: { readonly tfjs: string; readonly node: string };
  /** The names of the engine's own kernels: native code, and loops in TypeScript for bookkeeping. */
  readonly kernels: readonly string[];
  /** The names of those that run as in the CPU backend: none of tfjs 4.22's. */
  readonly fallbacks: readonly string[];
  /**
   * How often kernels have run as in the CPU backend so far, by name: those of `fallbacks`, and others whose arguments were of a
   * kind that the engine's own do not take. Kernels that only count references or look at shapes are left out.
   */
  readonly fallbackRuns: Readonly<Record<string, number>>;
  /** The native binary, or the file with WebAssembly. */
  readonly path: string;
}

export interface Engine {
  /** Whether the engine's code is there, native or in WebAssembly; then the backend `native` is registered. */
  readonly available: boolean;
  /** Why it is not available, in a few words; empty when it is. */
  readonly reason: string;
  /** What the engine runs on. @throws Error when it is not available. */
  info(): EngineInfo;
  /** Runs with this many threads from now on; 0: one a processor. */
  setThreads(threads: number): void;
  /**
   * Chooses the instruction set, for comparisons; undefined: the best. Where the processor lacks it, the best below it runs.
   *
   * @throws TypeError for another name, and for wasm in the native build: which build runs is chosen when the program starts
   */
  setInstructionSet(isa: string | undefined): void;
  /**
   * Chooses what inference multiplies in. In "bf16", forward convolutions and products of matrices outside of gradients round
   * their factors to bfloat16 (8 bits of precision) and sum in float32; tensors stay float32, and training is untouched: what
   * is recorded for a gradient, and gradients themselves, are computed in float32. As with PyTorch's autocast, a processor that
   * does not have it goes on in float32, and one line says so.
   *
   * @param precision "float32" or "bf16"
   * @param options strict: throw where the processor does not have it
   * @returns the precision in use from now on
   * @throws TypeError for another name; UnsupportedPrecisionError when `strict`
   */
  setPrecision(precision: Precision, options?: { readonly strict?: boolean }): Precision;
  /**
   * Runs a function in a precision, and goes back to the one before: `torch.autocast` as a function. An asynchronous function
   * has it to its end, and so has what else runs meanwhile.
   */
  withPrecision<T>(precision: Precision, body: () => T): T;
  /**
   * Chooses the implementations of convolutions: ["native"], the engine's own; ["native", "onednn"], where each shape at its
   * first use runs by both and the faster stays; or ["onednn"], oneDNN wherever it can, for comparisons. Where oneDNN is not
   * there, one line says so, and the engine's own run.
   *
   * @throws TypeError for other names
   */
  setImplementations(names: readonly ImplementationName[]): void;
  /**
   * Makes results the same on every machine, from now on: neither the number of threads, nor the width of the processor's
   * vectors, nor anything that was measured or fitted to a processor decides on what is summed in which order. AMX, bf16 and oneDNN
   * are not used meanwhile, and the choice of instructions and of Winograd's algorithm changes nothing. What {@link EngineInfo.reproducible}
   * then says is what this processor can promise.
   *
   * @throws TypeError for what is neither true nor false
   */
  setReproducible(reproducible: boolean): void;
  /** Gives memory that is kept for reuse back to the system. */
  trim(): void;
  /** Profiles the kernels that a function runs. */
  profile(body: () => unknown): Promise<Profile>;
}

const notInWebAssembly = ["AMX", "bf16", "oneDNN", "huge pages", "giving memory back to the system"];

let host: Host | undefined;
let loaded: LoadResult = { addon: undefined, reason: "it was not started" };
let isa = "";
let instructionSet: InstructionSet | undefined;
let threads = 0;
let wantedPrecision: Precision = "float32";
let wantedImplementations: readonly ImplementationName[] = ["native"];
let wantsWinograd = true;
let wantsReproducible = false;

function setting(name: string): string {
  return host?.setting(name) ?? "";
}

function addonOrThrow(): Loaded {
  if (loaded.addon === undefined) {
    throw new Error(`The native engine is not available: ${loaded.reason}`);
  }
  return loaded;
}

function configure(): void {
  const { addon } = addonOrThrow();
  const before = isa;
  isa = addon.configure(threads, instructionSet, wantsReproducible);
  if (isa === before) {
    return;
  }
  if (wantedPrecision !== "float32") {
    takePrecision();
  }
  if (wantedImplementations.includes("onednn")) {
    takeImplementations();
  }
}

const said = new Set<string>();

function warnOnce(line: string): void {
  if (!said.has(line)) {
    console.warn(`native engine: ${line}`);
  }
  said.add(line);
}

/** Makes the wanted precision the one in use, or says why not. */
function takePrecision(): void {
  const there = wantedPrecision === "float32" || addonOrThrow().addon.hasBf16();
  if (!there) {
    warnOnce(`${whyNot(wantedPrecision, isa, wantsReproducible)}; going on in float32`);
  }
  usePrecision(there ? wantedPrecision : "float32");
}

function takeImplementations(): void {
  const { addon, path } = addonOrThrow();
  if (!wantedImplementations.includes("onednn")) {
    dropOneDnn(addon);
    return;
  }
  if (wantsReproducible) {
    dropOneDnn(addon);
    warnOnce("oneDNN is not used: results are to be reproducible");
    return;
  }
  const reason = useOneDnn(addon, host?.oneDnn, path, isa, !wantedImplementations.includes("native"));
  if (reason !== undefined) {
    warnOnce(`oneDNN is not used: ${reason}`);
  }
}

function wantedThreads(): number {
  const text = setting("CONVBOOK_THREADS");
  if (text === "") {
    return 0;
  }
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 256) {
    return count;
  }
  console.warn(`native engine: CONVBOOK_THREADS is "${text}", expected a number from 1 to 256; taking all processors`);
  return 0;
}

/** A quarter of the memory that there is, or `CONVBOOK_POOL_MB` megabytes. */
function poolCeiling(limit = Number.POSITIVE_INFINITY): number {
  const text = setting("CONVBOOK_POOL_MB");
  const megabytes = Number(text);
  if (text !== "" && Number.isFinite(megabytes) && megabytes >= 0) {
    return megabytes * 1e6;
  }
  if (text !== "") {
    console.warn(
      `native engine: CONVBOOK_POOL_MB is "${text}", expected a number of megabytes from 0; keeping a quarter of the machine's memory at most`,
    );
  }
  const machine = host?.machineMemory() ?? 0;
  return Math.min(machine === 0 ? Number.POSITIVE_INFINITY : machine, limit) / 4;
}

/** What the environment asks for; a word that is not known is said, and not taken. */
function configureFromEnvironment(): void {
  const precision = setting("CONVBOOK_PRECISION");
  try {
    if (precision !== "") {
      wantedPrecision = parsePrecision(precision);
    }
  } catch (error) {
    console.warn(`native engine: CONVBOOK_PRECISION: ${(error as Error).message}; going on in float32`);
  }
  const isa = setting("CONVBOOK_ISA");
  try {
    if (isa !== "") {
      instructionSet = parseInstructionSet(isa);
    }
  } catch (error) {
    console.warn(`native engine: CONVBOOK_ISA: ${(error as Error).message}; taking the best`);
  }
  const readSwitch = (name: string, otherwise: boolean, goingOn: string): boolean =>
    switchOf(name, setting(name), otherwise, goingOn);
  wantsWinograd = readSwitch("CONVBOOK_WINOGRAD", true, "with Winograd's algorithm");
  wantedImplementations = readSwitch("CONVBOOK_ONEDNN", false, "without oneDNN") ? ["native", "onednn"] : ["native"];
  wantsReproducible = readSwitch("CONVBOOK_REPRODUCIBLE", false, "without reproducible results");
}

/**
 * Starts the engine with its code, or says why there is none; once in a program.
 *
 * @param where what it runs in
 * @param code what was loaded there
 */
export function startEngine(where: Host, code: LoadResult): void {
  host = where;
  loaded = code;
  threads = wantedThreads();
  where.prepare?.();
  if (code.addon === undefined) {
    return;
  }
  configureFromEnvironment();
  code.addon.useWinograd(wantsWinograd ? 1 : 0);
  configure();
  // Of AMX only the tiles are left out where results are to be reproducible.
  const isTaken = isa === instructionSet || (wantsReproducible && instructionSet === "amx" && isa === "avx512");
  if (instructionSet !== undefined && instructionSet !== "wasm" && !isTaken) {
    const why =
      code.build === "native" ? "which this processor lacks" : `but there is no native engine (${code.instead})`;
    console.warn(`native engine: CONVBOOK_ISA asks for ${instructionSet}, ${why}; going on with ${isa}`);
  }
  registerNative(code, poolCeiling(code.regions.limit));
}

/** Whether this is a promise, of this realm or of another, as a notebook's cells are. */
function isPromise(value: unknown): value is Promise<unknown> {
  return Object.prototype.toString.call(value) === "[object Promise]";
}

function nativeBackend(): NativeBackend | undefined {
  return tf.engine().findBackend(backendName) as NativeBackend | undefined;
}

export const engine: Engine = {
  get available() {
    return loaded.addon !== undefined;
  },
  get reason() {
    return loaded.addon === undefined ? loaded.reason : "";
  },
  info() {
    const { addon, path, build, instead } = addonOrThrow();
    const pool = nativeBackend()?.pool;
    const [forward, inputGradients, filterGradients] = addon.winogradPasses();
    const [uses, bytes] = addon.keptConvolutions();
    return {
      isa,
      build,
      instead,
      absent: build === "wasm" ? notInWebAssembly : [],
      precision: precisionInUse(),
      hasBf16: addon.hasBf16(),
      implementations: implementationsInfo(addon),
      reproducible: reproducibilityOn(isa, wantsReproducible),
      winograd: { forward, inputGradients, filterGradients },
      keptWeights: { uses, bytes },
      threads: addon.threads(),
      processors: host?.processors() ?? 1,
      memory: {
        used: pool?.usedBytes ?? 0,
        kept: pool?.keptBytes ?? 0,
        peak: pool?.peakBytes ?? 0,
        ceiling: pool?.ceiling ?? 0,
        scratch: addon.scratchBytes(),
        machine: host?.machineMemory() ?? 0,
      },
      versions: { tfjs: tf.version_core, node: host?.nodeVersion ?? "" },
      kernels: ownKernelNames(),
      fallbacks: fallbackKernelNames(),
      fallbackRuns: fallbackRuns(),
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
    const wanted = name === undefined ? undefined : parseInstructionSet(name);
    if (wanted === "wasm" && addonOrThrow().build !== "wasm") {
      throw new TypeError(
        "setInstructionSet: WebAssembly is chosen when the program starts: set the environment's CONVBOOK_ISA to wasm",
      );
    }
    instructionSet = wanted;
    configure();
  },
  setPrecision(precision, { strict = false } = {}) {
    const wanted = parsePrecision(precision);
    const { addon } = addonOrThrow();
    if (strict && wanted !== "float32" && !addon.hasBf16()) {
      throw new UnsupportedPrecisionError(wanted, isa, wantsReproducible);
    }
    wantedPrecision = wanted;
    takePrecision();
    return precisionInUse();
  },
  withPrecision(precision, body) {
    const before = wantedPrecision;
    const restore = (): void => {
      wantedPrecision = before;
      takePrecision();
    };
    engine.setPrecision(precision);
    let result: ReturnType<typeof body>;
    try {
      result = body();
    } catch (error) {
      restore();
      throw error;
    }
    if (isPromise(result)) {
      return result.finally(restore) as typeof result;
    }
    restore();
    return result;
  },
  setImplementations(names) {
    wantedImplementations = parseImplementations(names);
    takeImplementations();
  },
  setReproducible(reproducible) {
    if (typeof reproducible !== "boolean") {
      throw new TypeError(`setReproducible: expected true or false, got ${JSON.stringify(reproducible)}`);
    }
    addonOrThrow();
    wantsReproducible = reproducible;
    configure();
    takePrecision();
    takeImplementations();
  },
  trim() {
    nativeBackend()?.dispose();
  },
  profile,
};
