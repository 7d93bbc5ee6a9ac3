/** The instruction sets that the engine's kernels are built for, by name. */

/** Best first; wasm is a build of its own, which is chosen when the program starts. */
export const instructionSets = ["amx", "avx512", "avx2", "generic", "wasm"] as const;

export type InstructionSet = (typeof instructionSets)[number];

/** @throws TypeError for a name that is not one of {@link instructionSets} */
export function parseInstructionSet(name: unknown): InstructionSet {
  const found = instructionSets.find((known) => known === name);
  if (found !== undefined) {
    return found;
  }
  const plain = String(name)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "");
  const near = instructionSets.find(
    (known) => plain.startsWith(known) || (plain.length > 2 && known.startsWith(plain)),
  );
  throw new TypeError(
    `An instruction set is one of ${instructionSets.join(", ")}; got ${JSON.stringify(name)}${near === undefined ? "" : `; did you mean "${near}"?`}`,
  );
}
