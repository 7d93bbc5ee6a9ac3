/** The engine as one object: what it tells, and what it can be told. */
import type { ImplementationName, ImplementationsInfo } from "./implementations.ts";
import type { Precision } from "./precision.ts";
import type { Profile } from "./profiler.ts";
import type { Reproducibility } from "./reproducible.ts";

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
  /**
   * Runs with this many threads from now on; 0: as many as when the program started, which is what `CONVBOOK_THREADS` (in a page the option
   * `threads` of `start`) says, and else one a processor.
   */
  setThreads(threads: number): void;
  /**
   * Chooses the instruction set, for comparisons; undefined: the one that `CONVBOOK_ISA` asks for, else the best. Where the processor lacks
   * it, the best below it runs.
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
