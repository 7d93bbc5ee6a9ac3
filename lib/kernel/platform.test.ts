/** What is decided for each system, tried on one machine: the system, its environment and its files are given. */
import { posix, win32 } from "node:path";
import { describe, expect, it } from "vitest";
import {
  bashAdvice,
  commandShell,
  endTree,
  expandHome,
  findBash,
  interruptCommand,
  isOrphan,
  jupyterSystemFolders,
  jupyterUserFolder,
  localTransport,
  type Machine,
  renameOver,
  startOptions,
  stateFolder,
} from "./platform.ts";

const linux = (env: Record<string, string> = {}, files: readonly string[] = []): Machine => ({
  system: "linux",
  env,
  home: "/home/a",
  isFile: (path) => files.includes(path),
});
const windows = (env: Record<string, string> = {}, files: readonly string[] = []): Machine => ({
  system: "win32",
  env,
  home: "C:\\Users\\a",
  isFile: (path) => files.includes(path),
});

/** Notes what is done, and whether programs succeed. */
function noting(succeeds: boolean) {
  const done: string[] = [];
  return {
    done,
    kill: (pid: number, signal: string) => done.push(`${signal} to ${pid}`),
    run: (program: string, args: readonly string[]) => {
      done.push([program, ...args].join(" "));
      return succeeds;
    },
  };
}

describe("processes", () => {
  it.each([
    ["linux", true, ["SIGKILL to -7"], "SIGINT to 7"],
    ["darwin", true, ["SIGKILL to -7"], "SIGINT to 7"],
    ["win32", false, ["taskkill /pid 7 /t /f"], "taskkill /pid 7 /t /f"],
  ] as const)(
    "on %s: a group of its own %s, ended by %j, a command interrupted by %s",
    (system, detached, ended, by) => {
      expect(startOptions(system)).toEqual({ detached, windowsHide: true });
      const end = noting(true);
      endTree(7, system, end);
      expect(end.done).toEqual(ended);
      const interrupt = noting(true);
      interruptCommand(7, system, interrupt);
      expect(interrupt.done).toEqual([by]);
    },
  );

  it("Windows without a taskkill that works: the process alone", () => {
    const end = noting(false);
    endTree(7, "win32", end);
    expect(end.done).toEqual(["taskkill /pid 7 /t /f", "SIGKILL to 7"]);
  });

  it("a parent that is gone: POSIX gives another, Windows keeps its number", () => {
    const nobody = () => false;
    const everybody = () => true;
    expect(isOrphan(50, 50, "linux", nobody)).toBe(false);
    expect(isOrphan(50, 1, "linux", everybody)).toBe(true);
    expect(isOrphan(50, 50, "win32", everybody)).toBe(false);
    expect(isOrphan(50, 50, "win32", nobody)).toBe(true);
    expect(isOrphan(process.pid, process.ppid, "win32")).toBe(false);
  });

  it("sockets between the console and its kernel", () => {
    expect([localTransport("linux"), localTransport("darwin"), localTransport("win32")]).toEqual(["ipc", "ipc", "tcp"]);
  });
});

describe("shells", () => {
  it("bash is the PATH's first, also where there is none in /bin", () => {
    const bash = "/run/current-system/sw/bin/bash";
    expect(findBash(linux({ PATH: "/x:/run/current-system/sw/bin:/bin" }, [bash, "/bin/bash"]))).toBe(bash);
    expect(findBash(linux({ PATH: "/x" }, ["/bin/bash"]))).toBe("/bin/bash");
    expect(findBash(linux({ PATH: "/bin" }))).toBeUndefined();
    expect(commandShell(linux({ PATH: "/bin" }, ["/bin/bash"]))).toBe("/bin/bash");
    expect(commandShell(linux({ PATH: "/bin" }))).toBe(true);
    expect(bashAdvice("linux")).toBe("install it, or put its folder on the PATH");
  });

  it("on Windows it is Git's, never the one that starts another system", () => {
    const wsl = "C:\\Windows\\System32\\bash.exe";
    const git = "C:\\Program Files\\Git\\bin\\bash.exe";
    const own = "D:\\tools\\bash.exe";
    const env = { Path: "C:\\Windows\\System32;D:\\tools", ProgramFiles: "C:\\Program Files" };
    expect(findBash(windows(env, [wsl]))).toBeUndefined();
    expect(findBash(windows(env, [wsl, git]))).toBe(git);
    expect(findBash(windows(env, [wsl, git, own]))).toBe(own);
    expect(commandShell(windows(env, [wsl, git, own]))).toBe(true);
    expect(bashAdvice("win32")).toBe("install Git for Windows, which has it");
  });
});

