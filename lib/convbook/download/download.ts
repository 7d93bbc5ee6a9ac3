/**
 * Fetching the files of a manifest into a cache.
 *
 * Every file is received under another name (`NAME.part`), hashed on the way, synced and only then renamed: whatever
 * happens, a file under its final name is whole. What an interrupted download left is continued by the next.
 */
import { mkdir, rm, stat, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, expandHome, joinInside, renameDurably } from "../files/index.ts";
import { nearestNames } from "../nn/errors.ts";
import { cacheFolder, isOffline, type Mirror, parseMirror } from "./cache.ts";
import { type DownloadAttempt, DownloadError, type DownloadReason } from "./error.ts";
import { acquireLock, describeHolder, type Lock, LockTimeoutError } from "./lock.ts";
import type { Manifest, ManifestFile } from "./manifest.ts";
import { checkDownload } from "./options.ts";
import { LocalFileError, PartialFile } from "./partial-file.ts";
import { type DownloadProgress, formatBytes } from "./progress.ts";
import { folderSource, httpSource, npmSource, type Source, SourceError } from "./source.ts";

/** How {@link download} goes about it. */
export interface DownloadOptions {
  /** Only these files of the manifest, by their paths; all when absent. */
  readonly files?: readonly string[];
  /** Where the files go; by default the manifest's name in the cache ({@link cacheFolder}). */
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

/** Where the files are. */
export interface DownloadResult {
  /** The folder with the files in the manifest's layout. */
  readonly folder: string;
  /** Absolute path of each file that was asked for, by its path in the manifest. */
  readonly paths: ReadonlyMap<string, string>;
}

interface Context {
  readonly manifest: Manifest;
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
  const context: Context = {
    manifest,
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
  const paths = new Map<string, string>();
  let before = 0;
  for (const file of files) {
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

/** Tries one source after the other until the file is there. */
async function receive(
  file: ManifestFile,
  target: string,
  lock: Lock,
  reporter: Reporter,
  context: Context,
): Promise<void> {
  const label = `${context.manifest.name}/${file.path}`;
  await checkMirrorFolder(label, context);
  const tried: DownloadAttempt[] = [];
  const partPath = `${target}.part`;
  // Somebody may still be writing to it: begin with a file of our own.
  if (lock.uncertain) {
    await rm(partPath, { force: true });
  }
  const part = await PartialFile.open(partPath, "continue");
  let keep = true;
  try {
    await part.rehash(file.size, (bytes) => reporter.report("verifying", bytes), context.signal);
    const free = await freeBytes(dirname(target));
    if (free !== null && free < file.size - part.received) {
      throw new DownloadError(
        label,
        "space",
        `No room for ${label} in ${dirname(target)}: ${formatBytes(file.size - part.received)} are needed, ` +
          `${formatBytes(free)} are free. Free some space, or set CONVBOOK_CACHE to a folder on another disk.`,
      );
    }
    for (const source of sourcesOf(file, target, context)) {
      reporter.address = source.address;
      try {
        await receiveFrom(source, part, file, reporter, context);
        await part.sync();
        if (!(await lock.stillHeld())) {
          throw new DownloadError(label, "locked", `Another machine has taken over the download of ${label}.`);
        }
        await renameDurably(partPath, target);
        return;
      } catch (error) {
        if (!(error instanceof SourceError)) {
          throw error;
        }
        tried.push({ address: source.address, reason: error.reason, message: error.message });
        if (error.reason !== "missing") {
          reporter.report("failed", part.received, `${source.address}: ${error.message}`);
        }
      }
    }
    keep = part.received > 0;
    throw unavailable(label, file, tried, context);
  } catch (error) {
    // A partial file is worth keeping, except when it is what fills the disk.
    if (error instanceof LocalFileError && error.isSpace) {
      keep = false;
    }
    throw error;
  } finally {
    await part.close();
    if (!keep || part.received === 0) {
      await part.remove().catch(() => {});
    }
  }
}

/** Receives the whole file from one source, continuing after broken connections. */
async function receiveFrom(
  source: Source,
  part: PartialFile,
  file: ManifestFile,
  reporter: Reporter,
  context: Context,
): Promise<void> {
  const { retries, retryDelayMs, signal } = context;
  /** How the source refused to continue in the middle; from then on every try begins anew. */
  let refusal: SourceError | undefined;
  for (let retry = 0; ; retry++) {
    if (refusal !== undefined) {
      await part.restart();
    }
    const continued = part.received;
    try {
      if (continued < file.size || file.size === 0) {
        await transfer(source, part, file, reporter, signal);
      }
      if (part.digest() === file.sha256) {
        return;
      }
      await part.restart();
      const message = `the content is not what the manifest promises (its SHA-256 is not ${file.sha256.slice(0, 12)}…)`;
      // When the beginning came from an earlier try, it may be that which is wrong.
      throw new SourceError("hash", message, { retry: continued > 0 && retry === 0 });
    } catch (error) {
      // A server that has not these bytes to continue with may well have the whole file.
      if (error instanceof SourceError && error.cannotContinue && refusal === undefined && continued > 0) {
        refusal = error;
        retry--;
        continue;
      }
      const again = error instanceof SourceError && error.retry;
      if (!again && refusal !== undefined && error instanceof SourceError) {
        throw new SourceError(error.reason, `${refusal.message}; from the beginning: ${error.message}`);
      }
      if (!again) {
        throw error;
      }
      // Progress earns new tries: a bad line that gives some bytes each time gets the file in the end.
      if (refusal === undefined && part.received > continued) {
        retry = 0;
      }
      if (retry >= retries) {
        throw error;
      }
      if (error.reason !== "hash") {
        reporter.report("failed", part.received, `${source.address}: ${error.message}; trying again`);
        await sleep(retryDelayMs * 2 ** retry, undefined, signal === undefined ? {} : { signal }).catch(() =>
          signal?.throwIfAborted(),
        );
      }
    }
  }
}

async function transfer(
  source: Source,
  part: PartialFile,
  file: ManifestFile,
  reporter: Reporter,
  signal: AbortSignal | undefined,
): Promise<void> {
  const answer = await source.open(part.received, file.size, signal);
  try {
    if (answer.offset !== part.received) {
      await part.restart();
    }
    reporter.report("downloading", part.received);
    for await (const chunk of answer.body) {
      signal?.throwIfAborted();
      if (part.received + chunk.length > file.size) {
        await part.restart();
        throw new SourceError("size", `more than the ${file.size} bytes that the manifest promises`);
      }
      await part.append(chunk);
      reporter.report("downloading", part.received);
    }
  } finally {
    await answer.close();
  }
  if (part.received < file.size) {
    throw new SourceError("size", `it ended after ${part.received} of ${file.size} bytes`, { retry: true });
  }
}

function* sourcesOf(file: ManifestFile, target: string, context: Context): Generator<Source> {
  const { manifest, mirror, offline, timeoutMs } = context;
  const http = (url: string) => httpSource(url, timeoutMs);
  if (mirror !== null) {
    const { place } = mirror;
    for (const path of [`${manifest.name}/${file.path}`, file.path]) {
      if (place.kind === "folder") {
        yield folderSource(place.folder, path);
      } else if (!offline) {
        yield http(new URL(encodeURI(path), place.url).href);
      }
    }
  }
  if (offline) {
    return;
  }
  for (const url of file.urls) {
    yield url.startsWith("npm:") ? npmSource(url.slice("npm:".length), dirname(target), timeoutMs) : http(url);
  }
}

/** A mirror that is not there is a slip, for which the network must not be asked instead. */
async function checkMirrorFolder(label: string, { mirror }: Context): Promise<void> {
  if (mirror?.place.kind !== "folder") {
    return;
  }
  const { folder } = mirror.place;
  if (
    await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    )
  ) {
    return;
  }
  throw new DownloadError(
    label,
    "io",
    `Cannot look for ${label} in the mirror (CONVBOOK_MIRROR) ${mirror.text}: there is no folder ${folder}. Correct or unset it.`,
  );
}

/** Bytes that are free for us in a folder, or null where the system does not tell. */
async function freeBytes(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize, blocks } = await statfs(folder);
    return blocks === 0 ? null : bavail * bsize;
  } catch {
    return null;
  }
}

/** From what says most about the file to what says least. */
const severity: readonly DownloadReason[] = ["hash", "size", "http", "timeout", "network", "io", "missing"];

function unavailable(
  label: string,
  file: ManifestFile,
  tried: readonly DownloadAttempt[],
  context: Context,
): DownloadError {
  const list = tried.map(({ address, message }) => `\n  ${address}: ${message}`).join("");
  const advice = `To use copies that you have, set CONVBOOK_MIRROR to their folder (there: ${file.path}).`;
  if (context.offline) {
    const where = context.mirror === null ? "" : ` nor in the mirror ${context.mirror.text}`;
    return new DownloadError(
      label,
      "offline",
      `${label} is not in the cache (${context.folder})${where}, and the network is not to be used.${list}\n${advice}`,
      { tried },
    );
  }
  const reason = severity.find((candidate) => tried.some((attempt) => attempt.reason === candidate)) ?? "missing";
  return new DownloadError(label, reason, `Cannot download ${label}.${list}\n${advice}`, { tried });
}

function displayMirror(mirror: string): string {
  return mirror.replace(/\/\/[^/@]*@/, "//");
}

/** Turns positions in one file into reports on the whole, with the rate of the last seconds. */
class Reporter {
  address: string | undefined;
  readonly #file: ManifestFile;
  readonly #before: number;
  readonly #context: Context;
  #samples: { time: number; received: number }[] = [];
  #lastTime = Number.NEGATIVE_INFINITY;
  #lastPhase = "";

  constructor(file: ManifestFile, before: number, context: Context) {
    this.#file = file;
    this.#before = before;
    this.#context = context;
  }

  report(phase: DownloadProgress["phase"], received: number, message?: string): void {
    const now = performance.now();
    const samples = this.#samples;
    if (phase !== this.#lastPhase) {
      samples.length = 0;
    } else if (message === undefined && now - this.#lastTime < 50) {
      return;
    }
    this.#lastPhase = phase;
    this.#lastTime = now;
    while (samples.length > 1 && now - (samples[0]?.time ?? now) > 3000) {
      samples.shift();
    }
    const oldest = samples[0];
    samples.push({ time: now, received });
    const bytesPerSecond =
      oldest === undefined || now - oldest.time < 100
        ? 0
        : Math.max(0, (received - oldest.received) / (now - oldest.time)) * 1000;
    this.#context.onProgress({
      phase,
      file: this.#file.path,
      received,
      size: this.#file.size,
      receivedOfAll: this.#before + received,
      sizeOfAll: this.#context.sizeOfAll,
      bytesPerSecond,
      ...(this.address === undefined ? {} : { address: this.address }),
      ...(message === undefined ? {} : { message }),
    });
  }
}
