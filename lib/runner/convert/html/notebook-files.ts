/** Which file of the notebook's folder an address in its text means. Nothing outside of the folder is ever looked at. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { extname, isAbsolute, relative, resolve, sep } from "node:path";

/** Larger files are not put into a page. */
export const largestFile = 20 * 2 ** 20;

/** What browsers show, by the ending of its name. */
const mediaTypes: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".apng": "image/apng",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".svg": "image/svg+xml",
  ".webp": "image/webp",
  ".avif": "image/avif",
  ".bmp": "image/bmp",
  ".mp4": "video/mp4",
  ".m4v": "video/mp4",
  ".webm": "video/webm",
  ".ogv": "video/ogg",
  ".mp3": "audio/mpeg",
  ".m4a": "audio/mp4",
  ".wav": "audio/wav",
  ".ogg": "audio/ogg",
  ".flac": "audio/flac",
};

/** A file as a data address, or why it is none. */
export type FileData = { readonly data: string } | { readonly problem: string };

/**
 * Where an address leads: into the page itself ("data"), to another place ("remote"), to a file by a path ("local"), to
 * nothing at all ("empty"), or to what a page has no business with ("other": file:, blob:, a drive of Windows).
 */
export function addressKind(address: string): "data" | "remote" | "local" | "empty" | "other" {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1]?.toLowerCase();
  if (scheme !== undefined) {
    return scheme === "data" ? "data" : scheme === "http" || scheme === "https" ? "remote" : "other";
  }
  // Browsers take a backslash for a slash; two of them begin a host's name.
  return /^[\\/]{2}/.test(address) ? "remote" : address.replace(/[?#].*$/s, "") === "" ? "empty" : "local";
}

/** An address as browsers read it: without white space around it and line breaks in it. */
export function cleanAddress(address: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what browsers strip
  return address.replace(/[\t\n\r]/g, "").replace(/^[\u0000-\u0020]+|[\u0000-\u0020]+$/g, "");
}

/** Percent escapes as characters; what is none, or not UTF-8, stays as it is. */
export function decodePercent(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}

/**
 * Reads a file that the notebook's text names.
 *
 * @param address A relative address, as `addressKind` calls "local".
 * @param folder The notebook's folder.
 * @returns The file as a data address; or what keeps it out of the page: it is missing, outside of the folder (by "..", a link or
 * an absolute path), too large, or of no kind that browsers show.
 */
export function readNotebookFile(address: string, folder: string): FileData {
  const path = decodePercent(address.replace(/[?#].*$/s, "").replaceAll("\\", "/"));
  const outside = { problem: "lies outside of the notebook's folder" };
  const missing = { problem: "is not there" };
  const full = resolve(folder, path);
  // Looked at before anything of the file system is: to ask for \\host\share is a request to that host.
  if (path.includes("\0") || isAbsolute(path) || !isInside(resolve(folder), full)) {
    return outside;
  }
  const type = mediaTypes[extname(full).toLowerCase()];
  if (type === undefined) {
    return { problem: "is of no kind that is put into a page" };
  }
  try {
    const real = realpathSync(full);
    if (!isInside(realpathSync(folder), real)) {
      return outside;
    }
    const stat = statSync(real);
    if (!stat.isFile()) {
      return { problem: "is not a file" };
    }
    return stat.size > largestFile
      ? { problem: `has ${stat.size} bytes; up to ${largestFile} are put into a page` }
      : { data: `data:${type};base64,${readFileSync(real).toString("base64")}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR" ? missing : { problem: `cannot be read (${code})` };
  }
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  // On another drive of Windows there is no relative way.
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
