/** The cache, the mirror, and the files of the manifests. */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ManifestFile } from "../../download/index.ts";
import { codeOf } from "../../files/index.ts";
import type { Finding } from "./finding.ts";
import { firstLine, within } from "./finding.ts";

/** How long a file system may take to answer, ms. */
const patience = 5000;

/** Writes a file into the cache and takes it away again. */
export async function checkCache(): Promise<Finding> {
  const { cacheFolder } = await import("../../download/index.ts");
  const folder = cacheFolder();
  const probe = join(folder, `.doctor-${process.pid}-${randomBytes(4).toString("hex")}`);
  try {
    const write = async () => {
      await mkdir(folder, { recursive: true });
      await writeFile(probe, "");
      await rm(probe);
    };
    await within(patience, write());
    return { topic: "cache", state: "ok", found: folder };
  } catch (error) {
    await within(patience, rm(probe, { force: true })).catch(() => {});
    const advice = "set CONVBOOK_CACHE to a folder that you may write to";
    const readable = await within(patience, readdir(folder)).then(
      () => true,
      () => false,
    );
    if (!readable) {
      return { topic: "cache", state: "missing", found: `${folder}: ${firstLine(error)}`, advice };
    }
    return {
      topic: "cache",
      state: "optional",
      found: `${folder} can be read, not written: ${firstLine(error)}`,
      advice,
    };
  }
}

/** Looks into the mirror's folder, or asks its address. Without a mirror there is nothing to say. */
export async function checkMirror(): Promise<Finding[]> {
  const text = process.env.CONVBOOK_MIRROR;
  if (text === undefined || text === "") {
    return [];
  }
  const topic = "mirror";
  const advice = "CONVBOOK_MIRROR names a folder or an http(s) address; unset it to go without";
  try {
    const { isOffline } = await import("../../download/index.ts");
    const { parseMirror } = await import("../../download/cache.ts");
    const mirror = parseMirror(text);
    if (mirror.kind === "folder") {
      const entries = await readdir(mirror.folder);
      return [{ topic, state: "ok", found: `${mirror.folder}, ${entries.length} entries` }];
    }
    if (isOffline()) {
      return [{ topic, state: "optional", found: `${mirror.url} was not asked: CONVBOOK_OFFLINE forbids the network` }];
    }
    const { status } = await fetch(mirror.url, { method: "HEAD", signal: AbortSignal.timeout(10_000) });
    return [{ topic, state: "ok", found: `${mirror.url} answers (${status})` }];
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    return [{ topic, state: "missing", found: `${text}: ${firstLine(cause ?? error)}`, advice }];
  }
}

/** What is wrong with a file; "absent" where it is not there, undefined where it is whole. */
async function problemOf(path: string, file: ManifestFile): Promise<string | undefined> {
  const { PartialFile } = await import("../../download/partial-file.ts");
  try {
    const { size } = await stat(path);
    if (size !== file.size) {
      return `${file.path} has ${size} of ${file.size} bytes`;
    }
    const there = await PartialFile.open(path, "check");
    try {
      await there.rehash(file.size, () => {}, undefined);
      return there.digest() === file.sha256 ? undefined : `${file.path} is damaged: its SHA-256 is another one`;
    } finally {
      await there.close();
    }
  } catch (error) {
    const code = codeOf(error);
    return code === "ENOENT" || code === "ENOTDIR" ? "absent" : `${file.path}: ${firstLine(error)}`;
  }
}

/** Reads and hashes what is there of the files that the first walkthrough needs. */
export async function checkData(): Promise<Finding[]> {
  const { cacheFolder, loadManifest } = await import("../../download/index.ts");
  return Promise.all(
    ["cifar10", "uva-tutorial5"].map(async (name): Promise<Finding> => {
      const manifest = loadManifest(name);
      const folder = join(cacheFolder(), manifest.name);
      const problems = await Promise.all(manifest.files.map((file) => problemOf(join(folder, file.path), file)));
      const whole = problems.filter((problem) => problem === undefined).length;
      const damaged = problems.filter((problem) => problem !== undefined && problem !== "absent");
      const found = [`${whole} of ${manifest.files.length} files in ${folder}`, ...damaged].join("; ");
      const topic = `data ${name}`;
      if (damaged.length > 0) {
        return { topic, state: "missing", found, advice: "npm start fetches them again" };
      }
      if (whole === manifest.files.length) {
        return { topic, state: "ok", found };
      }
      return { topic, state: "optional", found, advice: "npm start fetches it" };
    }),
  );
}
