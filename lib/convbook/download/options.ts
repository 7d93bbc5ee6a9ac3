/** The options of a download, and what it asks of them and of its manifest. */
import { checkFunction, checkInteger, checkNames, checkNumber, checkText } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { checkSwitches, refuseUnknownOptions } from "../arguments/options.ts";
import type { Manifest } from "./manifest.ts";
import type { DownloadProgress } from "./progress.ts";

/** How `download` goes about it. */
export interface DownloadOptions {
  /** Only these files of the manifest, by their paths; all when absent. */
  readonly files?: readonly string[];
  /** Where the files go; by default the manifest's name in the cache (`cacheFolder`). */
  readonly folder?: string;
  /** A folder or an http(s) address that is tried first, or null for none; by default `CONVBOOK_MIRROR`. */
  readonly mirror?: string | null;
  /** Use only the cache and a mirror folder; by default whether `CONVBOOK_OFFLINE` is set. */
  readonly offline?: boolean;
  /** Told several times a second how it goes; see `terminalProgress`. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** How long a server may be silent, in milliseconds. */
  readonly timeoutMs?: number;
  /** How often an address is tried again after a broken connection, continuing where it broke. */
  readonly retries?: number;
  /** The pause before the first of these tries, in milliseconds; each further one takes twice as long. */
  readonly retryDelayMs?: number;
  /** How long to wait for another process that downloads the same file, in milliseconds. */
  readonly lockTimeoutMs?: number;
}

const names: readonly (keyof DownloadOptions)[] = [
  ...(["files", "folder", "mirror", "offline", "onProgress", "signal"] as const),
  ...(["timeoutMs", "retries", "retryDelayMs", "lockTimeoutMs"] as const),
];

/** @throws {OptionError} naming what is wrong */
export function checkDownload(manifest: Manifest, options: DownloadOptions): void {
  if (!Array.isArray(manifest?.files) || typeof manifest.name !== "string") {
    throw new OptionError("download", "manifest", manifest, "a manifest, as loadManifest gives it");
  }
  refuseUnknownOptions("download", options, names);
  checkSwitches("download", options, { offline: false });
  const { files, folder, mirror, onProgress, signal, retries, ...times } = options;
  if (files !== undefined) {
    checkNames("download", "files", files);
  }
  if (folder !== undefined) {
    checkText("download", "folder", folder, "the path of a folder");
  }
  if (mirror !== undefined && mirror !== null) {
    checkText("download", "mirror", mirror, "a folder, an address or null");
  }
  if (onProgress !== undefined) {
    checkFunction("download", "onProgress", onProgress);
  }
  if (signal !== undefined && typeof signal?.aborted !== "boolean") {
    throw new OptionError("download", "signal", signal, "an AbortSignal");
  }
  if (retries !== undefined) {
    checkInteger("download", "retries", retries, 0);
  }
  for (const name of ["timeoutMs", "retryDelayMs", "lockTimeoutMs"] as const) {
    const time = times[name];
    if (time !== undefined) {
      checkNumber("download", name, time, 0);
    }
  }
}
