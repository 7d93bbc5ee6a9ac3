/** Joining names that come from a file or a server to a folder of ours, so that none of them can leave it. */
import { realpath } from "node:fs/promises";
import { join, sep } from "node:path";

/**
 * Says what is wrong with a relative path that is to be used below a folder, or null when it is safe on every platform.
 *
 * @param path forward slashes between its segments, as manifests and archives write it
 */
export function unsafePathReason(path: string): string | null {
  if (path === "") {
    return "it is empty";
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) {
    return "it contains a control character";
  }
  if (path.includes("\\")) {
    return "it contains a backslash";
  }
  if (path.includes(":")) {
    return "it contains a colon";
  }
  if (path.startsWith("/")) {
    return "it is absolute";
  }
  for (const segment of path.split("/")) {
    if (segment === "") {
      return "it has an empty segment";
    }
    if (segment === "." || segment === "..") {
      return `it contains the segment "${segment}"`;
    }
    // Windows drops these silently, so that two names would mean one file.
    if (/[. ]$/.test(segment)) {
      return "a segment ends with a dot or a space";
    }
    if (/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(segment)) {
      return `"${segment}" is a device name on Windows`;
    }
  }
  return path.length > 1024 ? "it is longer than 1,024 characters" : null;
}

/**
 * Joins a relative path to a folder by its name alone; nothing is looked up.
 *
 * @throws RangeError when the path could leave the folder
 */
export function joinInside(folder: string, path: string): string {
  const reason = unsafePathReason(path);
  if (reason !== null) {
    throw new RangeError(`Path ${JSON.stringify(path)} cannot be used below a folder: ${reason}.`);
  }
  return join(folder, ...path.split("/"));
}

/**
 * Like {@link joinInside} for a file that exists, following symbolic links: the file itself must lie in the folder too.
 *
 * @returns the file's real path
 * @throws RangeError when the file lies elsewhere, and the file system's error when there is none
 */
export async function resolveInside(folder: string, path: string): Promise<string> {
  const root = await realpath(folder);
  const target = await realpath(joinInside(root, path));
  if (!target.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new RangeError(`Path ${JSON.stringify(path)} leads out of the folder ${folder} through a symbolic link.`);
  }
  return target;
}
