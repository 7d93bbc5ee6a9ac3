/** The folder that checkpoints are saved to: whether it can be written, which names are free, what in it may be deleted. */
import { access, constants, mkdir, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { removeLeftovers } from "../../files/index.ts";
import { ConfigurationError } from "../errors.ts";

/**
 * Finds out before training whether files can be written there, and takes away pieces of files of a run that was killed while it saved.
 *
 * @throws ConfigurationError with the system's reason
 */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError("ModelCheckpoint.dirPath", folder, `a folder that can be written to (${reason})`);
  }
  await removeLeftovers(folder, (name) => /\.(safetensors|ckpt)$/.test(name));
}

/**
 * The path of a checkpoint, with a version when a file of this name is there already.
 *
 * @param name without folder and extension
 * @param mayReplace a path that may be taken although it is there
 * @param isPromised whether a save under way will take a path
 */
export async function freePath(
  folder: string,
  name: string,
  extension: string,
  mayReplace: string | undefined,
  isPromised: (path: string) => boolean,
): Promise<string> {
  for (let version = 0; ; version++) {
    const path = join(folder, `${name}${version === 0 ? "" : `-v${version}`}.${extension}`);
    if (path === mayReplace) {
      return path;
    }
    const isTaken =
      isPromised(path) ||
      (await stat(path).then(
        () => true,
        () => false,
      ));
    if (!isTaken) {
      return path;
    }
  }
}

/** Whether a checkpoint is ours to delete: not one that the run went on from, or that lies elsewhere. */
export function mayRemove(folder: string, path: string, resumedFrom: string | undefined): boolean {
  if (resumedFrom !== undefined && resolve(resumedFrom) === resolve(path)) {
    return false;
  }
  return isWithin(folder, path);
}

/** Whether a file lies in a folder, or in one below it: a pattern may have folders. */
export function isWithin(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== "" && !inside.startsWith("..") && !isAbsolute(inside);
}
