/** What differs between systems: how kernels are started, interrupted and ended, and how files take another's place. */
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { posix, win32 } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** The system's own paths. */
export function pathsFor(system: NodeJS.Platform = process.platform): typeof posix {
  return system === "win32" ? win32 : posix;
}

/** A file's path as Vite names modules: with slashes, on Windows too. */
export function moduleId(path: string, system: NodeJS.Platform = process.platform): string {
  return system === "win32" ? path.replaceAll("\\", "/") : path;
}

/** Whether processes can speak through Unix sockets. */
export function hasUnixSockets(system: NodeJS.Platform = process.platform): boolean {
  return system !== "win32";
}

/** How processes are reached; tests give their own. */
export interface Reach {
  readonly kill: (pid: number, signal: NodeJS.Signals) => void;
  readonly run: (program: string, args: readonly string[]) => void;
}

const reach: Reach = {
  kill: (pid, signal) => process.kill(pid, signal),
  run: (program, args) => spawnSync(program, args, { stdio: "ignore", windowsHide: true }),
};

/**
 * How a kernel is started: as the head of a group of its own, so that a signal to us does not reach it and one to it reaches what it
 * started. Windows has no groups, and would open a console's window.
 */
export function startOptions(system: NodeJS.Platform = process.platform): {
  readonly detached: boolean;
  readonly windowsHide: true;
} {
  return { detached: system !== "win32", windowsHide: true };
}

/**
 * Interrupts a kernel that listens to a signal. Windows has none, and Node would end the process instead: there nothing is done, and who
 * waits for the kernel to obey ends it after a while.
 */
export function interruptGroup(pid: number, system: NodeJS.Platform = process.platform, { kill } = reach): void {
  if (system !== "win32") {
    quietly(() => kill(-pid, "SIGINT"));
  }
}

/** Ends a process and what it started; nothing happens where it is gone. */
export function endGroup(pid: number, system: NodeJS.Platform = process.platform, { kill, run } = reach): void {
  if (system === "win32") {
    quietly(() => run("taskkill", ["/pid", `${pid}`, "/t", "/f"]));
    quietly(() => kill(pid, "SIGKILL"));
  } else {
    quietly(() => kill(-pid, "SIGKILL"));
  }
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // It is not there any more.
  }
}

/** What is asked about processes. */
export interface ProcessFiles {
  /** A file of Linux's `/proc`. */
  readonly read: (path: string) => string;
  readonly list: (path: string) => readonly string[];
  /** What `ps` says: process, parent and kibibytes, a line each. */
  readonly ps: () => string;
}

const processFiles: ProcessFiles = {
  read: (path) => readFileSync(path, "latin1"),
  list: (path) => readdirSync(path),
  ps: () => execFileSync("ps", ["-axo", "pid=,ppid=,rss="], { encoding: "utf8" }),
};

/** Resident memory of a process and its descendants, bytes; 0 where it cannot be read, as on Windows. */
export function residentMemory(
  pid: number,
  system: NodeJS.Platform = process.platform,
  files: ProcessFiles = processFiles,
): number {
  try {
    switch (system) {
      case "linux":
        return descendants(pid, files).reduce((sum, member) => sum + residentOf(member, files), 0);
      case "win32":
        return 0;
      default:
        return familyMemory(pid, files.ps());
    }
  } catch {
    return 0;
  }
}

/** In kibibytes, whatever a page of memory is: 4 KiB on most machines, 16 or 64 on some. */
function residentOf(pid: number, { read }: ProcessFiles): number {
  try {
    const [, kibibytes = "0"] = /^VmRSS:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/status`)) ?? [];
    return Number(kibibytes) * 1024;
  } catch {
    return 0;
  }
}

function descendants(pid: number, { read, list }: ProcessFiles): number[] {
  const found = [pid];
  for (let index = 0; index < found.length; index++) {
    try {
      for (const task of list(`/proc/${found[index]}/task`)) {
        const children = read(`/proc/${found[index]}/task/${task}/children`).trim();
        found.push(...(children === "" ? [] : children.split(" ").map(Number)));
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

function familyMemory(pid: number, said: string): number {
  const rows = said.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const family = new Set([pid]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const [child = 0, parent = 0] of rows) {
      if (family.has(parent) && !family.has(child)) {
        family.add(child);
        grown = true;
      }
    }
  }
  return rows.reduce((sum, [member = 0, , kibibytes = 0]) => sum + (family.has(member) ? kibibytes * 1024 : 0), 0);
}

/** How a program is started. */
export interface Start {
  readonly command: string;
  readonly args: readonly string[];
  /** The arguments are quoted already. */
  readonly windowsVerbatimArguments?: true;
}

/**
 * How a program with arguments is started. On Windows npm's commands, conda's and others are scripts (`tslab.cmd`), which only `cmd` can
 * start, and which their names without an ending do not find.
 *
 * @param isFile tells whether a path is a file
 */
export function startOf(
  command: string,
  args: readonly string[],
  env: Environment = process.env,
  system: NodeJS.Platform = process.platform,
  isFile: (path: string) => boolean = isThere,
): Start {
  const script = system === "win32" ? scriptOf(command, env, isFile) : undefined;
  if (script === undefined) {
    return { command, args };
  }
  const line = [carets(script), ...args.map(quotedForCmd)].join(" ");
  return {
    command: variable(env, "COMSPEC") ?? "cmd.exe",
    args: ["/d", "/s", "/c", `"${line}"`],
    windowsVerbatimArguments: true,
  };
}

/** The script that Windows would start by a name; undefined where it is a program, or nothing. */
function scriptOf(command: string, env: Environment, isFile: (path: string) => boolean): string | undefined {
  if (/\.(?:cmd|bat)$/i.test(command)) {
    return command;
  }
  if (win32.extname(command) !== "") {
    return undefined;
  }
  const isPath = /[\\/]/.test(command);
  const folders = isPath ? [""] : (variable(env, "PATH") ?? "").split(";").filter((folder) => folder !== "");
  for (const folder of folders) {
    for (const ending of [".com", ".exe", ".bat", ".cmd"]) {
      const path = folder === "" ? `${command}${ending}` : win32.join(folder, `${command}${ending}`);
      if (isFile(path)) {
        return ending === ".bat" || ending === ".cmd" ? path : undefined;
      }
    }
  }
  return undefined;
}

/**
 * A word that arrives in a script as it is: in quotes with backslashes doubled before them, as C's runtime reads them, and with a caret
 * before all that `cmd` reads, twice, because a script that hands its arguments on has them read again.
 */
function quotedForCmd(word: string): string {
  const quoted = `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\*)$/, "$1$1")}"`;
  return carets(carets(quoted));
}

/** With a caret before each character that `cmd` would read. */
function carets(text: string): string {
  return text.replace(/[()\][%!^"`<>&|;, *?]/g, "^$&");
}

/** A variable of Windows' environment, whatever the case of its letters. */
function variable(env: Environment, name: string): string | undefined {
  const key = Object.keys(env).find((each) => each.toUpperCase() === name);
  return key === undefined ? undefined : env[key] || undefined;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Codes with which Windows refuses to rename onto a file that another program has open, an editor or a virus scanner for instance. */
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
export function renameOver(
  rename: () => void,
  system: NodeJS.Platform = process.platform,
  wait: (milliseconds: number) => void = (milliseconds) =>
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds),
): void {
  for (let pause = firstPause, waited = 0; ; waited += pause, pause *= 2) {
    try {
      rename();
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (system !== "win32" || !held.has(code ?? "") || waited + pause > patience) {
        throw error;
      }
      wait(pause);
    }
  }
}
