/** What a notebook's text leads to: the files and folders in which a change makes it run again. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { realPath } from "../files.ts";
import type { Cell, Notebook } from "../notebook/types.ts";
import { collectDependencies } from "./collect.ts";

const root = mkdtempSync(join(tmpdir(), "dependencies-"));
afterAll(() => rmSync(root, { recursive: true }));

let folder = root;
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});

function write(path: string, text = ""): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function dependenciesOf(source: string, language = "typescript") {
  const cell: Cell = { cell_type: "code", source, metadata: {}, outputs: [], execution_count: null };
  const notebook: Notebook = { cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 4 };
  return collectDependencies(notebook, join(folder, "n.ipynb"), { cwd: folder, language });
}

/** Whether a change in a file is a change for the notebook. */
function counts(file: string, source: string, language?: string): boolean {
  const { files, folders } = dependenciesOf(source, language);
  const path = join(folder, file);
  return files.has(path) || [...folders].some((each) => path.startsWith(`${each}/`));
}

describe("names that a program puts together", () => {
  test.each([
    ["typescript", 'readFileSync("d/part" + i + ".bin")', "d/part1.bin"],
    ["typescript", 'readFileSync("d/part" + i)', "d/part1"],
    ["typescript", 'readFileSync("part" + i)', "part1"],
    ["typescript", 'readFileSync("data_" + year + "/x.csv")', "data_1/x.csv"],
    ["typescript", 'readFileSync(["d/part1", "bin"].join("."))', "d/part1.bin"],
    ["typescript", 'readFileSync("d/part1".concat(".bin"))', "d/part1.bin"],
    ["python", 'open("d/part" + str(i))', "d/part1"],
    ["python", 'open("d/part1" ".bin")', "d/part1.bin"],
    ["python", 'open("part1" \n  f".bin")', "part1.bin"],
    ["R", 'read.csv(paste0("d/part", i))', "d/part1"],
  ])("%s: %j", (language, source, file) => {
    write(file);
    write("other/elsewhere.txt");
    expect(counts(file, source, language)).toBe(true);
    expect(counts("other/elsewhere.txt", source, language)).toBe(false);
  });
});

test("a sentence that is put together names nothing, and nothing in the cache's own folder counts", () => {
  write("the end.txt");
  write("runcache/entry.json");
  expect(counts("the end.txt", 'console.log("the end" + ".")')).toBe(false);
  const cell: Cell = { cell_type: "code", source: '"run" + x', metadata: {}, outputs: [], execution_count: null };
  const notebook: Notebook = { cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 4 };
  const options = { cwd: folder, language: "typescript", apart: realPath(join(folder, "runcache")) };
  expect([...collectDependencies(notebook, join(folder, "n.ipynb"), options).files]).toEqual([]);
});

describe("commands in texts", () => {
  test.each([
    ["typescript", 'execSync("node tool.mjs --fast")', "tool.mjs"],
    ["typescript", "spawnSync('sh', ['-c', 'cat d/x.txt | wc'])", "d/x.txt"],
    ["python", "os.system('python tool.py > log')", "tool.py"],
    ["python", "subprocess.run('cat < d/x.txt', shell=True)", "d/x.txt"],
  ])("%s: %j", (language, source, file) => {
    write(file);
    expect(counts(file, source, language)).toBe(true);
  });

  test("what they ask elsewhere cannot be known, and a sentence asks nothing", () => {
    expect([...dependenciesOf('execSync("git log -1")').unknown]).toEqual(["what git says"]);
    expect([...dependenciesOf("os.system('curl -s example.org')", "python").unknown]).toEqual(["what curl says"]);
    expect([...dependenciesOf("await $`git rev-parse HEAD`").unknown]).toEqual(["what git says"]);
    expect([...dependenciesOf('console.log("git is at https://example.org, as ever")').unknown]).toEqual([]);
  });
});

describe("a project's own names", () => {
  test("paths of tsconfig.json, which are lists, one inherited from a package", () => {
    write("tsconfig.json", '{ "extends": ["shared/base.json", "./own.json"] }');
    write("node_modules/shared/base.json", '{ "compilerOptions": { "paths": { "@a/*": ["./none/*", "../../a/*"] } } }');
    write("own.json", '{ "compilerOptions": { "paths": { "@b/*": ["./b/*"] } } }');
    write("a/x.ts");
    write("b/x.ts");
    expect(counts("a/x.ts", 'import "@a/x"')).toBe(true);
    expect(counts("b/x.ts", 'import "@b/x"')).toBe(true);
    for (const file of ["tsconfig.json", "own.json", "node_modules/shared/base.json"]) {
      expect(counts(file, "1")).toBe(true);
    }
  });

  test("imports of package.json with alternatives in a list", () => {
    write("package.json", '{ "imports": { "#x": [{ "browser": "./web.ts" }, "./x.ts"] } }');
    write("x.ts");
    expect(counts("x.ts", 'import "#x"')).toBe(true);
  });

  test("rootDirs, declarations, variables beside .env", () => {
    write("tsconfig.json", '{ "compilerOptions": { "rootDirs": [".", "generated"] } }');
    write("generated/part.ts");
    write("types.d.ts");
    write(".env.local");
    expect(counts("generated/part.ts", 'import "./part"')).toBe(true);
    expect(counts("types.d.ts", 'let t: import("./types").T')).toBe(true);
    expect(counts(".env.local", "1")).toBe(true);
  });
});

test("a folder is listed with what is in it, or with its folders, too", () => {
  expect(dependenciesOf('readdirSync(".")').listed).toEqual(new Map([[folder, false]]));
  expect(dependenciesOf('readdirSync(".", { recursive: true })').listed).toEqual(new Map([[folder, true]]));
  expect(dependenciesOf("os.walk('.')", "python").listed).toEqual(new Map([[folder, true]]));
  expect(dependenciesOf("Path('.').rglob('*.csv')", "python").listed).toEqual(new Map([[folder, true]]));
  expect(dependenciesOf("1").listed).toEqual(new Map());
});
