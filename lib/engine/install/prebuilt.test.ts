/** Which binary made beforehand a process takes, by its system and its C library. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

const { prebuiltPath } = createRequire(import.meta.url)("./prebuilt.cjs") as {
  prebuiltPath(root: string): string | undefined;
};
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "convbook-prebuilt-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true });
});
const folder = () => join(root, "prebuilds", `${process.platform}-${process.arch}`);

function ship(...names: string[]): void {
  mkdirSync(folder(), { recursive: true });
  for (const name of names) {
    writeFileSync(join(folder(), name), "");
  }
}

/** As Node reports on a system with glibc, or with musl. */
function on(libc: "glibc" | "musl"): void {
  const header = libc === "glibc" ? { glibcVersionRuntime: "2.36" } : {};
  if (process.report === undefined) {
    throw new Error("Node makes reports");
  }
  vi.spyOn(process.report, "getReport").mockReturnValue({ header } as never);
}

it("none, where none is shipped for this system", () => {
  expect(prebuiltPath(root)).toBeUndefined();
  mkdirSync(join(root, "prebuilds", "plan9-mips"), { recursive: true });
  expect(prebuiltPath(root)).toBeUndefined();
});

it("the one that there is, where names say nothing of a C library", () => {
  ship("engine.node", "README.txt");
  on("musl");
  expect(prebuiltPath(root)).toBe(join(folder(), "engine.node"));
});

it.each(["glibc", "musl"] as const)("the one for %s", (libc) => {
  ship("engine.glibc.node", "engine.musl.node");
  on(libc);
  expect(prebuiltPath(root)).toBe(join(folder(), `engine.${libc}.node`));
});

it("none, where only the other C library has one", () => {
  ship("engine.glibc.node");
  on("musl");
  expect(prebuiltPath(root)).toBeUndefined();
});
