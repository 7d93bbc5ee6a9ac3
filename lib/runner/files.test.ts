import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isFolder, makeFolder, shellQuoted } from "./files.ts";

test.each([
  ["a/b-c.ipynb", "a/b-c.ipynb"],
  ["my notes.ipynb", "'my notes.ipynb'"],
  ["it's $(id).ipynb", "'it'\\''s $(id).ipynb'"],
  ["-x.ipynb", "./-x.ipynb"],
])("%s is typed as %s in a shell", (path, typed) => {
  expect(shellQuoted(path)).toBe(typed);
});

test("a folder is made with those above it, and again", () => {
  const folder = mkdtempSync(join(tmpdir(), "runner-files-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  makeFolder(join(folder, "a/b/c"));
  makeFolder(join(folder, "a/b/c"));
  expect(isFolder(join(folder, "a/b/c"))).toBe(true);
  expect(() => makeFolder(join(folder, "a\0b"))).toThrow(/null bytes/);
});

// Node 20 never ends there when it makes folders recursively.
test.runIf(process.platform === "linux")(
  "a folder that cannot be made below one that is there ends with an error",
  () => {
    expect(() => makeFolder("/proc/convbook-nowhere/x")).toThrow("ENOENT");
  },
);
