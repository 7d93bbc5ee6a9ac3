/** Keeps notebooks of one name from overwriting each other where they are written into one folder. */
import { dirname, resolve } from "node:path";
import { UsageError } from "../errors.ts";

/**
 * Checks, before anything runs, that no two notebooks would be written to the same place. Names that differ only in upper
 * and lower case, or in how an accent is encoded, are one name on the usual file systems of macOS and Windows; they are
 * refused everywhere, because what a run leaves behind should not depend on where it runs. Only notebooks that are
 * themselves in the folder that is written to may have such names: this file system can tell them apart.
 *
 * @param paths The notebooks.
 * @param targetOf Where a notebook is written.
 * @throws UsageError that names both notebooks and the place.
 */
export function checkOutputNames(paths: readonly string[], targetOf: (path: string) => string): void {
  const taken = new Map<string, { readonly path: string; readonly target: string }[]>();
  for (const path of paths) {
    const target = resolve(targetOf(path));
    const alike = taken.get(folded(target)) ?? [];
    for (const other of alike) {
      if (other.target === target) {
        throw new UsageError(`${other.path} and ${path} would both be written as ${target}`);
      }
      if (!sameFolder(path, target, other)) {
        throw new UsageError(
          `${other.path} and ${path} would be written as ${other.target} and ${target}, which are one file where upper and lower case are the same (macOS, Windows); write them into folders of their own`,
        );
      }
    }
    taken.set(folded(target), [...alike, { path, target }]);
  }
}

/** True where both notebooks are beside what is written. */
function sameFolder(path: string, target: string, other: { readonly path: string; readonly target: string }): boolean {
  const folders = [path, other.path, other.target].map((each) => dirname(resolve(each)));
  return folders.every((folder) => folder === dirname(target));
}

/** A path as file systems compare it that do not tell upper from lower case. */
function folded(path: string): string {
  return path.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}
