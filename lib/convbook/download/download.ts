/**
 * Fetching the files of a manifest into a cache.
 *
 * Every file is received under another name (`NAME.part`), hashed on the way, synced and only then renamed: whatever
 * happens, a file under its final name is whole. What an interrupted download left is continued by the next.
 */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf, joinInside } from "../files/index.ts";
import { type Context, contextOf } from "./context.ts";
import { DownloadError, type DownloadReason } from "./error.ts";
import { acquireLock, describeHolder, LockTimeoutError } from "./lock.ts";
import type { Manifest, ManifestFile } from "./manifest.ts";
import { checkDownload, type DownloadOptions } from "./options.ts";
import { LocalFileError, PartialFile } from "./partial-file.ts";
import { formatBytes } from "./progress.ts";
import { receive } from "./receive.ts";
import { Reporter } from "./reporter.ts";

/** Where the files are. */
export interface DownloadResult {
  /** The folder with the files in the manifest's layout. */
  readonly folder: string;
  /** Absolute path of each file that was asked for, by its path in the manifest. */
  readonly paths: ReadonlyMap<string, string>;
}

/**
 * Makes sure that the files of a manifest are in the cache, whole and with the right content, and says where.
 *
 * Looked for in this order: the cache; the mirror (below the manifest's name, then at its top); the file's own addresses.
 * Several processes may do this at once: one downloads, the others wait for it.
 *
 * @throws DownloadError naming the file, the reason and every address that was tried; never leaves a broken file behind
 * @throws RangeError for a file that the manifest has not, or a mirror that is neither a folder nor an http(s) address
 */
export async function download(manifest: Manifest, options: DownloadOptions = {}): Promise<DownloadResult> {
  checkDownload(manifest, options);
  const context = contextOf(manifest, options);
  const paths = new Map<string, string>();
  let before = 0;
  for (const file of context.files) {
    paths.set(file.path, await downloadFile(file, before, context));
    before += file.size;
  }
  return { folder: context.folder, paths };
}

async function downloadFile(file: ManifestFile, before: number, context: Context): Promise<string> {
  const { manifest, signal } = context;
  const label = `${manifest.name}/${file.path}`;
  const target = joinInside(context.folder, file.path);
  const reporter = new Reporter(file, before, context);
  const failed = (reason: DownloadReason, message: string, cause?: unknown) =>
    new DownloadError(label, reason, message, { cause });
  try {
    if (await isWhole(target, file, reporter, signal)) {
      reporter.report("done", file.size);
      return target;
    }
    await mkdir(dirname(target), { recursive: true });
    const lock = await acquireLock(`${target}.lock`, {
      signal,
      timeoutMs: context.lockTimeoutMs,
      onWait: (holder) => reporter.report("waiting", 0, `waiting for ${describeHolder(holder)}, which downloads it`),
    });
    try {
      // Whoever held the lock may have fetched it.
      if (!(await isWhole(target, file, reporter, signal))) {
        await receive(file, target, lock, reporter, context);
      }
    } finally {
      await lock.release();
    }
    reporter.report("done", file.size);
    return target;
  } catch (error) {
    if (error instanceof DownloadError) {
      throw error;
    }
    if (signal?.aborted === true) {
      throw failed("aborted", `The download of ${label} was stopped.`, error);
    }
    if (error instanceof LockTimeoutError) {
      throw failed("locked", `Cannot download ${label}. ${error.message}`, error);
    }
    // What the file system did not say is a mistake of ours, not a failed download.
    if (!(error instanceof LocalFileError) && codeOf(error) === undefined) {
      throw error;
    }
    const local = error instanceof LocalFileError ? error : new LocalFileError(error);
    if (local.isSpace) {
      throw failed(
        "space",
        `No room for ${label} (${formatBytes(file.size)}) in ${dirname(target)}: ${local.message}. ` +
          "Free some space, or set CONVBOOK_CACHE to a folder on another disk.",
        error,
      );
    }
    const isReadOnly = ["EROFS", "EACCES", "EPERM"].includes(local.code);
    const advice = isReadOnly
      ? ` Set CONVBOOK_CACHE to a folder that can be written; files of this one are then used with CONVBOOK_MIRROR=${context.folder}.`
      : ["ENOTDIR", "EEXIST"].includes(local.code)
        ? ` The cache (CONVBOOK_CACHE) must be a folder, or the path of one that can be made.`
        : "";
    throw failed("io", `Cannot store ${label} at ${target}: ${local.message}.${advice}`, error);
  }
}

/** Whether the file is there with the right content. */
async function isWhole(
  path: string,
  file: ManifestFile,
  reporter: Reporter,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size !== file.size) {
      return false;
    }
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) {
      return false;
    }
    throw error;
  }
  const there = await PartialFile.open(path, "check");
  try {
    await there.rehash(file.size, (bytes) => reporter.report("verifying", bytes), signal);
    return there.digest() === file.sha256;
  } finally {
    await there.close();
  }
}
