/** The engine as one object: whether the native code is there, what it runs on, and where its time goes. */
import * as tf from "@tensorflow/tfjs-core";
import type { NativeBackend } from "./backend.ts";
import type { Engine } from "./engine-interface.ts";
import { poolCeiling, wantedByEnvironment, wantedThreads } from "./environment.ts";
import type { Host, Loaded, LoadResult } from "./host.ts";
import {
  dropOneDnn,
  type ImplementationName,
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
import { profile } from "./profiler.ts";
import { backendName, fallbackKernelNames, ownKernelNames, registerNative } from "./register.ts";
import { reproducibilityOn } from "./reproducible.ts";

const notInWebAssembly = ["AMX", "bf16", "oneDNN", "huge pages", "giving memory back to the system"];

let host: Host | undefined;
let loaded: LoadResult = { addon: undefined, reason: "it was not started" };
let isa = "";
/** What the environment asks for. */
let askedInstructionSet: InstructionSet | undefined;
let instructionSet: InstructionSet | undefined;
let askedThreads = 0;
let threads = 0;
let wantedPrecision: Precision = "float32";
let wantedImplementations: readonly ImplementationName[] = ["native"];
let wantsReproducible = false;

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

const startedKey = Symbol.for("convbook.engine");

/**
 * Makes this engine the one that is at work already, if there is one. This module may be there more than once: evaluated anew by a hot reload,
 * or in two copies of the package. TensorFlow.js has one backend all the same, and settings of the others would change nothing.
 *
 * @returns whether there is one; nothing is to be started then
 */
export function joinEngine(): boolean {
  const started: Engine | undefined = Reflect.get(tf.engine(), startedKey);
  if (started === undefined) {
    return false;
  }
  Object.defineProperties(engine, Object.getOwnPropertyDescriptors(started));
  return true;
}

/**
 * Starts the engine with its code, or says why there is none; once in a program.
 *
 * @param where what it runs in
 * @param code what was loaded there
 */
export function startEngine(where: Host, code: LoadResult): void {
  const setting = (name: string): string => where.setting(name);
  host = where;
  loaded = code;
  askedThreads = wantedThreads(setting);
  threads = askedThreads;
  where.prepare?.();
  if (code.addon === undefined) {
    return;
  }
  const wanted = wantedByEnvironment(setting);
  wantedPrecision = wanted.precision;
  askedInstructionSet = wanted.instructionSet;
  instructionSet = askedInstructionSet;
  wantedImplementations = wanted.implementations;
  wantsReproducible = wanted.reproducible;
  code.addon.useWinograd(wanted.winograd ? 1 : 0);
  configure();
  // Of AMX only the tiles are left out where results are to be reproducible.
  const isTaken = isa === instructionSet || (wantsReproducible && instructionSet === "amx" && isa === "avx512");
  if (instructionSet !== undefined && instructionSet !== "wasm" && !isTaken) {
    const why =
      code.build === "native" ? "which this processor lacks" : `but there is no native engine (${code.instead})`;
    console.warn(`native engine: CONVBOOK_ISA asks for ${instructionSet}, ${why}; going on with ${isa}`);
  }
  registerNative(code, poolCeiling(setting, where.machineMemory(), code.regions.limit));
  Reflect.set(tf.engine(), startedKey, engine);
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
    threads = count === 0 ? askedThreads : count;
    configure();
  },
  setInstructionSet(name) {
    const wanted = name === undefined ? askedInstructionSet : parseInstructionSet(name);
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
