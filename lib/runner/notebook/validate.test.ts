import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { validateNotebook } from "./validate.ts";

const repository = resolve(import.meta.dirname, "../../..");
const ours = execFileSync("git", ["ls-files", "*.ipynb"], { cwd: repository, encoding: "utf8" }).trim().split("\n");

test("there are notebooks of our own", () => {
  expect(ours.length).toBeGreaterThanOrEqual(8);
});

test.each(ours)("%s is valid, and each of its cells has an id of its own", (path) => {
  expect(validateNotebook(readFileSync(join(repository, path), "utf8"), path)).toEqual([]);
});
