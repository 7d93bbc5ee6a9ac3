/** Small questions about files. */
import { mkdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** What there is at a path, through links; undefined where there is nothing that can be looked at, for whatever reason. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** True for a file that is there, through links, too. */
export function isFile(path: string): boolean {
  return statOf(path)?.isFile() === true;
}

/** True for a folder that is there, through links, too. */
export function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory() === true;
}

/**
 * A path without links, and in the upper and lower case in which it is stored, so that a file has one; of what is not
 * there, the path as it is.
 */
export function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return resolve(path);
  }
}

/** A folder and those above it. */
export function* upwards(start: string): Generator<string> {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    yield folder;
    if (dirname(folder) === folder) {
      return;
    }
  }
}

/** A path as it is typed in a POSIX shell, in quotes where it needs them; one that begins with "-" is no option. */
export function shellQuoted(path: string): string {
  const name = path.startsWith("-") ? `./${path}` : path;
  return /^[\w./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}

/**
 * Makes a folder, and those above it that are missing, one after the other: where one cannot be made although the one above it is there (as in
 * /proc), Node's own recursive way never ends.
 *
 * @throws the system's error
 */
export function makeFolder(folder: string): void {
  const missing = [...upwards(folder)];
  const first = missing.findIndex((each) => statOf(each) !== undefined);
  for (const each of missing.slice(0, first < 0 ? missing.length : first).reverse()) {
    try {
      mkdirSync(each);
    } catch (error) {
      // Somebody else may have been quicker.
      if (!isFolder(each)) {
        throw error;
      }
    }
  }
}
