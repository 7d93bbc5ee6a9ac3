/** What differs between systems for the engine in Node: memory, the cache's folder, and how a file takes another's place. */
import { readFileSync } from "node:fs";
import { freemem, homedir, totalmem } from "node:os";
import { posix, win32 } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether the native code can be compiled where it is installed: Microsoft's compiler does not know the vectors of its sources. */
export function compiles(system: NodeJS.Platform = process.platform): boolean {
  return system !== "win32";
}

/** What the system says of memory, bytes; tests give their own. */
export interface MemoryFigures {
  readonly total: number;
  readonly free: number;
  /** What a container may take; 0, undefined or more than there is where nothing limits it. */
  readonly limit: number | undefined;
}

const figures = (): MemoryFigures => ({ total: totalmem(), free: freemem(), limit: process.constrainedMemory?.() });

/** The memory that this process may take, bytes: the machine's, in a container the container's. */
export function machineMemory({ total, limit }: Omit<MemoryFigures, "free"> = figures()): number {
  return limit !== undefined && limit > 0 ? Math.min(total, limit) : total;
}

/**
 * The memory that is there to be taken, bytes; undefined where that is not known: macOS counts as free only what was never used, and
 * nearly all of its memory has been.
 */
export function freeMemory(
  system: NodeJS.Platform = process.platform,
  { free }: Pick<MemoryFigures, "free"> = figures(),
): number | undefined {
  return system === "darwin" ? undefined : free;
}

/** Linux's own file about this process; empty where there is none. */
function aboutProcess(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, "utf8");
  } catch {
    return "";
  }
}

/**
 * Addresses that this process may still set aside, bytes; undefined where nothing limits them. Hosts and graders that give programs little
 * memory often limit addresses instead (`ulimit -v`), of which WebAssembly takes many more than it uses.
 *
 * @param about what Linux says of the process, by the file's name
 */
export function addressesLeft(about: (name: string) => string = aboutProcess): number | undefined {
  const limit = /^Max address space +(\d+)/m.exec(about("limits"))?.[1];
  const kilobytes = /^VmSize:\s+(\d+) kB/m.exec(about("status"))?.[1];
  return limit === undefined || kilobytes === undefined ? undefined : Number(limit) - Number(kilobytes) * 1024;
}

/**
 * The folder of Convbook's cache: `CONVBOOK_CACHE`, else `convbook` in `XDG_CACHE_HOME`; else `%LOCALAPPDATA%\convbook\cache` on Windows
 * and `~/.cache/convbook` elsewhere.
 */
export function cacheFolder(
  env: Environment = process.env,
  system: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const { isAbsolute, join, resolve } = system === "win32" ? win32 : posix;
  const { CONVBOOK_CACHE: own, XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = env;
  if (own !== undefined && own !== "") {
    return resolve(own);
  }
  if (xdg !== undefined && isAbsolute(xdg)) {
    return join(xdg, "convbook");
  }
  return system === "win32" && local ? join(local, "convbook", "cache") : join(home, ".cache", "convbook");
}

/** Codes with which Windows refuses to rename onto a file that another program has open, a virus scanner for instance. */
const held = new Set(["EPERM", "EACCES", "EBUSY"]);
const firstPause = 10;
/** How long a file may be held, ms. */
const patience = 2000;

/**
 * Renames a file onto another; on Windows again and again for a moment where that one is held open.
 *
 * @param rename the system's way
 * @throws the system's error
 */
export async function renameOver(
  rename: () => Promise<void>,
  system: NodeJS.Platform = process.platform,
  wait: (milliseconds: number) => Promise<unknown> = (milliseconds) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds)),
): Promise<void> {
  for (let pause = firstPause, waited = 0; ; waited += pause, pause *= 2) {
    try {
      return await rename();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (system !== "win32" || !held.has(code ?? "") || waited + pause > patience) {
        throw error;
      }
      await wait(pause);
    }
  }
}
