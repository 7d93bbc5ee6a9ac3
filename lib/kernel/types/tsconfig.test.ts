import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseJsonc } from "../modules/project.ts";
import { findTypeScript } from "./find-typescript.ts";
import { notebookConfig } from "./tsconfig.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsconfig-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const project = (at = folder) => JSON.parse(notebookConfig(at, ["cell.mts"]).project);

it("is strict without a tsconfig.json, but asks for no annotations", () => {
  expect(project().compilerOptions).toMatchObject({
    strict: true,
    module: "esnext",
    noEmit: true,
  });
  expect(notebookConfig(folder, []).tolerated).toContain(7006);
  writeFileSync(join(folder, "tsconfig.json"), '{"compilerOptions": {"strict": true}}');
  expect(notebookConfig(folder, []).tolerated.size).toBe(0);
});

it("keeps the user's options, except those that a cell cannot have", () => {
  const config = {
    extends: "./base.json",
    compilerOptions: { strict: false, module: "commonjs", outDir: "dist", experimentalDecorators: true },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  expect(notebookConfig(folder, []).problem).toContain('extends "./base.json", which was not found');
  const base = { compilerOptions: { strict: true, baseUrl: "src", paths: { "@lib/*": ["lib/*"] } } };
  writeFileSync(join(folder, "base.json"), JSON.stringify(base));
  const { compilerOptions } = project();
  expect(compilerOptions).toMatchObject({ strict: false, module: "esnext", experimentalDecorators: true });
  expect(compilerOptions).not.toHaveProperty("outDir");
  // TypeScript 7 has no baseUrl.
  expect(compilerOptions).not.toHaveProperty("baseUrl");
  expect(compilerOptions.paths).toEqual({ "@lib/*": [join(folder, "src/lib/*")], "*": [join(folder, "src/*")] });
  expect(notebookConfig(folder, []).emit).toEqual({ experimentalDecorators: true });
});

it("takes one further up only where its include covers the notebooks", () => {
  mkdirSync(join(folder, "notebooks"));
  const write = (include: string[]) =>
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ include, compilerOptions: { strict: false } }));
  write(["src/**/*.ts"]);
  expect(project(join(folder, "notebooks")).compilerOptions.strict).toBe(true);
  for (const include of ["notebooks", "**/*.ts", "notebooks/*"]) {
    write([include]);
    expect(project(join(folder, "notebooks")).compilerOptions.strict).toBe(false);
  }
});

it("has a loose form for notebooks of tslab, which has no strict checks, but not against a file of the user's", () => {
  const { looseProject } = notebookConfig(folder, ["cell.mts"]);
  expect(JSON.parse(looseProject ?? "").compilerOptions).toEqual({
    ...project().compilerOptions,
    strict: false,
    noImplicitAny: true,
  });
  writeFileSync(join(folder, "tsconfig.json"), "{}");
  expect(notebookConfig(folder, []).looseProject).toBeUndefined();
});

it("says what is wrong with a broken file and goes on without", () => {
  writeFileSync(join(folder, "tsconfig.json"), "{ nonsense }");
  const { problem } = notebookConfig(folder, []);
  expect(problem).toContain("tsconfig.json cannot be used: ");
  expect(project().compilerOptions.strict).toBe(true);
});

it("reads JSON with comments and trailing commas", () => {
  expect(parseJsonc('{ // one\n "a": "// no, /* not */ ,}", /* two */ "b": [1, 2,], }')).toEqual({
    a: "// no, /* not */ ,}",
    b: [1, 2],
  });
});

