import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { afterAll, expect, test } from "vitest";
import { addConvertCommand } from "../cli/convert.ts";
import { addRunCommand } from "../cli/run.ts";
import { notebooks as notebookTests } from "../vitest/plugin.ts";
import { checkOutputNames } from "./output-names.ts";

const folder = mkdtempSync(join(tmpdir(), "names-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const notebooks = ["a", "b"].map((name) => {
  mkdirSync(join(folder, name));
  const path = join(folder, name, "same.ipynb");
  writeFileSync(path, '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}');
  return path;
});
const out = join(folder, "out");

test("run --html: two notebooks of one name are an error before anything is written", async () => {
  const program = new Command();
  addRunCommand(program, () => {});
  await expect(program.parseAsync(["run", ...notebooks, "--html", out], { from: "user" })).rejects.toThrow(
    `${notebooks[0]} and ${notebooks[1]} would both be written as ${join(out, "same.html")}`,
  );
  expect(existsSync(out)).toBe(false);
});

test.each(["html", "markdown"])("convert --to %s -o: the same", async (to) => {
  const program = new Command();
  addConvertCommand(program);
  await expect(program.parseAsync(["convert", ...notebooks, "--to", to, "-o", out], { from: "user" })).rejects.toThrow(
    `${notebooks[0]} and ${notebooks[1]} would both be written as ${join(out, "same")}`,
  );
  expect(existsSync(out)).toBe(false);
});

test("the Vitest plugin's outputDir and html: the same; without them each stays where it is", () => {
  const load = (options: { outputDir?: string; html?: string }) => {
    const plugin = notebookTests(options);
    for (const path of notebooks) {
      plugin.load.call(undefined, path);
    }
  };
  expect(() => load({ outputDir: out })).toThrow(`would both be written as ${join(out, "same.ipynb")}`);
  expect(() => load({ html: out })).toThrow(`would both be written as ${join(out, "same.html")}`);
  expect(() => load({})).not.toThrow();
});

const empty = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}';
function place(path: string): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), empty);
  return join(folder, path);
}

test.each([
  ["upper and lower case", "c/A.ipynb", "d/a.ipynb"],
  ["an ending in capitals", "c/b.IPYNB", "d/B.ipynb"],
  ["an accent in one character or two", "c/\u00e9.ipynb", "d/e\u0301.ipynb"],
  ["a sharp s in capitals", "c/stra\u00dfe.ipynb", "d/STRASSE.ipynb"],
])("names that differ in %s are one file on macOS and Windows", (_, one, other) => {
  const target = (path: string) => join("out", basename(path));
  expect(() => checkOutputNames([one, other], target)).toThrow(
    `${one} and ${other} would be written as ${resolve(target(one))} and ${resolve(target(other))}, which are one file where upper and lower case are the same`,
  );
});

test("run --html and --output-dir, convert -o: the same for names that differ only in case", async () => {
  const [upper, lower] = [place("upper/Same.ipynb"), place("lower/same.ipynb")];
  for (const args of [
    ["run", "--html"],
    ["run", "--output-dir"],
    ["convert", "-o"],
  ] as const) {
    const program = new Command();
    addRunCommand(program, () => {});
    addConvertCommand(program);
    await expect(program.parseAsync([args[0], upper, lower, args[1], out], { from: "user" })).rejects.toThrow(
      "which are one file where upper and lower case are the same (macOS, Windows)",
    );
  }
  expect(existsSync(out)).toBe(false);
});

test("notebooks whose own folder tells such names apart are written beside themselves", () => {
  const beside = (path: string) => path.replace(/\.ipynb$/, ".html");
  expect(() => checkOutputNames(["x/A.ipynb", "x/a.ipynb", "y/a.ipynb"], beside)).not.toThrow();
  expect(() => checkOutputNames(["x/A.ipynb", "x/a.ipynb"], (path) => join("x", "out", basename(path)))).toThrow(
    "would be written as",
  );
});
