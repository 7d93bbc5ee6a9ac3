/** Keeps notebooks of one name from overwriting each other where they are written into one folder. */
import { UsageError } from "../errors.ts";

/**
 * Checks, before anything runs, that no two notebooks would be written to the same place.
 *
 * @param paths The notebooks.
 * @param targetOf Where a notebook is written.
 * @throws UsageError that names both notebooks and the place.
 */
export function checkOutputNames(paths: readonly string[], targetOf: (path: string) => string): void {
  const taken = new Map<string, string>();
  for (const path of paths) {
    const target = targetOf(path);
    const other = taken.get(target);
    if (other !== undefined) {
      throw new UsageError(`${other} and ${path} would both be written as ${target}`);
    }
    taken.set(target, path);
  }
}
