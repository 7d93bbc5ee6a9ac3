/** What one call of `download` was asked, its defaults filled in. */
import { resolve } from "node:path";
import { nearestNames } from "../arguments/names.ts";
import { expandHome, joinInside } from "../files/index.ts";
import { cacheFolder, isOffline, type Mirror, parseMirror } from "./cache.ts";
import type { Manifest, ManifestFile } from "./manifest.ts";
import type { DownloadOptions } from "./options.ts";
import type { DownloadProgress } from "./progress.ts";

export interface Context {
  readonly manifest: Manifest;
  /** The files that were asked for, each once. */
  readonly files: readonly ManifestFile[];
  readonly sizeOfAll: number;
  readonly folder: string;
  readonly offline: boolean;
  readonly mirror: { readonly text: string; readonly place: Mirror } | null;
  readonly onProgress: (progress: DownloadProgress) => void;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly lockTimeoutMs: number;
}

/** @throws RangeError for a file that the manifest has not, or a mirror that is neither a folder nor an http(s) address */
export function contextOf(manifest: Manifest, options: DownloadOptions): Context {
  const {
    files: wanted = manifest.files.map((file) => file.path),
    folder = joinInside(cacheFolder(), manifest.name),
    mirror = process.env.CONVBOOK_MIRROR || null,
    offline = isOffline(),
    onProgress = () => {},
    signal,
    timeoutMs = 30_000,
    retries = 2,
    retryDelayMs = 500,
    lockTimeoutMs = 30 * 60_000,
  } = options;
  const known = manifest.files.map((file) => file.path);
  const files = [...new Set(wanted)].map((path) => {
    const file = manifest.files.find((candidate) => candidate.path === path);
    if (file !== undefined) {
      return file;
    }
    const [nearest] = nearestNames(path, known, 1);
    const hint = nearest === undefined ? `It has: ${known.join(", ")}.` : `Did you mean "${nearest}"?`;
    throw new RangeError(`Manifest ${manifest.name} has no file "${path}". ${hint}`);
  });
  return {
    manifest,
    files,
    sizeOfAll: files.reduce((sum, file) => sum + file.size, 0),
    folder: resolve(expandHome(folder)),
    offline,
    mirror: mirror === null ? null : { text: displayMirror(mirror), place: parseMirror(mirror) },
    onProgress,
    signal,
    timeoutMs,
    retries,
    retryDelayMs,
    lockTimeoutMs,
  };
}

function displayMirror(mirror: string): string {
  return mirror.replace(/\/\/[^/@]*@/, "//");
}