describe("folders", () => {
  it.each([
    [linux(), "/home/a/.local/state"],
    [linux({ XDG_STATE_HOME: "/state" }), "/state"],
    [{ ...linux(), system: "darwin" as const }, "/home/a/.local/state"],
    [windows({ LOCALAPPDATA: "C:\\Local" }), "C:\\Local"],
    [windows(), "C:\\Users\\a\\.local\\state"],
  ])("what is kept for a user of %o", (machine, folder) => {
    expect(stateFolder(machine)).toBe(folder);
  });

  // jupyter_core's jupyter_data_dir and SYSTEM_JUPYTER_PATH.
  it.each([
    [linux(), "/home/a/.local/share/jupyter", ["/usr/local/share/jupyter", "/usr/share/jupyter"]],
    [linux({ XDG_DATA_HOME: "/data" }), "/data/jupyter", ["/usr/local/share/jupyter", "/usr/share/jupyter"]],
    [
      { ...linux({ XDG_DATA_HOME: "/data" }), system: "darwin" as const },
      "/home/a/Library/Jupyter",
      ["/usr/local/share/jupyter", "/usr/share/jupyter"],
    ],
    [
      windows({ APPDATA: "C:\\Roaming", PROGRAMDATA: "C:\\ProgramData" }),
      "C:\\Roaming\\jupyter",
      ["C:\\ProgramData\\jupyter"],
    ],
    [windows(), "C:\\Users\\a\\.jupyter\\data", []],
    [windows({ APPDATA: "C:\\Roaming", JUPYTER_DATA_DIR: "D:\\own" }), "D:\\own", []],
  ])("Jupyter's, for a user of %o", (machine, own, system) => {
    expect(jupyterUserFolder(machine)).toBe(own);
    expect(jupyterSystemFolders(machine)).toEqual(system);
  });

  it("the home folder in paths, with the separators that there are", () => {
    expect(expandHome("~/runs", linux())).toBe("/home/a/runs");
    expect(expandHome("~", linux())).toBe("/home/a");
    expect(expandHome("~\\runs", linux())).toBe("~\\runs");
    expect(expandHome("~b/runs", linux())).toBe("~b/runs");
    expect(win32.normalize(expandHome("~\\runs", windows()))).toBe("C:\\Users\\a\\runs");
    expect(win32.normalize(expandHome("~/runs", windows()))).toBe("C:\\Users\\a\\runs");
    expect(posix.normalize(expandHome("~/$&", { ...linux(), home: "/$&" }))).toBe("/$&/$&");
  });
});

describe("renaming onto a file that somebody has open", () => {
  /** Fails so many times, and counts. */
  function failing(times: number, code: string) {
    const seen = { calls: 0, waited: 0 };
    const rename = async () => {
      seen.calls++;
      if (seen.calls <= times) {
        throw Object.assign(new Error(code), { code });
      }
    };
    const wait = async (milliseconds: number) => {
      seen.waited += milliseconds;
    };
    return { seen, rename, wait };
  }

  it.each(["EPERM", "EACCES", "EBUSY"])("is tried again on Windows after %s", async (code) => {
    const { seen, rename, wait } = failing(3, code);
    await renameOver(rename, "win32", wait);
    expect(seen).toEqual({ calls: 4, waited: 70 });
  });

  it("for two seconds, not for ever, and for no other reason", async () => {
    const held = failing(Number.POSITIVE_INFINITY, "EPERM");
    await expect(renameOver(held.rename, "win32", held.wait)).rejects.toThrow("EPERM");
    expect(held.seen.waited).toBe(1270);
    const gone = failing(1, "ENOENT");
    await expect(renameOver(gone.rename, "win32", gone.wait)).rejects.toThrow("ENOENT");
    expect(gone.seen.calls).toBe(1);
    const posixSystem = failing(1, "EPERM");
    await expect(renameOver(posixSystem.rename, "linux", posixSystem.wait)).rejects.toThrow("EPERM");
    expect(posixSystem.seen.calls).toBe(1);
  });
});
