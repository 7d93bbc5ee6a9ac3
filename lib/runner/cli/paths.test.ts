import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { notebookPaths } from "./paths.ts";

const folder = mkdtempSync(join(tmpdir(), "paths-"));
const before = process.cwd();
beforeAll(() => {
  for (const path of [
    "course/b.ipynb",
    "course/a.ipynb",
    "course/deep/c.ipynb",
    "course/node_modules/package/x.ipynb",
    "course/venv/lib/x.ipynb",
    "course/own-name/lib/x.ipynb",
    "course/.hidden/x.ipynb",
    "course/.ipynb_checkpoints/a-checkpoint.ipynb",
    "course/.x.ipynb",
    "course/notes.txt",
    "course/folder.ipynb/d.ipynb",
    "elsewhere/e.ipynb",
  ]) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), "");
  }
  writeFileSync(join(folder, "course/own-name/pyvenv.cfg"), "");
  symlinkSync("..", join(folder, "course/deep/round"));
  symlinkSync("deep", join(folder, "course/again"));
  symlinkSync("../elsewhere", join(folder, "course/link"));
  symlinkSync("b.ipynb", join(folder, "course/same.ipynb"));
  symlinkSync("nowhere", join(folder, "course/dangling.ipynb"));
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

const own = ["a.ipynb", "b.ipynb", "deep/c.ipynb", "folder.ipynb/d.ipynb", "link/e.ipynb"].map(
  (name) => `course/${name}`,
);

test("a folder's notebooks, without environments, packages and hidden ones, each once, round no circle", async () => {
  expect(await notebookPaths(["course"])).toEqual(own);
  expect(await notebookPaths(["course/"])).toEqual(own);
});

test("a notebook that is named twice is one", async () => {
  expect(await notebookPaths(["course/b.ipynb", "./course/b.ipynb", "course/same.ipynb", "course"])).toEqual([
    "course/b.ipynb",
    ...own.filter((path) => path !== "course/b.ipynb"),
  ]);
});

test("a pattern passes over the same, unless it names them, and ends where links lead round", async () => {
  const found = await notebookPaths(["course/**/[a-d]*.ipynb"]);
  expect(found.filter((path) => /venv|node_modules|\.hidden|checkpoint/.test(path))).toEqual([]);
  expect(found.map((path) => path.split("/").at(-1)).sort()).toEqual(["a.ipynb", "b.ipynb", "c.ipynb", "d.ipynb"]);
  expect(await notebookPaths(["course/venv/**/*.ipynb"])).toEqual(["course/venv/lib/x.ipynb"]);
  expect(await notebookPaths(["course/.hidden"])).toEqual(["course/.hidden/x.ipynb"]);
});

test("where there is none, that is said", async () => {
  mkdirSync("empty", { recursive: true });
  await expect(notebookPaths(["empty"])).rejects.toThrow("empty: no notebook there");
});
