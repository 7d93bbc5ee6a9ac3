/** What the kernel that a notebook was written for says of how its cells are to be checked. */
import type { TypesMode } from "../compile/magics.ts";

export interface Checks {
  /** How strictly type errors are taken until the notebook says otherwise. */
  readonly mode: TypesMode;
  /** Without the strict checks, where the folder has no tsconfig.json. */
  readonly loose: boolean;
}

const strict: Checks = { mode: "error", loose: false };
const unchecked: Checks = { mode: "off", loose: false };

/** By the kernelspec's name: tslab's two, which check as tslab does or are JavaScript, and ijavascript's. */
const byName: ReadonlyMap<string, Checks> = new Map([
  ["tslab", { mode: "error", loose: true }],
  ["jslab", unchecked],
  ["javascript", unchecked],
]);

/**
 * The checks for a kernel that was started under a name.
 *
 * @param kernelName `kernel_name` of the connection file: the name of the kernelspec, in any case.
 */
export function checksFor(kernelName: string): Checks {
  return byName.get(kernelName.toLowerCase()) ?? strict;
}
