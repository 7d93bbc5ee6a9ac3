/** What differs between systems: how processes are started and ended, and where files of a user lie. The rest of the kernel asks here. */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { posix, win32 } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** The system that is decided for, so that all can be tried on one machine. */
export interface Machine {
  readonly system: NodeJS.Platform;
  readonly env: Environment;
  readonly home: string;
  /** Whether there is a file at a path. */
  readonly isFile: (path: string) => boolean;
}

export const thisMachine = (): Machine => ({ system: process.platform, env: process.env, home: homedir(), isFile });

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Paths as the machine writes them; on the machine itself the same as `node:path`. */
const pathsOf = ({ system }: Pick<Machine, "system">) => (system === "win32" ? win32 : posix);

/**
 * How a process is started that is to be ended with all that it starts: on POSIX as the head of a group of its own, which Ctrl-C in the
 * terminal does not reach either. Windows has no such groups, and would open a console's window for a process that is detached.
 */
export function startOptions(system: NodeJS.Platform = process.platform): {
  readonly detached: boolean;
  readonly windowsHide: true;
} {
  return { detached: system !== "win32", windowsHide: true };
}

/** How {@link endTree} reaches processes; tests give their own. */
export interface Reach {
  readonly kill: (pid: number, signal: NodeJS.Signals) => void;
  /** Runs a program to its end. @returns whether that was 0 */
  readonly run: (program: string, args: readonly string[]) => boolean;
}

const reach: Reach = {
  kill: (pid, signal) => process.kill(pid, signal),
  run: (program, args) => spawnSync(program, args, { stdio: "ignore", windowsHide: true }).status === 0,
};

/**
 * Ends a process that was started with {@link startOptions}, and all that it started, at once.
 *
 * @throws the system's error where there is none such any more
 */
export function endTree(pid: number, system: NodeJS.Platform = process.platform, { kill, run } = reach): void {
  if (system !== "win32") {
    kill(-pid, "SIGKILL");
  } else if (!run("taskkill", ["/pid", `${pid}`, "/t", "/f"])) {
    kill(pid, "SIGKILL");
  }
}

/**
 * Interrupts a command of a cell. On Windows there is no signal for it: it is ended, with what it started.
 *
 * @throws the system's error where there is none such any more
 */
export function interruptCommand(pid: number, system: NodeJS.Platform = process.platform, by = reach): void {
  if (system === "win32") {
    endTree(pid, system, by);
  } else {
    by.kill(pid, "SIGINT");
  }
}

/**
 * Whether the process that started this one is gone. POSIX then gives this one another parent; on Windows it keeps the number.
 *
 * @param parent the number of the parent when this process was young
 */
export function isOrphan(
  parent: number,
  now: number = process.ppid,
  system: NodeJS.Platform = process.platform,
  isAlive: (pid: number) => boolean = lives,
): boolean {
  return system === "win32" ? !isAlive(parent) : now !== parent;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** How the console and its kernel speak: over Unix sockets in a folder of their own, on Windows over ports of the machine itself. */
export function localTransport(system: NodeJS.Platform = process.platform): "ipc" | "tcp" {
  return system === "win32" ? "tcp" : "ipc";
}

/**
 * Bash: the first on the PATH; on Windows Git's, where it is not on the PATH. Windows' own `bash.exe`, which starts another system with other
 * paths, is passed over.
 *
 * @returns undefined where there is none
 */
export function findBash(machine: Machine = thisMachine()): string | undefined {
  const { system, env, isFile: there } = machine;
  const paths = pathsOf(machine);
  const windows = system === "win32";
  const name = windows ? "bash.exe" : "bash";
  const onPath = (variable(machine, "PATH") ?? "")
    .split(paths.delimiter)
    .filter((folder) => folder !== "" && !(windows && /\\(?:system32|sysnative|windowsapps)\\?$/i.test(folder)));
  const known = windows
    ? [
        env.ProgramFiles,
        env["ProgramFiles(x86)"],
        env.LOCALAPPDATA && win32.join(env.LOCALAPPDATA, "Programs"),
      ].flatMap((folder) => (folder ? [win32.join(folder, "Git", "bin")] : []))
    : ["/bin", "/usr/bin", "/usr/local/bin"];
  return [...onPath, ...known].map((folder) => paths.join(folder, name)).find(there);
}

/** What to do where a cell needs bash and {@link findBash} finds none. */
export function bashAdvice(system: NodeJS.Platform = process.platform): string {
  return system === "win32" ? "install Git for Windows, which has it" : "install it, or put its folder on the PATH";
}

/** A variable of the environment; on Windows whatever the case of its letters. */
function variable({ system, env }: Machine, name: string): string | undefined {
  const found = system === "win32" ? Object.keys(env).find((key) => key.toUpperCase() === name) : name;
  return found === undefined ? undefined : env[found];
}

/** The shell of `!command`: bash, and where that is not there the system's own (`sh`, on Windows `cmd`), which Node takes for `true`. */
export function commandShell(machine: Machine = thisMachine()): string | true {
  return machine.system === "win32" ? true : (findBash(machine) ?? true);
}

/** A path whose first part is `~`, with the home folder in its place. */
export function expandHome(path: string, { system, home }: Machine = thisMachine()): string {
  return path.replace(system === "win32" ? /^~(?=[\\/]|$)/ : /^~(?=\/|$)/, () => home);
}

/** The folder for what programs keep for a user and nobody edits. */
export function stateFolder(machine: Machine = thisMachine()): string {
  const { system, env, home } = machine;
  const { join: to } = pathsOf(machine);
  if (env.XDG_STATE_HOME) {
    return env.XDG_STATE_HOME;
  }
  return system === "win32" && env.LOCALAPPDATA ? env.LOCALAPPDATA : to(home, ".local", "state");
}

/** Jupyter's own rule for the user's data folder. */
export function jupyterUserFolder(machine: Machine = thisMachine()): string {
  const { system, env, home } = machine;
  const { join: to } = pathsOf(machine);
  if (env.JUPYTER_DATA_DIR) {
    return env.JUPYTER_DATA_DIR;
  }
  switch (system) {
    case "darwin":
      return to(home, "Library", "Jupyter");
    case "win32":
      return env.APPDATA ? to(env.APPDATA, "jupyter") : to(home, ".jupyter", "data");
    default:
      return to(env.XDG_DATA_HOME || to(home, ".local", "share"), "jupyter");
  }
}

/** Jupyter's data folders of the whole machine. */
export function jupyterSystemFolders({ system, env }: Machine = thisMachine()): string[] {
  if (system !== "win32") {
    return ["/usr/local/share/jupyter", "/usr/share/jupyter"];
  }
  const { PROGRAMDATA } = env;
  return PROGRAMDATA ? [win32.join(PROGRAMDATA, "jupyter")] : [];
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
