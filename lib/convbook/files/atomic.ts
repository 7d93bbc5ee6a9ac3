/** Files that appear under their name whole or not at all, and stay after a power cut. */
import { createHash, randomBytes } from "node:crypto";
import { copyFile, type FileHandle, mkdir, open, readdir, rename, rm, stat, symlink } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { renameOver } from "./platform.ts";
import { codeOf } from "./thrown.ts";

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
  await renameOver(() => rename(from, to));
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
    if (bytesWritten > 0 && rest[0] !== undefined) {
      rest[0] = rest[0].subarray(bytesWritten);
    }
  }
}

/** A temporary file of another machine that has not changed for so long has no writer any more. */
const abandonedMs = 60_000;

/** Names this machine in temporary files' names, so that a process number can be looked up on the right one. */
const machine = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/**
 * Removes what processes that were killed while writing files have left beside them.
 *
 * @param folder where to look; it may be missing
 * @param isOurs which files' leftovers to remove, by the name that they were to have
 */
export async function removeLeftovers(folder: string, isOurs: (name: string) => boolean): Promise<void> {
  for (const entry of await readdir(folder).catch(() => [])) {
    const [, name, pid, host] = /^\.(.+)\.(\d+)\.([0-9a-f]{8})[0-9a-f]{8}\.tmp$/.exec(entry) ?? [];
    if (name === undefined || !isOurs(name)) {
      continue;
    }
    const path = join(folder, entry);
    const isDone =
      host === machine
        ? !isAlive(Number(pid))
        : Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now()) > abandonedMs;
    if (isDone) {
      await rm(path, { force: true });
    }
  }
}

/** The name beside `path` under which it is made. */
function temporaryFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${machine}${randomBytes(4).toString("hex")}.tmp`);
}

/**
 * Makes `path` a symbolic link to a file, relative, so that the folder can be moved; a copy of it where links are not allowed, as for most
 * users of Windows. Whoever opens `path` at any moment finds what was there before or the new one.
 *
 * @param target the file, which is there
 * @param path where the link is to be; a file or a link there is replaced, what that link points to is not touched
 */
export async function linkAtomic(target: string, path: string): Promise<void> {
  const temporary = temporaryFor(path);
  try {
    await symlink(relative(dirname(path), target), temporary).catch(() => copyFile(target, temporary));
    await renameDurably(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
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
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  await removeLeftovers(folder, (each) => each === basename(path));
  const temporary = temporaryFor(path);
  try {
    const file = await open(temporary, "wx");
    try {
      if (typeof content === "string" || content instanceof Uint8Array) {
        await file.writeFile(content);
      } else {
        await writePieces(file, content);
      }
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
