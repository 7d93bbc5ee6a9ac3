/** What the environment asks of the engine: variables that begin with CONVBOOK_. A word that is not known is said, and not taken. */
import type { ImplementationName } from "./implementations.ts";
import { type InstructionSet, parseInstructionSet } from "./instruction-sets.ts";
import { type Precision, parsePrecision } from "./precision.ts";
import { switchOf } from "./switches.ts";

/** A variable's text by its name; empty where it is not set. */
type Variables = (name: string) => string;

/** Threads that share a kernel's work, by `CONVBOOK_THREADS`; 0: one a processor. */
export function wantedThreads(setting: Variables): number {
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

/**
 * Bytes that may be kept for reuse: a quarter of the memory that there is, or `CONVBOOK_POOL_MB` megabytes.
 *
 * @param machine bytes in the machine; 0 where they are not told
 * @param limit bytes that this program can have at the most
 */
export function poolCeiling(setting: Variables, machine: number, limit = Number.POSITIVE_INFINITY): number {
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
  return Math.min(machine === 0 ? Number.POSITIVE_INFINITY : machine, limit) / 4;
}

/** What an engine is to be like when it starts. */
export interface Wanted {
  readonly precision: Precision;
  /** Undefined: the best. */
  readonly instructionSet: InstructionSet | undefined;
  readonly winograd: boolean;
  readonly implementations: readonly ImplementationName[];
  readonly reproducible: boolean;
}

/** What the environment asks for. */
export function wantedByEnvironment(setting: Variables): Wanted {
  let wantedPrecision: Precision = "float32";
  let instructionSet: InstructionSet | undefined;
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
  return {
    precision: wantedPrecision,
    instructionSet,
    winograd: readSwitch("CONVBOOK_WINOGRAD", true, "with Winograd's algorithm"),
    implementations: readSwitch("CONVBOOK_ONEDNN", false, "without oneDNN") ? ["native", "onednn"] : ["native"],
    reproducible: readSwitch("CONVBOOK_REPRODUCIBLE", false, "without reproducible results"),
  };
}
