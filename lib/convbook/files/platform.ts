/** What differs between systems: where a user's files lie, how a file takes another's place, and how tools are installed. */
import { homedir } from "node:os";
import { posix, win32 } from "node:path";
import { codeOf } from "./thrown.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folder in which programs keep what they can make or fetch again: `XDG_CACHE_HOME` where that is absolute, as its specification
 * says; else `~/.cache`.
 *
 * @returns the folder of Convbook in it; on Windows `%LOCALAPPDATA%\convbook\cache`
 */
export function userCacheFolder(
  env: Environment = process.env,
  system: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const { isAbsolute, join } = system === "win32" ? win32 : posix;
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = env;
  if (xdg !== undefined && isAbsolute(xdg)) {
    return join(xdg, "convbook");
  }
  return system === "win32" && local ? join(local, "convbook", "cache") : join(home, ".cache", "convbook");
}

/** Whether npm's commands are scripts that only a shell can start; Node refuses to start them by itself. */
export function commandsAreScripts(system: NodeJS.Platform = process.platform): boolean {
  return system === "win32";
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
      if (system !== "win32" || !held.has(codeOf(error) ?? "") || waited + pause > patience) {
        throw error;
      }
      await wait(pause);
    }
  }
}

/** How a C++ compiler, make and Python, which building native code takes, are installed; before "then npm rebuild ...". */
export function compilerAdvice(system: NodeJS.Platform = process.platform): string {
  switch (system) {
    case "darwin":
      return "xcode-select --install";
    case "linux":
      return "apt-get install g++ make python3   (or conda install compilers make)";
    default:
      return "conda install compilers make";
  }
}