it("brings the types of the Node that runs", () => {
  const cell = join(folder, "cell.mts");
  const check = (node: string, source: string) => {
    writeFileSync(cell, source);
    writeFileSync(join(folder, "project.json"), notebookConfig(folder, [cell], node).project);
    const { stdout } = spawnSync(findTypeScript(), ["-p", join(folder, "project.json")], { encoding: "utf8" });
    return [...stdout.matchAll(/error TS(\d+)/g)].map(([, code]) => Number(code));
  };
  const newer =
    'import { DatabaseSync } from "node:sqlite";\nnew DatabaseSync(import.meta.main ? ":memory:" : "");\nexport {};';
  expect(check("20.19.0", newer)).toEqual([2591, 2339]);
  expect(check("22.19.0", newer.replace("import.meta.main", "true"))).toEqual([]);
  expect(check("24.2.0", newer)).toEqual([]);
  expect(check("26.1.0", newer)).toEqual([]);
  // Older and newer library alike.
  expect(check("20.19.0", "Object.groupBy([1], () => 1)")).toEqual([2550]);
  expect(check("24.2.0", "Object.groupBy([1], () => 1); new URLPattern()")).toEqual([]);
  const major = process.versions.node.split(".")[0];
  const [, declarations = ""] = JSON.parse(notebookConfig(folder, [cell]).project).files as string[];
  const brought = JSON.parse(readFileSync(join(dirname(declarations), "package.json"), "utf8")).version as string;
  expect(Number(brought.split(".")[0])).toBe(Math.min(24, 2 * Math.floor(Number(major) / 2)));
});

it("reads one set of declarations of Node, whatever refers to them", () => {
  const cell = join(folder, "cell.mts");
  writeFileSync(cell, "fetch('')");
  for (const node of ["20.19.0", "22.19.0", "24.2.0"]) {
    const { project: text } = notebookConfig(folder, [cell], node);
    writeFileSync(join(folder, "project.json"), text);
    const options = ["-p", join(folder, "project.json"), "--listFilesOnly"];
    const { stdout } = spawnSync(findTypeScript(), options, { encoding: "utf8" });
    const roots = stdout.split("\n").filter((file) => /node\/(?:ts5\.\d+\/)?index\.d\.ts$/.test(file));
    expect(roots.map((file) => realpathSync(file))).toEqual([realpathSync(JSON.parse(text).files[1])]);
  }
});

it("prefers declarations of Node that the user installed", () => {
  mkdirSync(join(folder, "node_modules/@types/node"), { recursive: true });
  writeFileSync(join(folder, "node_modules/@types/node/package.json"), "{}");
  const { compilerOptions, files } = project();
  expect([compilerOptions.types, files]).toEqual([["node"], ["cell.mts"]]);
});

// The notebook getting_started of https://github.com/yunabe/tslab-examples shows a Buffer beside an @types/node of 2021.
it("takes its own where those that are installed are older than TypeScript's typed arrays", () => {
  const installed = join(folder, "node_modules/@types/node");
  mkdirSync(installed, { recursive: true });
  const typesWith = (version: string) => {
    writeFileSync(join(installed, "package.json"), JSON.stringify({ name: "@types/node", version }));
    return project().compilerOptions.types;
  };
  expect(["14.14.22", "18.19.30", "22.5.0", "25.0.1"].map(typesWith)).toEqual([[], [], [], ["node"]]);
  writeFileSync(join(installed, "buffer.buffer.d.ts"), "");
  expect(["18.19.70", "22.20.7"].map(typesWith)).toEqual([["node"], ["node"]]);
  writeFileSync(join(installed, "index.d.ts"), "interface Buffer { old: true }");
  const cell = join(folder, "cell.mts");
  rmSync(join(installed, "buffer.buffer.d.ts"));
  typesWith("14.14.22");
  writeFileSync(cell, 'import { readFileSync } from "node:fs"; const bytes: Uint8Array = readFileSync("a"); bytes;');
  writeFileSync(join(folder, "project.json"), notebookConfig(folder, [cell]).project);
  const { stdout } = spawnSync(findTypeScript(), ["-p", join(folder, "project.json")], { encoding: "utf8" });
  expect(stdout).toBe("");
});
