/** Where downloads are kept and looked for; the environment decides, options go before it. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expandHome, userCacheFolder } from "../files/index.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folder of all downloads: `CONVBOOK_CACHE`, else `convbook` in `XDG_CACHE_HOME`, else `~/.cache/convbook`, on Windows
 * `%LOCALAPPDATA%\convbook\cache`. A `~` that no shell has replaced is the home folder.
 *
 * @param environment variables to read, by default this process's
 */
export function cacheFolder(environment: Environment = process.env): string {
  const own = environment.CONVBOOK_CACHE;
  if (own !== undefined && own !== "") {
    return resolve(expandHome(own));
  }
  return userCacheFolder(environment);
}

/** Whether the network is off limits: `CONVBOOK_OFFLINE` is set to anything but 0, false, no, off or nothing. */
export function isOffline(environment: Environment = process.env): boolean {
  return isOn(environment.CONVBOOK_OFFLINE);
}

/** Whether a setting that is 1 or 0 is on: anything but 0, false, no, off or nothing. */
export function isOn(text: string | undefined): boolean {
  return !["", "0", "false", "no", "off"].includes((text ?? "").toLowerCase());
}

/** A place that is tried before a file's own addresses: a folder of this machine, or the base of http(s) addresses. */
export type Mirror =
  | { readonly kind: "folder"; readonly folder: string }
  | { readonly kind: "url"; readonly url: string };

/**
 * Reads a mirror as `CONVBOOK_MIRROR` gives it: a folder's path, a `file:` address of one, or an http(s) address.
 *
 * @throws RangeError for any other kind of address
 */
export function parseMirror(text: string): Mirror {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    return { kind: "folder", folder: resolve(expandHome(text)) };
  }
  if (scheme === "file") {
    return { kind: "folder", folder: fileURLToPath(text) };
  }
  if ((scheme === "http" || scheme === "https") && URL.canParse(text)) {
    return { kind: "url", url: text.endsWith("/") ? text : `${text}/` };
  }
  throw new RangeError(`A mirror (CONVBOOK_MIRROR) is a folder or an http(s) address, got ${JSON.stringify(text)}.`);
}
