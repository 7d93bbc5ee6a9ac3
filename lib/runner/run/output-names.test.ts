import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, expect, test } from "vitest";
import { addConvertCommand } from "../cli/convert.ts";
import { addRunCommand } from "../cli/run.ts";
import { notebooks as notebookTests } from "../vitest/plugin.ts";

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

test("the Vitest plugin's outputDir: the same; without it each stays where it is", () => {
  const load = (options: { outputDir?: string }) => {
    const plugin = notebookTests(options);
    for (const path of notebooks) plugin.load.call(undefined, path);
  };
  expect(() => load({ outputDir: out })).toThrow(`would both be written as ${join(out, "same.ipynb")}`);
  expect(() => load({})).not.toThrow();
});
