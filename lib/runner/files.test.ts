import { expect, test } from "vitest";
import { shellQuoted } from "./files.ts";

test.each([
  ["a/b-c.ipynb", "a/b-c.ipynb"],
  ["my notes.ipynb", "'my notes.ipynb'"],
  ["it's $(id).ipynb", "'it'\\''s $(id).ipynb'"],
  ["-x.ipynb", "./-x.ipynb"],
])("%s is typed as %s in a shell", (path, typed) => {
  expect(shellQuoted(path)).toBe(typed);
});
