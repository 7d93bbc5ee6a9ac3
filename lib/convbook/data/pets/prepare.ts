/** The archives of Oxford-IIIT Pet, fetched and unpacked as torchvision unpacks them: `images/NAME.jpg`, `annotations/trainval.txt`, … */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { found } from "../../arguments/found.ts";
import { cacheFolder, type DownloadOptions, download, loadManifest } from "../../download/index.ts";
import { acquireLock } from "../../download/lock.ts";
import { expandHome } from "../../files/index.ts";
import type { FetchOptions } from "../decode.ts";
import { eachFile, failing, MAX_IMAGE_BYTES, Unpacking, unpackInto } from "../imagenet/unpack.ts";

const MANIFEST = "oxford-iiit-pet";

/** What of each archive is kept, and the folder that it becomes. Beside it there are files of MATLAB's, and what macOS has left. */
const kept = {
  images: /^images\/([A-Za-z0-9][\w-]*\.jpg)$/,
  annotations:
    /^annotations\/((?:list|trainval|test)\.txt|trimaps\/[A-Za-z0-9][\w-]*\.png|xmls\/[A-Za-z0-9][\w-]*\.xml)$/,
} as const;

const parts = ["annotations", "images"] as const;

/** The folder with `images` and `annotations`, fetched and unpacked where they are not. */
export async function petsFolder({
  cache,
  ...options
}: FetchOptions & Pick<DownloadOptions, "mirror"> = {}): Promise<string> {
  const folder = join(cache === undefined ? cacheFolder() : expandHome(cache), MANIFEST);
  const missing = parts.filter((part) => !existsSync(join(folder, part)));
  if (missing.length > 0) {
    const files = missing.map((part) => `${part}.tar.gz`);
    const { paths } = await download(loadManifest(MANIFEST), { ...options, folder, files });
    for (const [i, part] of missing.entries()) {
      const name = found(files[i], part);
      await unpackPets(found(paths.get(name), name), part, folder, options.signal);
    }
  }
  return folder;
}

/** Unpacks one archive into a folder of its part's name, which appears when all of it is there. */
export async function unpackPets(
  archive: string,
  part: keyof typeof kept,
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const lock = await acquireLock(join(folder, ".unpack.lock"), { signal });
  try {
    if (existsSync(join(folder, part))) {
      return;
    }
    await unpackInto(join(folder, part), archive, async (to) => {
      const files = new Unpacking(to, () => {});
      const write = (file: Parameters<Unpacking["write"]>[0]): void => {
        const path = kept[part].exec(file.path)?.[1];
        if (path !== undefined) {
          files.write(file, path, failing(archive));
        }
      };
      await eachFile(archive, MAX_IMAGE_BYTES, write, { signal, compressed: true });
      if (files.count === 0) {
        failing(archive)(`it holds no files of ${part}/`);
      }
    });
  } finally {
    await lock.release();
  }
}
