/** Finds out whether native code is of these sources, by what both have to number and order alike. */
import {
  activations,
  binaryOps,
  byteBinaryOps,
  castOps,
  compareOps,
  floatClasses,
  intBinaryOps,
  intUnaryOps,
  reduceOps,
  unaryOps,
} from "./native-numbers.ts";
import { programTables } from "./program/table.ts";

const tables: Readonly<Record<string, readonly string[]>> = {
  activations: Object.keys(activations),
  unary: unaryOps,
  binary: binaryOps,
  compare: compareOps,
  reduce: Object.keys(reduceOps),
  cast: Object.keys(castOps),
  intBinary: intBinaryOps,
  intUnary: intUnaryOps,
  byteBinary: byteBinaryOps,
  floatClasses,
  ...programTables,
};

/** The part of the native code that this file asks. */
export interface NativeTables {
  /** Its tables: what each is called, and its entries, separated by commas. */
  tables(): [name: string, entries: string][];
}

/**
 * Where native code differs from these sources.
 *
 * @param addon the native code; one that has no tables is of other sources, too
 * @param functions names of functions that it has to have
 * @returns a few words on the first difference; undefined where there is none
 */
export function differenceOf<K extends string>(
  addon: Partial<NativeTables> & Partial<Record<K, unknown>>,
  functions: readonly K[] = [],
): string | undefined {
  const theirs = new Map(addon.tables?.());
  for (const [name, entries] of Object.entries(tables)) {
    const own = entries.join(", ");
    const text = theirs.get(name);
    if (text?.toLowerCase() !== own.toLowerCase()) {
      return `its table ${JSON.stringify(name)} is ${text === undefined ? "missing" : `[${text}]`}, expected [${own}]`;
    }
  }
  const missing = functions.find((name) => typeof addon[name] !== "function");
  return missing === undefined ? undefined : `it has no function ${JSON.stringify(missing)}`;
}
