/** Receives a file from one place after the other, into a file of another name that is renamed once it is whole. */
import { rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { timerMs } from "../arguments/timer.ts";
import { renameDurably } from "../files/index.ts";
import type { Context } from "./context.ts";
import { type DownloadAttempt, DownloadError } from "./error.ts";
import type { Lock } from "./lock.ts";
import type { ManifestFile } from "./manifest.ts";
import { LocalFileError, PartialFile } from "./partial-file.ts";
import { checkMirrorFolder, sourcesOf, unavailable } from "./places.ts";
import { formatBytes } from "./progress.ts";
import type { Reporter } from "./reporter.ts";
import { type Source, SourceError } from "./source.ts";

/** Tries one source after the other until the file is there. */
export async function receive(
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
        await sleep(timerMs(retryDelayMs * 2 ** retry), undefined, signal === undefined ? {} : { signal }).catch(() =>
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

/** Bytes that are free for us in a folder, or null where the system does not tell. */
async function freeBytes(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize, blocks } = await statfs(folder);
    return blocks === 0 ? null : bavail * bsize;
  } catch {
    return null;
  }
}
