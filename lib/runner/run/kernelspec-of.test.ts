import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Notebook } from "../notebook/types.ts";
import { kernelspecOf } from "./kernelspec-of.ts";

const folder = mkdtempSync(join(tmpdir(), "kernelspec-of-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kernelDir = join(folder, "kernels");
const file = (name: string) => join(kernelDir, name, "kernel.json");
for (const [name, text] of [
  ["only", JSON.stringify({ argv: ["x"], display_name: "Only", language: "imagined" })],
  ["torn", '{"argv": ["x"], "language": "imagined"'],
] as const) {
  mkdirSync(join(kernelDir, name), { recursive: true });
  writeFileSync(file(name), text);
}

const notebook = (metadata: object) => ({ cells: [], metadata, nbformat: 4, nbformat_minor: 5 }) as Notebook;
const chosen = (metadata: object) => kernelspecOf("x.ipynb", notebook(metadata), { kernelDir }, folder);

test("where another kernel stands in, one line names a kernelspec that was left out and its fault", () => {
  const { spec, warnings } = chosen({ kernelspec: { name: "far-away", language: "imagined" } });
  expect(spec.name).toBe("only");
  const own = warnings.filter((warning) => !warning.startsWith("left out") || warning.includes(folder));
  expect(own).toEqual([
    'its kernel "far-away" is not installed; it ran with "only", the only one here for imagined',
    expect.stringMatching(/^left out: the kernelspec .*torn.kernel\.json cannot be read: .+$/),
  ]);
  expect(chosen({ language_info: { name: "imagined" } }).warnings[0]).toBe(
    'names no kernel in its metadata; it ran with "only"',
  );
});

test("a kernel that is found by its name needs no search, and no warning", () => {
  expect(chosen({ kernelspec: { name: "only" } }).warnings).toEqual([]);
});

test("what the notebook names is known whatever runs it", () => {
  expect(chosen({ kernelspec: { name: "only" } }).named).toBe("only");
  expect(chosen({ kernelspec: { name: "far-away", language: "imagined" } }).named).toBe("far-away");
  const forced = kernelspecOf(
    "x.ipynb",
    notebook({ kernelspec: { name: "far" } }),
    { kernelDir, kernel: "only" },
    folder,
  );
  expect([forced.spec.name, forced.named]).toEqual(["only", "far"]);
  expect(chosen({ language_info: { name: "imagined" } }).named).toBeUndefined();
});

test("metadata that is no text counts as none", () => {
  expect(chosen({ kernelspec: { name: 5, language: ["x"] }, language_info: { name: "imagined" } }).spec.name).toBe(
    "only",
  );
  expect(() => chosen({ kernelspec: { name: {} }, language_info: { name: 7, version: "unheard" } })).not.toThrow(
    TypeError,
  );
});

test("a folder of one kernelspec runs notebooks of its language whatever they name, and no others", () => {
  const own = join(kernelDir, "only");
  const notebooks = join(folder, "notebooks");
  const python = join(notebooks, "node_modules", "@python3", "kernel", "kernelspec");
  mkdirSync(python, { recursive: true });
  writeFileSync(join(python, "kernel.json"), JSON.stringify({ argv: ["y"], language: "python" }));
  const languageOf = (metadata: object) =>
    kernelspecOf("x.ipynb", notebook(metadata), { kernelDir: own }, notebooks).spec.language;
  expect(languageOf({ kernelspec: { name: "any", language: "imagined" } })).toBe("imagined");
  expect(languageOf({ kernelspec: { name: "any" } })).toBe("imagined");
  expect(languageOf({ kernelspec: { name: "python3", language: "python" } })).toBe("python");
  expect(languageOf({ kernelspec: { name: "python3" }, language_info: { name: "python" } })).toBe("python");
  expect(languageOf({ kernelspec: { name: "python3" } })).toBe("python");
  expect(() => languageOf({ kernelspec: { name: "far-away", language: "unheard" } })).toThrow("far-away");
});
