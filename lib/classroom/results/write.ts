/** Files that the classroom writes beside results. */
import { lstatSync, rmSync } from "node:fs";
import { writeAtomically } from "nbconvert-ts-runner";

/** Writes a file whole or not at all. What may have been put there as a link is replaced, not followed. */
export function writePlainFile(path: string, contents: string | Uint8Array): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
    rmSync(path);
  }
  writeAtomically(path, contents, false);
}
