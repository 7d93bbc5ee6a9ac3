import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fileNames, shortName } from "./file-name.ts";
import { readResults } from "./read.ts";
import { fullResult, resultOf, task } from "./testing/results.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "convbook-results-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, value: unknown): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value));
}

it("finds results below a folder, in the order of students, and follows no link", () => {
  write("s10/result.json", resultOf("s10", [task("a", 1, 1)]));
  write("s9/result.json", resultOf("s9", [task("a", 1, 1)]));
  write("deep/er/result.json", fullResult());
  write("s9/other.json", "no result");
  symlinkSync(join(folder, "s9"), join(folder, "linked"));
  symlinkSync(join(folder, "s9/result.json"), join(folder, "result.json"));
  const { results, problems } = readResults(folder);
  expect(results.map(({ result }) => result.student)).toEqual(["ada", "s9", "s10"]);
  expect(problems).toEqual([]);
  expect(readResults(join(folder, "s9/result.json")).results).toHaveLength(1);
});

it("says which file is no result and why, and reads the others", () => {
  write("a/result.json", fullResult());
  write("b/result.json", "{");
  write("c/result.json", { ...fullResult(), version: 2 });
  write("d/result.json", { ...fullResult(), tasks: [{ ...task("x", 1, 1), points: "1" }] });
  write("e/result.json", []);
  const { results, problems } = readResults(folder);
  expect(results).toHaveLength(1);
  expect(problems.map((problem) => problem.slice(folder.length + 1)).sort()).toEqual([
    "b/result.json: this is no result: it is not JSON",
    "c/result.json: is a result of version 2; expected 1",
    "d/result.json: is no result: /tasks/0/points must be number,null",
    "e/result.json: is a result of version unknown; expected 1",
  ]);
});

it("says where there is nothing", () => {
  expect(() => readResults(folder)).toThrow(
    "there is no result.json here or below; `convbook class grade` writes them",
  );
  expect(() => readResults(join(folder, "none"))).toThrow("there is no such file or folder");
});

it("makes names of files of any ids, all different", () => {
  expect(
    fileNames(["ada", "Ada", "../x", "a/b", "a:b", "", "con", "Åsa Öberg", "x.", "名前", ".hidden", "ada@uni.edu"]),
  ).toEqual([
    "ada",
    "Ada-2",
    "__x",
    "a_b",
    "a_b-2",
    "student_",
    "student_con",
    "Åsa_Öberg",
    "x_",
    "名前",
    "_hidden",
    "ada@uni.edu",
  ]);
});

// A name has at most 255 bytes on most file systems; letters have up to four.
it("makes names short enough for file systems, and tells them apart", () => {
  const long = "名".repeat(100);
  const names = [...fileNames([`${long}a`, `${long}b`, "x".repeat(300)]), shortName(`${"😀".repeat(60)}.`)];
  expect(new Set(names).size).toBe(4);
  for (const name of names) {
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(180);
    expect(name).toMatch(/^(名+|x+|😀+)~[0-9a-f]{8}$/u);
  }
  expect(shortName("ada")).toBe("ada");
});
