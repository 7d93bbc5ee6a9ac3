/** What a download asks of its manifest and its options. */
import { checkFunction, checkInteger, checkNames, checkNumber, checkText } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { checkSwitches, refuseUnknownOptions } from "../arguments/options.ts";
import type { DownloadOptions } from "./download.ts";
import type { Manifest } from "./manifest.ts";

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
