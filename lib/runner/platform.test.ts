/** What is decided for each system, tried on one machine: the system, its environment and its files are given. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  endGroup,
  hasUnixSockets,
  interruptGroup,
  moduleId,
  renameOver,
  residentMemory,
  startOf,
  startOptions,
} from "./platform.ts";

function noting(gone = false) {
  const done: string[] = [];
  return {
    done,
    kill: (pid: number, signal: string) => {
      done.push(`${signal} to ${pid}`);
      if (gone) {
        throw Object.assign(new Error("no such process"), { code: "ESRCH" });
      }
    },
    run: (program: string, args: readonly string[]) => {
      done.push([program, ...args].join(" "));
    },
  };
}

describe("a kernel's processes", () => {
  it.each([
    ["linux", ["SIGINT to -7"], ["SIGKILL to -7"]],
    ["darwin", ["SIGINT to -7"], ["SIGKILL to -7"]],
    // To "send SIGINT" there would end the kernel.
    ["win32", [], ["taskkill /pid 7 /t /f", "SIGKILL to 7"]],
  ] as const)("on %s are interrupted by %j and ended by %j", (system, interrupted, ended) => {
    const interrupt = noting();
    interruptGroup(7, system, interrupt);
    expect(interrupt.done).toEqual(interrupted);
    for (const gone of [false, true]) {
      const end = noting(gone);
      endGroup(7, system, end);
      expect(end.done).toEqual(ended);
    }
    expect(startOptions(system)).toEqual({ detached: system !== "win32", windowsHide: true });
    expect(hasUnixSockets(system)).toBe(system !== "win32");
  });

  it("take memory: on Linux in kibibytes, whatever a page is, with all tasks' children", () => {
    const files: Record<string, string> = {
      "/proc/7/status": "Name:\tnode\nVmHWM:\t    9999 kB\nVmRSS:\t    1000 kB\nThreads:\t2\n",
      "/proc/7/task/7/children": "8 9 ",
      "/proc/7/task/70/children": "",
      "/proc/8/status": "VmRSS:\t     200 kB\n",
      "/proc/8/task/8/children": "",
    };
    const read = (path: string) => {
      const text = files[path];
      if (text === undefined) {
        throw new Error("ENOENT");
      }
      return text;
    };
    const list = (path: string) =>
      Object.keys(files).flatMap((file) => {
        const rest = file.startsWith(`${path}/`) ? file.slice(path.length + 1) : "";
        return rest.endsWith("/children") ? [rest.split("/")[0] ?? ""] : [];
      });
    const ps = () => {
      throw new Error("not asked");
    };
    expect(residentMemory(7, "linux", { read, list, ps })).toBe(1200 * 1024);
    expect(residentMemory(7, "win32", { read, list, ps })).toBe(0);
  });

  it("take memory: elsewhere as ps says, and none where that is not there", () => {
    const none = () => {
      throw new Error("not asked");
    };
    const ps = () => "  1     0   500\n  7     1  1000\n  8     7   200\n  9     8    30\n 10     1  4000\n";
    expect(residentMemory(7, "darwin", { read: none, list: none, ps })).toBe(1230 * 1024);
    expect(residentMemory(7, "darwin", { read: none, list: none, ps: none })).toBe(0);
  });

  it.runIf(process.platform === "linux")("take memory: this process as its own file says", () => {
    const [, kibibytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
    expect(residentMemory(process.pid)).toBeGreaterThan(Number(kibibytes) * 512);
  });
});

it("modules of Vite's are named with slashes; elsewhere a backslash is a character like any other", () => {
  expect(moduleId("C:\\a\\b.ts", "win32")).toBe("C:/a/b.ts");
  expect(moduleId("/a\\b.ts", "linux")).toBe("/a\\b.ts");
});

describe("starting programs", () => {
  const env = { Path: "C:\\Windows;C:\\npm", ComSpec: "C:\\Windows\\cmd.exe" };
  const files = ["C:\\npm\\tslab.cmd", "C:\\npm\\both.cmd", "C:\\npm\\both.exe", "C:\\tools\\run.bat"];
  const start = (command: string, args: readonly string[], system: NodeJS.Platform = "win32") =>
    startOf(command, args, env, system, (path) => files.includes(path));
  const cmd = (line: string) => ({
    command: "C:\\Windows\\cmd.exe",
    args: ["/d", "/s", "/c", `"${line}"`],
    windowsVerbatimArguments: true,
  });

  it("programs are started as they are", () => {
    const plain = { command: "python", args: ["-m", "ipykernel_launcher"] };
    expect(start("python", plain.args)).toEqual(plain);
    expect(start("both", [])).toEqual({ command: "both", args: [] });
    expect(start("C:\\node\\node.exe", [])).toEqual({ command: "C:\\node\\node.exe", args: [] });
    expect(start("tslab", ["kernel"], "linux")).toEqual({ command: "tslab", args: ["kernel"] });
  });

  // The escapes that cross-spawn makes for a script of npm's.
  it("scripts are started by cmd, every word quoted for it", () => {
    const word = (text: string) => `^^^"${text}^^^"`;
    expect(start("tslab", ["kernel"])).toEqual(cmd(`C:\\npm\\tslab.cmd ${word("kernel")}`));
    expect(start("C:\\tools\\run", [])).toEqual(cmd("C:\\tools\\run.bat"));
    expect(start("C:\\my tools\\own.CMD", [])).toEqual(cmd("C:\\my^ tools\\own.CMD"));
  });

  it("nothing in a word is a command of cmd's", () => {
    const { args } = start("tslab.cmd", ['a"b&calc', "%PATH%", "C:\\a b\\"]);
    const line = args.at(-1) ?? "";
    expect(line).toContain('^^^"a\\^^^"b^^^&calc^^^"');
    expect(line).toContain('^^^"^^^%PATH^^^%^^^"');
    expect(line).toContain('^^^"C:\\a^^^ b\\\\^^^"');
  });
});

describe("renaming onto a file that somebody has open", () => {
  function failing(times: number, code: string) {
    const seen = { calls: 0, waited: 0 };
    const rename = () => {
      seen.calls++;
      if (seen.calls <= times) {
        throw Object.assign(new Error(code), { code });
      }
    };
    const wait = (milliseconds: number) => {
      seen.waited += milliseconds;
    };
    return { seen, rename, wait };
  }

  it.each(["EPERM", "EACCES", "EBUSY"])("is tried again on Windows after %s", (code) => {
    const { seen, rename, wait } = failing(3, code);
    renameOver(rename, "win32", wait);
    expect(seen).toEqual({ calls: 4, waited: 70 });
  });

  it("for two seconds, not for ever, and for no other reason", () => {
    const held = failing(Number.POSITIVE_INFINITY, "EPERM");
    expect(() => renameOver(held.rename, "win32", held.wait)).toThrow("EPERM");
    expect(held.seen.waited).toBe(1270);
    const gone = failing(1, "ENOENT");
    expect(() => renameOver(gone.rename, "win32", gone.wait)).toThrow("ENOENT");
    expect(gone.seen.calls).toBe(1);
    const other = failing(1, "EPERM");
    expect(() => renameOver(other.rename, "linux", other.wait)).toThrow("EPERM");
    expect(other.seen.calls).toBe(1);
  });
});
