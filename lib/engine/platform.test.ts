/** What is decided for each system, tried on one machine. */
import { describe, expect, it } from "vitest";
import { addressesLeft, cacheFolder, compiles, freeMemory, machineMemory, renameOver } from "./platform.ts";

it("memory: a container's limit counts, not the number that stands for none", () => {
  expect(machineMemory({ total: 64e9, limit: 2e9 })).toBe(2e9);
  for (const none of [0, undefined, 2 ** 64]) {
    expect(machineMemory({ total: 64e9, limit: none })).toBe(64e9);
  }
});

it("native code is compiled everywhere but on Windows", () => {
  expect([compiles("linux"), compiles("darwin"), compiles("win32")]).toEqual([true, true, false]);
});

it("memory that is free: not known on macOS", () => {
  expect(freeMemory("linux", { free: 5 })).toBe(5);
  expect(freeMemory("win32", { free: 5 })).toBe(5);
  expect(freeMemory("darwin", { free: 5 })).toBeUndefined();
});

it.each([
  ["linux", {}, "/home/a", "/home/a/.cache/convbook"],
  ["darwin", { LOCALAPPDATA: "/no" }, "/Users/a", "/Users/a/.cache/convbook"],
  ["linux", { XDG_CACHE_HOME: "/cache" }, "/home/a", "/cache/convbook"],
  ["linux", { XDG_CACHE_HOME: "relative" }, "/home/a", "/home/a/.cache/convbook"],
  ["linux", { CONVBOOK_CACHE: "/own", XDG_CACHE_HOME: "/cache" }, "/home/a", "/own"],
  [
    "win32",
    { LOCALAPPDATA: "C:\\Users\\a\\AppData\\Local" },
    "C:\\Users\\a",
    "C:\\Users\\a\\AppData\\Local\\convbook\\cache",
  ],
  ["win32", {}, "C:\\Users\\a", "C:\\Users\\a\\.cache\\convbook"],
  ["win32", { CONVBOOK_CACHE: "D:\\own", LOCALAPPDATA: "C:\\Local" }, "C:\\Users\\a", "D:\\own"],
] as const)("the cache on %s with %o", (system, env, home, folder) => {
  expect(cacheFolder(env, system, home)).toBe(folder);
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

describe("addresses", () => {
  const limits = (text: string) =>
    `Limit                     Soft Limit           Hard Limit           Units\nMax address space         ${text.padEnd(20)} unlimited            bytes\n`;
  const about = (limit: string) => (name: string) =>
    name === "limits" ? limits(limit) : "Name:\tnode\nVmPeak:\t  999999 kB\nVmSize:\t  700000 kB\n";

  it("are counted where they are limited", () => {
    expect(addressesLeft(about("8192000000"))).toBe(8_192_000_000 - 700_000 * 1024);
  });

  it("are not where nothing limits them, or nobody tells", () => {
    expect(addressesLeft(about("unlimited"))).toBeUndefined();
    expect(addressesLeft(() => "")).toBeUndefined();
  });
});
