/** Small questions about files. */
import { realpathSync, type Stats, statSync } from "node:fs";
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
