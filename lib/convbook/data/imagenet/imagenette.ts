/** Imagenette: ten classes of ImageNet that are told apart easily (J. Howard), the shorter side of each image 160 pixels. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolder, download, loadManifest } from "../../download/index.ts";
import { acquireLock } from "../../download/lock.ts";
import { expandHome } from "../../files/index.ts";
import { only } from "../cifar10.ts";
import type { FetchOptions } from "../decode.ts";
import { checkFetchOptions } from "../fetch-options.ts";
import { ImageFolder } from "../image-folder.ts";
import type { Transform } from "../transforms/transform.ts";
import { eachFile, failing, MAX_IMAGE_BYTES, Unpacking, unpackInto } from "./unpack.ts";

/** The classes' names, by their numbers: the order of their numbers in WordNet. */
export const IMAGENETTE_CLASSES: readonly string[] = [
  "tench",
  "English springer",
  "cassette player",
  "chain saw",
  "church",
  "French horn",
  "garbage truck",
  "gas pump",
  "golf ball",
  "parachute",
];

/** The folder in the archive. */
const TOP = "imagenette2-160";

export interface ImagenetteOptions extends FetchOptions {
  /** The 9,469 training images, or the 3,925 to validate on. */
  readonly train?: boolean;
  /** Applied to an image each time it is had; ToTensor where it is left out. */
  readonly transform?: Transform | null;
}

/**
 * Opens Imagenette, fetching it (99 MB) and unpacking it into the cache the first time.
 *
 * @throws {DownloadError} when it cannot be had
 * @throws {DataError} when it is not what it should be
 */
export async function imagenette(options: ImagenetteOptions = {}): Promise<ImageFolder> {
  checkFetchOptions("imagenette", options);
  const { train = true, transform, ...fetch } = options;
  const root = await imagenetteFolder(fetch);
  return ImageFolder.open(join(root, train ? "train" : "val"), transform === undefined ? {} : { transform });
}

/** The folder with `train` and `val`, fetched and unpacked where it is not. */
export async function imagenetteFolder({ cache, ...options }: FetchOptions = {}): Promise<string> {
  const folder = join(cache === undefined ? cacheFolder() : expandHome(cache), "imagenette");
  const root = join(folder, TOP);
  if (!existsSync(root)) {
    const { paths } = await download(loadManifest("imagenette"), { ...options, folder });
    await unpackImagenette(only(paths), root, options.signal);
  }
  return root;
}

/** Unpacks the archive's training and validation images into a folder, which appears when all of it is there. */
export async function unpackImagenette(archive: string, root: string, signal?: AbortSignal): Promise<void> {
  const lock = await acquireLock(join(dirname(root), ".unpack.lock"), { signal });
  try {
    if (existsSync(root)) {
      return;
    }
    await unpackInto(root, archive, async (to) => {
      const files = new Unpacking(to, () => {});
      await eachFile(
        archive,
        MAX_IMAGE_BYTES,
        (file) => {
          // Beside the images there is a table of noisy labels, and what macOS has left.
          const path = /^imagenette2-160\/((train|val)\/n\d{8}\/[^/]+\.JPEG)$/.exec(file.path)?.[1];
          if (path !== undefined) {
            files.write(file, path, failing(archive));
          }
        },
        { signal, compressed: true },
      );
      if (files.count === 0) {
        failing(archive)(`it holds no images ${TOP}/train/CLASS/NAME.JPEG`);
      }
    });
  } finally {
    await lock.release();
  }
}
