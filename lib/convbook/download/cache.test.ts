/** Where the cache is. */
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../training/experiment/config.ts";
import { cacheFolder, parseMirror } from "./cache.ts";

describe("the home folder", () => {
  it("is meant by ~ in settings, and only there", () => {
    expect(cacheFolder({ CONVBOOK_CACHE: "~/c" })).toBe(join(homedir(), "c"));
    expect(cacheFolder({ CONVBOOK_CACHE: "~" })).toBe(homedir());
    expect(cacheFolder({ CONVBOOK_CACHE: "/a/~" })).toBe("/a/~");
    expect(parseMirror("~/mirror")).toEqual({ kind: "folder", folder: join(homedir(), "mirror") });
    expect(parseConfig("output: ~/runs").output).toBe(join(homedir(), "runs"));
  });
});
