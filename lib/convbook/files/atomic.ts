/** Files that appear under their name whole or not at all, and stay after a power cut. */
import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Asks the file system to keep a folder's entries; where folders cannot be opened (Windows) there is nothing to do. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder, "r");
  } catch {
    return;
  }
  try {
    await handle.sync();
  } catch {
    // Some network file systems refuse to sync a folder; the rename itself stays atomic.
  } finally {
    await handle.close();
  }
}

/** Renames a file, whose content has been synced, and makes the new name durable. Both lie on one file system. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

/**
 * Writes a file through a temporary one beside it: write, fsync, rename, fsync of the folder. Whoever opens `path` at
 * any moment, even after a crash, finds the old content or the new one. On failure the temporary file is removed.
 *
 * @param path the file; missing folders are made
 * @param content bytes, or a function that writes them to the open file
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string | ((file: FileHandle) => Promise<void>),
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx");
    try {
      if (typeof content === "function") await content(file);
      else await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurably(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
