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

/** Writes pieces one after the other, many with one call. */
async function writePieces(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  let rest = pieces.filter(({ length }) => length > 0);
  while (rest.length > 0) {
    // The system may take fewer bytes than it was given, and at most 1,024 pieces.
    let { bytesWritten } = await file.writev(rest.slice(0, 1024));
    let whole = 0;
    while (bytesWritten > 0 && bytesWritten >= (rest[whole]?.length ?? Number.POSITIVE_INFINITY)) {
      bytesWritten -= rest[whole]?.length ?? 0;
      whole++;
    }
    rest = rest.slice(whole);
    if (bytesWritten > 0 && rest[0] !== undefined) rest[0] = rest[0].subarray(bytesWritten);
  }
}

/**
 * Writes a file through a temporary one beside it: write, fsync, rename, fsync of the folder. Whoever opens `path` at
 * any moment, even after a crash, finds the old content or the new one. On failure the temporary file is removed.
 *
 * @param path the file; missing folders are made
 * @param content text or bytes, in pieces where that spares a copy
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | readonly Uint8Array[],
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx");
    try {
      const whole = typeof content === "string" || content instanceof Uint8Array;
      if (whole) await file.writeFile(content);
      else await writePieces(file, content);
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
