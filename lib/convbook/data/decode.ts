/** Getting an image data set: from the cache of decoded images, or by fetching and decoding its files once. */
import { join } from "node:path";
import {
  cacheFolder,
  DownloadError,
  type DownloadOptions,
  type DownloadProgress,
  download,
  loadManifest,
} from "../download/index.ts";
import { codeOf, expandHome } from "../files/index.ts";
import { type DecodedImages, inSharedMemory, readDecoded, writeDecoded } from "./decoded-cache.ts";
import { DataError } from "./error.ts";

/** What data sets that are fetched have in common. */
export interface FetchOptions {
  /** Told how a download goes; see `terminalProgress`. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** Where downloads are kept; by default the cache folder (`CONVBOOK_CACHE`). */
  readonly cache?: string;
  /** Use only what is in the cache and in a mirror folder; by default whether `CONVBOOK_OFFLINE` is set. */
  readonly offline?: boolean;
}

/** One place that a data set can be had from. */
export interface ImageOrigin {
  /** The manifest's name. */
  readonly manifest: string;
  /** Files of the manifest that are needed; all where it is left out. */
  readonly files?: readonly string[];
  /** Decodes the files, given by their paths in the manifest. */
  readonly decode: (paths: ReadonlyMap<string, string>) => Promise<DecodedImages>;
}

/** What is in memory already: data sets with different transforms share their images. */
const inMemory = new Map<string, WeakRef<DecodedImages>>();
/** What is being loaded. */
const underWay = new Map<string, Promise<DecodedImages>>();

/**
 * Images of a data set, in shared memory.
 *
 * @param part names the part in the cache, for example "train"
 * @param origins where it can be had from, best first; the next is tried where one cannot be reached
 * @throws {DownloadError} of the first origin when none can be reached
 * @throws {DataError} when a file is not what its format says
 */
export async function decodedImages(
  part: string,
  origins: readonly ImageOrigin[],
  options: FetchOptions,
): Promise<DecodedImages> {
  const cache = options.cache === undefined ? cacheFolder() : expandHome(options.cache);
  const key = [cache, part, ...origins.map(({ manifest }) => manifest)].join("\n");
  let loading = underWay.get(key);
  if (loading === undefined) {
    loading = load(part, origins, { ...options, cache }).finally(() => underWay.delete(key));
    underWay.set(key, loading);
  }
  return loading;
}

async function load(
  part: string,
  origins: readonly ImageOrigin[],
  { onProgress, signal, cache, offline }: FetchOptions & { readonly cache: string },
): Promise<DecodedImages> {
  const known = origins.map((origin) => {
    const manifest = loadManifest(origin.manifest);
    const files = manifest.files.filter(({ path }) => origin.files?.includes(path) ?? true);
    const source = files.map(({ sha256 }) => sha256).join(" ");
    return { ...origin, manifest, source, path: join(cache, manifest.name, `decoded-${part}.bin`) };
  });
  for (const { path, source } of known) {
    const key = `${path} ${source}`;
    const images = inMemory.get(key)?.deref() ?? (await readDecoded(path, source));
    if (images === undefined) {
      continue;
    }
    inMemory.set(key, new WeakRef(images));
    return images;
  }
  let failure: DownloadError | undefined;
  for (const { manifest, files, decode, path, source } of known) {
    const options: DownloadOptions = {
      folder: join(cache, manifest.name),
      ...(files === undefined ? {} : { files }),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
      ...(offline === undefined ? {} : { offline }),
    };
    try {
      const { paths } = await download(manifest, options);
      const decoded = await decode(paths);
      if (!(await keep(path, source, decoded))) {
        return inSharedMemory(decoded);
      }
    } catch (error) {
      const reasons = ["network", "timeout", "http", "missing", "offline"];
      if (!(error instanceof DownloadError) || !reasons.includes(error.reason)) {
        throw error;
      }
      failure ??= error;
      continue;
    }
    const images = await readDecoded(path, source);
    if (images === undefined) {
      throw new DataError("format", `${path} was written and cannot be read back.`, { file: path });
    }
    inMemory.set(`${path} ${source}`, new WeakRef(images));
    return images;
  }
  throw failure;
}

/**
 * Keeps decoded images for the next time.
 * @returns false where the folder cannot be written: a shared cache that is read-only, or a full disk, costs only that time
 */
async function keep(path: string, source: string, decoded: DecodedImages): Promise<boolean> {
  try {
    await writeDecoded(path, source, decoded);
    return true;
  } catch (error) {
    const reasons = ["EROFS", "EACCES", "EPERM", "ENOSPC", "EDQUOT"];
    if (reasons.includes(codeOf(error) ?? "")) {
      return false;
    }
    throw error;
  }
}
