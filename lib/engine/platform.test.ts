/** What is decided for each system, tried on one machine. */
import { describe, expect, it } from "vitest";
import { renameOver } from "./platform.ts";

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
