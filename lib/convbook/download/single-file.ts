/** Fetching one file of which nothing but an address is known, and perhaps its SHA-256: weights that somebody publishes. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checkText } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { renameDurably, resolveInside, unsafePathReason } from "../files/index.ts";
import { cacheFolder, isOffline, parseMirror } from "./cache.ts";
import { type DownloadAttempt, DownloadError } from "./error.ts";
import { acquireLock } from "./lock.ts";
import { PartialFile } from "./partial-file.ts";
import { displayAddress, httpSource, type Source, SourceError } from "./source.ts";

/** Options of {@link fetchFile}. */
export interface FetchFileOptions {
  /** SHA-256 that its bytes must have, as 64 hexadecimal digits. */
  readonly sha256?: string;
  /** How long a server may be silent, in milliseconds; 30 000 by default. */
  readonly timeoutMs?: number;
}

/** A file that was fetched. */
export interface FetchedFile {
  readonly path: string;
  /** SHA-256 of its bytes, as was found. */
  readonly sha256: string;
  /** What it was compared with: all digits, the first ones as the file's name says them, or nothing. */
  readonly verified: "sha256" | "name" | "nothing";
}

/** How often a broken connection is made anew. */
const retries = 2;

/**
 * Makes sure that a file is in the cache, and says where.
 *
 * Looked for in this order: in a mirror (`CONVBOOK_MIRROR`) under `weights/` and at its top, in the cache, at its address. Its bytes are compared with the
 * SHA-256 that is given; else with the beginning of it at the end of the file's name, as in `resnet18-f37072fd.pth`; else with nothing, which the
 * caller is to say.
 *
 * @param url an http(s) address
 * @throws {DownloadError} naming the file, the reason and the addresses that were tried
 */
export async function fetchFile(url: string, options: FetchFileOptions = {}): Promise<FetchedFile> {
  refuseUnknownOptions("fetchFile", options, ["sha256", "timeoutMs"]);
  checkText("fetchFile", "url", url, "an http(s) address");
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new OptionError("fetchFile", "url", url, "an http(s) address");
  }
  const { timeoutMs = 30_000 } = options;
  const sha256 = options.sha256?.toLowerCase();
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new OptionError("fetchFile", "sha256", options.sha256, "64 hexadecimal digits");
  }
  const name = nameOf(url);
  const wanted = sha256 ?? /-([0-9a-f]{8,64})\.\w+$/.exec(name)?.[1] ?? "";
  const verified = sha256 !== undefined ? "sha256" : wanted === "" ? "nothing" : "name";
  const mirror = process.env.CONVBOOK_MIRROR ? parseMirror(process.env.CONVBOOK_MIRROR) : null;
  const below = [`weights/${name}`, name];
  // Two addresses may end with the same name.
  const place = createHash("sha256").update(displayAddress(url)).digest("hex").slice(0, 16);
  const target = join(cacheFolder(), "weights", place, name);
  const there = mirror?.kind === "folder" ? await insideOf(mirror.folder, below) : null;
  for (const path of [there, target]) {
    if (path !== null && existsSync(path)) {
      const found = await digestOf(path);
      if (found.startsWith(wanted)) {
        return { path, sha256: found, verified };
      }
    }
  }
  if (isOffline()) {
    throw new DownloadError(
      name,
      "offline",
      `${name} is neither in the cache (${target}) nor in a mirror folder${wanted === "" ? "" : ` with the SHA-256 ${wanted}`}, and CONVBOOK_OFFLINE is set.`,
    );
  }
  const addresses = mirror?.kind === "url" ? below.map((path) => new URL(path, mirror.url).href) : [];
  const sources = [...addresses, url].map((address) => httpSource(address, timeoutMs));
  await mkdir(dirname(target), { recursive: true });
  const lock = await acquireLock(`${target}.lock`, { timeoutMs: 30 * 60_000, signal: undefined, onWait: () => {} });
  try {
    const found = await receive(name, sources, target, wanted);
    return { path: target, sha256: found, verified };
  } finally {
    await lock.release();
  }
}

/** The last part of the address's path, where it may be a file's name. */
function nameOf(url: string): string {
  const last = new URL(url).pathname.split("/").at(-1) ?? "";
  return /^[\w.+-]{1,200}$/.test(last) && unsafePathReason(last) === null ? last : "weights";
}

async function insideOf(folder: string, paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const found = await resolveInside(folder, path).catch(() => null);
    if (found !== null && existsSync(found)) {
      return found;
    }
  }
  return null;
}

async function digestOf(path: string): Promise<string> {
  const file = await PartialFile.open(path, "check");
  try {
    await file.rehash(Number.POSITIVE_INFINITY, () => {});
    return file.digest();
  } finally {
    await file.close();
  }
}

/** Tries one source after the other until the file is there. */
async function receive(name: string, sources: readonly Source[], target: string, wanted: string): Promise<string> {
  const part = await PartialFile.open(`${target}.part`, "continue");
  const tried: DownloadAttempt[] = [];
  try {
    for (const source of sources) {
      const failed = await receiveFrom(source, part, wanted);
      if (failed === null) {
        await part.sync();
        const digest = part.digest();
        await renameDurably(part.path, target);
        return digest;
      }
      tried.push({ address: source.address, reason: failed.reason, message: failed.message });
    }
    await part.remove();
    const [last] = tried.slice(-1);
    const list = tried.map(({ address, message }) => `${address}: ${message}`).join("; ");
    throw new DownloadError(name, last?.reason ?? "missing", `Cannot download ${name}. Tried ${list}.`, { tried });
  } finally {
    await part.close();
  }
}

/** The whole file from one source, or why not. */
async function receiveFrom(source: Source, part: PartialFile, wanted: string): Promise<SourceError | null> {
  for (let retry = 0; ; retry++) {
    await part.restart();
    try {
      const answer = await source.open(0, null, undefined);
      try {
        for await (const chunk of answer.body) {
          await part.append(chunk);
        }
      } finally {
        await answer.close();
      }
      const digest = part.digest();
      if (digest.startsWith(wanted)) {
        return null;
      }
      return new SourceError("hash", `its SHA-256 is ${digest}, not ${wanted}${wanted.length < 64 ? "…" : ""}`);
    } catch (error) {
      if (!(error instanceof SourceError)) {
        throw error;
      }
      if (!error.retry || retry >= retries) {
        return error;
      }
    }
  }
}
