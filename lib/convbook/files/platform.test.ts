/** What is decided for each system, tried on one machine. */
import { describe, expect, it } from "vitest";
import { commandsAreScripts, compilerAdvice, renameOver, userCacheFolder } from "./platform.ts";

it.each([
  ["linux", {}, "/home/a", "/home/a/.cache/convbook"],
  ["darwin", { LOCALAPPDATA: "/no" }, "/Users/a", "/Users/a/.cache/convbook"],
  ["linux", { XDG_CACHE_HOME: "/cache" }, "/home/a", "/cache/convbook"],
  ["linux", { XDG_CACHE_HOME: "relative" }, "/home/a", "/home/a/.cache/convbook"],
  ["win32", { LOCALAPPDATA: "C:\\Local" }, "C:\\Users\\a", "C:\\Local\\convbook\\cache"],
  ["win32", {}, "C:\\Users\\a", "C:\\Users\\a\\.cache\\convbook"],
] as const)("the cache on %s with %o", (system, env, home, folder) => {
  expect(userCacheFolder(env, system, home)).toBe(folder);
});

it("npm's commands are scripts on Windows only", () => {
  expect((["linux", "darwin", "win32"] as const).map(commandsAreScripts)).toEqual([false, false, true]);
});

it("each system's way to a compiler", () => {
  expect(compilerAdvice("linux")).toContain("apt-get install g++ make python3");
  expect(compilerAdvice("darwin")).toBe("xcode-select --install");
  expect(compilerAdvice("freebsd")).toBe("conda install compilers make");
});

describe("renaming onto a file that somebody has open", () => {
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
    for (const [code, system] of [
      ["ENOENT", "win32"],
      ["EPERM", "linux"],
    ] as const) {
      const other = failing(1, code);
      await expect(renameOver(other.rename, system, other.wait)).rejects.toThrow(code);
      expect(other.seen.calls).toBe(1);
    }
  });
});
